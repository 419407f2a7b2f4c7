# HOT: once per tick of a source.
"""Ticks of one source and shard on their way to the log, and the last 10 s of those that are there.

Bound: 10 s of acknowledged ticks, `MAX_KEPT` in all; the oldest go first. What the log does not
have when it goes is counted in `dropped` and declared to the log as `lost`.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

__all__ = ["KEEP_NS", "MAX_KEPT", "Batch", "Outbox"]

KEEP_NS: Final = 10_000_000_000
MAX_KEPT: Final = 500_000


@dataclass(frozen=True, slots=True)
class Batch:
    """What to append next: first `lost` numbers that are gone, then payloads."""

    first_seq: int
    lost: int
    payloads: list[bytes]
    taken_ns: int = field(default=0, compare=False)
    """When the first of the payloads was taken, by the clock of `put`; 0 = there is none."""


class Outbox:
    """Numbers ticks from 1 without holes and gives out what the log lacks."""

    def __init__(self, *, max_kept: int = MAX_KEPT, keep_ns: int = KEEP_NS) -> None:
        self._kept: deque[tuple[int, bytes]] = deque()
        self._first = 1
        self._acknowledged = 0
        self._max_kept = max_kept
        self._keep_ns = keep_ns
        self.dropped = 0

    @property
    def next_seq(self) -> int:
        return self._first + len(self._kept)

    @property
    def waiting(self) -> int:
        """Ticks the log does not have yet."""
        return max(0, self.next_seq - 1 - max(self._acknowledged, self._first - 1))

    def put(self, now_ns: int, payload: bytes) -> None:
        """Take the tick that carries `next_seq`; `now_ns` of the clock `acknowledge` goes by."""
        self._kept.append((now_ns, payload))
        if len(self._kept) > self._max_kept:
            self._drop_oldest()

    def batch(self, have: int, limit: int) -> Batch | None:
        """What follows seq `have`, at most `limit` payloads; None if the log has everything."""
        if have + 1 >= self.next_seq:
            return None
        lost = max(0, self._first - have - 1)
        start = max(0, have + 1 - self._first)
        stop = min(len(self._kept), start + limit)
        payloads = [self._kept[i][1] for i in range(start, stop)]
        return Batch(have + 1, lost, payloads, self._kept[start][0] if payloads else 0)

    def acknowledge(self, have: int, now_ns: int) -> None:
        """The log has everything up to `have`; forget what is older than 10 s."""
        self._acknowledged = have
        while self._kept and self._first <= have and now_ns - self._kept[0][0] > self._keep_ns:
            self._kept.popleft()
            self._first += 1

    def _drop_oldest(self) -> None:
        self._kept.popleft()
        if self._first > self._acknowledged:
            self.dropped += 1
        self._first += 1
