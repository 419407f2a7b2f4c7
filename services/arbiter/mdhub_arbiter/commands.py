"""Commands to the arbiter, taken from the `commands` stream; each gets exactly one result.

A command names the shard whose leader shall obey: `arbiter:1` (docs/decisions/018). `arbiter` alone
is shard 0, which also answers those to a shard or a target that nobody is. `source:<name>`,
`schedule` and `account:<id>` are answered by the supervisors of sources (`mdhub_ingest.schedule`,
`mdhub_ingest.accounts`), `monitor` by the monitor.

* `market_clock {market_ns, rate, run}` moves the market clock to at least that market time. Both
  redundant sources of a recording ask; the first one wins, the second is told the anchor in force.
  Within one run of the hub market time never goes back. `market_live {}` makes it real time again:
  asked by supervisors of a hub in which nobody plays (docs/decisions/045).
* `mute`, `unmute`, `prefer {source, reason}` become `operator` entries of the log.
* `contracts {rows}` hands in at most 500 rows of a contract table (`ContractRow`, all of the
  shard); those that say something new become a `contracts` entry.
* `failover {reason, dry_run?}` hands the shard over to a standby: see `handover`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

import msgspec

from mdhub.runtime.heartbeat import ENDED, decode_beat
from mdhub.streams.asking import MAX_ROWS
from mdhub.streams.port import FIRST_ID, Log
from mdhub.streams.topology import COMMANDS
from mdhub.wire.codec import DecodeError, decode_command, encode
from mdhub.wire.entries import (
    ConfigChange,
    ContractRow,
    ControlKind,
    MarketClock,
    SourceVerdict,
)
from mdhub.wire.ops import Command, Event, EventKind, Severity
from mdhub.wire.ticks import SCHEMA_VERSION
from mdhub.wire.topics import shard_of
from mdhub_arbiter.contracts import cache_contracts, check_rows
from mdhub_arbiter.handover import FAILOVER, Handover
from mdhub_arbiter.priority import PRIORITY
from mdhub_arbiter.settings import is_news
from mdhub_arbiter.state import LIVE, State

__all__ = ["Commands"]

_VERDICTS: Final = frozenset({"mute", "unmute", "prefer"})
_CONTRACTS: Final = "contracts"
TARGET: Final = "arbiter"
_MONITOR: Final = "monitor"
_OF_SUPERVISORS: Final = {"source": "wanted", "schedule": "wanted", "account": "account"}
"""Kind of target -> counter by which a supervisor's heartbeat names what it has."""
SUPERVISED_NS: Final = 10_000_000_000
"""A supervisor without a heartbeat for so long answers nothing."""
READ_COUNT: Final = 100
SHOWN: Final = 200
"""Characters of somebody's text that an answer repeats."""
MAX_ID: Final = 128
"""Characters of a command's id: it becomes a key of the server."""
LIVE_RUN: Final = "live"
"""Run of a market clock that was set back to live: no start of the hub is called so."""
FORGOTTEN_NS: Final = 23 * 3_600 * 1_000_000_000
"""The log remembers for 24 h that a command was answered: older ones are left alone."""


@dataclass(frozen=True, slots=True)
class _Answer:
    command: Command
    ok: bool
    result: dict[str, Any]


