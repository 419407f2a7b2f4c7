"""Progress on stderr, with the time left."""

from __future__ import annotations

import sys
import time

CHAIN_OVERHEAD_S = 6.0


class Progress:
    """Counts the seconds that were planned; what is left is scaled by how long things took."""

    def __init__(self, planned_s: float) -> None:
        self._planned_s = planned_s
        self._done_s = 0.0
        self._began_s = time.monotonic()

    def begin(self, what: str) -> None:
        """Say what is measured now."""
        sys.stderr.write(f"bench: {what} ({self._left()} left)\n")
        sys.stderr.flush()

    def done(self, planned_s: float) -> None:
        """Something is over that was planned to take so long."""
        self._done_s += planned_s

    def drop(self, planned_s: float) -> None:
        """Something that was planned need not be done."""
        self._planned_s -= planned_s

    def say(self, words: str) -> None:
        """Say something in between."""
        sys.stderr.write(f"bench:   {words}\n")
        sys.stderr.flush()

    def _left(self) -> str:
        taken_s = time.monotonic() - self._began_s
        pace = taken_s / self._done_s if self._done_s else 1.0
        left_s = max(0.0, self._planned_s - self._done_s) * pace
        return f"about {int(left_s // 60)}:{int(left_s % 60):02}"
