"""Rules about services, shards, server, readers, connections: tables of facts and problems."""

from __future__ import annotations

from datetime import date

import pytest

from mdhub.calendar import Calendar
from mdhub.wire.ops import Severity
from mdhub_monitor.rules.clocks import Offset
from mdhub_monitor.rules.connection import Connections
from mdhub_monitor.rules.horizon import horizon_days, horizon_problems
from mdhub_monitor.rules.readers import ReaderFact, reader_problems
from mdhub_monitor.rules.server import ServerFact, ServerWatch
from mdhub_monitor.rules.services import BeatFact
from mdhub_monitor.rules.shards import (
    CounterWatch,
    ShardFact,
    ShardWatch,
    service_problems,
    unwanted_sources,
)

SECOND_NS = 1_000_000_000
NOBODY: frozenset[str] = frozenset()


def beat(service: str, state: str = "running", **counters: int) -> BeatFact:
    named = {name.replace("__", ":"): value for name, value in counters.items()}
    return BeatFact(service, 7, 1, state, named)


@pytest.mark.parametrize(
    ("fact", "keys"),
    [
        (ServerFact(69, 100), []),
        (ServerFact(70, 100), [("server_memory:", Severity.WARNING)]),
        (ServerFact(86, 100), [("server_memory:", Severity.ERROR)]),
        (ServerFact(99, 0), []),
        (ServerFact(offset=Offset(300_000_000, 310_000_000)), [("clock_offset:server", "warning")]),
        (ServerFact(disk_free_bytes=11, disk_total_bytes=100), []),
        (ServerFact(disk_free_bytes=9, disk_total_bytes=100), [("disk_space:", "warning")]),
        (ServerFact(disk_free_bytes=4, disk_total_bytes=100), [("disk_space:", "error")]),
    ],
)  # fmt: skip
def test_server_and_host(fact: ServerFact, keys: list[tuple[str, str]]) -> None:
    """Memory from 70 % on, clock from 0.2 s on, disk below 10 %."""
    assert [(p.key, p.severity) for p in ServerWatch().look(fact, 1)] == keys


def test_a_disk_that_delays_appends_is_told_for_a_minute() -> None:
    """The first look only learns the count; a single slow call is no sick disk."""
    watch = ServerWatch()
    assert list(watch.look(ServerFact(fsync_delayed=5, call_ms=400.0), SECOND_NS)) == []
    (problem,) = watch.look(ServerFact(fsync_delayed=6), 2 * SECOND_NS)
    assert problem.key == "server_fsync:"
    assert list(watch.look(ServerFact(fsync_delayed=6), 63 * SECOND_NS)) == []
    slow = ServerFact(fsync_delayed=6, call_ms=400.0)
    found = [len(list(watch.look(slow, 99 * SECOND_NS))) for _ in range(3)]
    assert found == [0, 0, 1]


def test_a_shard_without_a_beat_is_unled_and_one_without_log_time_stalled() -> None:
    """Two looks at the same values, more than 1.5 s apart."""
    watch = ShardWatch()
    first = ShardFact(0, 1, 100, 100, 1, 5, 0)
    assert list(watch.look([first], {}, SECOND_NS)) == []
    assert [p.key for p in watch.look([first], {}, 3 * SECOND_NS)] == ["shard_unled:0"]
    beats = first._replace(beat=6)
    assert [p.key for p in watch.look([beats], {}, 4 * SECOND_NS)] == ["log_stalled:0"]
    moves = first._replace(beat=7, log_ns=200)
    assert list(watch.look([moves], {}, 5 * SECOND_NS)) == []


def test_a_standby_is_missed_once_there_was_one() -> None:
    """A hub that never had one is not told of it."""
    watch, fact = ShardWatch(), ShardFact(0, 1, 1, 1, 1, 1, 0)
    leader, standby = beat("arbiter", "leading"), beat("arbiter", "standby")
    assert list(watch.look([fact], {"arbiter:A": leader}, 1)) == []
    assert list(watch.look([fact], {"arbiter:A": leader, "arbiter:B": standby}, 1)) == []
    assert [p.key for p in watch.look([fact], {"arbiter:A": leader}, 1)] == ["no_standby:0"]
    ineligible = {"arbiter:B": beat("arbiter", "ineligible")}
    keys = {p.key for p in watch.look([fact], ineligible, 1)}
    assert keys == {"standby_ineligible:arbiter:B", "no_standby:0"}


def test_who_is_not_wanted_is_not_missed() -> None:
    """A source that ended, or that its supervisor's schedule keeps closed."""
    beats = {
        "ingest:A": beat("ingest", "ended"),
        "ingest:B": beat("ingest"),
        "ingest:C": beat("ingest", "ended"),
        "supervisor:1": beat("ingest", "running", wanted__B=0, wanted__C=1),
    }
    assert unwanted_sources(beats) == {"A", "B"}
    down = {"ingest:A": 9_000, "ingest:C": 9_000, "publisher:A": 9_000}
    found = [p.key for p in service_problems(beats, down, unwanted_sources(beats))]
    assert found == ["service_down:ingest:C", "service_down:publisher:A"]


