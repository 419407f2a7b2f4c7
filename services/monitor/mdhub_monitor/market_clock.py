"""Keeps the monitor's market clock as the arbiter has it, from what was committed last.

The entry that set it may be long gone from raw. Two commits some time apart give the rate.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from mdhub_monitor.watch import MarketWatch

__all__ = ["ClockSync"]

SECOND_NS: Final = 1_000_000_000
APART_NS: Final = SECOND_NS // 2
OFF_NS: Final = SECOND_NS


class _Sample(NamedTuple):
    log_ns: int
    market_ns: int


class ClockSync:
    """One per connection to the log."""

    def __init__(self, watch: MarketWatch) -> None:
        self._watch = watch
        self._samples: dict[int, _Sample] = {}

    def committed(self, shard: int, log_ns: int, market_ns: int) -> None:
        """Tell what stands in the shard's newest commit; call it about once a second."""
        if not log_ns or self._agrees(shard, log_ns, market_ns):
            self._samples.pop(shard, None)
            return
        if log_ns == market_ns:
            self._watch.anchor(shard, log_ns, market_ns, 1.0)
            return
        before = self._samples.get(shard)
        if before is None or log_ns < before.log_ns or market_ns < before.market_ns:
            self._samples[shard] = _Sample(log_ns, market_ns)
        elif log_ns - before.log_ns >= APART_NS:
            rate = (market_ns - before.market_ns) / (log_ns - before.log_ns)
            self._watch.anchor(shard, log_ns, market_ns, rate)
            self._samples.pop(shard)

    def _agrees(self, shard: int, log_ns: int, market_ns: int) -> bool:
        expected_ns = self._watch.expected_ns(shard, log_ns)
        if expected_ns is None:
            return False
        rate = self._watch.facts.clock(shard).rate
        return abs(expected_ns - market_ns) <= OFF_NS * max(1.0, rate)
