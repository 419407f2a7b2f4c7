"""The life of a gateway: which changes are told, what ends the process, and how."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mdhub.wire.ops import Severity
from mdhub_ingest.gateways.deadlines import TEXTS, Deadline, Deadlines
from mdhub_ingest.gateways.life import End, Event, Happening, Life, State, step
from mdhub_ingest.gateways.port import RETRY, STOPPED, Facts, Note, NoteKind, Side

TURN_S = 0.1
DOWN = Facts(md_login=False, td_login=False, contracts_ready=False, login_blocked=False)
MD_ONLY = msgspec.structs.replace(DOWN, md_login=True)
UP = msgspec.structs.replace(MD_ONLY, td_login=True, contracts_ready=True)


def note(kind: NoteKind, side: Side = Side.MD, code: int = 0, text: str = "") -> Note:
    return Note(0, kind, side, code, text)


def up(side: Side) -> Note:
    return note(NoteKind.CONNECTED, side)


def lost(side: Side, reason: int = 4097) -> Note:
    return note(NoteKind.DISCONNECTED, side, reason)


class Drive:
    """A life, its clock, and everything it told."""

    def __init__(self, *, cached: bool = False, deadlines: Deadlines | None = None) -> None:
        self.life = Life(cached=cached, deadlines=deadlines)
        self.now_s = 1_000.0
        self.told: list[Happening] = []
        self.session_open = True
        self.subscribed = 0

    def turn(self, facts: Facts, *notes: Note) -> list[Happening]:
        self.now_s += TURN_S
        told = step(
            self.life, notes, facts, self.now_s,
            session_open=self.session_open, subscribed=self.subscribed,
        )  # fmt: skip
        self.told += told
        return told

    def stay(self, facts: Facts, for_s: float) -> None:
        for _ in range(round(for_s / TURN_S)):
            self.turn(facts)

    def tick(self, facts: Facts, for_s: float, age_ms: int = 300) -> None:
        """As `stay`, with a tick each turn."""
        for _ in range(round(for_s / TURN_S)):
            ticks = self.life.ticks + 1
            self.turn(msgspec.structs.replace(facts, ticks=ticks, exchange_age_ms=age_ms))

    def log_in(self) -> None:
        self.turn(DOWN)
        self.turn(DOWN, up(Side.MD), up(Side.TD))
        self.turn(UP, note(NoteKind.LOGIN), note(NoteKind.LOGIN, Side.TD))
        self.tick(UP, 1.0)

    @property
    def changes(self) -> list[str]:
        return [told.change for told in self.told if isinstance(told, Event)]

    @property
    def end(self) -> End | None:
        return next((told for told in self.told if isinstance(told, End)), None)

    def ended(self) -> End:
        assert self.end is not None, self.changes
        return self.end

    def event(self, change: str) -> Event:
        return next(t for t in self.told if isinstance(t, Event) and t.change == change)


def test_a_quick_start_tells_two_changes() -> None:
    """Stages that last no half second are not told."""
    drive = Drive()
    drive.log_in()
    assert drive.changes == ["connecting", "running"]
    assert drive.life.state is State.RUNNING


def test_a_slow_start_tells_every_stage() -> None:
    """Market data login, trading login, contracts, running: each once."""
    drive = Drive()
    drive.stay(DOWN, 1.0)
    drive.turn(DOWN, up(Side.MD))
    drive.stay(DOWN, 1.0)
    drive.turn(MD_ONLY, up(Side.TD))
    drive.stay(MD_ONLY, 1.0)
    drive.stay(msgspec.structs.replace(MD_ONLY, td_login=True), 1.0)
    drive.stay(UP, 1.0)
    assert drive.changes == ["connecting", "md_login", "td_login", "contracts", "running"]


@pytest.mark.parametrize(
    ("deadline", "facts", "notes"),
    [
        (Deadline.MD_FRONT, DOWN, [up(Side.TD)]),
        (Deadline.TD_FRONT, MD_ONLY, [up(Side.MD)]),
        (Deadline.MD_LOGIN, msgspec.structs.replace(UP, md_login=False), [up(Side.MD)]),
        (Deadline.TD_LOGIN, MD_ONLY, [up(Side.MD), up(Side.TD)]),
        (Deadline.CONTRACTS, msgspec.structs.replace(MD_ONLY, td_login=True), []),
    ],
)
def test_each_stage_has_a_deadline_that_names_it(
    deadline: Deadline, facts: Facts, notes: Sequence[Note]
) -> None:
    """Without known contracts every one of them ends the process, to be tried again."""
    drive = Drive(deadlines=Deadlines(md_front_s=5.0))
    limit_s = drive.life.deadlines.of(deadline, session_open=True)
    drive.turn(facts, *notes)
    drive.stay(facts, limit_s - 1.0)
    assert drive.end is None
    drive.stay(facts, 2.0)
    assert drive.ended().exit_code == RETRY
    assert drive.ended().reason.startswith(f"{deadline}: ")
    assert drive.changes[-1] == "ended"


def test_after_the_end_nothing_is_told() -> None:
    """One end, one event about it."""
    drive = Drive()
    drive.stay(DOWN, 60.0)
    assert drive.changes.count("ended") == 1
    assert isinstance(drive.told[-1], End)


def test_a_closed_front_is_given_time_outside_sessions() -> None:
    """At night a fresh process could not connect either; when the session opens it is tried."""
    drive = Drive()
    drive.session_open = False
    drive.stay(DOWN, 120.0)
    assert drive.end is None
    drive.session_open = True
    drive.turn(DOWN)
    assert drive.ended().reason.startswith("md_front: ")


@pytest.mark.parametrize("refusal", [48, 63, 75, 140])
def test_what_only_an_operator_can_mend_stops_for_good(refusal: int) -> None:
    """Exit code 4 at once, and an event that says what to do in both languages."""
    drive = Drive()
    drive.turn(DOWN, up(Side.TD), note(NoteKind.LOGIN, Side.TD, refusal, "CTP:no"))
    assert drive.ended().exit_code == STOPPED
    event = drive.event("login_refused")
    assert event.severity == Severity.ERROR
    assert event.facts["todo"] and event.facts["todo_zh"] and event.facts["text"] == "CTP:no"
    assert drive.event("ended").severity == Severity.ERROR


@pytest.mark.parametrize(("session_open", "severity"), [(True, "warning"), (False, "info")])
def test_a_counter_that_is_not_ready_is_tried_again(session_open: bool, severity: str) -> None:  # noqa: FBT001
    """Normal early in the day: nobody is alarmed before the open."""
    drive = Drive()
    drive.session_open = session_open
    drive.turn(DOWN, note(NoteKind.LOGIN, Side.TD, 7))
    assert drive.ended().exit_code == RETRY
    assert drive.event("login_refused").severity == severity


def test_an_unknown_code_is_tried_again_and_alarmed() -> None:
    """Somebody must look now."""
    drive = Drive()
    drive.turn(DOWN, note(NoteKind.LOGIN, Side.TD, 7_777))
    assert drive.ended().exit_code == RETRY
    assert drive.event("login_refused").severity == Severity.ERROR


def test_a_refused_md_login_waits_a_moment_for_the_td_side() -> None:
    """Some brokers admit market data only after the trading login; then a fresh process."""
    drive = Drive()
    drive.turn(DOWN, up(Side.MD), up(Side.TD), note(NoteKind.LOGIN, Side.MD, 3))
    assert drive.end is None
    drive.turn(msgspec.structs.replace(UP, md_login=False), note(NoteKind.LOGIN, Side.TD))
    assert drive.ended().exit_code == RETRY
    assert drive.ended().reason.startswith("md login refused: 3 ")


def test_ticks_go_on_without_the_trading_side_where_contracts_are_known() -> None:
    """A wrong trading password with cached contracts: degraded, said as an error, for days."""
    drive = Drive(cached=True)
    drive.turn(DOWN, up(Side.MD), up(Side.TD), note(NoteKind.LOGIN, Side.TD, 48))
    blocked = msgspec.structs.replace(MD_ONLY, login_blocked=True)
    drive.tick(blocked, 30.0)
    drive.stay(blocked, 1_000.0)
    assert drive.end is None
    event = drive.event("degraded")
    assert event.severity == Severity.ERROR
    assert event.facts["missing"] == ["td_login", "contracts"]
    assert "wrong user or password" in event.facts["says"]


def test_a_trading_side_that_may_come_back_is_tried_again_in_a_quiet_moment() -> None:
    """Never while ticks flow."""
    drive = Drive(cached=True)
    drive.turn(DOWN, up(Side.MD), up(Side.TD), note(NoteKind.LOGIN, Side.TD, 7))
    blocked = msgspec.structs.replace(MD_ONLY, login_blocked=True)
    drive.tick(blocked, 600.0)
    assert drive.end is None
    drive.stay(blocked, 50.0)
    assert drive.end is None
    drive.stay(blocked, 20.0)
    assert drive.ended().exit_code == RETRY


def test_a_trading_front_that_is_lost_later_degrades() -> None:
    """And back again; each change once."""
    drive = Drive()
    drive.log_in()
    away = msgspec.structs.replace(UP, td_login=False)
    drive.turn(away, lost(Side.TD, 8193))
    drive.tick(away, 60.0)
    drive.turn(away, up(Side.TD))
    drive.tick(UP, 2.0)
    assert drive.changes == ["connecting", "running", "connection_lost", "degraded", "running"]
    assert drive.event("connection_lost").facts["says"] == "nothing heard for 120 s"


@pytest.mark.parametrize(
    ("facts", "side"),
    [
        (msgspec.structs.replace(UP, md_login=False, login_blocked=True), "md"),
        (msgspec.structs.replace(MD_ONLY, login_blocked=True), "td"),
    ],
)
def test_a_gateway_that_will_not_log_in_again_makes_room(facts: Facts, side: str) -> None:
    """Though no note told why."""
    drive = Drive()
    drive.turn(DOWN, up(Side.MD), up(Side.TD))
    drive.stay(facts, 1.5)
    assert drive.ended() == End(
        RETRY, f"the gateway will not try its {side} login again in this process"
    )


def test_a_lost_connection_that_returns_is_told_and_survived() -> None:
    """The library reconnects by itself."""
    drive = Drive()
    drive.log_in()
    drive.turn(msgspec.structs.replace(UP, md_login=False), lost(Side.MD))
    drive.turn(UP, up(Side.MD), note(NoteKind.LOGIN))
    drive.tick(UP, 30.0)
    assert drive.changes == ["connecting", "running", "connection_lost"]


def test_a_drop_seen_before_the_login_flag_falls_waits_for_the_front() -> None:
    """The flag is older than the note: the next turn must not take the side for connected."""
    drive = Drive()
    drive.log_in()
    drive.turn(UP, lost(Side.MD))
    drive.stay(msgspec.structs.replace(UP, md_login=False), 25.0)
    assert drive.ended().reason.startswith("md_front: ")


def test_a_flapping_front_is_one_event_and_an_end() -> None:
    """1,500 connections a second that never come up."""
    drive = Drive()
    drive.turn(DOWN)
    for _ in range(5):
        drive.turn(DOWN, *[lost(Side.MD)] * 150)
    assert drive.changes == ["connecting", "flapping", "ended"]
    assert drive.ended().exit_code == RETRY


def test_logins_that_are_dropped_again_and_again_end_too() -> None:
    """Each of them is a login at the broker; only the first three are told one by one."""
    drive = Drive()
    drive.log_in()
    for _ in range(20):
        drive.turn(UP, lost(Side.TD))
        drive.turn(UP, up(Side.TD))
    assert drive.changes.count("connection_lost") == 3
    assert drive.changes[-2:] == ["flapping", "ended"]


def test_a_trading_front_that_refuses_once_a_second_costs_no_ticks() -> None:
    """Off hours it accepts and drops; market data go on."""
    drive = Drive()
    drive.log_in()
    away = msgspec.structs.replace(UP, td_login=False)
    for _ in range(120):
        drive.turn(away, lost(Side.TD))
        drive.tick(away, 0.9)
    assert drive.end is None
    assert drive.life.state is State.DEGRADED


def test_a_session_without_ticks_is_told_then_ended() -> None:
    """Only while a session is open and something is subscribed."""
    drive = Drive()
    drive.turn(DOWN)
    drive.stay(UP, 100.0)
    drive.subscribed = 10
    drive.session_open = False
    drive.stay(UP, 400.0)
    assert drive.changes == ["connecting", "running"]
    drive.session_open = True
    drive.stay(UP, 40.0)
    assert drive.event("degraded").facts["missing"] == ["ticks"]
    drive.stay(UP, 300.0)
    assert drive.ended().reason.startswith("first_tick: ")


def test_silence_after_the_first_tick_is_the_monitors_business() -> None:
    """Sleepy contracts say nothing for minutes."""
    drive = Drive()
    drive.subscribed = 10
    drive.log_in()
    drive.stay(msgspec.structs.replace(UP, ticks=drive.life.ticks), 900.0)
    assert drive.end is None
    assert drive.life.state is State.RUNNING


def test_a_gateway_that_tells_nothing_runs_by_its_ticks() -> None:
    """An unknown class: no stage can be seen, so none is missed."""
    drive = Drive()
    drive.stay(Facts(), 100.0)
    assert (drive.changes, drive.life.state) == (["connecting"], State.CONNECTING)
    drive.tick(Facts(), 1.0)
    assert drive.changes == ["connecting", "running"]


def test_requests_that_are_refused_are_told_once() -> None:
    """The contract query is refused every second until it is admitted."""
    drive = Drive()
    drive.log_in()
    for number in range(100):
        refusal = note(NoteKind.REFUSED, Side.TD, 90, f"request {number}")
        drive.turn(UP, refusal, note(NoteKind.FAULT, text="KeyError in onRspQryInstrument"))
    assert drive.changes.count("request_refused") == 1
    assert drive.changes.count("callback_failed") == 1


def test_a_backlog_is_told_when_it_comes_and_when_it_goes() -> None:
    """The hidden queue shows only as the age of the ticks that come out of it."""
    drive = Drive()
    drive.log_in()
    for second in range(30):
        drive.tick(UP, 1.0, age_ms=300 + second * 700)
    drive.tick(UP, 10.0)
    assert drive.changes[2:] == ["backlog", "backlog_over"]


KINDS = st.sampled_from([kind for kind in NoteKind if kind is not NoteKind.LOG])
NOTES = st.builds(
    note, KINDS, st.sampled_from(Side), st.sampled_from([0, 0, 0, 3, 7, 48, 75, 4097, 12_345])
)
FLAGS = st.sampled_from([None, False, True])
FACTS = st.builds(
    Facts, md_login=FLAGS, td_login=FLAGS, contracts_ready=FLAGS, login_blocked=FLAGS,
    ticks=st.integers(0, 5), exchange_age_ms=st.none() | st.integers(-5_000, 90_000),
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(
    turns=st.lists(st.tuples(FACTS, st.lists(NOTES, max_size=4)), max_size=80),
    cached=st.booleans(), seed=st.integers(0, 999),
)  # fmt: skip
def test_whatever_a_gateway_says_it_ends_at_most_once_and_never_chatters(
    turns: list[tuple[Facts, list[Note]]],
    cached: bool,  # noqa: FBT001
    seed: int,
) -> None:
    """No state is told twice running, none beside another one, and the end comes last."""
    drive, rng = Drive(cached=cached), random.Random(seed)
    states, times = [], []
    for facts, notes in turns:
        drive.now_s += rng.random() * 3
        for told in drive.turn(facts, *notes):
            if isinstance(told, Event) and told.change in set(State):
                states.append((told.change, tuple(told.facts.get("missing", ()))))
                times.append(drive.now_s)
    assert all(a != b for a, b in pairwise(states))
    assert len(set(times)) == len(times)
    ends = [told for told in drive.told if isinstance(told, End)]
    assert len(ends) <= 1
    assert not ends or drive.told[-1] is ends[0]


def test_every_deadline_has_its_words() -> None:
    """In both languages."""
    assert set(TEXTS) == set(Deadline)
    assert all(text.en and text.zh for text in TEXTS.values())
