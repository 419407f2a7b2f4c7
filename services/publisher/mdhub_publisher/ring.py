# HOT: one `put` per tick.
"""The newest clean entries in memory, found by n. Pure.

Bound: entries and bytes. Policy: drop the oldest. Counter: `dropped`.
"""

from __future__ import annotations

from typing import Final

from mdhub_publisher.frames import Clean

__all__ = ["Ring"]

_OVERHEAD_BYTES: Final = 300
"""What one entry costs beside its payload, measured with sys.getsizeof."""


class Ring:
    """Entries `first_n` to `last_n`; an n that the log does not have is absent here too."""

    def __init__(self, *, max_entries: int = 200_000, max_bytes: int = 128 << 20) -> None:
        self._slots: list[Clean | None] = [None] * max_entries
        self._size = max_entries
        self._max_bytes = max_bytes
        self._bytes = 0
        self.first_n = 0
        """Oldest n held; 0 = empty."""
        self.last_n = 0
        self.dropped = 0

    def __len__(self) -> int:
        """Tell how many n it spans."""
        return self.last_n - self.first_n + 1 if self.first_n else 0

    def put(self, clean: Clean) -> None:
        """Add the entry that comes after all others."""
        n = clean.n
        while self.first_n and n - self.first_n >= self._size:
            self._drop_oldest()
        self._slots[n % self._size] = clean
        self._bytes += len(clean.payload) + _OVERHEAD_BYTES
        self.last_n = n
        if not self.first_n:
            self.first_n = n
        while self._bytes > self._max_bytes and self.first_n < n:
            self._drop_oldest()

    def get(self, n: int) -> Clean | None:
        """Entry n if it is held."""
        clean = self._slots[n % self._size]
        return clean if clean is not None and clean.n == n else None

    def clear(self) -> None:
        """Forget everything."""
        self._slots = [None] * self._size
        self._bytes = 0
        self.first_n = self.last_n = 0

    def _drop_oldest(self) -> None:
        slot = self.first_n % self._size
        oldest = self._slots[slot]
        if oldest is not None:
            self._bytes -= len(oldest.payload) + _OVERHEAD_BYTES
            self._slots[slot] = None
            self.dropped += 1
        self.first_n += 1
        if self.first_n > self.last_n:
            self.first_n = 0
