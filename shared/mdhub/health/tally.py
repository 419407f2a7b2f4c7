"""Counts a trading day: health reports, heartbeats and events in, a `DayReport` out. Pure.

The tally is a plain struct, so who keeps it can write it down and go on after a restart; what
passed meanwhile is a stretch that nobody looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import exp, log
from typing import Final

import msgspec

from mdhub.health.day import (
    MAX_INCIDENTS,
    DayReport,
    Incident,
    SourceDay,
    Takeover,
)
from mdhub.health.model import CanaryFacts, HealthReport, SourceFacts
from mdhub.wire.codec import decoder, encode
from mdhub.wire.ops import Event, EventKind

__all__ = ["DayTally", "Span", "decode_tally", "encode_tally", "outage_of", "overlap_s"]

Span = tuple[int, int]
"""Market ns from, to: when something trades. Spans of a day are in order and do not overlap."""

SECOND_NS: Final = 1_000_000_000
BLIND_NS: Final = 2_500_000_000
"""Wall time between two reports from which on nobody looked."""
JUMP_S: Final = 600.0
"""Session seconds between two looks that follow each other: more is a jump of a played market."""
STALLED_MS: Final = 1_500
SILENT_MS: Final = 3_000
MAX_NAMES: Final = 5_000
STEP: Final = log(1.02)
"""Buckets of latency: each 2 % wider than the last."""
LEAST_MS: Final = 0.001
OF_SOURCE: Final = ("accepted", "duplicate", "rejected", "held", "lost")
NOT_BAD: Final = ("late", "source_muted")
"""Reasons that say nothing of a tick's content."""
ALL_SILENT: Final = "all_sources_silent"


class SourceTally(msgspec.Struct, kw_only=True):
    """What is summed of a source's facts; weights are session seconds."""

    score: float = 0.0
    score_s: float = 0.0
    lag: float = 0.0
    lag_s: float = 0.0
    lag_p99_ms: float | None = None
    gaps: float = 0.0
    gaps_s: float = 0.0
    restarts: int = 0
    down_s: float = 0.0


