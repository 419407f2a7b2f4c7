"""How long a client got nothing although the market ticked.

Silence between two deliveries counts from the moment when the tick that ended it was due: made by
the market, plus the shortest way (first percentile) a tick took in this run. So pauses of the
market itself are no silence, and no clock of the hub is believed.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from mdhub.drill.evidence import Silence
from mdhub.drill.port import Fault
from mdhub.drill.receipts import Receipt
from mdhub.market.snapshot import Snapshot

__all__ = ["Listener"]

SAMPLE: Final = 50
"""Every so manieth tick tells how long its way was."""
LEAST_NS: Final = 5_000_000
"""Shorter intervals are not looked at."""
SHORTEST_WAY: Final = 0.01

Key = tuple[str, int, int | None]


class _Interval(NamedTuple):
    start_ns: int
    end_ns: int
    ended_by: Key


class Listener:
    """Watches the market go by while somebody else reads it; `silence` when that has ended."""

    def __init__(self, receipts: Iterable[Receipt]) -> None:
        self._intervals, self._sampled = _intervals(receipts)
        self._wanted = {each.ended_by for each in self._intervals}
        self._wanted |= {key for key, _ in self._sampled}
        self._made: dict[Key, int] = {}
        self._moments = array("q")

    def watch(self, truth: Iterable[Snapshot]) -> Iterator[Snapshot]:
        """Yield the market unchanged."""
        for snapshot in truth:
            if not snapshot.repeat:
                self._moments.append(snapshot.made_ns)
                key = (snapshot.symbol, snapshot.exchange_ns, snapshot.volume)
                if key in self._wanted:
                    self._made.setdefault(key, snapshot.made_ns)
            yield snapshot

    def silence(self, faults: Sequence[Fault]) -> Silence:
        """Measure per fault. An interval belongs to the newest fault before its end."""
        made = self._made
        ways = sorted(at_ns - made[key] for key, at_ns in self._sampled if key in made)
        if not ways:
            return Silence()
        way_ns = ways[int(len(ways) * SHORTEST_WAY)]
        moments = [fault.at_ns for fault in faults]
        longest = [0] * (len(faults) + 1)
        for each in self._intervals:
            due_ns = made.get(each.ended_by, 0) + way_ns
            silent_ns = each.end_ns - max(each.start_ns, due_ns)
            place = bisect_right(moments, each.end_ns)
            longest[place] = max(longest[place], silent_ns)
        quiet, *samples = (round(ns / 1e9, 4) for ns in longest)
        market_s = round(self._longest_of_market_ns() / 1e9, 4)
        return Silence(samples_s=samples, quiet_s=quiet, market_s=market_s)

    def _longest_of_market_ns(self) -> int:
        first_ns, last_ns = min(self._made.values()), max(self._made.values())
        inside = [ns for ns in self._moments if first_ns <= ns <= last_ns]
        return max((later - earlier for earlier, later in pairwise(inside)), default=0)


def _intervals(receipts: Iterable[Receipt]) -> tuple[list[_Interval], list[tuple[Key, int]]]:
    found: list[_Interval] = []
    sampled: list[tuple[Key, int]] = []
    before_ns: int | None = None
    ticks = (receipt for receipt in receipts if receipt.is_tick)
    for number, receipt in enumerate(ticks):
        at_ns = receipt.at_ns
        long = before_ns is not None and at_ns - before_ns >= LEAST_NS
        if long or number % SAMPLE == 0:
            tick = receipt.tick()
            key = (tick.symbol, tick.ts_ns, tick.volume)
            if number % SAMPLE == 0:
                sampled.append((key, at_ns))
            if long and before_ns is not None:
                found.append(_Interval(before_ns, at_ns, key))
        before_ns = at_ns
    return found, sampled
