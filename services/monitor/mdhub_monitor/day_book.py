"""Keeps the report of the running trading day, and the files of those that are over."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Final

from mdhub.calendar import Calendar, OutsideCalendar, Phase
from mdhub.health.day import FOLDER, DayReport, encode_day
from mdhub.health.day_markdown import day_markdown
from mdhub.health.model import HealthReport
from mdhub.health.tally import DayTally, Span, decode_tally, encode_tally
from mdhub.runtime.heartbeat import leading
from mdhub.runtime.logging import Logger
from mdhub.wire.codec import DecodeError
from mdhub.wire.ops import Event
from mdhub_monitor.rules.services import BeatFact

__all__ = ["DayBook", "spans_of"]

SAVE_EVERY_S: Final = 60.0
AFTER_CLOSE_NS: Final = 60_000_000_000
"""Market time from the last bell to the report: what was in flight has come by then."""
MAX_PRODUCTS: Final = 2_000
MAX_BYTES: Final = 64_000_000


class DayBook:
    """One per monitor; outlives connections and, in its file, restarts."""

    def __init__(self, folder: Path, instance_id: str, logger: Logger) -> None:
        self._folder = folder / FOLDER
        self._file = folder / f"monitor-{instance_id}.day"
        self._logger = logger
        self._due_s = time.monotonic() + SAVE_EVERY_S
        self._failed = False
        self._spans: list[Span] = []
        self._spans_of: tuple[int, int] = (0, 0)
        self.tally = self._load()
        self.closed: DayReport | None = None
        """The newest day that was closed since this process began."""

    def heard(self, event: Event) -> None:
        """Take an event."""
        if not self.tally.closed:
            self.tally.heard(event)

    def beats(self, beats: Mapping[str, BeatFact]) -> None:
        """Take the newest heartbeats. A leader that died still says that it leads: not counted."""
        if self.tally.closed:
            return
        arbiters = [beat for beat in beats.values() if beat.service == "arbiter"]
        for counters in leading((beat.state, beat.counters) for beat in arbiters):
            self.tally.led(counters)
        for instance, beat in beats.items():
            self.tally.served(instance, beat.service, beat.counters)

    def look(
        self, report: HealthReport, calendar: Calendar, products: Iterable[str]
    ) -> list[DayReport]:
        """Take a health report; return what is over by it, of which everybody shall hear."""
        over: list[DayReport] = []
        if report.trading_day and report.trading_day != self.tally.day:
            if self.tally.day and not self.tally.closed:
                over.append(self._close())
            self.tally = DayTally(day=report.trading_day, before=self.tally.before)
        tally = self.tally
        if tally.day and not tally.closed:
            self._learn(calendar, products)
            tally.look(report, self._spans)
            if self._spans and report.market_ns >= self._spans[-1][1] + AFTER_CLOSE_NS:
                over.append(self._close())
        if over or time.monotonic() >= self._due_s:
            self.save()
        return over

    def save(self) -> None:
        """Write down how far the day is; a failure is said once and tried again."""
        self._due_s = time.monotonic() + SAVE_EVERY_S
        self._write(self._file, encode_tally(self.tally))
        if self.tally.day and not self.tally.closed and self._spans:
            self._publish(self.tally.report(self._spans, final=False))

    def counters(self) -> dict[str, int]:
        """Figures of the newest day that was closed, for the heartbeat and so the metrics."""
        day = self.closed
        if day is None:
            return {}
        shares = {
            "availability": day.availability,
            "interception": day.interception,
            "failover_success": day.failover_success,
            "completeness": day.completeness,
        }
        found = {"report_day": day.day, "report_gap_ms": round(day.gap_s * 1_000)}
        found |= {f"report_{k}_ppm": round(v * 1e6) for k, v in shares.items() if v is not None}
        if day.latency_p50_ms is not None:
            found["report_latency_p50_us"] = round(day.latency_p50_ms * 1_000)
        return found

    def _close(self) -> DayReport:
        self.tally.closed = True
        self.closed = self.tally.report(self._spans, final=True)
        self._publish(self.closed)
        return self.closed

    def _learn(self, calendar: Calendar, products: Iterable[str]) -> None:
        known = self.tally.products
        known += sorted(set(products) - set(known))[: MAX_PRODUCTS - len(known)]
        of = (self.tally.day, len(known))
        if of != self._spans_of:
            self._spans_of, self._spans = of, spans_of(calendar, known, self.tally.day)

    def _publish(self, report: DayReport) -> None:
        self._write(self._folder / f"{report.day}.json", encode_day(report))
        self._write(self._folder / f"{report.day}.md", day_markdown(report).encode())

    def _load(self) -> DayTally:
        try:
            if self._file.stat().st_size > MAX_BYTES:
                return DayTally()
            return decode_tally(self._file.read_bytes())
        except (OSError, DecodeError):
            return DayTally()

    def _write(self, path: Path, data: bytes) -> None:
        part = path.with_name(path.name + ".part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(data)
            part.replace(path)
        except OSError as error:
            if not self._failed:
                self._logger.warning("report_not_saved", file=str(path), reason=str(error))
            self._failed = True
            return
        self._failed = False


def spans_of(calendar: Calendar, products: Iterable[str], day: int) -> list[Span]:
    """When at least one of the products (`SHFE.rb`) trades continuously on a day (YYYYMMDD)."""
    pieces: set[Span] = set()
    for product in products:
        exchange, _, name = product.partition(".")
        try:
            pieces |= {
                (each.start_ns, each.end_ns)
                for each in calendar.sessions(exchange, name, _date(day))
                if each.phase is Phase.CONTINUOUS
            }
        except OutsideCalendar:
            continue
    merged: list[Span] = []
    for begin, end in sorted(pieces):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return merged


def _date(day: int) -> date:
    return datetime.strptime(str(day), "%Y%m%d").date()  # noqa: DTZ007 - a day of no zone