@pytest.mark.parametrize(
    ("fact", "keys"),
    [
        (ReaderFact("r", 95_000, 1_000, 1_000, 95_001, 100_000), []),
        (ReaderFact("r", 80_000, 1_000, 1_000, 80_001, 100_000), ["reader_behind:r"]),
        (ReaderFact("r", 80_000, 11_000, 1_000, 80_001, 100_000), []),
        (ReaderFact("r", 500, 1_000, 1_000, 1_000, 100_000), ["reader_overtaken:r"]),
        (ReaderFact("r", 500, 4_000_000, 1_000, 1_000, 100_000), []),
        (ReaderFact("r", 0, 1_000, 1_000, 1_000, 5_000), []),
        (ReaderFact("r", 0, 1_000, 1_000, 1_000, 50_000), ["reader_behind:r"]),
        (ReaderFact("r", 80_000, 1_000, 1_000, 7_280_000, 7_280_500), []),
        (ReaderFact("r", 80_000, 1_000, 1_000, 0, 80_000), []),
    ],
)
def test_readers(fact: ReaderFact, keys: list[str]) -> None:
    """Behind, not reading any more, overtaken, forgotten, not yet begun, after a break."""
    assert [p.key for p in reader_problems([fact])] == keys


def test_a_lost_connection_is_told_after_two_seconds_until_it_is_back() -> None:
    """Not for a source that is not to run."""
    watch = Connections()

    def look(second: int, unwanted: frozenset[str] = NOBODY) -> list[str]:
        found = watch.look({"A": 1}, second * SECOND_NS, day=1, unwanted=unwanted)
        return [problem.key for problem in found]

    watch.told("A", "disconnected", SECOND_NS)
    assert look(2) == []
    assert look(3) == ["source_disconnected:A"]
    assert look(3, frozenset({"A"})) == []
    watch.told("A", "connected", 4 * SECOND_NS)
    assert look(5) == []


def test_a_source_that_keeps_restarting_is_told() -> None:
    """Three new sessions within ten minutes; counted anew on the next trading day."""
    watch = Connections()
    keys: list[str] = []
    for session in range(1, 5):
        found = watch.look({"A": session}, session * SECOND_NS, day=1, unwanted=NOBODY)
        keys = [problem.key for problem in found]
    assert keys == ["source_restarting:A"]
    assert watch.restarts == {"A": 3}
    assert list(watch.look({"A": 4}, 900 * SECOND_NS, day=2, unwanted=NOBODY)) == []
    assert watch.restarts == {}


def test_a_new_process_that_the_schedule_asked_for_is_no_restart() -> None:
    """Also if its first tick comes before the event; the next one counts again."""
    watch, keys = Connections(), list[str]()

    def look(session: int, second: int) -> None:
        found = watch.look({"A": session}, second * SECOND_NS, day=1, unwanted=NOBODY)
        keys.extend(problem.key for problem in found)

    look(1, 0)
    for session in range(2, 6):
        watch.scheduled("A", (20 * session - 1) * SECOND_NS)
        look(session, 20 * session)
    look(6, 120)
    watch.scheduled("A", 121 * SECOND_NS)
    assert (watch.restarts, keys) == ({"A": 0}, [])
    look(7, 130)
    assert watch.restarts == {"A": 1}


def test_many_rejections_and_slow_clients() -> None:
    """Shares of the last minute; a client that was dropped is told for a minute."""
    watch = CounterWatch()
    before = {
        "arbiter:A": beat("arbiter", "leading", rejected__A=0, accepted__A=0),
        "publisher:A": beat("publisher", clients_dropped=1),
    }
    after = {
        "arbiter:A": beat("arbiter", "leading", rejected__A=200, accepted__A=800),
        "publisher:A": beat("publisher", clients_dropped=2),
    }
    assert list(watch.look(before, NOBODY, 0)) == []
    keys = {problem.key for problem in watch.look(after, NOBODY, 61 * SECOND_NS)}
    assert keys == {"rejections_high:A", "slow_clients:publisher:A"}
    keys = {problem.key for problem in watch.look(after, NOBODY, 122 * SECOND_NS)}
    assert keys == set()


def test_a_source_that_an_operator_muted_is_not_said_to_be_rejected() -> None:
    """Every tick of it is, and that is what the operator wanted; also if it was for a while."""
    watch = CounterWatch()
    steps = [
        (0, beat("arbiter", "leading", rejected__A=0)),
        (30, beat("arbiter", "leading", rejected__A=100, muted__A=1)),
        (61, beat("arbiter", "leading", rejected__A=200)),
        (122, beat("arbiter", "leading", rejected__A=400)),
    ]
    told = [
        [problem.key for problem in watch.look({"arbiter:A": each}, NOBODY, at_s * SECOND_NS)]
        for at_s, each in steps
    ]
    assert told == [[], [], [], ["rejections_high:A"]]


def test_a_gateway_that_lacks_contracts_is_told_after_a_minute() -> None:
    """95 % of what it wants must be confirmed."""
    watch = CounterWatch()
    beats = {"ingest:A": beat("ingest", wanted=100, confirmed=90)}
    assert list(watch.look(beats, NOBODY, 0)) == []
    (problem,) = watch.look(beats, NOBODY, 60 * SECOND_NS)
    assert (problem.key, dict(problem.facts)) == (
        "coverage_low:A",
        {"wanted": 100, "confirmed": 90},
    )
    assert list(watch.look(beats, frozenset({"A"}), 61 * SECOND_NS)) == []


@pytest.mark.parametrize(
    ("days", "live", "keys"), [(44, True, 1), (45, True, 0), (44, False, 0), (-1, False, 1)]
)
def test_the_calendar_ends(days: int, keys: int, *, live: bool) -> None:
    """45 days before, for a live market; a played one must only be covered."""
    assert len(list(horizon_problems(days, live=live))) == keys


def test_the_horizon_counts_from_the_markets_day() -> None:
    """In China time."""
    calendar = Calendar.load()
    late_ns = (date(2026, 12, 30) - date(1970, 1, 1)).days * 86_400 * SECOND_NS
    assert (
        horizon_days(calendar, late_ns + 17 * 3_600 * SECOND_NS)
        == (calendar.horizon - date(2026, 12, 31)).days
    )
