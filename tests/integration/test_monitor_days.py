"""Recorded days through the monitor's facts and rules: no false alarm, every outage found."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cache

import pytest

from mdhub.calendar import Calendar
from mdhub.market.recorded import Recording, recorded_snapshots
from mdhub.market.snapshot import Snapshot
from mdhub.wire.ticks import CHINA_TIME
from mdhub_monitor.learn import Habit
from tests.support.monitored import STUCK, Hurt, Outage, Watched
from tests.support.recordings import recording

pytestmark = [pytest.mark.recordings, pytest.mark.timeout(240)]

SECOND_NS = 1_000_000_000
DAY = "20171113-market.csv.zst"
CALENDAR = Calendar.load()


def china_ns(text: str) -> int:
    moment = datetime.strptime(text, "%Y%m%d %H:%M:%S").replace(tzinfo=CHINA_TIME)
    return int(moment.timestamp()) * SECOND_NS


OUTAGE = (china_ns("20171110 22:46:30"), china_ns("20171110 22:47:30"))
"""Everything stood still then, and the recording shows it."""
FROM_NS, BEGIN_NS, END_NS, UNTIL_NS = (
    china_ns(f"20171113 {clock}") for clock in ("10:34:00", "10:40:00", "10:40:40", "10:41:10")
)


@cache
def whole_day() -> Watched:
    watched = Watched(calendar=CALENDAR)
    watched.run(recorded_snapshots(recording(DAY)))
    return watched


@cache
def morning() -> list[Snapshot]:
    snapshots = Recording(recording(DAY)).snapshots(FROM_NS)
    return [snapshot for snapshot in snapshots if snapshot.made_ns < UNTIL_NS]


def learned() -> dict[str, Habit]:
    contracts = whole_day().watch.facts.contracts
    return {symbol: Habit(contract.habit.bins()) for symbol, contract in contracts.items()}


def test_a_full_day_has_one_alarm_and_it_is_true() -> None:
    """Night, breaks, auctions, closes of products and of the day, thin contracts: all quiet.

    The feed stood still for 53 s in the night; that is found within 5 s of its last row.
    """
    heard = whole_day().heard
    assert [(each.change, each.key) for each in heard] == [
        ("began", "all_sources_silent:"),
        ("ended", "all_sources_silent:"),
    ]
    assert OUTAGE[0] < heard[0].at_ns < OUTAGE[0] + 6 * SECOND_NS
    assert whole_day().ticks > 690_000
    assert 40 < whole_day().watch.gap_s < 54


@pytest.mark.parametrize(
    "name",
    [
        "IF2101_20210104.csv.zst",
        "IF2101_20210105.csv.zst",
        "ru1901_20181008.csv.zst",
        "ru1901_20181009.csv.zst",
        "AP010_20200803.csv.zst",
        "AP010_20200804.csv.zst",
    ],
)
def test_other_days_have_no_alarm(name: str) -> None:
    """A single contract, from its auction to its settlement."""
    watched = Watched(calendar=CALENDAR)
    assert watched.run(recorded_snapshots(recording(name))) == []
    assert watched.ticks > 20_000


def of_product(letters: str, source: str | None) -> Outage:
    def outage(name: str, snapshot: Snapshot) -> int | None:
        muted = snapshot.symbol.rstrip("0123456789") == letters and source in {None, name}
        return None if muted and _within(snapshot) else 0

    return outage


def of_source(delay_ns: int | None) -> Outage:
    return lambda name, snapshot: delay_ns if name == "A" and _within(snapshot) else 0


def of_exchange(exchange: str) -> Outage:
    return lambda _, s: None if s.true_exchange == exchange and _within(s) else 0


def _within(snapshot: Snapshot) -> bool:
    return BEGIN_NS <= snapshot.made_ns < END_NS


OUTAGES = [
    pytest.param(of_source(None), "source_silent:A", 5.0, id="A mute"),
    pytest.param(of_source(STUCK), "source_frozen:A", 5.0, id="A repeats old content"),
    pytest.param(of_source(3 * SECOND_NS), "source_lagging:A", 5.0, id="A lags 3 s"),
    pytest.param(lambda _, s: None if _within(s) else 0, "all_sources_silent:", 5.0, id="all"),
    pytest.param(of_exchange("SHFE"), "all_sources_silent:SHFE", 8.0, id="SHFE, both"),
    pytest.param(of_product("rb", "A"), "canary_silent:A/rb1801.SHFE", 5.0, id="rb on A"),
    pytest.param(of_product("rb", None), "canary_silent:rb1801.SHFE", 5.0, id="rb on both"),
]


@pytest.mark.parametrize(("outage", "key", "within_s"), OUTAGES)
def test_an_injected_outage_is_found(
    outage: Outage, key: str, within_s: float, record_property: Callable[[str, object], None]
) -> None:
    """In the recorded morning, with what the day has taught; nothing else is said."""
    watched = Watched(calendar=CALENDAR, outage=outage, habits=learned())
    heard = watched.run(morning())
    assert [(each.change, each.key) for each in heard] == [("began", key), ("ended", key)]
    found_s = (heard[0].at_ns - BEGIN_NS) / SECOND_NS
    record_property("found_s", found_s)
    assert 0 < found_s <= within_s


HURTS = [
    pytest.param(
        Hurt(BEGIN_NS, END_NS, beats=False, replaced=True),
        {"service_down:ingest:A", "source_silent:A"},
        id="killed, nobody starts it for 40 s",
    ),
    pytest.param(
        Hurt(BEGIN_NS, BEGIN_NS + SECOND_NS, beats=False, replaced=True), set(),
        id="killed, replaced after 1 s",
    ),
    pytest.param(
        Hurt(BEGIN_NS, END_NS, beats=False), {"service_down:ingest:A", "source_silent:A"},
        id="hangs",
    ),
    pytest.param(
        Hurt(BEGIN_NS, END_NS, disconnects=True), {"source_disconnected:A", "source_silent:A"},
        id="disconnected",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("hurt", "keys"), HURTS)
def test_a_process_that_is_killed_hangs_or_loses_its_front_is_found(
    hurt: Hurt, keys: set[str], record_property: Callable[[str, object], None]
) -> None:
    """Each finding once, within 5 s, and it ends; who is replaced at once is no finding."""

    def no_ticks(name: str, snapshot: Snapshot) -> int | None:
        return None if name == "A" and hurt.begin_ns <= snapshot.made_ns < hurt.end_ns else 0

    watched = Watched(calendar=CALENDAR, outage=no_ticks, habits=learned(), hurt=hurt)
    heard = watched.run(morning())
    assert sorted((each.change, each.key) for each in heard) == sorted(
        (change, key) for change in ("began", "ended") for key in keys
    )
    assert watched.processes.connections.restarts == ({"A": 1} if hurt.replaced else {})
    for each in heard:
        if each.change == "began":
            found_s = (each.at_ns - BEGIN_NS) / SECOND_NS
            record_property(each.key, found_s)
            assert 0 < found_s <= 5
