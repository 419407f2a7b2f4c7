"""What the rules of the market see at one look."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from mdhub_monitor.facts import Contract, Facts, Feed, ShardClock

__all__ = ["PATIENCE_NS", "SECOND_NS", "View"]

SECOND_NS: Final = 1_000_000_000
PATIENCE_NS: Final = 4 * SECOND_NS
"""Wall time that a tick, or a source that lags, is given before anything is called silent."""
OPENING_NS: Final = 10 * SECOND_NS
"""Market time after an open in which nobody is called silent."""


@dataclass(frozen=True, slots=True)
class View:
    """Facts as of now. `excused_ns`: by shard, market time before which nobody is to blame."""

    facts: Facts
    excused_ns: Mapping[int, int]
    unwanted: frozenset[str] = frozenset()
    """Sources that are not to deliver now: ended on purpose, or outside their schedule."""
    _due: list[Contract] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._due.extend(
            contract
            for product in self.facts.products.values()
            if product.stretch.open
            for contract in product.canaries
            if self.now_ns(contract) - product.stretch.start_ns >= OPENING_NS
        )

    def canaries(self) -> list[Contract]:
        """Canaries that trade now, and have for ten seconds."""
        return self._due

    def feeds(self, contract: Contract) -> Iterator[tuple[str, Feed]]:
        """Of wanted sources that have delivered it."""
        return (
            (name, feed)
            for name, feed in contract.feeds.items()
            if name not in self.unwanted and feed.fresh_ns
        )

    def now_ns(self, contract: Contract) -> int:
        return self._clock(contract).market_ns

    def patience_ns(self, contract: Contract) -> int:
        """`PATIENCE_NS` of wall time, in market time."""
        return int(PATIENCE_NS * max(1.0, self._clock(contract).rate))

    def since_ns(self, contract: Contract) -> int:
        """From when on it could have been heard: its session began, the log went on."""
        start_ns = contract.product.stretch.start_ns
        return max(start_ns, self.excused_ns.get(contract.shard, 0))

    def age_ns(self, contract: Contract) -> int:
        """Market time since any source said something new of it."""
        return self.now_ns(contract) - max(contract.fresh_ns, self.since_ns(contract))

    def feed_age_ns(self, contract: Contract, feed: Feed) -> int:
        """Market time since this source said something new of it."""
        return self.now_ns(contract) - max(feed.fresh_ns, self.since_ns(contract))

    def _clock(self, contract: Contract) -> ShardClock:
        return self.facts.clocks[contract.shard]
