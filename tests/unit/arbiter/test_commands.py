"""Each command to the arbiter is obeyed at most once and answered exactly once."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from mdhub.runtime.heartbeat import ENDED, Beat
from mdhub.streams.memory import MemoryServer
from mdhub.streams.topology import COMMANDS, EVENTS
from mdhub.wire.codec import decode_event, encode
from mdhub.wire.entries import MarketClock
from mdhub.wire.ops import Command, Event, EventKind
from mdhub_arbiter.commands import FORGOTTEN_NS, Commands
from mdhub_arbiter.handover import Handover
from mdhub_arbiter.state import State
from tests.support.recompute import assert_clean_is_f_of_raw
from tests.unit.arbiter.stage import Stage

NOW_NS = 1_700_000_000_000_000_000
OPEN_NS = 1_510_536_600_000_000_000
SECOND_NS = 1_000_000_000
Ask = Callable[..., None]


class Desk:
    """The arbiter's command desk on a log of its own."""

    def __init__(self, server: MemoryServer | None = None, *, shard: int = 0) -> None:
        self.server = server or MemoryServer()
        self.state = State()
        log = self.server.log("arbiter")
        self.handover = Handover(log, shard=shard, instance="arbiter:A", token=1)
        self.commands = Commands(log, shard=shard, handover=self.handover)

    def ask(self, identity: str = "1", **fields: Any) -> None:
        """Put a command into the log: by default a good one."""
        args = {"market_ns": OPEN_NS, "rate": 60.0, "run": "first"}
        wanted: dict[str, Any] = {"target": "arbiter", "action": "market_clock", "args": args}
        wanted |= {"ts_ns": NOW_NS, "expires_ns": NOW_NS + 5 * SECOND_NS} | fields
        command = Command(v=1, id=identity, issuer="test", **wanted)
        self.server.log("ingest").append(COMMANDS, encode(command))

    def supervisor(self, *, wall_ns: int, state: str = "running") -> None:
        """Let a supervisor say that it has source A."""
        name = "supervisor:A"
        beat = Beat(
            1, wall_ns, "ingest", name, 1, state, {"sources": 1, "wanted:A": 0, "account:ACC": 3}
        )
        self.server.log("ingest").beat(name, encode(beat))

    def clock(
        self, market_ns: int, *, run: str = "first", rate: float = 60.0, **fields: Any
    ) -> None:
        self.ask(**fields, args={"market_ns": market_ns, "rate": rate, "run": run})

    def obey(self, wall_ns: int = NOW_NS) -> list[MarketClock]:
        """Obey what is due, as the leader does; return the clocks put into raw."""
        changes = self.commands.due(self.state, wall_ns)
        self.commands.answer(wall_ns)
        return [self.commands._written for _ in changes if self.commands._written]

    def answers(self) -> list[Event]:
        events = [decode_event(fields[1]) for _, fields in self.server.log("cli").entries(EVENTS)]
        return [event for event in events if event.kind == EventKind.COMMAND_DONE]

    def results(self) -> list[tuple[str, Any]]:
        """(command, result) of every answer."""
        return [(e.body["command"], e.body["result"]) for e in self.answers()]


def test_a_command_is_answered_once() -> None:
    """The answer names the command, its action and its result."""
    desk = Desk()
    desk.ask()
    assert desk.obey() == [MarketClock(OPEN_NS, NOW_NS, 60.0, "first")]
    assert desk.obey() == []
    (answer,) = desk.answers()

    assert (answer.kind, answer.correlation_id, answer.subject) == (
        EventKind.COMMAND_DONE,
        "1",
        "1",
    )
    assert answer.body == {
        "ok": True, "command": "1", "action": "market_clock",
        "result": {"market_ns": OPEN_NS, "log_ns": NOW_NS, "rate": 60.0, "run": "first"},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("words", "fields"),
    [
        ("expired", {"expires_ns": NOW_NS - 1}),
        ("unknown action 'dance'", {"action": "dance"}),
        ("bad arguments", {"args": {}}),
        ("bad arguments", {"args": {"market_ns": "noon", "rate": 1.0, "run": "r"}}),
        ("bad arguments", {"args": {"market_ns": -1, "rate": 1.0, "run": "r"}}),
        ("bad arguments", {"args": {"market_ns": 1, "rate": "fast", "run": "r"}}),
        ("bad arguments", {"args": {"market_ns": 1, "rate": math.nan, "run": "r"}}),
        ("bad arguments", {"args": {"market_ns": 1, "rate": math.inf, "run": "r"}}),
        ("bad arguments", {"args": {"market_ns": 1, "rate": None, "run": "r"}}),
        ("bad arguments", {"args": {"market_ns": 1, "rate": [1], "run": "r"}}),
        ("bad arguments", {"args": {"market_ns": 1, "rate": 1.0, "run": ""}}),
        ("bad arguments", {"args": {"market_ns": 1, "rate": 1.0, "run": 7}}),
        ("bad arguments", {"args": {"market_ns": 1 << 63, "rate": 1.0, "run": "r"}}),
    ],
)
def test_what_cannot_be_obeyed_is_refused_once(words: str, fields: dict[str, Any]) -> None:
    """Exactly one answer says why, and nothing changes."""
    desk = Desk()
    desk.ask(**fields)
    assert desk.obey() == []
    assert desk.obey() == []
    (answer,) = desk.answers()

    assert not answer.body["ok"]
    assert words in answer.body["result"]["error"]


