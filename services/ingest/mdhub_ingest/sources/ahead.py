"""Looking ahead in a feed: will a contract be quiet after this snapshot."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator

from mdhub.market.snapshot import Snapshot

__all__ = ["with_space"]


def with_space(feed: Iterator[Snapshot], space_ns: int) -> Iterator[tuple[Snapshot, bool]]:
    """Yield each snapshot and whether its contract's next one is at least `space_ns` later.

    Reads at most `space_ns` of market time ahead, and holds no more than that.
    """
    held: deque[Snapshot] = deque()
    coming: defaultdict[str, int] = defaultdict(int)
    for snapshot in feed:
        while held and held[0].made_ns + space_ns <= snapshot.made_ns:
            yield _released(held, coming)
        held.append(snapshot)
        coming[snapshot.symbol] += 1
    while held:
        yield _released(held, coming)


def _released(held: deque[Snapshot], coming: defaultdict[str, int]) -> tuple[Snapshot, bool]:
    snapshot = held.popleft()
    coming[snapshot.symbol] -= 1
    return snapshot, not coming[snapshot.symbol]
