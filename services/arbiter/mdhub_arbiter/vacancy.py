"""Whether a shard has no leader any more, judged by the watcher's own monotonic clock. Pure.

A beat that stands still counts only for the time between looks of ours that succeeded soon, and
never for more than one look is apart from the next at most: neither a pause of our own, nor a
stalled server, nor a step of any wall clock makes a living leader look dead.
"""

from __future__ import annotations

from typing import Final

from mdhub.streams.port import Leadership

__all__ = ["LOOK_EVERY_S", "TAKEOVER_S", "Vacancy"]

TAKEOVER_S: Final = 0.15
LOOK_EVERY_S: Final = 0.02
_MOST_NS: Final = int(2.5 * LOOK_EVERY_S * 1e9)
"""What one look counts at most."""


class Vacancy:
    """Feed it every look at the leadership; times are monotonic, in ns."""

    def __init__(self, *, takeover_s: float = TAKEOVER_S) -> None:
        self._takeover_ns = int(takeover_s * 1e9)
        self._seen: Leadership | None = None
        self._still_ns = 0
        self._looked_ns = 0

    def look(
        self, leader: Leadership, incarnation: str, *, asked_ns: int, answered_ns: int
    ) -> bool:
        """Take in a look; True if the office is vacant.

        Vacant: never led, led in another server process than `incarnation`, resigned, or a beat
        that stood still for the time given.
        """
        passed_ns = min(asked_ns - self._looked_ns, _MOST_NS)
        stalled = answered_ns - asked_ns > self._takeover_ns // 2
        if leader != self._seen or stalled or not self._looked_ns:
            self._still_ns = 0
        else:
            self._still_ns += passed_ns
        self._seen, self._looked_ns = leader, answered_ns
        if leader.token == 0 or leader.incarnation != incarnation or leader.resigned:
            return True
        return self._still_ns >= self._takeover_ns
