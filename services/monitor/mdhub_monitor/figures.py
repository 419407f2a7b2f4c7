"""Figures of the report that take a look at clean and at the arbiters' counters."""

from __future__ import annotations

from collections import deque
from typing import Final

from mdhub.streams.port import FIRST_ID, Log
from mdhub_monitor.facts import Facts
from mdhub_monitor.probes import Outside, read_latencies
from mdhub_monitor.ranking import Counts

__all__ = ["Figures"]

LATENCIES: Final = 2_000
LEADING: Final = "leading"


class Figures:
    """One per connection; `measure` about once a second."""

    def __init__(self, log: Log, shards: int) -> None:
        self.counts: dict[str, Counts] = {}
        self.accepted_per_s = 0.0
        """Clean entries per second since the last look, markers included."""
        self.fresh_ms: list[float] = []
        """Latencies of the newest look alone."""
        self.unconfirmed = 0
        """Ticks of the newest look that were accepted unconfirmed."""
        self._log = log
        self._latencies: deque[float] = deque(maxlen=LATENCIES)
        self._clean_ids = [FIRST_ID] * shards
        self._accepted = (0, 0)

    def measure(self, facts: Facts, outside: Outside, now_ns: int) -> None:
        """Look at what was committed since the last look."""
        self.fresh_ms, self.unconfirmed = [], 0
        for shard, after in enumerate(self._clean_ids):
            sample = read_latencies(self._log, shard, after)
            self._clean_ids[shard] = sample.newest
            self.fresh_ms += sample.latencies_ms
            self.unconfirmed += sample.unconfirmed
        self._latencies.extend(self.fresh_ms)
        before_n, before_ns = self._accepted
        n = sum(fact.n for fact in outside.shards)
        self._accepted = (n, now_ns)
        if before_ns and now_ns > before_ns:
            self.accepted_per_s = round(max(0, n - before_n) * 1e9 / (now_ns - before_ns), 1)
        self.counts = _counts(facts, outside)

    def latency_ms(self) -> tuple[float | None, float | None]:
        """Median and 99th percentile, gateway callback to commit."""
        if not self._latencies:
            return None, None
        found = sorted(self._latencies)
        return round(found[len(found) // 2], 3), round(found[len(found) * 99 // 100], 3)


def _counts(facts: Facts, outside: Outside) -> dict[str, Counts]:
    leading = [beat.counters for beat in outside.beats.values() if beat.state == LEADING]

    def said(kind: str, name: str) -> int:
        return sum(each.get(f"{kind}:{name}", 0) for each in leading)

    return {
        name: Counts(
            ticks=seen.ticks,
            won=said("accepted", name),
            missed=seen.missed + seen.lost,
            rejected=said("rejected", name) + said("held", name),
            repeats=seen.repeats,
        )
        for name, seen in facts.sources.items()
    }