class DayTally(msgspec.Struct, kw_only=True):
    """One day, up to now."""

    day: int = 0
    closed: bool = False
    """Whether its report is final."""
    products: list[str] = []
    """Whose hours are the session."""
    monitor: str = ""
    market_ns: int = 0
    ts_ns: int = 0
    rate: float = 1.0
    """Market seconds in a wall second, by the last two looks."""
    open: bool = False
    watched_s: float = 0.0
    skipped_s: float = 0.0
    down_s: dict[str, float] = {}
    running_s: float = 0.0
    longest_s: float = 0.0
    unled: int = 0
    latency: dict[int, int] = {}
    """Bucket -> ticks."""
    latency_max_ms: float = 0.0
    sampled: int = 0
    unconfirmed: int = 0
    before: dict[str, int] = {}
    """Counters as last seen; how they grow is what counts."""
    grown: dict[str, int] = {}
    takeovers: list[Takeover] = []
    service_restarts: dict[str, int] = {}
    sources: dict[str, SourceTally] = {}
    incidents: dict[str, Incident] = {}
    """By key and begin."""
    untold: int = 0

    def look(self, report: HealthReport, spans: Sequence[Span]) -> None:
        """Take the next health report; `spans` of its trading day."""
        passed_s = overlap_s(spans, self.market_ns, report.market_ns) if self.market_ns else 0.0
        wall_ns = report.ts_ns - self.ts_ns
        blind = not self.ts_ns or wall_ns > BLIND_NS
        if wall_ns > 0 and not blind and report.market_ns > self.market_ns:
            self.rate = (report.market_ns - self.market_ns) / wall_ns
        self.monitor, self.market_ns, self.ts_ns = report.monitor, report.market_ns, report.ts_ns
        self.open = any(begin <= report.market_ns < end for begin, end in spans)
        self.unled = sum(not each.leader for each in report.shards)
        if blind:
            self.running_s = 0.0
        elif passed_s > JUMP_S:
            self.skipped_s += passed_s
        elif passed_s > 0:
            self._count(report, passed_s)

    def heard(self, event: Event) -> None:
        """Take an event; kinds that say nothing of the day are left."""
        match event.kind:
            case EventKind.FINDING:
                self._finding(event)
            case EventKind.SERVICE if event.body.get("change") == "restarted":
                restarts = self.service_restarts.get(event.subject, 0)
                if restarts or len(self.service_restarts) < MAX_NAMES:
                    self.service_restarts[event.subject] = restarts + 1
            case _:
                pass

    def led(self, counters: Mapping[str, int]) -> None:
        """Take what the leader of a shard counts, once a second or less often."""
        shard = counters.get("shard", 0)
        for name, value in counters.items():
            kind = name.partition(":")[0]
            if kind in OF_SOURCE or kind == "reason":
                self._grow(name, f"{shard}/{name}", value)

    def served(self, instance: str, service: str, counters: Mapping[str, int]) -> None:
        """Take what a publisher or a source counts; others say nothing of the day."""
        if service == "publisher":
            self._grow(f"holes@{instance}", f"holes@{instance}", counters.get("holes", 0))
        elif service == "ingest" and "corrupted" in counters:
            name = f"corrupted@{instance}"
            self._grow(name, name, counters["corrupted"])

    def ticks(self, latencies_ms: Sequence[float], unconfirmed: int) -> None:
        """Take a sample of newly committed ticks."""
        for ms in latencies_ms:
            bucket = round(log(max(ms, LEAST_MS)) / STEP)
            self.latency[bucket] = self.latency.get(bucket, 0) + 1
            self.latency_max_ms = max(self.latency_max_ms, ms)
        self.sampled += len(latencies_ms)
        self.unconfirmed += unconfirmed

    def taken(self, shard: int, at_ns: int, silence_ms: float) -> None:
        """A shard has a new leader; outside a session it is nobody's gap."""
        if not self.open:
            return
        if len(self.takeovers) < MAX_INCIDENTS:
            self.takeovers.append(Takeover(shard=shard, at_ns=at_ns, silence_ms=silence_ms))
        if silence_ms <= STALLED_MS:  # a longer one is seen by `look`
            self._down("takeover", silence_ms / 1_000 * self.rate)

    def report(self, spans: Sequence[Span], *, final: bool) -> DayReport:
        """Put the day together; one that is not over is measured up to now."""
        end_ns = max((end for _, end in spans), default=0) if final else self.market_ns
        accepted = sum(n for name, n in self.grown.items() if name.startswith("accepted:"))
        share = self.unconfirmed / self.sampled if self.sampled else 0.0
        return DayReport(
            day=self.day,
            monitor=self.monitor,
            final=final,
            until_ns=self.market_ns,
            session_s=round(overlap_s(spans, 0, end_ns), 1),
            watched_s=round(self.watched_s, 1),
            skipped_s=round(self.skipped_s, 1),
            down_s={cause: round(s, 3) for cause, s in sorted(self.down_s.items())},
            longest_s=round(self.longest_s, 3),
            latency_p50_ms=self._latency(0.5),
            latency_p99_ms=self._latency(0.99),
            latency_max_ms=round(self.latency_max_ms, 3) if self.sampled else None,
            latency_samples=self.sampled,
            accepted=accepted,
            refused=self._refused(),
            unconfirmed=round(share * accepted),
            injected=self._sum("corrupted@"),
            holes=min((n for k, n in self.grown.items() if k.startswith("holes@")), default=0),
            takeovers=list(self.takeovers),
            unled=self.unled if final else 0,
            service_restarts=dict(sorted(self.service_restarts.items())),
            sources=self._ranked(),
            incidents=sorted(self.incidents.values(), key=lambda each: each.began_ns),
            incidents_untold=self.untold,
        )

    def _count(self, report: HealthReport, passed_s: float) -> None:
        self.watched_s += passed_s
        share, cause = outage_of(report)
        if cause:
            if cause == "all_silent" and not self.running_s:
                self._down(cause, share * _quiet_s(report))
            self._down(cause, share * passed_s)
        else:
            self.running_s = 0.0
        for facts in report.sources:
            if facts.name in self.sources or len(self.sources) < MAX_NAMES:
                _add(self.sources.setdefault(facts.name, SourceTally()), facts, passed_s)

    def _down(self, cause: str, seconds: float) -> None:
        self.down_s[cause] = self.down_s.get(cause, 0.0) + seconds
        self.running_s = seconds if cause == "takeover" else self.running_s + seconds
        self.longest_s = max(self.longest_s, self.running_s)

    def _grow(self, name: str, key: str, value: int) -> None:
        if key not in self.before and len(self.before) > MAX_NAMES:
            return
        before = self.before.get(key)
        self.before[key] = value
        # A new process counts from nought.
        more = 0 if before is None else value - before if value >= before else value
        self.grown[name] = self.grown.get(name, 0) + more

    def _finding(self, event: Event) -> None:
        body = event.body
        since_ns, change = body.get("since_ns"), body.get("change")
        if not isinstance(since_ns, int) or body.get("severity") == "info":
            return
        name = f"{event.subject}@{since_ns}"
        if name not in self.incidents and len(self.incidents) >= MAX_INCIDENTS:
            self.untold += change == "began"
            return
        self.incidents[name] = Incident(
            key=event.subject,
            severity=str(body.get("severity")),
            began_ns=since_ns,
            ended_ns=event.ts_ns if change == "ended" else 0,
            done=str(body.get("done", "")),
        )

    def _latency(self, share: float) -> float | None:
        left = self.sampled * share
        for bucket in sorted(self.latency):
            left -= self.latency[bucket]
            if left < 0:
                return round(exp(bucket * STEP), 3)
        return round(self.latency_max_ms, 3) if self.sampled else None

    def _sum(self, prefix: str) -> int:
        return sum(n for name, n in self.grown.items() if name.startswith(prefix))

    def _refused(self) -> dict[str, int]:
        found = {
            name.partition(":")[2]: n
            for name, n in self.grown.items()
            if name.startswith("reason:") and n
        }
        for reason in NOT_BAD:
            found.pop(reason, None)
        return dict(sorted(found.items(), key=lambda row: (-row[1], row[0])))

    def _ranked(self) -> list[SourceDay]:
        scores = {n: s.score / s.score_s for n, s in self.sources.items() if s.score_s}
        order = sorted(scores, key=lambda name: (-scores[name], name))
        accepted = self._sum("accepted:")
        days = [
            SourceDay(
                name=name,
                rank=order.index(name) + 1 if name in scores else 0,
                score=round(scores[name], 1) if name in scores else None,
                won=self.grown.get(f"accepted:{name}", 0) / accepted if accepted else None,
                accepted=self.grown.get(f"accepted:{name}", 0),
                duplicates=self.grown.get(f"duplicate:{name}", 0),
                rejected=self.grown.get(f"rejected:{name}", 0),
                held=self.grown.get(f"held:{name}", 0),
                lost=self.grown.get(f"lost:{name}", 0),
                lag_p50_ms=round(each.lag / each.lag_s, 3) if each.lag_s else None,
                lag_p99_ms=each.lag_p99_ms,
                gaps_per_h=round(each.gaps / each.gaps_s, 2) if each.gaps_s else 0.0,
                restarts=each.restarts,
                down_s=round(each.down_s, 1),
            )
            for name, each in self.sources.items()
        ]
        return sorted(days, key=lambda day: (day.rank or MAX_NAMES, day.name))


