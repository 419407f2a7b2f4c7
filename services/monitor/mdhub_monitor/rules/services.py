"""Pure rules: facts of now and before -> findings. No clock, no I/O.

A service is down when it has sent no heartbeat for longer than a limit; it is up again with the
next one. Ages are measured by the monitor's clock that does not step: a service whose wall clock
is wrong lives (`clocks.py` names it). A finding is made once per change, so nothing flaps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

__all__ = ["BEAT_LIMIT_NS", "BeatFact", "Finding", "Now", "ServiceWatch"]

BEAT_LIMIT_NS: Final = 3_000_000_000
ENDED: Final = "ended"
"""State of an instance whose work is done: no finding; its next start is one (`up`)."""


class Now(NamedTuple):
    """The moment of a look, by the monitor's two clocks."""

    wall_ns: int
    monotonic_ns: int


@dataclass(frozen=True, slots=True)
class BeatFact:
    """Newest heartbeat of one service instance."""

    service: str
    pid: int
    ts_ns: int
    state: str
    counters: Mapping[str, int]
    host: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """A change worth an event."""

    subject: str
    change: str
    """`up`, `down` or `restarted`; of a clock `ahead`, `behind` or `right`."""
    detail: Mapping[str, int | str]


@dataclass(slots=True)
class ServiceWatch:
    """Follows the heartbeats of all service instances."""

    limit_ns: int = BEAT_LIMIT_NS
    """A service whose heartbeat is older is down."""
    _blind_until_ns: int = 0
    _pids: dict[str, int] = field(default_factory=dict)
    _down: set[str] = field(default_factory=set)
    _seen: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Time in the newest heartbeat, and since when it is known (not stepping)."""

    def excuse(self, monotonic_ns: int) -> None:
        """The log was away until now: nobody could say that he lives, so silence is no sign."""
        self._blind_until_ns = monotonic_ns + self.limit_ns

    def look(self, beats: Mapping[str, BeatFact], now: Now) -> list[Finding]:
        """Compare heartbeats with what was known; return what changed."""
        findings: list[Finding] = []
        for instance, beat in sorted(beats.items()):
            if beat.state == ENDED:
                self._pids.pop(instance, None)
                self._down.discard(instance)
                continue
            silent_ns = self._silent_ns(instance, beat.ts_ns, now)
            if silent_ns > self.limit_ns and now.monotonic_ns < self._blind_until_ns:
                continue
            finding = self._change(instance, beat, silent_ns)
            if finding is not None:
                findings.append(finding)
        return findings

    def _silent_ns(self, instance: str, ts_ns: int, now: Now) -> int:
        known_ts_ns, since_ns = self._seen.get(instance, (None, 0))
        if ts_ns != known_ts_ns:
            # The age of the first one is only known by wall clocks.
            age_ns = max(0, now.wall_ns - ts_ns) if known_ts_ns is None else 0
            since_ns = now.monotonic_ns - age_ns
            self._seen[instance] = ts_ns, since_ns
        return now.monotonic_ns - since_ns

    def down(self, now: Now) -> dict[str, int]:
        """Instances without a heartbeat, and for how many ms."""
        return {
            name: (now.monotonic_ns - self._seen[name][1]) // 1_000_000
            for name in self._down
            if name in self._seen
        }

    def _change(self, instance: str, beat: BeatFact, silent_ns: int) -> Finding | None:
        known = self._pids.get(instance)
        if silent_ns > self.limit_ns:
            if instance in self._down:
                return None
            self._down.add(instance)
            detail = {"pid": beat.pid, "silent_ms": silent_ns // 1_000_000}
            return Finding(instance, "down", detail)
        self._pids[instance] = beat.pid
        if instance in self._down or known is None:
            self._down.discard(instance)
            return Finding(instance, "up", {"pid": beat.pid})
        if known != beat.pid:
            return Finding(instance, "restarted", {"pid": beat.pid, "before": known})
        return None
