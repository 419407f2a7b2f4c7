"""What the console knows now: a projection of the log within bounds. No clock, no I/O.

One thread feeds it (`mdhub_console.live.tail`); any thread may ask. Everything in it can be lost:
it is made anew from the log.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from mdhub.calendar.note import ScheduleNote
from mdhub.health.alerts import AlertBook
from mdhub.health.freshness import FreshReport, judged
from mdhub.health.model import HealthReport
from mdhub.streams.ids import make_id
from mdhub.streams.topology import Stream
from mdhub.wire.ops import Command, Event
from mdhub_console.live.commands import Commands
from mdhub_console.live.rows import LogRow, RejectedRow, Row, event_row, held_log, row_of
from mdhub_console.live.window import Window

__all__ = ["Bounds", "Connection", "Hole", "Point", "ReasonTrend", "View"]

SECOND_NS: Final = 1_000_000_000
MINUTES: Final = 15
HISTORY: Final = MINUTES * 60
MAX_REASONS: Final = 64
OTHER: Final = "other"
MAX_HOLES: Final = 50


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is held; the oldest makes room."""

    events: int = 5_000
    logs: int = 50_000
    log_bytes: int = 48 * 1024 * 1024
    rejected: int = 2_000
    """Of all shards together."""
    commands: int = 1_000
    row_bytes: int = 8 * 1024 * 1024
    """Of events, and of rejected entries."""


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the console reads the log now."""

    live: bool = False
    since_ns: int = 0
    """When that began."""
    sentence: str = "the log was not reached yet"
    """Why it does not; empty while it does."""


class Hole(msgspec.Struct, frozen=True, kw_only=True):
    """Entries of a stream that were dropped before the console had read them."""

    stream: str
    after: str
    """Newest id that was read."""
    before: str
    """Oldest id that was left."""
    ts_ns: int


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One second of the hub, for sparklines."""

    id: str
    ts_ns: int
    ticks_per_s: float
    latency_p50_ms: float | None
    latency_p99_ms: float | None
    rejected_per_min: int
    win_rate: dict[str, float | None]
    """By source."""
    source_ticks_per_s: dict[str, float]


class ReasonTrend(msgspec.Struct, frozen=True, kw_only=True):
    """How often a reason came, minute by minute."""

    reason: str
    total: int
    """Of the minutes below."""
    per_minute: list[int]
    """Oldest first; the last one has just begun."""


