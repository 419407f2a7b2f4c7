"""Tells a quiet market from a hub that stands still. Pure."""

from __future__ import annotations

from typing import Final

from mdhub.sdk.events import Stall

__all__ = ["StallWatch"]

STALLED_AFTER_NS: Final = 1_000_000_000


class StallWatch:
    """One shard, over all publishers: the newest log time of any of them counts."""

    def __init__(self, shard: int, now_ns: int) -> None:
        self.shard = shard
        self.stalled = False
        self._log_ns = 0
        self._moved_ns = now_ns
        self._heard_ns = 0

    def heard(self, log_ns: int, now_ns: int) -> Stall | None:
        """Take in a heartbeat; return the good news if the log moves again."""
        self._heard_ns = now_ns
        if log_ns <= self._log_ns:
            return None
        self._log_ns = log_ns
        self._moved_ns = now_ns
        if not self.stalled:
            return None
        self.stalled = False
        return Stall(self.shard, stalled=False, cause="")

    def excuse(self, now_ns: int) -> None:
        """Start the clock anew: the strategy did not read, which says nothing of the hub."""
        self._moved_ns = now_ns

    def judge(self, now_ns: int) -> Stall | None:
        """Return the bad news, once. Call it only when all that arrived was read."""
        if self.stalled or now_ns - self._moved_ns <= STALLED_AFTER_NS:
            return None
        self.stalled = True
        silent = now_ns - self._heard_ns > STALLED_AFTER_NS
        return Stall(self.shard, stalled=True, cause="silent" if silent else "log")