def test_commands_to_others_and_broken_ones_are_left_alone() -> None:
    """Supervisors answer for their sources; without a readable id nobody can be answered."""
    desk = Desk()
    desk.supervisor(wall_ns=NOW_NS - 9 * SECOND_NS)
    desk.ask(target="source:A", action="restart")
    desk.ask(target="schedule", action="holiday")
    desk.ask(target="account:ACC", action="test")
    for payload in (b"", b"\xc1", encode([1, "id"])):
        desk.server.log("cli").append(COMMANDS, payload)
    desk.ask("2")

    assert len(desk.obey()) == 1
    assert [command for command, _ in desk.results()] == ["2"]


@pytest.mark.parametrize(
    ("target", "age_s", "state", "words"),
    [
        ("source:B", 1, "running", "supervisors say that they have A"),
        ("source:A", 11, "running", "have none"),
        ("source:A", 1, ENDED, "have none"),
        ("schedule", 11, "running", "have none"),
        ("account:A", 1, "running", "supervisors say that they have ACC"),
        ("account:ACC", 11, "running", "have none"),
        ("ingest", 1, "running", "commands are taken by"),
        ("ingest:A", 1, "running", "commands are taken by"),
    ],
)
def test_a_source_that_nobody_runs_is_answered_by_shard_zero(
    target: str, age_s: int, state: str, words: str
) -> None:
    """Whoever asks must not wait for a supervisor that is dead or never was."""
    desk, other = Desk(), Desk(shard=1)
    desk.supervisor(wall_ns=NOW_NS - age_s * SECOND_NS, state=state)
    desk.ask(target=target, action="restart")
    desk.obey()
    other.obey()

    (answer,) = desk.answers()
    assert not answer.body["ok"]
    assert words in answer.body["result"]["error"]
    assert other.answers() == []


def test_the_first_to_ask_sets_the_clock_and_the_second_adopts_it() -> None:
    """Both sources of a recording ask; both are told the one anchor in force."""
    desk = Desk()
    desk.ask("A")
    desk.obey()
    desk.ask("B")
    assert desk.obey(NOW_NS + SECOND_NS) == []
    (_, first), (_, second) = desk.results()
    assert first == second


def test_two_that_ask_at_once_get_one_clock() -> None:
    """The second is answered by what the first has set, though raw has not come round yet."""
    desk = Desk()
    desk.ask("A")
    desk.ask("B")
    assert len(desk.obey()) == 1
    (_, first), (_, second) = desk.results()
    assert first == second


def test_within_a_run_the_clock_only_jumps_ahead() -> None:
    """A later market time moves the clock, an earlier one does not."""
    desk = Desk()
    desk.clock(OPEN_NS)
    desk.clock(OPEN_NS + 3_600 * SECOND_NS, identity="ahead")
    desk.clock(OPEN_NS + 60 * SECOND_NS, identity="behind")
    assert len(desk.obey()) == 2
    assert desk.results()[1][1] == desk.results()[2][1]
    assert desk.results()[2][1]["market_ns"] == OPEN_NS + 3_600 * SECOND_NS


def test_a_new_run_may_go_back() -> None:
    """Another start of the hub plays its recording from the beginning."""
    desk = Desk()
    desk.clock(OPEN_NS + 3_600 * SECOND_NS)
    desk.obey()
    desk.clock(OPEN_NS, run="second", identity="2")
    assert [clock.market_ns for clock in desk.obey(NOW_NS + SECOND_NS)] == [OPEN_NS]


def test_a_new_leader_leaves_answered_commands_alone() -> None:
    """Commands are read from the beginning; those with a result are not obeyed again."""
    desk = Desk()
    desk.ask()
    desk.obey()
    successor = Desk(desk.server)
    assert successor.obey(NOW_NS + SECOND_NS) == []
    assert len(desk.answers()) == 1