class View:
    """Feed it what was read; ask it from any thread."""

    def __init__(self, *, shards: int = 1, bounds: Bounds | None = None) -> None:
        self._bounds = bounds or Bounds()
        self._lock = threading.Lock()
        self.windows: dict[str, Window] = {
            "events": Window(most=self._bounds.events, most_bytes=self._bounds.row_bytes),
            "logs": Window(most=self._bounds.logs, most_bytes=self._bounds.log_bytes),
            "history": Window(most=HISTORY, most_bytes=self._bounds.row_bytes),
        }
        """Names are topics; `rejected:<shard>` belongs to the topic `rejected`."""
        self.shards = 0
        self.grow(shards)
        self.connection = Connection()
        self.beats: Mapping[str, bytes] = {}
        self.beats_ns = 0
        self.alerts: AlertBook | None = None
        self.schedules: Mapping[str, ScheduleNote] = {}
        """By supervisor: what each says of its schedule."""
        self.looked_ns = 0
        """When health and heartbeats were last read; 0 = never."""
        self.holes: deque[Hole] = deque(maxlen=MAX_HOLES)
        self.unreadable = 0
        self.version = 0
        """Grows with everything that is new."""
        self._payload: bytes | None = None
        self._report: HealthReport | None = None
        self._commands = Commands(self._bounds.commands)
        self._reasons: deque[tuple[int, Counter[str]]] = deque(maxlen=MINUTES)
        self._seconds: deque[tuple[int, int]] = deque(maxlen=60)

    def grow(self, shards: int) -> None:
        """The hub has so many shards, as it turns out."""
        with self._lock:
            each = max(100, self._bounds.rejected // shards)
            for shard in range(self.shards, shards):
                window = Window(most=each, most_bytes=self._bounds.row_bytes // shards)
                self.windows[f"rejected:{shard}"] = window
            self.shards = max(self.shards, shards)

    def connected(self, connection: Connection) -> None:
        """The log was reached, or lost."""
        with self._lock:
            if connection.live == self.connection.live and connection.live:
                return
            since_ns = connection.since_ns
            if connection.live == self.connection.live:
                since_ns = self.connection.since_ns
            self.connection = msgspec.structs.replace(connection, since_ns=since_ns)
            self.version += 1

    def take_events(self, events: Iterable[tuple[bytes, Event | None]]) -> None:
        """Take events in order."""
        rows = []
        with self._lock:
            for entry_id, event in events:
                if event is None:
                    self.unreadable += 1
                    continue
                self._commands.answered(event)
                shown = event_row(entry_id, event)
                rows.append(row_of(entry_id, shown, name=event.kind, ts_ns=event.ts_ns))
            self._add("events", rows)

    def take_logs(self, lines: Sequence[LogRow | None]) -> None:
        """Take log lines in order."""
        rows = [held_log(line) for line in lines if line is not None]
        with self._lock:
            self.unreadable += len(lines) - len(rows)
            self._add("logs", rows)

    def take_rejected(self, shard: int, rejected: Sequence[RejectedRow | None]) -> None:
        """Take rejected entries of a shard in order."""
        readable = [each for each in rejected if each is not None]
        rows = [row_of(r.id.encode(), r, name=r.reason, ts_ns=r.ts_ms * 10**6) for r in readable]
        with self._lock:
            self.unreadable += len(rejected) - len(rows)
            for each in readable:
                self._count(each)
            self._add(f"rejected:{shard}", rows)

    def take_commands(self, commands: Iterable[Command | None]) -> None:
        """Take commands."""
        with self._lock:
            for command in commands:
                if command is None:
                    self.unreadable += 1
                else:
                    self._commands.sent(command)
            self.version += 1

    def take_look(
        self,
        *,
        health: bytes | None,
        beats: Mapping[str, bytes],
        alerts: AlertBook | None,
        schedules: Mapping[str, ScheduleNote] | None = None,
        now_ns: int,
    ) -> None:
        """Take what stands on the server beside the streams: once a second."""
        report = judged(health, now_ns=now_ns, silent_ms=0).report
        with self._lock:
            news = report is not None and (
                self._report is None or report.ts_ns != self._report.ts_ns
            )
            self._payload, self._report = health, report
            self.beats, self.alerts = beats, alerts
            self.schedules = schedules or {}
            self.looked_ns = now_ns
            self.version += 1
            if report is not None and news:
                point = self._point(report, now_ns)
                self._add("history", [row_of(point.id.encode(), point, ts_ns=now_ns)])

    def begins(self, stream: Stream, shard: int, entry_id: bytes) -> None:
        """Entries up to this one exist and were never read."""
        name = f"{stream.name}:{shard}" if stream.sharded else stream.name
        with self._lock:
            if name in self.windows:
                self.windows[name].gone = entry_id

    def missed(self, hole: Hole) -> None:
        """Entries were dropped before they were read."""
        with self._lock:
            self.holes.append(hole)
            self.version += 1

    def health(self, *, now_ns: int, silent_ms: int) -> FreshReport:
        """The newest health report, and how far it can be believed now."""
        return judged(self._payload, now_ns=now_ns, silent_ms=silent_ms)

    @property
    def report(self) -> HealthReport | None:
        """The newest health report, however old."""
        return self._report

    def commands(self) -> Commands:
        """Lives of commands; use it within `held`."""
        return self._commands

    def held(self) -> threading.Lock:
        """Hold it while you read windows or commands; shortly."""
        return self._lock

    def rows(self, name: str) -> list[Row]:
        """All rows of a window, oldest first, to be looked at in peace."""
        with self._lock:
            return self.windows[name].rows()

    def reasons(self, *, now_ns: int) -> list[ReasonTrend]:
        """How often each reason came in the last 15 minutes, the most frequent first."""
        minute = now_ns // (60 * SECOND_NS)
        with self._lock:
            held = dict(self._reasons)
        minutes = range(minute - MINUTES + 1, minute + 1)
        names = {name for at in minutes for name in held.get(at, ())}
        none: Counter[str] = Counter()
        trends = [
            ReasonTrend(
                reason=name,
                total=sum(held.get(at, none)[name] for at in minutes),
                per_minute=[held.get(at, none)[name] for at in minutes],
            )
            for name in names
        ]
        return sorted(trends, key=lambda trend: (-trend.total, trend.reason))

    def facts(self) -> dict[str, Any]:
        """How much is held, for the heartbeat and the doctor."""
        with self._lock:
            return {
                name: {"rows": len(window), "bytes": window.bytes, "fallen": window.fallen}
                for name, window in self.windows.items()
            }

    def _add(self, name: str, rows: Sequence[Row]) -> None:
        if rows:
            self.windows[name].add(rows)
            self.version += 1

    def _count(self, row: RejectedRow) -> None:
        second, minute = row.ts_ms // 1_000, row.ts_ms // 60_000
        if not self._reasons or self._reasons[-1][0] < minute:
            self._reasons.append((minute, Counter()))
        counts = self._reasons[-1][1]
        known = row.reason in counts or len(counts) < MAX_REASONS
        counts[row.reason if known else OTHER] += 1
        if not self._seconds or self._seconds[-1][0] < second:
            self._seconds.append((second, 0))
        self._seconds[-1] = (self._seconds[-1][0], self._seconds[-1][1] + 1)

    def _point(self, report: HealthReport, now_ns: int) -> Point:
        newest_s = now_ns // SECOND_NS
        return Point(
            id=make_id(now_ns // 1_000_000, 0).decode(),
            ts_ns=now_ns,
            ticks_per_s=report.accepted_per_s,
            latency_p50_ms=report.latency_p50_ms,
            latency_p99_ms=report.latency_p99_ms,
            rejected_per_min=sum(n for at, n in self._seconds if newest_s - at < 60),  # noqa: PLR2004
            win_rate={source.name: source.win_rate for source in report.sources},
            source_ticks_per_s={source.name: source.ticks_per_s for source in report.sources},
        )
