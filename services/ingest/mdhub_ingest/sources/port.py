"""The port every source type fits: it delivers snapshots until it is told to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from mdhub.market.snapshot import Snapshot
from mdhub.wire.entries import MarketClock
from mdhub.wire.errors import MdhubError

__all__ = ["Emit", "Feed", "RequestClock", "Source", "SourceError"]

Emit = Callable[[Snapshot], None]
"""Takes one snapshot. Never blocks, may be called from any thread, in order of delivery."""

Feed = Callable[[int], Iterator[Snapshot]]
"""Makes a market from a market time (ns) on: snapshots in order of `made_ns`."""

RequestClock = Callable[[int, float], MarketClock]
"""Advance the hub's market clock to at least this market time (ns), from now on at this rate.

Returns the anchor in force, which is another source's if that one asked first. Blocks until
answered.
"""


class SourceError(MdhubError):
    """A source cannot run as it was told to.

    `mistakes`: keys within the description of the source, and words; empty = in the words only.
    """

    def __init__(self, words: str, mistakes: Sequence[tuple[tuple[str, ...], str]] = ()) -> None:
        super().__init__(words)
        self.mistakes = tuple(mistakes)


class Source(Protocol):
    """One account's flow of snapshots."""

    def run(self, emit: Emit, stop: threading.Event) -> None:
        """Deliver until `stop` is set or the source has ended; blocks. Raises on failure."""
