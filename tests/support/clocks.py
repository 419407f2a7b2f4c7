"""A clock that a test turns."""

from __future__ import annotations

from mdhub.runtime.clock import Clock

__all__ = ["Hands"]


class Hands:
    """Wall and monotonic time are one; it stands still until somebody turns it."""

    def __init__(self) -> None:
        self.s = 1_800_000_000

    def clock(self) -> Clock:
        return Clock(lambda: self.s * 10**9, lambda: self.s * 10**9)

    def turn(self, seconds: int) -> None:
        self.s += seconds
