"""A clock that is off for certain is named once, and once when it is right again."""

from __future__ import annotations

from pathlib import Path

import pytest

from mdhub.streams.memory import MemoryServer
from mdhub_monitor.probes import read_server
from mdhub_monitor.rules.clocks import ClockWatch, Offset
from mdhub_monitor.rules.services import BeatFact, Finding

MS_NS = 1_000_000
SECOND_NS = 1_000 * MS_NS
START_NS = 1_700_000_000 * SECOND_NS
TRUE = Offset(-MS_NS, MS_NS)


class Follower:
    """Looks once a second at a service that beats once a second, 300 ms before each look."""

    def __init__(self) -> None:
        self.watch = ClockWatch()
        self.now_ns = START_NS

    def look(self, offset_ms: int = 0, *, server: Offset = TRUE) -> list[Finding]:
        self.now_ns += SECOND_NS
        said_ns = self.now_ns - 300 * MS_NS + offset_ms * MS_NS
        beats = {"ingest:A": BeatFact("ingest", 1, said_ns, "running", {})}
        return self.watch.look(beats, self.now_ns, server=server)


@pytest.mark.parametrize(
    ("offset_ms", "change", "at_least_ms"),
    [(60_000, "ahead", 59_700), (-60_000, "behind", -59_300)],
)
def test_a_service_whose_clock_steps_is_named_once(
    offset_ms: int, change: str, at_least_ms: int
) -> None:
    """With the next heartbeat, by how much for certain; it is right again with a later one."""
    follower = Follower()
    assert follower.look() == follower.look() == []
    assert follower.look(offset_ms) == [Finding("ingest:A", change, {"offset_ms": at_least_ms})]
    assert follower.look(offset_ms) == []
    assert follower.look() == [Finding("ingest:A", "right", {"offset_ms": 0})]


@pytest.mark.parametrize("offset_ms", [-800, -300, 0, 300, 499])
def test_what_may_be_the_way_of_a_heartbeat_is_no_offset(offset_ms: int) -> None:
    """A heartbeat was written at some time since the last look."""
    follower = Follower()
    follower.look()
    assert follower.look(offset_ms) == []


def test_a_heartbeat_that_stands_still_says_nothing_of_a_clock() -> None:
    """A dead service is silent, not behind."""
    watch = ClockWatch()
    fact = {"a": BeatFact("ingest", 1, START_NS, "running", {})}
    for passed_s in range(100):
        assert watch.look(fact, START_NS + passed_s * SECOND_NS, server=TRUE) == []


def test_an_old_heartbeat_found_at_the_start_says_nothing() -> None:
    """It may have been written by a service that has gone since."""
    fact = {"a": BeatFact("ingest", 1, START_NS - 90 * SECOND_NS, "running", {})}
    assert ClockWatch().look(fact, START_NS, server=TRUE) == []


@pytest.mark.parametrize(("offset_ms", "change"), [(201, "ahead"), (-202, "behind"), (199, None)])
def test_the_servers_clock_is_judged_at_the_first_look(offset_ms: int, change: str | None) -> None:
    """It is asked, so its offset is known to a millisecond or two."""
    found = Follower().look(server=Offset(offset_ms * MS_NS, (offset_ms + 1) * MS_NS))
    assert [finding.change for finding in found] == ([change] if change else [])


def test_from_ahead_to_behind_is_a_change() -> None:
    """Two steps of a clock are two findings."""
    follower, far = Follower(), 60 * SECOND_NS
    found = [follower.look(server=Offset(at, at)) for at in (far, far, -far, -far)]
    assert [[finding.change for finding in one] for one in found] == [["ahead"], [], ["behind"], []]


def test_a_log_on_this_machine_has_this_machines_clock() -> None:
    """The range has the true offset, 0, in it."""
    offset = read_server(MemoryServer().log("monitor"), Path()).offset
    assert offset.least_ns <= 0 <= offset.most_ns
