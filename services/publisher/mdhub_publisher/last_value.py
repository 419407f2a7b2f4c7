# HOT: one `update` per tick.
"""The newest value of each instrument. Pure.

Bound: 200,000 instruments. Policy: the tenth that was silent longest goes. Counter: `evicted`.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from mdhub.wire.topics import Selection
from mdhub_publisher.frames import TICK, Clean, quality_of

__all__ = ["LastValue", "LastValues"]

MAX_INSTRUMENTS: Final = 200_000


class LastValue(NamedTuple):
    """Never changed, only replaced: an answer that holds some of them stays as of one n."""

    newest: Clean
    tick: Clean | None
    quality: Clean | None

    def quality_now(self) -> str:
        """Tell the quality as last marked; empty = good."""
        return quality_of(self.quality) if self.quality else ""

    def messages(self) -> list[Clean]:
        """List the newest tick and the newest quality marker, in order."""
        return sorted((c for c in (self.tick, self.quality) if c), key=lambda clean: clean.n)


class LastValues:
    """Last values of one shard by `symbol.EXCHANGE`."""

    def __init__(self, *, max_instruments: int = MAX_INSTRUMENTS) -> None:
        self._values: dict[str, LastValue] = {}
        self._max_instruments = max_instruments
        self.evicted = 0

    def __len__(self) -> int:
        return len(self._values)

    def update(self, clean: Clean) -> None:
        """Take in the next entry; markers of the whole shard are ignored."""
        name = clean.name
        if not name:
            return
        before = self._values.get(name)
        if clean.kind == TICK:
            value = LastValue(clean, clean, before.quality if before else None)
        else:
            value = LastValue(clean, before.tick if before else None, clean)
        self._values[name] = value
        if before is None and len(self._values) > self._max_instruments:
            self._evict()

    def candidates(self, selection: Selection) -> list[LastValue]:
        """Values among which all that match are; the caller matches, at its own pace."""
        if selection.only_exact:
            return [self._values[name] for name in selection.exact if name in self._values]
        return list(self._values.values())

    def clear(self) -> None:
        """Forget everything."""
        self._values.clear()

    def _evict(self) -> None:
        count = max(1, self._max_instruments // 10)
        oldest = sorted(self._values, key=lambda name: self._values[name].newest.n)[:count]
        for name in oldest:
            del self._values[name]
        self.evicted += count
