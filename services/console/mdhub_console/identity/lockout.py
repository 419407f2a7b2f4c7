"""Who failed too often waits: by name and by address, five failures, then 1 min doubling to 15.

Pure. Never for ever: a name that is attacked is free again after a quarter of an hour at most.
"""

from __future__ import annotations

from typing import Final, NamedTuple

__all__ = ["FORGET_S", "FREE", "FULL", "LONGEST_S", "Failures", "wait_s"]

FREE: Final = 5
"""Failures before the first wait."""
FIRST_S: Final = 60
LONGEST_S: Final = 900
FORGET_S: Final = 3_600
"""Who has not failed for so long starts anew."""
FULL: Final = 10_000
"""Names, and addresses, that are remembered; then those that failed longest ago go."""


class Failures(NamedTuple):
    """Of one name or address."""

    number: int
    last_s: float


def wait_s(failures: Failures, now_s: float) -> float:
    """Seconds until the next attempt is heard; 0 = now. No clock that is set back makes it long."""
    if failures.number < FREE:
        return 0.0
    longest_s = min(LONGEST_S, FIRST_S << min(failures.number - FREE, 10))
    return max(0.0, min(longest_s, failures.last_s + longest_s - now_s))
