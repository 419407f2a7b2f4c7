"""Tells a growing backlog inside the gateway from old snapshots and wrong clocks. Pure.

The vendor binding's queue has no bound, no counter and cannot be read: only the age of the ticks
that come out of it shows how far behind it is.
"""

from __future__ import annotations

from typing import Final

__all__ = ["Backlog"]

SMALL_MS: Final = 2_000
"""Newer than this is no backlog: exchanges send whole seconds, and batches every 500 ms."""
LARGE_MS: Final = 5_000
HOLDS_S: Final = 3.0
"""A change is believed when it has held for so long."""


class Backlog:
    """`step` returns True when a backlog has come, False when it has gone, None otherwise."""

    def __init__(self) -> None:
        self.present = False
        self._small_s: float | None = None
        """When the newest tick was last fresh; None = never, so the clocks may differ."""
        self._since_s: float | None = None

    def step(self, age_ms: int | None, now_s: float) -> bool | None:
        """Take the age of a tick that has just come; None if none came."""
        if age_ms is None:
            return None
        changed = self._differs(age_ms, now_s)
        if age_ms < SMALL_MS:
            self._small_s = now_s
        if changed is None:
            return None
        if not changed:
            self._since_s = None
            return None
        if self._since_s is None:
            self._since_s = now_s
        if now_s - self._since_s < HOLDS_S:
            return None
        self.present = not self.present
        self._since_s = None
        return self.present

    def _differs(self, age_ms: int, now_s: float) -> bool | None:
        """Whether this tick speaks for the other state; None = it says nothing."""
        if self.present:
            return age_ms < SMALL_MS
        if age_ms < LARGE_MS:
            return False
        if self._small_s is None:
            return None
        # What waits in a queue was fresh once: it cannot be older than the last fresh tick.
        # An older one is a snapshot pushed after a subscription.
        queued = age_ms <= (now_s - self._small_s) * 1_000 + LARGE_MS
        return True if queued else None