class Commands:
    """Reads commands, turns them into settings for the log, answers them."""

    def __init__(
        self,
        log: Log,
        *,
        shard: int,
        handover: Handover,
        told: Callable[[Command, bool], object] = lambda _command, _ok: None,
    ) -> None:
        """`told` hears of each command that was answered, and whether it was obeyed."""
        self._log = log
        self._told = told
        self._handover = handover
        self._shard = shard
        self._shards = log.shards() or shard + 1
        self._tail = log.tail(COMMANDS, after=FIRST_ID)
        self._answers: list[_Answer] = []
        self._unreadable = 0
        self._to_cache: list[ContractRow] = []
        self._written: MarketClock | None = None
        """Newest clock this leader put into raw; the state follows a moment later."""

    def due(self, state: State, wall_ns: int) -> list[tuple[str, Any]]:
        """Control entries (kind, body) that new commands ask for; they must be appended to raw."""
        changes: list[tuple[str, Any]] = []
        for _, fields in self._tail.read(block_ms=0, count=READ_COUNT):
            command = _command(fields)
            if command is None:
                self._unreadable += 1
                continue
            if self._answered_by_another(command.target, wall_ns):
                continue
            if wall_ns - command.ts_ns > FORGOTTEN_NS:
                continue
            if self._log.command_is_done(command.id):
                continue  # answered by an earlier leader
            answer, entry = self._carry_out(command, state, wall_ns)
            changes += [entry] if entry else []
            self._answers += [answer] if answer else []
        return changes

    def _carry_out(
        self, command: Command, state: State, wall_ns: int
    ) -> tuple[_Answer | None, tuple[str, Any] | None]:
        """What is answered (None: the next leader answers), and the control entry it takes."""
        handed = self._handover.taken(command) if command.action == FAILOVER else None
        if handed is not None:
            return _Answer(command, *handed), None
        error = self._refusal(command, wall_ns)
        if error:
            return _Answer(command, False, {"error": error}), None
        if command.action == FAILOVER:
            judged = self._handover.ask(command, wall_ns)
            return _Answer(command, *judged) if judged else None, None
        if command.action in _VERDICTS:
            answer, said = self._source_verdict(command, state)
            return answer, (ControlKind.OPERATOR, said) if said else None
        if command.action == _CONTRACTS:
            answer, new = self._contracts(command, state)
            return answer, (ControlKind.CONTRACTS, new) if new else None
        answer, clock = _obey(command, self._written or state.market_clock, wall_ns)
        if clock is None:
            return answer, None
        self._written = clock
        return answer, (
            ControlKind.CONFIG,
            ConfigChange("market_clock", msgspec.Raw(encode(clock))),
        )

    def answer(self, wall_ns: int) -> None:
        """Write the results of what `due` gave (after it is in raw)."""
        if self._to_cache:
            cache_contracts(self._log, self._to_cache)
            self._to_cache = []
        answers, self._answers = self._answers, []
        for answer in answers:
            self._log.command_done(answer.command.id, _event(answer, wall_ns))
            self._told(answer.command, answer.ok)
        self._handover.announce(wall_ns)

    def _answered_by_another(self, target: str, wall_ns: int) -> bool:
        """Whether somebody else is meant: a supervisor of sources that lives, another shard."""
        service, _, part = target.partition(":")
        if self._shard == 0 and service in _OF_SUPERVISORS and self._supervised(target, wall_ns):
            return True
        if self._shard == 0 and target == _MONITOR and self._watched(wall_ns):
            return True
        is_shard = service == TARGET and part.isdecimal() and int(part[:9]) < self._shards
        return (int(part) if is_shard else 0) != self._shard

    def _refusal(self, command: Command, wall_ns: int) -> str:
        """Why a command is not even looked at; empty if it is."""
        target = command.target
        if target in {f"{TARGET}:{self._shard}", TARGET}:
            return "expired" if wall_ns > command.expires_ns else ""
        if target.partition(":")[0] == TARGET:
            last = f"{TARGET}:{self._shards - 1}"
            return f"unknown target {target[:SHOWN]!r}; shards are {TARGET}:0 to {last}"
        if target.partition(":")[0] in _OF_SUPERVISORS:
            found = self._supervisors(_OF_SUPERVISORS[target.partition(":")[0]], wall_ns)
            names = ", ".join(sorted(found))[:SHOWN] or "none"
            return f"nobody runs {target[:SHOWN]!r} now; supervisors say that they have {names}"
        known = f"{TARGET}:<shard>, schedule, source:<name>, account:<id>, monitor"
        return f"unknown target {target[:SHOWN]!r}; commands are taken by {known}"

    def _watched(self, wall_ns: int) -> bool:
        """Whether a monitor lives: it answers for its alerts itself (decision 032)."""
        for name, payload in self._log.beats().items():
            if name.startswith(f"{_MONITOR}:"):
                with suppress(DecodeError):
                    beat = decode_beat(payload)
                    if beat.state != ENDED and abs(wall_ns - beat.ts_ns) < SUPERVISED_NS:
                        return True
        return False

    def _supervised(self, target: str, wall_ns: int) -> bool:
        """Whether a supervisor that lives has this one; any of them has the schedule."""
        kind, _, name = target.partition(":")
        found = self._supervisors(_OF_SUPERVISORS[kind], wall_ns)
        return bool(found) if target == "schedule" else name in found

    def _supervisors(self, counter: str, wall_ns: int) -> set[str]:
        """What supervisors say they have (decisions 029, 038), in heartbeats that are fresh."""
        found: set[str] = set()
        for name, payload in self._log.beats().items():
            if name.startswith("supervisor:"):
                with suppress(DecodeError):
                    beat = decode_beat(payload)
                    if beat.state != ENDED and abs(wall_ns - beat.ts_ns) < SUPERVISED_NS:
                        of = (key.partition(":") for key in beat.counters)
                        found |= {source for what, _, source in of if what == counter}
        return found

    def _source_verdict(
        self, command: Command, state: State
    ) -> tuple[_Answer, SourceVerdict | None]:
        """`mute`, `unmute` or `prefer` a source that the hub knows."""
        source = command.args.get("source")
        known = self._known_sources(state)
        if not isinstance(source, str) or source not in known:
            names = ", ".join(sorted(known))[:SHOWN] or "none"
            error = f"unknown source {str(source)[:SHOWN]!r}; the hub knows {names}"
            return _Answer(command, False, {"error": error}), None
        reason = str(command.args.get("reason", ""))[:SHOWN]
        said = SourceVerdict(source, command.action, reason)
        in_priority = sorted(x for x, mode in state.policy.modes.items() if mode == PRIORITY)
        result = {"source": source, "verdict": command.action, "shard": self._shard}
        return _Answer(command, True, result | {"priority": in_priority}), said

    def _known_sources(self, state: State) -> set[str]:
        """Sources of log and settings, and living ones: a shard may have no tick of them yet."""
        ingest = "ingest:"
        living = {name[len(ingest) :] for name in self._log.beats() if name.startswith(ingest)}
        return living | state.sources.keys() | set(state.policy.preference)

    def _contracts(self, command: Command, state: State) -> tuple[_Answer, list[ContractRow]]:
        """Take rows of a contract table. Returns those that say something new."""
        try:
            rows = msgspec.convert(command.args.get("rows"), list[ContractRow])
            self._check(rows)
        except ValueError as error:
            refused = {"error": f"bad arguments: {str(error)[:SHOWN]}"}
            return _Answer(command, False, refused), []
        self._to_cache += rows
        new = [row for row in rows if is_news(state, row)]
        result = {"rows": len(rows), "new": len(new), "shard": self._shard}
        return _Answer(command, True, result), new

    def _check(self, rows: list[ContractRow]) -> None:
        if not 0 < len(rows) <= MAX_ROWS:
            raise ValueError(f"found {len(rows)} rows, expected 1 to {MAX_ROWS}")
        for row in rows:
            shard = shard_of(row.symbol, self._shards)
            if shard != self._shard:
                raise ValueError(f"{row.symbol} belongs to {TARGET}:{shard}, not to {self._shard}")
        check_rows(rows)

    def counters(self) -> dict[str, int]:
        """Entries without a readable command: nobody can be answered."""
        return {"commands_unreadable": self._unreadable} if self._unreadable else {}

    def close(self) -> None:
        self._tail.close()


