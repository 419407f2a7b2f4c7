"""A shard is handed over by command only to a standby that can take it, and answered once."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from mdhub.runtime.clock import Clock
from mdhub.runtime.heartbeat import Beat
from mdhub.streams.memory import MemoryServer
from mdhub.streams.topology import EVENTS
from mdhub.wire.codec import encode
from mdhub.wire.ops import Event, EventKind
from mdhub_arbiter.commands import Commands
from mdhub_arbiter.handover import STAND_BACK_S, Handover, StandBack
from tests.unit.arbiter.test_commands import NOW_NS, SECOND_NS, Desk

READY = {"shard": 0, "agreed": 3, "waiting": 0}
RESIGNED = 1_000
TAKEN = 1_012


class TimedDesk(Desk):
    """A desk whose server stamps entries with a time that the test sets."""

    def __init__(self) -> None:
        self.server_ms = RESIGNED
        super().__init__(MemoryServer(lambda: self.server_ms * 1_000_000))


def stand_by(desk: Desk, *, state: str = "standby", age_s: float = 1, **counters: int) -> None:
    """The heartbeat of arbiter B."""
    said = READY | counters
    beat = Beat(1, NOW_NS - int(age_s * 1e9), "arbiter", "arbiter:B", 2, state, said)
    desk.server.log("arbiter").beat("arbiter:B", msgspec.msgpack.encode(beat))


def failover(desk: Desk, identity: str = "1", **args: Any) -> None:
    desk.ask(identity, action="failover", args={"reason": "patch day"} | args)


def next_leader(desk: Desk, instance: str = "arbiter:B") -> Commands:
    """Commands of who leads next, after its event of taking over."""
    log = desk.server.log("arbiter")
    event = Event(
        1, "x", NOW_NS, "arbiter", EventKind.LEADERSHIP, instance, "info", "",
        {"shard": 0, "token": 2},
    )  # fmt: skip
    log.append(EVENTS, encode(event))
    handover = Handover(log, shard=0, instance=instance, token=2)
    return Commands(log, shard=0, handover=handover)


@pytest.fixture
def desk() -> TimedDesk:
    return TimedDesk()


def test_who_takes_over_gives_the_one_answer(desk: TimedDesk) -> None:
    """The leader resigns without an answer; the next one names itself and the silence."""
    stand_by(desk)
    failover(desk)
    assert (desk.obey(), desk.handover.announced, desk.results()) == ([], True, [])

    desk.server_ms = TAKEN
    commands = next_leader(desk)
    for _ in range(2):
        assert commands.due(desk.state, NOW_NS + 99 * SECOND_NS) == []  # long expired
        commands.answer(NOW_NS)

    ((identity, result),) = desk.results()
    assert identity == "1"
    assert result == {
        "shard": 0, "before": "arbiter:A", "leader": "arbiter:B", "token": 2, "silence_ms": 12,
    }  # fmt: skip
    assert desk.answers()[0].body["ok"]


def test_a_leader_that_nobody_relieved_says_so(desk: TimedDesk) -> None:
    """It leads again after standing back; the command has failed."""
    stand_by(desk)
    failover(desk)
    desk.obey()
    commands = next_leader(desk, "arbiter:A")
    commands.due(desk.state, NOW_NS)
    commands.answer(NOW_NS)

    (answer,) = desk.answers()
    assert not answer.body["ok"]
    assert "nobody took over" in answer.body["result"]["error"]


@pytest.mark.parametrize(
    ("words", "beat"),
    [
        ("no other arbiter of this shard speaks", None),
        ("no other arbiter of this shard speaks", {"shard": 1}),
        ("arbiter:B is ineligible", {"state": "ineligible"}),
        ("arbiter:B has been silent for 9 s", {"age_s": 9}),
        ("arbiter:B has not yet compared", {"agreed": 0}),
        ("arbiter:B is 5000 entries behind", {"waiting": 5_000}),
    ],
)
def test_without_a_standby_that_agrees_it_is_refused(
    desk: TimedDesk, words: str, beat: dict[str, Any] | None
) -> None:
    """The leader goes on, and the reason names who could not and why."""
    if beat is not None:
        stand_by(desk, **beat)
    failover(desk)
    desk.obey()

    (answer,) = desk.answers()
    assert (answer.body["ok"], desk.handover.announced) == (False, False)
    assert words in answer.body["result"]["error"]


def test_a_dry_run_says_who_would_take_over(desk: TimedDesk) -> None:
    """And nothing happens."""
    stand_by(desk)
    failover(desk, dry_run=True)
    desk.obey()

    ((_, result),) = desk.results()
    assert result == {
        "shard": 0, "leader": "arbiter:A", "standby": ["arbiter:B"], "dry_run": True,
    }  # fmt: skip
    assert not desk.handover.announced


def test_of_two_commands_at_once_one_is_refused(desk: TimedDesk) -> None:
    """Each has its own one result."""
    stand_by(desk)
    failover(desk, "1")
    failover(desk, "2")
    desk.obey()

    ((identity, result),) = desk.results()
    assert identity == "2"
    assert "already" in result["error"]


def test_an_expired_command_hands_nothing_over(desk: TimedDesk) -> None:
    """It is refused and the leader stays."""
    stand_by(desk)
    failover(desk)
    desk.obey(NOW_NS + 99 * SECOND_NS)
    assert [result for _, result in desk.results()] == [{"error": "expired"}]


def test_who_handed_over_stands_back_until_somebody_took_over_or_for_seconds() -> None:
    """A dead standby leaves the shard vacant for no longer than that."""
    now_s = 100.0
    clock = Clock(lambda: 0, lambda: int(now_s * 1e9))
    back = StandBack(clock)
    assert not back.holds(0)
    back.begin(5)
    assert (back.holds(5), back.holds(6)) == (True, False)
    now_s += STAND_BACK_S
    assert not back.holds(5)
