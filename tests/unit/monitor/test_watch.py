"""Outages of a simulated market, found by the rules; and silence where there is none."""

from __future__ import annotations

from functools import cache
from itertools import takewhile

import pytest

from mdhub.calendar import Calendar
from mdhub.market.snapshot import Snapshot
from mdhub.market.synthetic import SyntheticMarket
from tests.support.monitored import STUCK, Outage, Watched

SECOND_NS = 1_000_000_000
CALENDAR = Calendar.load()
BEGIN_S, END_S, UNTIL_S = 120, 150, 175


@cache
def snapshots() -> list[Snapshot]:
    market = SyntheticMarket(seed=7, ticks_per_s=120.0)
    end_ns = market.start_ns + UNTIL_S * SECOND_NS
    return list(takewhile(lambda s: s.made_ns < end_ns, market.snapshots()))


def within(snapshot: Snapshot) -> bool:
    passed_s = (snapshot.made_ns - snapshots()[0].made_ns) / SECOND_NS
    return BEGIN_S <= passed_s < END_S


def watched(outage: Outage, sources: tuple[str, ...] = ("A", "B")) -> list[tuple[str, str, float]]:
    """What was said: change, key, seconds since the outage began."""
    watch = Watched(calendar=CALENDAR, outage=outage, sources=sources)
    start_ns = snapshots()[0].made_ns + BEGIN_S * SECOND_NS
    heard = watch.run(snapshots())
    return [(each.change, each.key, (each.at_ns - start_ns) / SECOND_NS) for each in heard]


def quiet(source: str, snapshot: Snapshot) -> int | None:
    del source, snapshot
    return 0


def mute(source: str, snapshot: Snapshot) -> int | None:
    return None if source == "A" and within(snapshot) else 0


def lag(source: str, snapshot: Snapshot) -> int | None:
    return 3 * SECOND_NS if source == "A" and within(snapshot) else 0


def stuck(source: str, snapshot: Snapshot) -> int | None:
    return STUCK if source == "A" and within(snapshot) else 0


def all_silent(source: str, snapshot: Snapshot) -> int | None:
    del source
    return None if within(snapshot) else 0


def test_a_healthy_market_says_nothing() -> None:
    """Loss of one percent and a lag of some ms are no findings."""
    assert watched(quiet) == []


@pytest.mark.parametrize(
    ("outage", "key"),
    [
        (mute, "source_silent:A"),
        (stuck, "source_frozen:A"),
        (lag, "source_lagging:A"),
        (all_silent, "all_sources_silent:"),
    ],
)
def test_an_outage_is_found_within_five_seconds_and_ends(outage: Outage, key: str) -> None:
    """One finding, its end, and nothing else."""
    heard = watched(outage)
    assert [(change, name) for change, name, _ in heard] == [("began", key), ("ended", key)]
    assert heard[0][2] <= 5.0
    assert END_S - BEGIN_S <= heard[1][2] <= END_S - BEGIN_S + 12


def test_the_only_source_is_never_called_silent() -> None:
    """With nobody to compare it is the market that is silent."""
    keys = {key for _, key, _ in watched(all_silent, ("A",))}
    assert keys == {"all_sources_silent:"}
