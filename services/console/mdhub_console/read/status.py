"""How the hub is, from what the view knows. Pure."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from mdhub.runtime.standing import SourceRow, rows_of
from mdhub.wire.ops import Severity
from mdhub_console.live.named import (
    CanaryFacts,
    CoverageFacts,
    Finding,
    HealthReport,
    ServerFacts,
    ServiceFacts,
    ShardFacts,
    SourceFacts,
    named,
)
from mdhub_console.live.view import Connection, Hole, View

__all__ = [
    "Health",
    "Source",
    "Status",
    "Verdict",
    "health_of",
    "known_sources",
    "sources_of",
    "status_of",
]

MS: Final = 1_000_000

Verdict = Literal["ok", "degraded", "down", "unknown"]


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A source: what the monitor finds, and what became of its ticks."""

    name: str
    facts: SourceFacts | None
    """Of the newest health report; None = the monitor does not know it."""
    counts: SourceRow | None
    """By the arbiters' heartbeats; None = none speaks of it."""


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """The newest health report, and how far it can be believed."""

    age_ms: int | None
    stale: bool
    sentence: str
    """What is wrong with the report itself; empty = nothing."""
    findings: list[Finding]
    report: HealthReport | None


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the first page says, each with its age."""

    ts_ns: int
    """When this was put together."""
    verdict: Verdict
    """`unknown` when nothing fresh is known."""
    connection: Connection
    looked_age_ms: int | None
    """Since health and heartbeats were last read; None = never."""
    age_ms: int | None
    """Of the health report."""
    stale: bool
    sentence: str
    trading_day: int = 0
    session: str = ""
    market_ns: int = 0
    next_open_ns: int = 0
    horizon_days: int = 0
    ticks_per_s: float = 0.0
    latency_p50_ms: float | None = None
    latency_p99_ms: float | None = None
    gap_s_today: float = 0.0
    sources: list[Source] = []
    services: list[ServiceFacts] = []
    shards: list[ShardFacts] = []
    server: ServerFacts = ServerFacts()
    canaries: list[CanaryFacts] = []
    coverage: CoverageFacts = msgspec.field(default_factory=CoverageFacts)
    findings: list[Finding] = []
    alerts: int = 0
    """That last and nobody has acknowledged."""
    holes: list[Hole] = []
    """Newest last: entries that the console has missed."""


def health_of(view: View, *, now_ns: int, silent_ms: int) -> Health:
    """Judge the newest report as of now."""
    fresh = view.health(now_ns=now_ns, silent_ms=silent_ms)
    return Health(
        age_ms=fresh.age_ms,
        stale=fresh.stale,
        sentence=fresh.sentence,
        findings=[named(Finding, each) for each in fresh.findings],
        report=None if fresh.report is None else named(HealthReport, fresh.report),
    )


def status_of(view: View, *, now_ns: int, silent_ms: int) -> Status:
    """Put the first page together."""
    health = health_of(view, now_ns=now_ns, silent_ms=silent_ms)
    report = health.report or HealthReport()
    connection, looked_ns, book = view.connection, view.looked_ns, view.alerts
    unheard = [a for a in book.alerts if not a.ended_ns and not a.acked_by] if book else []
    return Status(
        ts_ns=now_ns,
        verdict=_verdict(health, connection),
        connection=connection,
        looked_age_ms=(now_ns - looked_ns) // MS if looked_ns else None,
        age_ms=health.age_ms,
        stale=health.stale,
        sentence=connection.sentence or health.sentence,
        trading_day=report.trading_day,
        session=report.session,
        market_ns=report.market_ns,
        next_open_ns=report.next_open_ns,
        horizon_days=report.horizon_days,
        ticks_per_s=report.accepted_per_s,
        latency_p50_ms=report.latency_p50_ms,
        latency_p99_ms=report.latency_p99_ms,
        gap_s_today=report.gap_s_today,
        sources=sources_of(view, now_ns=now_ns, silent_ms=silent_ms),
        services=report.services,
        shards=report.shards,
        server=report.server,
        canaries=report.canaries,
        coverage=report.coverage,
        findings=health.findings,
        alerts=len(unheard),
        holes=list(view.holes),
    )


def sources_of(view: View, *, now_ns: int, silent_ms: int) -> list[Source]:
    """Every source that anybody speaks of, by name."""
    report = view.report
    facts = {s.name: named(SourceFacts, s) for s in report.sources} if report else {}
    rows = rows_of(view.beats, silent_ms=silent_ms, now_ns=now_ns)
    counts = {row.name: row for row in rows}
    return [
        Source(name=name, facts=facts.get(name), counts=counts.get(name))
        for name in sorted(facts.keys() | counts.keys())
    ]


def known_sources(view: View, *, now_ns: int, silent_ms: int) -> set[str]:
    """Names of all sources."""
    return {each.name for each in sources_of(view, now_ns=now_ns, silent_ms=silent_ms)}


def _verdict(health: Health, connection: Connection) -> Verdict:
    if not connection.live or health.stale:
        return "unknown"
    severities = {finding.severity for finding in health.findings}
    if Severity.ERROR in severities:
        return "down"
    return "degraded" if Severity.WARNING in severities else "ok"
