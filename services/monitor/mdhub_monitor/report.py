"""Puts the health report together. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from mdhub.calendar import OutsideCalendar, Phase
from mdhub.health.model import (
    CanaryFacts,
    CoverageFacts,
    Finding,
    HealthReport,
    ServerFacts,
    ServiceFacts,
    ShardFacts,
    SourceFacts,
)
from mdhub_monitor.probes import Outside
from mdhub_monitor.ranking import Evidence, score
from mdhub_monitor.rules.canaries import canary_limit_ns, is_shown
from mdhub_monitor.rules.contracts import EXAMPLES
from mdhub_monitor.rules.services import BeatFact
from mdhub_monitor.rules.shards import ENDED, STANDBY
from mdhub_monitor.watch import MarketWatch

__all__ = ["Judged", "build_report"]

MS_NS: Final = 1_000_000
SECOND_NS: Final = 1_000_000_000
LEADING: Final = "leading"
NIGHT_MS: Final = 36_000_000
"""ms since 20:00 up to which (06:00) a session is a night session."""
CHINA: Final = timedelta(hours=8)
MAX_CANARIES: Final = 200
EVENING_NS: Final = 12 * 3_600 * SECOND_NS
"""20:00 China time, as UTC."""
DAY_NS: Final = 86_400 * SECOND_NS


@dataclass(frozen=True, slots=True)
class Judged:
    """What the monitor makes of the facts, beside the facts themselves."""

    now_ns: int
    monitor: str
    horizon_days: int
    evidence: Mapping[str, Evidence] = field(default_factory=dict)
    restarts: Mapping[str, int] = field(default_factory=dict)
    down: Mapping[str, str] = field(default_factory=dict)
    unwanted: frozenset[str] = frozenset()
    log_age_ns: Mapping[int, int] = field(default_factory=dict)
    accepted_per_s: float = 0.0
    latency_ms: tuple[float | None, float | None] = (None, None)
    findings: Sequence[Finding] = ()


def build_report(watch: MarketWatch, outside: Outside, judged: Judged) -> HealthReport:
    """Everything, as of `judged.now_ns`."""
    products = list(watch.facts.products)
    server = outside.server
    return HealthReport(
        ts_ns=judged.now_ns,
        monitor=judged.monitor,
        market_ns=watch.market_ns,
        trading_day=watch.trading_day,
        session=_session(watch),
        next_open_ns=watch.facts.hours.next_open_ns(products, watch.market_ns),
        horizon_days=max(0, judged.horizon_days),
        accepted_per_s=judged.accepted_per_s,
        latency_p50_ms=judged.latency_ms[0],
        latency_p99_ms=judged.latency_ms[1],
        gap_s_today=round(watch.gap_s, 3),
        sources=_sources(watch, outside, judged),
        services=[
            ServiceFacts(
                instance=name,
                state=beat.state,
                age_ms=max(0, judged.now_ns - beat.ts_ns) // MS_NS,
                pid=beat.pid,
                host=beat.host,
            )
            for name, beat in sorted(outside.beats.items())
        ],
        shards=_shards(outside, judged),
        server=ServerFacts(
            used_bytes=server.used_bytes,
            limit_bytes=server.limit_bytes,
            fsync_delayed=server.fsync_delayed,
            call_ms=server.call_ms,
            clock_offset_ms=float(server.offset.certain_ms),
            disk_free_bytes=server.disk_free_bytes,
            disk_total_bytes=server.disk_total_bytes,
        ),
        canaries=_canaries(watch),
        coverage=_coverage(watch, outside),
        findings=list(judged.findings),
    )


def _session(watch: MarketWatch) -> str:
    stretches = [product.stretch for product in watch.facts.products.values()]
    phases = {stretch.phase for stretch in stretches}
    if phases & {Phase.CONTINUOUS, Phase.AUCTION}:
        since_evening_ms = (watch.market_ns - EVENING_NS) % DAY_NS // MS_NS
        return "night" if since_evening_ms < NIGHT_MS else "day"
    if Phase.BREAK in phases:
        return "break"
    days = {stretch.trading_day for stretch in stretches}
    return "holiday" if days and _is_holiday(watch) else "closed"


def _is_holiday(watch: MarketWatch) -> bool:
    """A natural day on which nothing opens, weekends included."""
    today = (datetime.fromtimestamp(watch.market_ns // SECOND_NS, UTC) + CHINA).date()
    try:
        return not watch.facts.hours.calendar.is_trading_day(today)
    except OutsideCalendar:
        return False


def _sources(watch: MarketWatch, outside: Outside, judged: Judged) -> list[SourceFacts]:
    beats = {
        name.partition(":")[2]: beat
        for name, beat in outside.beats.items()
        if name.startswith("ingest:")
    }
    said = [beat.counters for beat in _leaders(outside)]
    names = sorted(beats.keys() | watch.facts.sources.keys())
    points = {name: score(each) for name, each in judged.evidence.items() if name in names}
    ranked = sorted(
        (name for name, each in points.items() if each is not None and name not in judged.down),
        key=lambda name: -(points[name] or 0.0),
    )
    found: list[SourceFacts] = []
    for name in names:
        beat, seen = beats.get(name), watch.facts.sources.get(name)
        evidence = judged.evidence.get(name, Evidence())
        standing = watch.standings.get(name)
        age_ms = None
        if seen is not None and seen.last_ns:
            age_ms = max(0, watch.market_ns - seen.last_ns) // MS_NS
        found.append(
            SourceFacts(
                name=name,
                state=beat.state if beat else "",
                wanted=name not in judged.unwanted,
                ticks_per_s=round(evidence.ticks_per_s, 1),
                age_ms=age_ms,
                win_rate=evidence.win_rate,
                lag_p50_ms=evidence.lag_p50_ms,
                lag_p99_ms=evidence.lag_p99_ms,
                gaps_per_h=round(evidence.gaps_per_h, 1),
                duplicates_per_h=round(evidence.duplicates_per_h, 1),
                rejected_per_h=round(evidence.rejected_per_h, 1),
                restarts=judged.restarts.get(name, 0),
                subscribed=beat.counters.get("wanted", 0) if beat else 0,
                confirmed=beat.counters.get("confirmed", 0) if beat else 0,
                rank=ranked.index(name) + 1 if name in ranked else 0,
                frozen=standing is not None and standing.trouble == "frozen",
                muted="muted" if any(c.get(f"muted:{name}") for c in said) else "",
                down=judged.down.get(name, ""),
                score=points.get(name),
                lag_ms=round(standing.lag_ms, 1) if standing else 0.0,
            )
        )
    return found


def _leaders(outside: Outside) -> list[BeatFact]:
    return [beat for beat in outside.beats.values() if beat.state == LEADING]


def _shards(outside: Outside, judged: Judged) -> list[ShardFacts]:
    def who(shard: int, state: str) -> str:
        fits = (
            name
            for name, beat in outside.beats.items()
            if beat.service == "arbiter"
            and beat.state == state
            and beat.counters.get("shard", 0) == shard
        )
        return max(fits, key=lambda name: outside.beats[name].ts_ns, default="")

    return [
        ShardFacts(
            shard=fact.shard,
            leader=who(fact.shard, LEADING),
            standby=who(fact.shard, STANDBY),
            epoch=fact.epoch,
            n=fact.n,
            log_age_ms=judged.log_age_ns.get(fact.shard, 0) // MS_NS,
            behind=fact.behind,
        )
        for fact in outside.shards
    ]


def _canaries(watch: MarketWatch) -> list[CanaryFacts]:
    view = watch.view
    due = set(map(id, view.canaries()))
    shown = [
        contract
        for product in watch.facts.products.values()
        for contract in product.canaries
        if contract.fresh_ns and is_shown(view, contract)
    ]
    return [
        CanaryFacts(
            name=contract.name,
            age_ms=(view.now_ns(contract) - contract.fresh_ns) // MS_NS,
            limit_ms=canary_limit_ns(view, contract) // MS_NS,
            open=id(contract) in due,
            by_source={
                name: (view.now_ns(contract) - feed.fresh_ns) // MS_NS
                for name, feed in contract.feeds.items()
                if feed.fresh_ns
            },
        )
        for contract in shown[:MAX_CANARIES]
    ]


def _coverage(watch: MarketWatch, outside: Outside) -> CoverageFacts:
    asked = [
        beat.counters.get("wanted", 0)
        for name, beat in outside.beats.items()
        if name.startswith("ingest:") and beat.state != ENDED
    ]
    seen = watch.seen
    return CoverageFacts(
        wanted=max(asked, default=0) or outside.contracts or len(watch.facts.contracts),
        seen=seen.seen,
        silent=len(seen.silent),
        examples=[contract.name for contract in seen.silent[:EXAMPLES]],
    )
