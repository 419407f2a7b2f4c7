"""Samples from the health report: the monitor's facts as gauges. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from mdhub.health.model import CanaryFacts, HealthReport, SourceFacts
from mdhub.metrics.sample import Sample

__all__ = ["samples_of_health"]

SECOND_NS: Final = 1_000_000_000
SESSIONS: Final = ("night", "day", "break", "closed", "holiday")
SEVERITIES: Final = ("error", "warning", "info")


def samples_of_health(report: HealthReport) -> Iterator[Sample]:
    """Yield everything of a report. What is not known yet is absent, never 0."""
    yield from _whole(report)
    for source in report.sources:
        yield from _source(source)
    for service in report.services:
        labels = (service.instance, service.state)
        yield Sample("mdhub_service_beat_age_seconds", labels, service.age_ms / 1000)
    yield from _shards(report)
    yield from _server(report)
    for canary in report.canaries:
        yield from _canary(canary)
    yield from _findings(report)


def _whole(report: HealthReport) -> Iterator[Sample]:
    yield Sample("mdhub_health_time_seconds", (), report.ts_ns / SECOND_NS)
    yield Sample("mdhub_market_time_seconds", (), report.market_ns / SECOND_NS)
    yield Sample("mdhub_trading_day", (), report.trading_day)
    for session in SESSIONS:
        yield Sample("mdhub_session", (session,), report.session == session)
    yield Sample("mdhub_next_open_time_seconds", (), report.next_open_ns / SECOND_NS)
    yield Sample("mdhub_calendar_horizon_days", (), report.horizon_days)
    yield Sample("mdhub_accepted_ticks_per_second", (), report.accepted_per_s)
    yield Sample("mdhub_gap_seconds_today", (), report.gap_s_today)
    quantiles = {"0.5": report.latency_p50_ms, "0.99": report.latency_p99_ms}
    for quantile, value_ms in quantiles.items():
        yield from _known("mdhub_commit_latency_seconds", (quantile,), value_ms, 1000)
    coverage = report.coverage
    yield Sample("mdhub_contracts_wanted", (), coverage.wanted)
    yield Sample("mdhub_contracts_seen", (), coverage.seen)
    yield Sample("mdhub_contracts_silent", (), coverage.silent)


def _source(facts: SourceFacts) -> Iterator[Sample]:
    name = facts.name
    yield Sample("mdhub_source_state", (name, facts.state), 1)
    plain: dict[str, float] = {
        "wanted": facts.wanted,
        "ticks_per_second": facts.ticks_per_s,
        "gaps_per_hour": facts.gaps_per_h,
        "duplicates_per_hour": facts.duplicates_per_h,
        "rejected_per_hour": facts.rejected_per_h,
        "restarts_today": facts.restarts,
        "subscribed": facts.subscribed,
        "confirmed": facts.confirmed,
        "rank": facts.rank,
        "frozen": facts.frozen,
        "lag_now_seconds": facts.lag_ms / 1000,
        "muted": bool(facts.muted),
        "down": bool(facts.down),
    }
    for what, value in plain.items():
        yield Sample(f"mdhub_source_{what}", (name,), value)
    yield from _known("mdhub_source_age_seconds", (name,), facts.age_ms, 1000)
    yield from _known("mdhub_source_score", (name,), facts.score, 1)
    yield from _known("mdhub_source_win_ratio", (name,), facts.win_rate, 1)
    yield from _known("mdhub_source_lag_seconds", (name, "0.5"), facts.lag_p50_ms, 1000)
    yield from _known("mdhub_source_lag_seconds", (name, "0.99"), facts.lag_p99_ms, 1000)


def _shards(report: HealthReport) -> Iterator[Sample]:
    for facts in report.shards:
        shard = (str(facts.shard),)
        yield Sample("mdhub_shard_led", shard, bool(facts.leader))
        yield Sample("mdhub_shard_standby", shard, bool(facts.standby))
        yield Sample("mdhub_shard_epoch", shard, facts.epoch)
        yield Sample("mdhub_shard_n", shard, facts.n)
        yield Sample("mdhub_shard_log_age_seconds", shard, facts.log_age_ms / 1000)
        yield Sample("mdhub_shard_behind", shard, facts.behind)


def _server(report: HealthReport) -> Iterator[Sample]:
    server = report.server
    yield Sample("mdhub_server_used_bytes", (), server.used_bytes)
    yield Sample("mdhub_server_limit_bytes", (), server.limit_bytes)
    yield Sample("mdhub_server_fsync_delayed_total", (), server.fsync_delayed)
    yield Sample("mdhub_server_call_seconds", (), server.call_ms / 1000)
    yield Sample("mdhub_server_clock_offset_seconds", (), server.clock_offset_ms / 1000)
    yield from _known("mdhub_disk_free_bytes", (), server.disk_free_bytes, 1)
    yield from _known("mdhub_disk_total_bytes", (), server.disk_total_bytes, 1)


def _canary(facts: CanaryFacts) -> Iterator[Sample]:
    contract = (facts.name,)
    yield Sample("mdhub_canary_age_seconds", contract, facts.age_ms / 1000)
    yield Sample("mdhub_canary_limit_seconds", contract, facts.limit_ms / 1000)
    yield Sample("mdhub_canary_open", contract, facts.open)
    for source, age_ms in facts.by_source.items():
        yield Sample("mdhub_canary_source_age_seconds", (facts.name, source), age_ms / 1000)


def _findings(report: HealthReport) -> Iterator[Sample]:
    counted = Counter(finding.severity for finding in report.findings)
    for severity in SEVERITIES:
        yield Sample("mdhub_findings", (severity,), counted[severity])
    for finding in report.findings:
        labels = (finding.rule, finding.subject, finding.severity)
        yield Sample("mdhub_finding", labels, 1)


def _known(
    name: str, labels: tuple[str, ...], value: float | None, per_unit: int
) -> Iterator[Sample]:
    if value is not None:
        yield Sample(name, labels, value / per_unit)
