"""Pure rules: whose wall clock is off. No clock of its own, no I/O.

An offset is known as a range only: what was read was said some time before. A clock is called off
when it is off for certain: the server's, which is asked, from 0.2 s on; a service's, of which a
heartbeat tells, ahead from 0.2 s on and behind from 0.2 s and the time between two looks on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from mdhub_monitor.rules.services import BeatFact, Finding

__all__ = ["AHEAD", "BEHIND", "LIMIT_NS", "RIGHT", "SERVER", "ClockWatch", "Offset"]

LIMIT_NS: Final = 200_000_000
SERVER: Final = "server"
AHEAD: Final = "ahead"
BEHIND: Final = "behind"
RIGHT: Final = "right"


class Offset(NamedTuple):
    """A clock's distance from the monitor's lies between these; ahead is positive."""

    least_ns: int
    most_ns: int

    @property
    def verdict(self) -> str:
        if self.least_ns > LIMIT_NS:
            return AHEAD
        return BEHIND if self.most_ns < -LIMIT_NS else RIGHT

    @property
    def certain_ms(self) -> int:
        """By so much it is off at least."""
        nearest_ns = self.least_ns if self.least_ns > 0 else min(0, self.most_ns)
        return round(nearest_ns / 1_000_000)


@dataclass(slots=True)
class ClockWatch:
    """Follows the clocks of the server and of all services; a finding is made once per change."""

    _looked_ns: int | None = None
    _said_ns: dict[str, int] = field(default_factory=dict)
    """Time in the newest heartbeat of each instance."""
    _verdicts: dict[str, str] = field(default_factory=dict)

    def look(self, beats: Mapping[str, BeatFact], now_ns: int, *, server: Offset) -> list[Finding]:
        """Compare with what was known; `now_ns` is the monitor's wall clock."""
        offsets = {SERVER: server}
        for instance, beat in sorted(beats.items()):
            # A heartbeat that was there before says nothing of now.
            if self._looked_ns is not None and self._said_ns.get(instance) != beat.ts_ns:
                offsets[instance] = Offset(beat.ts_ns - now_ns, beat.ts_ns - self._looked_ns)
            self._said_ns[instance] = beat.ts_ns
        self._looked_ns = now_ns
        found = (self._change(subject, offset) for subject, offset in offsets.items())
        return [finding for finding in found if finding is not None]

    def _change(self, subject: str, offset: Offset) -> Finding | None:
        verdict = offset.verdict
        if verdict == self._verdicts.get(subject, RIGHT):
            return None
        self._verdicts[subject] = verdict
        return Finding(subject, verdict, {"offset_ms": offset.certain_ms})
