"""A strategy beside a hub with gateways, and the snapshots fronts send in these tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import mdhub
from mdhub.sdk.events import Delivery
from tests.gateways.front.front import Front
from tests.gateways.front.market import tick
from tests.gateways.front.wire import Value
from tests.gateways.scenarios.hub import RunningHub
from tests.integration.running import Strategy

__all__ = ["MORNING", "Steps", "by_day", "delivered", "strategy"]

MORNING = "2026-11-23 10:03:10"
"""Market time of most scenarios: Monday, in the morning session."""

FULL_BOOK: dict[str, Value] = {
    **{f"BidPrice{level}": 3012.0 - level for level in range(1, 6)},
    **{f"BidVolume{level}": 10 * level for level in range(1, 6)},
    **{f"AskPrice{level}": 3012.0 + level for level in range(1, 6)},
    **{f"AskVolume{level}": 10 * level + 1 for level in range(1, 6)},
}


@contextmanager
def strategy(hub: RunningHub, pattern: str = "*") -> Iterator[Strategy]:
    """Follow the hub with the SDK; ends well or fails."""
    follower = Strategy(mdhub.connect(hub.endpoint), pattern)
    hub.wait(lambda: follower.joined, "the strategy to join")
    try:
        yield follower
    finally:
        follower.end()


def delivered(hub: RunningHub, follower: Strategy, count: int) -> list[Delivery]:
    """Wait for so many ticks; there must not be more."""
    hub.wait(lambda: len(follower.got) >= count, f"{count} ticks at the strategy")
    assert len(follower.got) == count
    return follower.got


def by_day(symbol: str, **changes: Value) -> dict[str, Value]:
    """Build a snapshot of Monday morning, with five levels; the money fits the volume."""
    lots = changes.get("Volume", 181_234)
    known: dict[str, Value] = {
        "ActionDay": "20261123",
        "UpdateTime": "10:03:17",
        "Turnover": 30_120.0 * lots if isinstance(lots, int) else 0.0,
        "AveragePrice": 30_120.0,
        **FULL_BOOK,
    }
    return tick(symbol, **(known | changes))


class Steps:
    """One new snapshot after the other of a contract, half a second apart, one lot each."""

    def __init__(self, hub: RunningHub, follower: Strategy, front: Front, symbol: str) -> None:
        self._hub = hub
        self._follower = follower
        self._front = front
        self._symbol = symbol
        self._number = 0

    def send(self) -> int:
        """Push the next snapshot to whoever is connected; returns its volume."""
        self._number += 1
        seconds, half = divmod(self._number, 2)
        volume = 181_234 + self._number
        self._front.tick(
            by_day(
                self._symbol,
                UpdateTime=f"10:03:{10 + seconds:02}",
                UpdateMillisec=500 * half,
                Volume=volume,
            )
        )
        return volume

    def through(self) -> None:
        """Send one and wait until the strategy has it."""
        volume = self.send()
        self._hub.wait(
            lambda: any(d.tick.volume == volume for d in list(self._follower.got)),
            f"the tick with volume {volume} at the strategy",
        )
