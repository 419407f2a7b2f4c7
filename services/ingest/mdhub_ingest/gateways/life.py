"""Is the gateway well? Notes and facts in, events and the end of the process out. Pure.

The process ends rather than mends: a fresh one starts under the login budget. Only the trading side
may fail while market data flow, as long as contracts are known: that is `degraded`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Any, Final

import msgspec

from mdhub.wire.ops import Severity
from mdhub_ingest.gateways import codes
from mdhub_ingest.gateways.backlog import Backlog
from mdhub_ingest.gateways.codes import Action, Code
from mdhub_ingest.gateways.deadlines import TEXTS, Deadline, Deadlines, Text, Watch
from mdhub_ingest.gateways.limiter import Limiter, pattern
from mdhub_ingest.gateways.port import RETRY, STOPPED, Facts, Note, NoteKind, Side

__all__ = ["End", "Event", "Happening", "Life", "State", "step"]

SETTLE_S: Final = 0.5
"""A state is said when it has held so long."""
LOST: Final = (10, 60.0)
"""More lost connections within so many seconds are flapping: each of them is a login."""
BOUNCED: Final = (20, 10.0)
"""The same for connections that never came up; a library without pause makes 1,500 a second."""
BOUNCED_BESIDE_TICKS: Final = (200, 10.0)
"""The same for the trading side while market data flow: only what costs them the processor."""
LOSSES_SAID: Final = 3
"""Lost connections told one by one within the time of LOST."""
TD_FIRST_S: Final = 5.0
"""So long a refused MD login waits for the TD side: some brokers admit MD only after TD."""
BLOCKED_S: Final = 1.0
MEND_AFTER_S: Final = 300.0
QUIET_S: Final = 60.0
"""Without a tick for so long a degraded process makes room for a fresh one."""
_AGAIN_S: Final = 300.0


class State(StrEnum):
    """Where a gateway is in its life."""

    CONNECTING = "connecting"
    """Market data front not connected."""
    MD_LOGIN = "md_login"
    """Connected, market data login not answered yet."""
    TD_LOGIN = "td_login"
    """Market data ready; the trading side is not logged in yet."""
    CONTRACTS = "contracts"
    """Both logged in; the contract query has not ended."""
    RUNNING = "running"
    DEGRADED = "degraded"
    """Market data flow, something else is missing; `missing` names it."""


class Event(msgspec.Struct, frozen=True):
    """A change to be told: a line of the log and an event of the source."""

    change: str
    facts: dict[str, Any]
    severity: Severity


class End(msgspec.Struct, frozen=True):
    """The process shall end, by `os._exit`; the event `ended` before it says why."""

    exit_code: int
    reason: str


Happening = Event | End


class _Line:
    """One of the two connections."""

    def __init__(self, side: Side) -> None:
        self.side = side
        self.connected = False
        self.heard = False
        """Callbacks tell of its connection; until then a login shows it."""
        self.refusal: Code | None = None
        self.refused_s = 0.0
        self.lost_s: deque[float] = deque(maxlen=LOST[0] + 1)
        self.bounced_s: deque[float] = deque(maxlen=BOUNCED_BESIDE_TICKS[0] + 1)


class Life:
    """What is remembered between turns. `cached`: contracts of an earlier run are at hand."""

    def __init__(
        self, *, kind: str = "ctp", cached: bool = False, deadlines: Deadlines | None = None
    ) -> None:
        self.kind = kind
        self.deadlines = deadlines or Deadlines()
        self.state = State.CONNECTING
        self.missing: tuple[str, ...] = ()
        self.ended = False
        self.md, self.td = _Line(Side.MD), _Line(Side.TD)
        self.watch = Watch()
        self.backlog = Backlog()
        self.known = cached
        """Contracts are known, from this run or an earlier one."""
        self.ran = False
        self.said: tuple[State, tuple[str, ...]] | None = None
        self.state_since_s: float | None = None
        self.ticks = 0
        self.ticked_s: float | None = None
        self.session_ticked = False
        self.blocked_since_s: float | None = None
        self.failed: dict[Deadline, float] = {}
        """Stages that took too long, and since when."""
        self.repeats = Limiter(per_s=1.0 / _AGAIN_S, burst=1)


def step(
    life: Life,
    notes: Sequence[Note],
    facts: Facts,
    now_s: float,
    *,
    session_open: bool = True,
    subscribed: int = 0,
) -> list[Happening]:
    """Take one turn: what callbacks said and what a look finds, at a monotonic time.

    `session_open`: some subscribed product trades now. `subscribed`: instruments asked for so far.
    After an `End` nothing happens any more.
    """
    if life.ended:
        return []
    happenings: list[Happening] = []
    for note in notes:
        happenings += _hear(life, note, now_s, session_open=session_open)
    happenings += _look(life, facts, now_s, session_open=session_open)
    end = _flapping(life, facts, now_s, happenings)
    end = end or _late(life, facts, now_s, session_open=session_open, subscribed=subscribed)
    end = end or _refused(life, facts, now_s) or _mend(life, facts, now_s)
    happenings += _say_state(life, facts, now_s)
    if end is not None:
        life.ended = True
        severity = Severity.ERROR if end.exit_code == STOPPED else Severity.WARNING
        body = {"exit_code": end.exit_code, "reason": end.reason, "state": life.state.value}
        happenings += [Event("ended", body, severity), end]
    return happenings


def _hear(life: Life, note: Note, now_s: float, *, session_open: bool) -> Iterator[Event]:
    line = life.md if note.side is Side.MD else life.td
    match note.kind:
        case NoteKind.CONNECTED:
            line.connected = line.heard = True
        case NoteKind.DISCONNECTED:
            yield from _lost(life, line, note, now_s)
        case NoteKind.AUTH | NoteKind.LOGIN if note.code:
            line.refusal = codes.error(note.code, life.kind)
            line.refused_s = now_s
            yield _refusal(line.refusal, note, session_open=session_open)
        case NoteKind.LOGIN:
            line.connected = True
            line.refusal = None
        case NoteKind.CONFIRM | NoteKind.CONTRACTS | NoteKind.REFUSED if note.code:
            yield from _once(life, "request_refused", note, now_s)
        case NoteKind.FAULT:
            yield from _once(life, "callback_failed", note, now_s)
        case _:
            pass


def _lost(life: Life, line: _Line, note: Note, now_s: float) -> Iterator[Event]:
    came_up, line.connected, line.heard = line.connected, False, True
    if not came_up:
        line.bounced_s.append(now_s)
        return
    line.lost_s.append(now_s)
    if _within(line.lost_s, now_s, LOST[1]) > LOSSES_SAID:
        return
    code = codes.disconnect(note.code, life.kind)
    facts = {"side": line.side.value, "code": note.code, "says": code.en, "says_zh": code.zh}
    yield Event("connection_lost", facts, Severity.WARNING)


def _refusal(code: Code, note: Note, *, session_open: bool) -> Event:
    severity = Severity.WARNING
    if code.action in {Action.STOP, Action.ALARM}:
        severity = Severity.ERROR
    elif code.action is Action.WAIT and not session_open:
        severity = Severity.INFO
    facts = {
        "side": note.side.value, "request": note.kind.value, "code": code.number,
        "says": code.en, "says_zh": code.zh, "text": note.text,
        "action": code.action.value, "todo": code.todo, "todo_zh": code.todo_zh,
    }  # fmt: skip
    return Event("login_refused", facts, severity)


def _once(life: Life, change: str, note: Note, now_s: float) -> Iterator[Event]:
    """Say it, unless the like was said within the last minutes."""
    key = f"{note.kind} {note.code} {pattern(note.text)}"
    left_out = life.repeats.admit_key(key, now_s)
    if left_out is None:
        return
    facts: dict[str, Any] = {
        "side": note.side.value, "request": note.kind.value, "code": note.code,
        "text": note.text, "left_out": left_out,
    }  # fmt: skip
    if note.code:
        code = codes.error(note.code, life.kind)
        facts |= {"says": code.en, "says_zh": code.zh}
    yield Event(change, facts, Severity.WARNING)


def _look(life: Life, facts: Facts, now_s: float, *, session_open: bool) -> Iterator[Event]:
    for line, logged_in in ((life.md, facts.md_login), (life.td, facts.td_login)):
        if logged_in:
            line.connected = line.connected or not line.heard
            line.refusal = None
    life.known = life.known or facts.contracts_ready is not False
    ticked = facts.ticks > life.ticks
    life.ticks = facts.ticks
    if ticked:
        life.ticked_s = now_s
    life.session_ticked = session_open and (life.session_ticked or ticked)
    backlog = life.backlog.step(facts.exchange_age_ms if ticked else None, now_s)
    if backlog is not None:
        change, severity = (
            ("backlog", Severity.WARNING) if backlog else ("backlog_over", Severity.INFO)
        )
        yield Event(change, {"exchange_age_ms": facts.exchange_age_ms}, severity)


def _flapping(life: Life, facts: Facts, now_s: float, said: list[Happening]) -> End | None:
    for line in (life.md, life.td):
        beside = line is life.td and facts.md_login is not False and life.known
        bounced = BOUNCED_BESIDE_TICKS if beside else BOUNCED
        for times_s, (limit, within_s) in ((line.lost_s, LOST), (line.bounced_s, bounced)):
            count = _within(times_s, now_s, within_s)
            if count > limit:
                facts_ = {"side": line.side.value, "more_than": limit, "within_s": within_s}
                said.append(Event("flapping", facts_, Severity.ERROR))
                reason = f"the {line.side.value} front drops connections as fast as they come"
                return End(RETRY, reason)
    return None


def _within(times_s: deque[float], now_s: float, within_s: float) -> int:
    while times_s and times_s[0] < now_s - within_s:
        times_s.popleft()
    return len(times_s)


def _late(
    life: Life, facts: Facts, now_s: float, *, session_open: bool, subscribed: int
) -> End | None:
    """Look at every stage; what the market data need ends the process, the rest is noted."""
    md, td = facts.md_login, facts.td_login
    waiting = {
        Deadline.MD_FRONT: md is False and not life.md.connected,
        Deadline.MD_LOGIN: md is False and life.md.connected,
        Deadline.TD_FRONT: td is False and not life.td.connected,
        Deadline.TD_LOGIN: td is False and life.td.connected,
        Deadline.CONTRACTS: td is not False and facts.contracts_ready is False,
        Deadline.FIRST_TICK: (
            md is not False and session_open and subscribed > 0 and not life.session_ticked
        ),
    }
    for deadline, open_ in waiting.items():
        waited_s = life.watch.waited_s(deadline, now_s, open_=open_)
        limit_s = life.deadlines.of(deadline, session_open=session_open)
        if not open_ or waited_s < limit_s:
            life.failed.pop(deadline, None)
            continue
        life.failed.setdefault(deadline, now_s)
        bearable = life.known and deadline not in {Deadline.MD_FRONT, Deadline.MD_LOGIN}
        if deadline is Deadline.FIRST_TICK:
            bearable = waited_s < life.deadlines.no_tick_end_s
        if not bearable:
            return End(RETRY, f"{deadline}: nothing for {waited_s:.0f} s; {TEXTS[deadline].en}")
    return None


def _refused(life: Life, facts: Facts, now_s: float) -> End | None:
    """A refused login is never repeated in this life: end, unless market data flow without it."""
    if (refusal := life.md.refusal) is not None:
        td_settled = facts.td_login is not False or life.td.refusal is not None
        if refusal.action is Action.STOP or td_settled or now_s - life.md.refused_s >= TD_FIRST_S:
            return _give_up(life.md, refusal)
    if (refusal := life.td.refusal) is not None and not life.known:
        return _give_up(life.td, refusal)
    return _blocked(life, facts, now_s)


def _give_up(line: _Line, refusal: Code) -> End:
    exit_code = STOPPED if refusal.action is Action.STOP else RETRY
    reason = f"{line.side.value} login refused: {refusal.number} {refusal.en}; {refusal.todo}"
    return End(exit_code, reason)


def _blocked(life: Life, facts: Facts, now_s: float) -> End | None:
    """The gateway says it will not log in again, though no note told why."""
    side = Side.MD if facts.td_login is not False else Side.TD
    away = facts.md_login is False if side is Side.MD else not life.known
    if not (facts.login_blocked and away):
        life.blocked_since_s = None
        return None
    if life.blocked_since_s is None:
        life.blocked_since_s = now_s
    if now_s - life.blocked_since_s < BLOCKED_S:
        return None
    return End(RETRY, f"the gateway will not try its {side.value} login again in this process")


def _mend(life: Life, facts: Facts, now_s: float) -> End | None:
    """A trading side that only a fresh process can bring back: when no ticks would be lost."""
    stuck = [s for d, s in life.failed.items() if d in {Deadline.TD_LOGIN, Deadline.CONTRACTS}]
    refusal = life.td.refusal
    if refusal is not None:
        if refusal.action is Action.STOP:
            return None
        stuck.append(life.td.refused_s)
    quiet = life.ticked_s is None or now_s - life.ticked_s >= QUIET_S
    if facts.md_login is not False and quiet and stuck and now_s - min(stuck) >= MEND_AFTER_S:
        return End(RETRY, "no ticks for a while: a fresh process tries the trading side again")
    return None


def _state(life: Life, facts: Facts) -> tuple[State, tuple[str, ...]]:
    if facts.md_login is False:
        return (State.MD_LOGIN if life.md.connected else State.CONNECTING), ()
    if facts.md_login is None and not (life.md.connected or facts.ticks):
        return State.CONNECTING, ()
    missing = tuple(
        name
        for name, away in (
            ("td_login", facts.td_login is False),
            ("contracts", facts.contracts_ready is False),
            ("ticks", Deadline.FIRST_TICK in life.failed),
        )
        if away
    )
    if not missing:
        return State.RUNNING, ()
    if life.ran or life.failed or life.td.refusal is not None:
        return State.DEGRADED, missing
    return (State.TD_LOGIN if missing[0] == "td_login" else State.CONTRACTS), ()


def _say_state(life: Life, facts: Facts, now_s: float) -> Iterator[Event]:
    state, missing = _state(life, facts)
    if life.state_since_s is None or (state, missing) != (life.state, life.missing):
        life.state, life.missing, life.state_since_s = state, missing, now_s
    life.ran = life.ran or state is State.RUNNING
    if (state, missing) == life.said:
        return
    if life.said is not None and now_s - life.state_since_s < SETTLE_S:
        return
    body: dict[str, Any] = {"state": state.value}
    if life.said is not None:
        body["was"] = life.said[0].value
    if missing:
        body["missing"] = list(missing)
    text = _why(life)
    if text is not None and state is not State.RUNNING:
        body |= {"says": text.en, "says_zh": text.zh}
    life.said = (state, missing)
    yield Event(state.value, body, _severity(life))


def _why(life: Life) -> Text | None:
    if life.state is State.DEGRADED and (refusal := life.td.refusal) is not None:
        return Text(f"{refusal.en}: {refusal.todo}", f"{refusal.zh}：{refusal.todo_zh}")
    late = next(iter(life.failed), None)
    return None if late is None else TEXTS[late]


def _severity(life: Life) -> Severity:
    if life.state is State.DEGRADED:
        stopped = life.td.refusal is not None and life.td.refusal.action is Action.STOP
        return Severity.ERROR if stopped or "ticks" in life.missing else Severity.WARNING
    fell_back = life.ran and life.state is not State.RUNNING
    return Severity.WARNING if fell_back else Severity.INFO
