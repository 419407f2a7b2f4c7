"""A trading day is counted from health reports and events."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdhub.health.day import decode_day, encode_day
from mdhub.health.day_markdown import day_markdown
from mdhub.health.model import (
    CanaryFacts,
    Finding,
    HealthReport,
    ServiceFacts,
    ShardFacts,
    SourceFacts,
)
from mdhub.health.tally import DayTally, decode_tally, encode_tally, outage_of, overlap_s
from mdhub.wire.ops import Event, EventKind
from mdhub.wire.ticks import SCHEMA_VERSION

S = 1_000_000_000
SPANS = [(1_000 * S, 1_600 * S), (2_000 * S, 2_400 * S)]
LED = ShardFacts(shard=0, leader="arbiter:A")


def report(at_s: float, **facts: Any) -> HealthReport:
    given: dict[str, Any] = {"shards": [LED], **facts}
    at_ns = int(at_s * S)
    return HealthReport(ts_ns=at_ns, market_ns=at_ns, trading_day=20260923, **given)


def day(seconds: range, tally: DayTally | None = None, **facts: Any) -> DayTally:
    """One report a second."""
    tally = tally or DayTally(day=20260923)
    for at_s in seconds:
        tally.look(report(at_s, **facts), SPANS)
    return tally


def event(kind: str, subject: str, at_s: float = 0, **body: Any) -> Event:
    at_ns = int(at_s * S)
    return Event(SCHEMA_VERSION, "x", at_ns, "monitor", kind, subject, "info", "", body)


def counted(**counters: int) -> dict[str, int]:
    return {name.replace("__", ":"): n for name, n in counters.items()}


def silent(subject: str = "") -> Finding:
    return Finding(
        key=f"all_sources_silent:{subject}", rule="all_sources_silent", subject=subject,
        severity="error", since_ns=0,
    )  # fmt: skip


def canary(name: str, age_ms: int = 0, limit_ms: int = 1_000) -> CanaryFacts:
    return CanaryFacts(name=name, age_ms=age_ms, limit_ms=limit_ms, open=True)


def test_a_day_without_trouble_is_available_all_the_time() -> None:
    """Closed hours and the break are in no figure."""
    found = day(range(900, 2_500)).report(SPANS, final=True)
    assert (found.session_s, found.watched_s) == (1_000, 1_000)
    assert (found.availability, found.gap_s, found.unwatched_s) == (1.0, 0.0, 0.0)


def test_what_nobody_watched_counts_as_not_available() -> None:
    """The monitor began late, and was away in the middle."""
    tally = day(range(1_100, 1_400))
    found = day(range(1_500, 2_500), tally).report(SPANS, final=True)
    # Both looks around a hole are the same stretch: 1399 to 1500.
    assert found.unwatched_s == pytest.approx(100 + 101)
    assert found.availability == pytest.approx(1 - 201 / 1_000)


def test_seconds_without_a_leader_are_counted_by_share_of_the_shards() -> None:
    """One of two shards for twenty seconds is ten seconds."""
    tally = day(range(900, 1_200))
    day(range(1_200, 1_220), tally, shards=[LED, ShardFacts(shard=1)])
    found = day(range(1_220, 2_500), tally).report(SPANS, final=True)
    assert found.down_s == {"no_leader": pytest.approx(10)}
    assert found.longest_s == pytest.approx(10)
    assert found.availability == pytest.approx(0.99)


def test_silence_began_with_the_last_tick() -> None:
    """It is found four seconds later; those are part of the gap, once."""
    tally = day(range(900, 1_104))
    ages = [canary("a.SHFE", 5_000), canary("b.DCE", 4_000)]
    day(range(1_104, 1_110), tally, findings=[silent()], canaries=ages)
    found = day(range(1_110, 2_500), tally).report(SPANS, final=True)
    assert found.down_s == {"all_silent": pytest.approx(4 + 6)}


def test_a_silent_exchange_weighs_what_its_canaries_do() -> None:
    """By the inverse of their limits: who ticks thrice as often weighs thrice as much."""
    canaries = [canary("a.SHFE", limit_ms=1_000), canary("b.DCE", limit_ms=3_000)]
    share, cause = outage_of(report(1, findings=[silent("SHFE")], canaries=canaries))
    assert share == pytest.approx(0.75)
    assert cause == "all_silent"
    assert outage_of(report(1, findings=[silent("CZCE")], canaries=canaries)) == (0.0, "")


def test_without_any_publisher_nobody_is_served() -> None:
    """One that lives is enough."""
    dead = ServiceFacts(instance="publisher:A", state="serving", age_ms=4_000, pid=1)
    alive = ServiceFacts(instance="publisher:B", state="serving", age_ms=500, pid=2)
    assert outage_of(report(1, services=[dead])) == (1.0, "no_publisher")
    assert outage_of(report(1, services=[dead, alive])) == (0.0, "")


def test_take_overs_count_in_sessions_only() -> None:
    """A short one is part of the gap; one over a second is no success."""
    tally = day(range(900, 950))
    tally.taken(0, 950 * S, 300.0)
    day(range(950, 1_100), tally)
    tally.taken(0, 1_100 * S, 200.0)
    tally.taken(0, 1_101 * S, 1_200.0)
    found = tally.report(SPANS, final=True)
    assert len(found.takeovers) == 2
    assert found.failover_success == 0.5
    assert found.down_s == {"takeover": pytest.approx(1.4)}


def test_counters_count_by_growth_over_restarts_and_leaders() -> None:
    """What stood there before the day is not of the day."""
    tally = DayTally(day=20260923)
    for accepted, rejected in ((1_000, 50), (1_400, 51), (1_900, 52)):
        counters = {"accepted__A": accepted, "rejected__A": rejected, "reason__stale": rejected}
        counters["reason__late"] = accepted
        tally.led(counted(**counters))
        tally.led(counted(shard=1, accepted__A=7))
    tally.led(counted(accepted__A=2_000))
    for corrupted in (5, 9, 2):
        tally.served("ingest:A", "ingest", {"corrupted": corrupted})
    day(range(1_000, 1_002), tally, sources=[SourceFacts(name="A", state="connected", score=90.0)])
    found = tally.report(SPANS, final=True)
    assert (found.accepted, found.refused, found.injected) == (1_000, {"stale": 2}, 6)
    assert found.interception == pytest.approx(2 / 6)
    assert (found.sources[0].accepted, found.sources[0].won) == (1_000, 1.0)


def test_completeness_goes_by_the_best_publisher() -> None:
    """A client connected to both has what either served."""
    tally = DayTally(day=20260923)
    for holes in (0, 10):
        tally.led(counted(accepted__A=holes * 100))
        tally.served("publisher:A", "publisher", {"holes": holes})
        tally.served("publisher:B", "publisher", {"holes": holes // 5})
    assert tally.report(SPANS, final=True).completeness == pytest.approx(1 - 2 / 1_000)


def test_bad_ticks_of_a_live_day_are_those_refused_and_those_taken_unconfirmed() -> None:
    """Nothing is known of the others; without any there is no figure."""
    tally = DayTally(day=20260923)
    assert tally.report(SPANS, final=True).interception is None
    for n in (0, 90):
        tally.led(counted(accepted__A=n * 10, reason__stale=n))
    tally.ticks([0.5] * 90, unconfirmed=1)
    found = tally.report(SPANS, final=True)
    assert (found.unconfirmed, found.interception) == (10, 0.9)


@given(st.lists(st.floats(0.01, 1_000), min_size=1, max_size=300))
def test_latencies_are_right_within_two_percent(latencies_ms: list[float]) -> None:
    """They are kept in buckets, so that a day needs no memory."""
    tally = DayTally(day=20260923)
    tally.ticks(latencies_ms, unconfirmed=0)
    found = tally.report(SPANS, final=True)
    true = sorted(latencies_ms)[len(latencies_ms) // 2]
    assert found.latency_p50_ms == pytest.approx(true, rel=0.02, abs=0.001)
    assert found.latency_max_ms == pytest.approx(max(latencies_ms), abs=0.001)


def test_findings_become_incidents_with_their_end() -> None:
    """What nobody needs to act on is none."""
    tally = DayTally(day=20260923)
    body = {"since_ns": 5 * S, "severity": "warning", "rule": "source_silent", "done": ""}
    tally.heard(event(EventKind.FINDING, "source_silent:A", 6, change="began", **body))
    ended = {**body, "done": "restarted"}
    tally.heard(event(EventKind.FINDING, "source_silent:A", 15, change="ended", **ended))
    quiet = {**body, "severity": "info"}
    tally.heard(event(EventKind.FINDING, "contract_silent:x", 6, change="began", **quiet))
    (found,) = tally.report(SPANS, final=True).incidents
    assert (found.key, found.ended_ns - found.began_ns, found.done) == (
        "source_silent:A", 10 * S, "restarted",
    )  # fmt: skip


def test_sources_are_ranked_by_their_mean_score() -> None:
    """One that was never ranked stands last."""
    facts = [
        SourceFacts(name="A", state="", score=40.0),
        SourceFacts(name="B", state="", score=60.0, down="silent"),
        SourceFacts(name="C", state=""),
    ]
    found = day(range(1_000, 1_011), sources=facts).report(SPANS, final=True)
    assert [(s.name, s.rank) for s in found.sources] == [("B", 1), ("A", 2), ("C", 0)]
    assert found.sources[0].down_s == 10


def test_a_played_market_that_jumps_over_a_session_is_not_blamed() -> None:
    """But what it jumped over is said."""
    tally = day(range(900, 950))
    jumped = HealthReport(ts_ns=950 * S, market_ns=2_399 * S, trading_day=20260923, shards=[LED])
    tally.look(jumped, SPANS)
    found = tally.report(SPANS, final=True)
    assert (found.skipped_s, found.unwatched_s) == (999, 1)


def test_a_tally_goes_on_after_a_restart_and_a_report_reads_back() -> None:
    """Nothing of it is lost on the way."""
    tally = day(range(900, 1_300))
    again = day(range(1_300, 2_500), decode_tally(encode_tally(tally)))
    found = again.report(SPANS, final=True)
    assert found == day(range(900, 2_500)).report(SPANS, final=True)
    assert decode_day(encode_day(found)) == found


def test_the_page_names_what_was_missed() -> None:
    """A figure without anything to measure is a dash, and no miss."""
    page = day_markdown(day(range(1_100, 2_500)).report(SPANS, final=True))
    assert "| availability | 90 % | ≥ 99.9 % | ≥ 99.99 % | missed |" in page
    assert "| interception | - |" in page
    assert "| nobody watched | 100.000 |" in page


def test_overlap_counts_spans_only() -> None:
    """From the middle of one to the middle of the next."""
    assert overlap_s(SPANS, 1_500 * S, 2_100 * S) == 200
