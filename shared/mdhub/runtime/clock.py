"""Wall time that never steps: anchored once to the monotonic clock."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["AnchoredClock"]


class AnchoredClock:
    """UTC nanoseconds that only run forward, whatever happens to the system clock.

    Anchored when made. `reanchor` follows the system clock again, forward only.
    """

    def __init__(
        self,
        *,
        wall: Callable[[], int] = time.time_ns,
        monotonic: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._offset_ns = wall() - monotonic()

    def now_ns(self) -> int:
        return self._monotonic() + self._offset_ns

    def reanchor(self) -> int:
        """Jump forward to the system clock if it is ahead; return the jump in ns."""
        jump_ns = max(0, self._wall() - self.now_ns())
        self._offset_ns += jump_ns
        return jump_ns
