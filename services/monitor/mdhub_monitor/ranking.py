"""Sources ranked by evidence of the last hour. The formula stands in docs/monitor.md.

score = 100 * win rate
      - lag p50 in ms / 10      (at most 20)
      - lag p99 in ms / 100     (at most 20)
      - missing per hour / 100  (at most 20)
      - rejected per hour / 10  (at most 20)
      - repeats per hour / 1000 (at most 10)
      - 10 for each restart of the trading day (at most 30)
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from mdhub_monitor.facts import SourceSeen

__all__ = ["Counts", "Evidence", "Ranking", "lag_percentiles", "score"]

SECOND_NS: Final = 1_000_000_000
MINUTE_NS: Final = 60 * SECOND_NS
HOUR_NS: Final = 3_600 * SECOND_NS
MINUTES: Final = 61
LOOKS: Final = 10


class Counts(NamedTuple):
    """Of one source, only growing."""

    ticks: int = 0
    won: int = 0
    missed: int = 0
    rejected: int = 0
    repeats: int = 0


class Evidence(NamedTuple):
    """One source over the window."""

    win_rate: float | None = None
    lag_p50_ms: float | None = None
    lag_p99_ms: float | None = None
    gaps_per_h: float = 0.0
    rejected_per_h: float = 0.0
    duplicates_per_h: float = 0.0
    ticks_per_s: float = 0.0
    restarts: int = 0


@dataclass(slots=True)
class Ranking:
    """Keeps counts of each minute of the last hour, and of the newest looks."""

    _minutes: deque[tuple[int, dict[str, Counts]]] = field(
        default_factory=lambda: deque(maxlen=MINUTES)
    )
    _looks: deque[tuple[int, dict[str, int]]] = field(default_factory=lambda: deque(maxlen=LOOKS))
    """The newest looks: ticks of each source."""
    _first: dict[str, Counts] = field(default_factory=dict)
    """Of each source as it was seen first: one that came within the hour grows from there."""

    def look(
        self,
        counts: Mapping[str, Counts],
        seen: Mapping[str, SourceSeen],
        restarts: Mapping[str, int],
        now_ns: int,
    ) -> dict[str, Evidence]:
        """Evidence up to now; call it about once a second."""
        if not self._minutes or now_ns - self._minutes[-1][0] >= MINUTE_NS:
            self._minutes.append((now_ns, dict(counts)))
        hour = [entry for entry in self._minutes if now_ns - entry[0] <= HOUR_NS]
        since_ns, before = hour[0] if hour else (now_ns, dict(counts))
        hours = max((now_ns - since_ns) / HOUR_NS, 1 / 60)
        rates = self._rates(counts, now_ns)
        grown = {
            name: _grown(before.get(name, self._first.setdefault(name, now)), now)
            for name, now in counts.items()
        }
        won = sum(each.won for each in grown.values())
        found: dict[str, Evidence] = {}
        for name, each in grown.items():
            p50, p99 = lag_percentiles(seen[name].lags) if name in seen else (None, None)
            found[name] = Evidence(
                win_rate=each.won / won if won else None,
                lag_p50_ms=p50,
                lag_p99_ms=p99,
                gaps_per_h=each.missed / hours,
                rejected_per_h=each.rejected / hours,
                duplicates_per_h=each.repeats / hours,
                ticks_per_s=rates[name],
                restarts=restarts.get(name, 0),
            )
        return found

    def _rates(self, counts: Mapping[str, Counts], now_ns: int) -> dict[str, float]:
        """Ticks per second over the last ten looks; a source that is new began with nought."""
        ticks = {name: each.ticks for name, each in counts.items()}
        since_ns, before = self._looks[0] if self._looks else (now_ns, ticks)
        self._looks.append((now_ns, ticks))
        passed_s = max((now_ns - since_ns) / SECOND_NS, 1.0)
        return {name: (n - before.get(name, 0)) / passed_s for name, n in ticks.items()}


def score(evidence: Evidence) -> float | None:
    """Points of a source, most = best; None while nothing was accepted from anybody."""
    if evidence.win_rate is None:
        return None
    return (
        100.0 * evidence.win_rate
        - min(20.0, (evidence.lag_p50_ms or 0.0) / 10)
        - min(20.0, (evidence.lag_p99_ms or 0.0) / 100)
        - min(20.0, evidence.gaps_per_h / 100)
        - min(20.0, evidence.rejected_per_h / 10)
        - min(10.0, evidence.duplicates_per_h / 1000)
        - min(30.0, 10.0 * evidence.restarts)
    )


def lag_percentiles(lags: Iterable[tuple[int, float]]) -> tuple[float | None, float | None]:
    """Median and 99th percentile in ms of what it did not deliver first."""
    late = sorted(lag_ms for _, lag_ms in lags if lag_ms >= 0)
    if not late:
        return None, None
    return late[len(late) // 2], late[min(len(late) - 1, len(late) * 99 // 100)]


def _grown(before: Counts, now: Counts) -> Counts:
    return Counts(*(max(0, b - a) for a, b in zip(before, now, strict=True)))
