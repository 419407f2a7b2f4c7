"""Shards of the log, the arbiters, publishers and supervisors around them: from heartbeats."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from mdhub.wire.ops import Severity
from mdhub_monitor.rules.problem import Problem
from mdhub_monitor.rules.services import BeatFact

__all__ = [
    "ENDED",
    "CounterWatch",
    "ShardFact",
    "ShardWatch",
    "service_problems",
    "unwanted_sources",
]

SECOND_NS: Final = 1_000_000_000
ENDED: Final = "ended"
STANDBY: Final = "standby"
INELIGIBLE: Final = "ineligible"
STALLED_NS: Final = 1_500_000_000
"""A leader moves log time every 0.1 s; a standby takes over within half a second."""
SLOW_NS: Final = 60 * SECOND_NS
REJECTED_SHARE: Final = 0.05
REJECTED_LEAST: Final = 100
REJECTED_NS: Final = 60 * SECOND_NS
COVERED: Final = 0.95
COVERED_NS: Final = 60 * SECOND_NS


class ShardFact(NamedTuple):
    """What the server says of a shard."""

    shard: int
    n: int
    log_ns: int
    market_ns: int
    epoch: int
    beat: int
    """The leader raises it many times a second."""
    behind: int
    """Raw entries after the committed position, at most as many as were counted."""


@dataclass(slots=True)
class _Moved:
    value: int = -1
    at_ns: int = 0


@dataclass(slots=True)
class ShardWatch:
    """Remembers when things last moved, by a clock that does not step."""

    had_standby: set[int] = field(default_factory=set)
    log_age_ns: dict[int, int] = field(default_factory=dict)
    _log: dict[int, _Moved] = field(default_factory=dict)
    _beat: dict[int, _Moved] = field(default_factory=dict)

    def excuse(self) -> None:
        """The log was away: what stood still is not known to have stood still."""
        self._log.clear()
        self._beat.clear()

    def look(
        self, shards: list[ShardFact], arbiters: Mapping[str, BeatFact], monotonic_ns: int
    ) -> Iterator[Problem]:
        """`arbiters`: heartbeats of those that are not down."""
        for fact in shards:
            subject = str(fact.shard)
            log_age_ns = _age_ns(self._log, fact.shard, fact.log_ns, monotonic_ns)
            beat_age_ns = _age_ns(self._beat, fact.shard, fact.beat, monotonic_ns)
            self.log_age_ns[fact.shard] = log_age_ns
            if beat_age_ns > STALLED_NS:
                facts = {"silent_ms": beat_age_ns // 1_000_000}
                yield Problem("shard_unled", subject, Severity.ERROR, facts)
            elif log_age_ns > STALLED_NS:
                facts = {"silent_ms": log_age_ns // 1_000_000}
                yield Problem("log_stalled", subject, Severity.ERROR, facts)
            yield from self._standbys(fact.shard, arbiters)

    def _standbys(self, shard: int, arbiters: Mapping[str, BeatFact]) -> Iterator[Problem]:
        of_shard = {n: b for n, b in arbiters.items() if b.counters.get("shard", 0) == shard}
        states = {beat.state for beat in of_shard.values()}
        for name, beat in of_shard.items():
            if beat.state == INELIGIBLE:
                yield Problem("standby_ineligible", name, Severity.ERROR)
        if STANDBY in states:
            self.had_standby.add(shard)
        elif shard in self.had_standby:
            yield Problem("no_standby", str(shard), Severity.WARNING)


def _age_ns(known: dict[int, _Moved], shard: int, value: int, now_ns: int) -> int:
    moved = known.setdefault(shard, _Moved())
    if moved.value != value:
        moved.value, moved.at_ns = value, now_ns
    return now_ns - moved.at_ns


def unwanted_sources(beats: Mapping[str, BeatFact]) -> frozenset[str]:
    """Sources that ended on purpose, or that their supervisor does not want to run now."""
    ended = {
        name.partition(":")[2]
        for name, beat in beats.items()
        if beat.service == "ingest" and name.startswith("ingest:") and beat.state == ENDED
    }
    wanted: dict[str, int] = {}
    for name, beat in beats.items():
        if name.startswith("supervisor:") and beat.state != ENDED:
            for counter, value in beat.counters.items():
                if counter.startswith("wanted:"):
                    wanted[counter.partition(":")[2]] = value
    ended -= {source for source, value in wanted.items() if value}
    return frozenset(ended | {source for source, value in wanted.items() if not value})


@dataclass(slots=True)
class _Window:
    """Counters of one minute ago."""

    at_ns: int = 0
    counts: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class CounterWatch:
    """Rules about counters in heartbeats that grow."""

    _windows: dict[str, _Window] = field(default_factory=dict)
    _slow_ns: dict[str, int] = field(default_factory=dict)
    _uncovered_ns: dict[str, int] = field(default_factory=dict)
    _rejecting: dict[str, dict[str, int | float | str]] = field(default_factory=dict)
    _muted: set[str] = field(default_factory=set)
    """Sources that were muted at some time of the minute: all they bring is rejected."""

    def look(
        self, beats: Mapping[str, BeatFact], unwanted: frozenset[str], now_ns: int
    ) -> Iterator[Problem]:
        """Slow clients, rejections, coverage of gateways' subscriptions."""
        for name, beat in beats.items():
            if beat.state == ENDED:
                continue
            if beat.service == "publisher":
                yield from self._slow(name, beat, now_ns)
            elif beat.service == "arbiter" and beat.state == "leading":
                yield from self._rejections(name, beat, now_ns)
            elif name.startswith("ingest:") and name.partition(":")[2] not in unwanted:
                yield from self._coverage(name.partition(":")[2], beat, now_ns)

    def _slow(self, name: str, beat: BeatFact, now_ns: int) -> Iterator[Problem]:
        window = self._windows.setdefault(name, _Window(now_ns, dict(beat.counters)))
        now = beat.counters.get("clients_dropped", 0)
        dropped = now - window.counts.get("clients_dropped", now)
        window.counts = dict(beat.counters)
        if dropped > 0:
            self._slow_ns[name] = now_ns
        if now_ns - self._slow_ns.get(name, -SLOW_NS) < SLOW_NS:
            yield Problem("slow_clients", name, Severity.WARNING, {"dropped": now})

    def _rejections(self, name: str, beat: BeatFact, now_ns: int) -> Iterator[Problem]:
        window = self._windows.setdefault(name, _Window(now_ns, dict(beat.counters)))
        muted = (each.partition(":") for each in beat.counters)
        self._muted |= {source for kind, _, source in muted if kind == "muted"}
        if now_ns - window.at_ns >= REJECTED_NS:
            found = _high_rejections(window.counts, beat.counters)
            self._rejecting = {name: facts for name, facts in found if name not in self._muted}
            self._muted = set()
            self._windows[name] = _Window(now_ns, dict(beat.counters))
        for source, facts in self._rejecting.items():
            yield Problem("rejections_high", source, Severity.WARNING, facts)

    def _coverage(self, source: str, beat: BeatFact, now_ns: int) -> Iterator[Problem]:
        wanted, confirmed = beat.counters.get("wanted", 0), beat.counters.get("confirmed", 0)
        if confirmed >= COVERED * wanted:
            self._uncovered_ns.pop(source, None)
            return
        since_ns = self._uncovered_ns.setdefault(source, now_ns)
        if now_ns - since_ns >= COVERED_NS:
            facts = {"wanted": wanted, "confirmed": confirmed}
            yield Problem("coverage_low", source, Severity.WARNING, facts)


def _high_rejections(
    before: Mapping[str, int], now: Mapping[str, int]
) -> Iterator[tuple[str, dict[str, int | float | str]]]:
    def grown(name: str) -> int:
        return max(0, now.get(name, 0) - before.get(name, 0))

    for name in now:
        kind, _, source = name.partition(":")
        if kind != "rejected":
            continue
        rejected = grown(name) + grown(f"held:{source}")
        all_of_it = rejected + sum(
            grown(f"{kind}:{source}") for kind in ("accepted", "duplicate", "late")
        )
        if rejected >= REJECTED_LEAST and rejected > REJECTED_SHARE * all_of_it:
            yield source, {"rejected": rejected, "of": all_of_it}


def service_problems(
    beats: Mapping[str, BeatFact], down: Mapping[str, int], unwanted: frozenset[str]
) -> Iterator[Problem]:
    """`down`: instance -> ms without a heartbeat."""
    for name, silent_ms in down.items():
        if name.startswith("ingest:") and name.partition(":")[2] in unwanted:
            continue
        pid = beats[name].pid if name in beats else 0
        yield Problem("service_down", name, Severity.ERROR, {"pid": pid, "silent_ms": silent_ms})
