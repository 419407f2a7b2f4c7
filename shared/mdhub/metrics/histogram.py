# HOT: `observe` once per batch of ticks, never per tick.
"""A latency histogram: one list of integers."""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate
from typing import Final

__all__ = ["BOUNDS_NS", "Histogram"]

MS_NS: Final = 1_000_000
SECOND_NS: Final = 1_000_000_000
BOUNDS_NS: Final = tuple(
    int(ms * MS_NS)
    for ms in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 250, 500, 1_000, 2_500, 10_000)
)
"""Upper bounds of the buckets; what is more falls into the last one, without a bound."""


class Histogram:
    """One thread observes; others may read at any time."""

    __slots__ = ("counts", "sum_ns")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS_NS) + 1)
        self.sum_ns = 0

    def observe(self, ns: int) -> None:
        """Count one duration. A negative one, of clocks that differ, counts as 0."""
        ns = max(ns, 0)
        self.counts[bisect_left(BOUNDS_NS, ns)] += 1
        self.sum_ns += ns

    def buckets(self) -> list[tuple[str, float]]:
        """Upper bound in seconds and how many were not above it, as Prometheus wants them."""
        bounds = [*(str(bound / SECOND_NS) for bound in BOUNDS_NS), "+Inf"]
        return list(zip(bounds, map(float, accumulate(list(self.counts))), strict=True))