def _command(fields: list[bytes]) -> Command | None:
    try:
        command = decode_command(fields[1])
    except (DecodeError, IndexError):
        return None  # without a readable id nobody can be answered
    return command if 0 < len(command.id) <= MAX_ID else None


def _obey(command: Command, clock: MarketClock, wall_ns: int) -> tuple[_Answer, MarketClock | None]:
    action = _ACTIONS.get(command.action)
    if action is None:
        known = ", ".join(sorted((*_ACTIONS, *_VERDICTS, _CONTRACTS, FAILOVER)))
        error = f"unknown action {command.action[:SHOWN]!r}; the arbiter knows {known}"
        return _Answer(command, False, {"error": error}), None
    try:
        wanted = action(command.args, clock, wall_ns)
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        return _Answer(command, False, {"error": f"bad arguments: {str(error)[:SHOWN]}"}), None
    in_force = wanted or clock
    return _Answer(command, True, msgspec.to_builtins(_named(in_force))), wanted


def _named(clock: MarketClock) -> dict[str, Any]:
    return {
        "market_ns": clock.market_ns,
        "log_ns": clock.log_ns,
        "rate": clock.rate,
        "run": clock.run,
    }


def _market_clock(args: dict[str, Any], clock: MarketClock, wall_ns: int) -> MarketClock | None:
    asked = (args["market_ns"], wall_ns, args["rate"], args["run"])
    wanted = msgspec.convert(asked, MarketClock)
    if not wanted.run:
        raise ValueError("run was empty, expected the name of this start of the hub")
    market_now_ns = clock.market_ns + int((wall_ns - clock.log_ns) * clock.rate)
    if clock.run == wanted.run and market_now_ns >= wanted.market_ns:
        return None
    return wanted


def _market_live(_: dict[str, Any], clock: MarketClock, wall_ns: int) -> MarketClock | None:
    """None if it is live already; a leader's clock entries differ from the wall by nothing."""
    live = clock.rate == LIVE.rate and clock.market_ns == clock.log_ns
    return None if live else MarketClock(wall_ns, wall_ns, LIVE.rate, LIVE_RUN)


_ACTIONS: Final[dict[str, Callable[[dict[str, Any], MarketClock, int], MarketClock | None]]] = {
    "market_clock": _market_clock,
    "market_live": _market_live,
}


def _event(answer: _Answer, wall_ns: int) -> bytes:
    severity = Severity.INFO if answer.ok else Severity.WARNING
    action = answer.command.action[:SHOWN]
    body = {"ok": answer.ok, "command": answer.command.id, "action": action}
    return encode(
        Event(
            SCHEMA_VERSION, uuid4().hex, wall_ns, "arbiter", EventKind.COMMAND_DONE,
            answer.command.id, severity, answer.command.id, body | {"result": answer.result},
        )
    )  # fmt: skip
