"""Clocks for a player: a wall that only waiting moves, and the hub's market clock."""

from __future__ import annotations

import threading

from mdhub.market.dates import SECOND_NS
from mdhub.wire.entries import MarketClock

WALL_NS = 1_800_000_000 * SECOND_NS


class Wall:
    """A wall clock that only waiting moves."""

    def __init__(self, now_ns: int = WALL_NS) -> None:
        self.now_ns = now_ns

    def read_ns(self) -> int:
        return self.now_ns


class Stop(threading.Event):
    """A stop event whose `wait` passes wall time instead of spending it."""

    def __init__(self, wall: Wall, at_ns: int | None = None) -> None:
        super().__init__()
        self._wall = wall
        self._at_ns = at_ns

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self._wall.now_ns += max(1_000, round(timeout * SECOND_NS))
        if self._at_ns is not None and self._wall.now_ns >= self._at_ns:
            self.set()
        return self.is_set()


class Hub:
    """The hub's market clock: the first to ask sets it.

    Sources may be played one after the other, each on its own `wall`: clocks of their future are
    not seen.
    """

    def __init__(self, wall: Wall, clock: MarketClock | None = None) -> None:
        self.wall = wall
        self.clocks = [] if clock is None else [clock]
        self.asked: list[tuple[int, float]] = []

    def request(self, market_ns: int, rate: float) -> MarketClock:
        self.asked.append((market_ns, rate))
        set_before = [clock for clock in self.clocks if clock.log_ns <= self.wall.now_ns]
        if not set_before or self._market_ns(set_before[-1]) < market_ns:
            set_before.append(MarketClock(market_ns, self.wall.now_ns, rate))
            self.clocks.append(set_before[-1])
        return set_before[-1]

    def _market_ns(self, clock: MarketClock) -> int:
        return clock.market_ns + int((self.wall.now_ns - clock.log_ns) * clock.rate)
