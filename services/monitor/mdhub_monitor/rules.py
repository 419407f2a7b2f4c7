"""Pure rules: facts of now and before -> findings. No clock, no I/O.

A service is down when its heartbeat is older than a limit; it is up again with the next one. A
finding is made once per change, so nothing flaps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

__all__ = ["BEAT_LIMIT_NS", "BeatFact", "Finding", "ServiceWatch", "SourceRates"]

BEAT_LIMIT_NS: Final = 3_000_000_000
ENDED: Final = "ended"
"""State of an instance whose work is done: no finding; its next start is one (`up`)."""
SECOND_NS: Final = 1_000_000_000
MAX_SOURCES: Final = 256
MAX_NAME: Final = 32
STRANGERS: Final = "(strangers)"
"""Stands for all sources with a name that no source can have, and for those beyond the bound."""


@dataclass(frozen=True, slots=True)
class BeatFact:
    """Newest heartbeat of one service instance."""

    service: str
    pid: int
    ts_ns: int
    state: str
    counters: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Finding:
    """A change worth an event."""

    subject: str
    change: str
    """`up`, `down` or `restarted`."""
    detail: Mapping[str, int | str]


@dataclass(slots=True)
class ServiceWatch:
    """Follows the heartbeats of all service instances."""

    limit_ns: int = BEAT_LIMIT_NS
    """A service whose heartbeat is older is down."""
    _blind_until_ns: int = 0
    _pids: dict[str, int] = field(default_factory=dict)
    _down: set[str] = field(default_factory=set)

    def excuse(self, now_ns: int) -> None:
        """The log was away until now: nobody could say that he lives, so silence is no sign."""
        self._blind_until_ns = now_ns + self.limit_ns

    def look(self, beats: Mapping[str, BeatFact], now_ns: int) -> list[Finding]:
        """Compare heartbeats with what was known; return what changed."""
        findings: list[Finding] = []
        for instance, beat in sorted(beats.items()):
            if beat.state == ENDED:
                self._pids.pop(instance, None)
                self._down.discard(instance)
                continue
            silent = now_ns - beat.ts_ns > self.limit_ns
            if silent and now_ns < self._blind_until_ns:
                continue
            finding = self._change(instance, beat, silent=silent, now_ns=now_ns)
            if finding is not None:
                findings.append(finding)
        return findings

    def _change(
        self, instance: str, beat: BeatFact, *, silent: bool, now_ns: int
    ) -> Finding | None:
        known = self._pids.get(instance)
        if silent:
            if instance in self._down:
                return None
            self._down.add(instance)
            return Finding(
                instance, "down", {"pid": beat.pid, "silent_ms": (now_ns - beat.ts_ns) // 1_000_000}
            )
        self._pids[instance] = beat.pid
        if instance in self._down or known is None:
            self._down.discard(instance)
            return Finding(instance, "up", {"pid": beat.pid})
        if known != beat.pid:
            return Finding(instance, "restarted", {"pid": beat.pid, "before": known})
        return None


def named(source: str) -> bool:
    """Whether a source can have this name."""
    return 0 < len(source) <= MAX_NAME and source.isprintable()


@dataclass(slots=True)
class SourceRates:
    """Counts raw ticks per source and turns them into rates; of at most 256 sources."""

    _counts: dict[str, int] = field(default_factory=dict)
    _last_ns: int = 0

    def count(self, source: str) -> None:
        if source not in self._counts and (len(self._counts) >= MAX_SOURCES or not named(source)):
            source = STRANGERS
        self._counts[source] = self._counts.get(source, 0) + 1

    def take(self, now_ns: int) -> dict[str, float]:
        """Ticks per second of each source since the last call; silent ones show 0.

        `now_ns` is of a clock that does not step.
        """
        passed_ns = now_ns - self._last_ns if self._last_ns else 0
        self._last_ns = now_ns
        counts, self._counts = self._counts, dict.fromkeys(self._counts, 0)
        if passed_ns <= 0:
            return {}
        return {source: count * SECOND_NS / passed_ns for source, count in sorted(counts.items())}
