"""Wall time that never steps: anchored once to the monotonic clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, NamedTuple

__all__ = ["SYSTEM", "AnchoredClock", "Clock"]


class Clock(NamedTuple):
    """Where a process reads time; a simulation gives its own."""

    wall_ns: Callable[[], int] = time.time_ns
    """UTC; may step."""
    monotonic_ns: Callable[[], int] = time.monotonic_ns

    def monotonic_s(self) -> float:
        return self.monotonic_ns() / 1e9


SYSTEM: Final = Clock()


class AnchoredClock:
    """UTC nanoseconds that only run forward, whatever happens to the system clock.

    Anchored when made. `reanchor` follows the system clock again, forward only.
    """

    def __init__(
        self,
        *,
        wall: Callable[[], int] = time.time_ns,
        monotonic: Callable[[], int] = time.monotonic_ns,
        at_least_ns: int = 0,
    ) -> None:
        """`at_least_ns`: it begins no earlier, however far the system clock is behind."""
        self._wall = wall
        self._monotonic = monotonic
        self._offset_ns = max(wall(), at_least_ns) - monotonic()

    def now_ns(self) -> int:
        return self._monotonic() + self._offset_ns

    def reanchor(self) -> int:
        """Jump forward to the system clock if it is ahead; return the jump in ns."""
        jump_ns = max(0, self._wall() - self.now_ns())
        self._offset_ns += jump_ns
        return jump_ns
