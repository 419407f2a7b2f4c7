"""Connections: what sources say of themselves, and how often they are started."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from mdhub.wire.ops import Severity
from mdhub_monitor.rules.problem import Problem

__all__ = ["Connections"]

SECOND_NS: Final = 1_000_000_000
RESTARTS: Final = 3
RESTARTS_NS: Final = 600 * SECOND_NS
REMEMBERED: Final = 16
EVENT_LATE_NS: Final = 5 * SECOND_NS
"""Within which the event of a scheduled start has come, counted from the first tick."""
MAX_SOURCES: Final = 256
LONG_NS: Final = 2 * SECOND_NS
"""A connection that is back sooner is not worth a finding."""


@dataclass(slots=True)
class Connections:
    """Follows events of kinds `source` and `schedule`, and the sessions that raw shows."""

    restarts: dict[str, int] = field(default_factory=dict)
    """New processes of each source in `day` that its schedule did not ask for."""
    _day: int = 0
    _lost_ns: dict[str, int] = field(default_factory=dict)
    _sessions: dict[str, int] = field(default_factory=dict)
    _began: dict[str, deque[int]] = field(default_factory=dict)
    _asked_for: set[str] = field(default_factory=set)

    def scheduled(self, source: str, now_ns: int) -> None:
        """Hear that the schedule starts a process, so the next new one is no restart.

        Its first tick may have come before the event did: then the newest one was none.
        """
        began = self._began.get(source)
        if began and now_ns - began[-1] < EVENT_LATE_NS:
            began.pop()
            self.restarts[source] = max(0, self.restarts.get(source, 0) - 1)
        elif source in self._sessions or len(self._asked_for) < MAX_SOURCES:
            self._asked_for.add(source)

    def told(self, source: str, change: str, now_ns: int) -> None:
        """An event said that a source's connection changed."""
        if change == "disconnected":
            self._lost_ns.setdefault(source, now_ns)
        elif change in {"connected", "replaced", "ended", "stopped"}:
            self._lost_ns.pop(source, None)

    def look(
        self, sessions: Mapping[str, int], now_ns: int, *, day: int, unwanted: frozenset[str]
    ) -> Iterator[Problem]:
        """`sessions`: the newest of each source in raw."""
        if day != self._day:
            self._day = day
            self.restarts.clear()
        for source, session in sessions.items():
            before = self._sessions.get(source)
            self._sessions[source] = session
            if before is not None and session > before:
                self._lost_ns.pop(source, None)
                if source in self._asked_for:
                    self._asked_for.discard(source)
                    continue
                self.restarts[source] = self.restarts.get(source, 0) + 1
                self._began.setdefault(source, deque(maxlen=REMEMBERED)).append(now_ns)
        for source, since_ns in self._lost_ns.items():
            if source not in unwanted and now_ns - since_ns >= LONG_NS:
                facts = {"away_ms": (now_ns - since_ns) // 1_000_000}
                yield Problem("source_disconnected", source, Severity.WARNING, facts)
        for source, began in self._began.items():
            often = sum(now_ns - at_ns < RESTARTS_NS for at_ns in began)
            if often >= RESTARTS and source not in unwanted:
                facts = {"restarts": often, "minutes": RESTARTS_NS // SECOND_NS // 60}
                yield Problem("source_restarting", source, Severity.WARNING, facts)
