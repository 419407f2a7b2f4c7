"""The server that holds the log, and the host the monitor runs on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from mdhub.wire.ops import Severity
from mdhub_monitor.rules.clocks import RIGHT, Offset
from mdhub_monitor.rules.problem import Problem

__all__ = ["ServerFact", "ServerWatch"]

SECOND_NS: Final = 1_000_000_000
MEMORY_WARNING: Final = 0.70
MEMORY_ERROR: Final = 0.85
SLOW_CALL_MS: Final = 250.0
SLOW_CALLS: Final = 3
"""So many looks in a row: one pause is not a sick disk."""
FSYNC_NS: Final = 60 * SECOND_NS
DISK_WARNING: Final = 0.10
DISK_ERROR: Final = 0.05


class ServerFact(NamedTuple):
    """Server and host as of one look."""

    used_bytes: int = 0
    limit_bytes: int = 0
    fsync_delayed: int = 0
    call_ms: float = 0.0
    offset: Offset = Offset(0, 0)
    disk_free_bytes: int | None = None
    disk_total_bytes: int | None = None


@dataclass(slots=True)
class ServerWatch:
    """Remembers what only a row of looks can tell."""

    _slow: int = 0
    _delayed: int | None = None
    _delayed_ns: int = -FSYNC_NS

    def look(self, fact: ServerFact, now_ns: int) -> Iterator[Problem]:
        """`now_ns` of a clock that does not step."""
        if fact.limit_bytes:
            share = fact.used_bytes / fact.limit_bytes
            if share >= MEMORY_WARNING:
                severity = Severity.ERROR if share >= MEMORY_ERROR else Severity.WARNING
                facts = {"used_bytes": fact.used_bytes, "limit_bytes": fact.limit_bytes}
                yield Problem("server_memory", "", severity, facts)
        yield from self._disk_of_log(fact, now_ns)
        if fact.offset.verdict != RIGHT:
            offset = {"offset_ms": fact.offset.certain_ms}
            yield Problem("clock_offset", "server", Severity.WARNING, offset)
        if fact.disk_total_bytes and fact.disk_free_bytes is not None:
            share = fact.disk_free_bytes / fact.disk_total_bytes
            if share < DISK_WARNING:
                severity = Severity.ERROR if share < DISK_ERROR else Severity.WARNING
                facts = {"free_bytes": fact.disk_free_bytes, "total_bytes": fact.disk_total_bytes}
                yield Problem("disk_space", "", severity, facts)

    def _disk_of_log(self, fact: ServerFact, now_ns: int) -> Iterator[Problem]:
        if self._delayed is not None and fact.fsync_delayed > self._delayed:
            self._delayed_ns = now_ns
        self._delayed = fact.fsync_delayed
        self._slow = self._slow + 1 if fact.call_ms > SLOW_CALL_MS else 0
        if self._slow >= SLOW_CALLS or now_ns - self._delayed_ns < FSYNC_NS:
            facts = {"call_ms": round(fact.call_ms, 1), "delayed": fact.fsync_delayed}
            yield Problem("server_fsync", "", Severity.WARNING, facts)
