"""What pages show of one moment: frozen, made from the view, the same for every fragment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mdhub.calendar import Calendar, Interval
from mdhub.calendar.note import ScheduleNote
from mdhub.health.freshness import FreshReport
from mdhub.health.model import Finding, HealthReport, SourceFacts
from mdhub_console.live.commands import CommandLife
from mdhub_console.live.rows import EventRow, LogRow
from mdhub_console.live.view import Connection, Point

__all__ = ["Sight"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """The hub as of `now_ns`. Rows are in the order of the log, the newest last."""

    now_ns: int
    fresh: FreshReport
    connection: Connection
    history: Sequence[Point] = ()
    events: Sequence[EventRow] = ()
    logs: Sequence[LogRow] = ()
    """Of the one source that is shown."""
    commands: Sequence[CommandLife] = ()
    """The newest first."""
    phases: Sequence[Interval] = ()
    """Of the market's trading day, in order."""
    calendar: Calendar | None = None
    """In force, without the days declared holidays; None = not asked for."""
    schedules: Mapping[str, ScheduleNote] = field(default_factory=dict)
    """By supervisor."""

    @property
    def report(self) -> HealthReport | None:
        """The newest report, however old."""
        return self.fresh.report

    @property
    def findings(self) -> list[Finding]:
        """What is wrong, the worst first, of each severity the oldest first."""
        order = {"error": 0, "warning": 1}
        return sorted(self.fresh.findings, key=lambda f: (order.get(f.severity, 2), f.since_ns))

    @property
    def market_ns(self) -> int:
        """Market time, carried on from the report by this host's clock."""
        report = self.report
        if report is None or not report.market_ns:
            return self.now_ns
        return report.market_ns + max(0, self.now_ns - report.ts_ns)

    def source(self, name: str) -> SourceFacts | None:
        """Facts of one source; None = the report does not know it."""
        found = self.report.sources if self.report else []
        return next((each for each in found if each.name == name), None)