def test_a_leader_that_died_before_answering_leaves_it_to_the_next() -> None:
    """A command that is in raw but has no answer is answered by the successor."""
    desk = Desk()
    desk.ask()
    assert len(desk.commands.due(desk.state, NOW_NS)) == 1
    successor = Desk(desk.server)
    successor.state.market_clock = MarketClock(OPEN_NS, NOW_NS, 60.0, "first")

    assert successor.obey(NOW_NS + SECOND_NS) == []
    assert successor.results() == [
        ("1", {"market_ns": OPEN_NS, "log_ns": NOW_NS, "rate": 60.0, "run": "first"})
    ]


def test_what_the_log_no_longer_remembers_as_answered_is_left_alone() -> None:
    """The mark of an answer lives for a day; a leader a day later does not answer again."""
    desk = Desk()
    desk.ask()
    desk.obey()
    desk.server.done.clear()
    assert Desk(desk.server).obey(NOW_NS + FORGOTTEN_NS + 1) == []
    assert len(desk.answers()) == 1


def test_the_market_clock_goes_through_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """The leader writes the setting into raw, and `decide` obeys the entry."""
    monkeypatch.setattr("mdhub_arbiter.leader.CLOCK_EVERY_S", 0.001)
    stage = Stage()
    desk = Desk(stage.server)
    desk.ask(expires_ns=1 << 62, ts_ns=1 << 62)
    leader = stage.lead()
    stage.work(leader)

    (event,) = desk.answers()
    assert event.body["ok"]
    assert stage.log.positions(0).market_ns >= OPEN_NS
    assert leader._state.market_clock.run == "first"
    assert_clean_is_f_of_raw(stage.log)


def test_a_market_that_was_played_is_made_live_once() -> None:
    """Two supervisors ask; the second one is told that it is so, and nothing is written."""
    desk = Desk()
    desk.state.market_clock = MarketClock(OPEN_NS, NOW_NS - SECOND_NS, 60.0, "first")
    desk.ask("1", action="market_live", args={})
    assert desk.obey() == [MarketClock(NOW_NS, NOW_NS, 1.0, "live")]
    desk.ask("2", action="market_live", args={})
    assert desk.obey() == []
    live = {"market_ns": NOW_NS, "log_ns": NOW_NS, "rate": 1.0, "run": "live"}
    assert desk.results() == [("1", live), ("2", live)]


def test_a_live_market_stays_as_it_is() -> None:
    """A log that never played anything has nothing written into it."""
    desk = Desk()
    desk.ask(action="market_live", args={})
    assert desk.obey() == []
    assert [answer.body["ok"] for answer in desk.answers()] == [True]


def test_market_time_is_real_time_after_a_played_market(monkeypatch: pytest.MonkeyPatch) -> None:
    """Through the log, as a live source needs it; clean stays a function of raw."""
    monkeypatch.setattr("mdhub_arbiter.leader.CLOCK_EVERY_S", 0.001)
    stage = Stage()
    desk = Desk(stage.server)
    desk.ask("1", expires_ns=1 << 62, ts_ns=1 << 62)
    leader = stage.lead()
    stage.work(leader)
    at = stage.log.positions(0)
    assert at.market_ns != at.log_ns
    desk.ask("2", action="market_live", args={}, expires_ns=1 << 62, ts_ns=1 << 62)
    stage.work(stage.lead(wall_ns=at.log_ns + SECOND_NS))
    at = stage.log.positions(0)
    assert at.market_ns == at.log_ns
    assert_clean_is_f_of_raw(stage.log)


def test_a_target_that_nobody_is_gets_an_answer() -> None:
    """Else whoever asked would wait in vain."""
    desk = Desk()
    desk.ask(target="nobody")
    assert desk.obey() == []
    ((command, result),) = desk.results()
    assert command == "1"
    assert "unknown target 'nobody'" in result["error"]


@pytest.mark.parametrize(("state", "answers"), [("watching", 0), (ENDED, 1)])
def test_a_monitor_that_lives_answers_for_itself(state: str, answers: int) -> None:
    """Its alerts take commands; without one, who asked is told."""
    desk = Desk()
    beat = Beat(1, NOW_NS, "monitor", "monitor:A", 1, state, {})
    desk.server.log("monitor").beat("monitor:A", encode(beat))
    desk.ask(target="monitor")
    assert desk.obey() == []
    assert len(desk.results()) == answers


def test_what_nobody_can_be_answered_is_counted() -> None:
    """Unreadable bytes, no id, an id too long to be a key."""
    desk = Desk()
    desk.server.log("cli").append(COMMANDS, b"\xc1")
    desk.ask("")
    desk.ask("x" * 1_000)
    assert desk.obey() == []
    assert desk.answers() == []
    assert desk.commands.counters() == {"commands_unreadable": 3}