def overlap_s(spans: Sequence[Span], begin_ns: int, end_ns: int) -> float:
    """Seconds of `spans` between two instants."""
    parts = (min(end, end_ns) - max(begin, begin_ns) for begin, end in spans)
    return sum(part for part in parts if part > 0) / SECOND_NS


def outage_of(report: HealthReport) -> tuple[float, str]:
    """Share of the market (by canaries, else of shards) without data now, and why; 0, "" = none."""
    shards = report.shards
    unled = sum(not each.leader or each.log_age_ms > STALLED_MS for each in shards)
    if unled:
        return unled / len(shards), "no_leader"
    publishers = [each for each in report.services if each.instance.startswith("publisher:")]
    if publishers and all(p.state == "ended" or p.age_ms > SILENT_MS for p in publishers):
        return 1.0, "no_publisher"
    silent = {each.subject for each in report.findings if each.rule == ALL_SILENT}
    if "" in silent:
        return 1.0, "all_silent"
    if silent:
        due = [each for each in report.canaries if each.open]
        weight = sum(map(_weight, due))
        lost = sum(_weight(each) for each in due if _exchange(each) in silent)
        return (lost / weight, "all_silent") if lost else (0.0, "")
    return 0.0, ""


def _weight(canary: CanaryFacts) -> float:
    """Its limit is a multiple of its usual gap: the inverse stands for its ticks."""
    return 1 / max(1, canary.limit_ms)


def _exchange(canary: CanaryFacts) -> str:
    return canary.name.rpartition(".")[2]


def _quiet_s(report: HealthReport) -> float:
    """How long nothing has come when silence is found: it began with the last tick."""
    silent = {each.subject for each in report.findings if each.rule == ALL_SILENT}
    ages = [
        c.age_ms for c in report.canaries if c.open and ("" in silent or _exchange(c) in silent)
    ]
    return min(JUMP_S, min(ages, default=0) / 1_000)


def _add(tally: SourceTally, facts: SourceFacts, passed_s: float) -> None:
    if facts.score is not None:
        tally.score += facts.score * passed_s
        tally.score_s += passed_s
    if facts.lag_p50_ms is not None:
        tally.lag += facts.lag_p50_ms * passed_s
        tally.lag_s += passed_s
    if facts.lag_p99_ms is not None:
        tally.lag_p99_ms = max(tally.lag_p99_ms or 0.0, round(facts.lag_p99_ms, 3))
    tally.gaps += facts.gaps_per_h * passed_s
    tally.gaps_s += passed_s
    tally.restarts = max(tally.restarts, facts.restarts)
    if facts.wanted and facts.down:
        tally.down_s += passed_s


decode_tally: Final = decoder(DayTally)
"""Raises DecodeError."""


def encode_tally(tally: DayTally) -> bytes:
    """Encode for a file."""
    return encode(tally)
