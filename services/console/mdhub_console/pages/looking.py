"""One look at the view: what a page or a fragment shows of now."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import date
from functools import lru_cache
from typing import Final

import msgspec

from mdhub.calendar import Calendar, Interval, OutsideCalendar
from mdhub.calendar.rows import as_date
from mdhub.calendar.windows import with_closed
from mdhub_console.live.rows import EventRow, LogRow, Row
from mdhub_console.live.service import Live
from mdhub_console.live.view import Point, View
from mdhub_console.pages.sight import Sight

__all__ = ["calendar_of", "look", "phases_of"]

EVENTS: Final = 1_000
LINES: Final = 100
POINTS: Final = 900
ORDERS: Final = 50
MARKET: Final = ("SHFE", "au")
"""Whose hours stand for the market's: nobody trades longer."""
_decode_point: Final = msgspec.json.Decoder(Point).decode
_decode_event: Final = msgspec.json.Decoder(EventRow).decode
_decode_line: Final = msgspec.json.Decoder(LogRow).decode


def look(live: Live, *, source: str | None = None) -> Sight:
    """Read what stands in the view now; `source`: with its last log lines."""
    view, now_ns = live.view, live.now_ns()
    with view.held():
        history = view.windows["history"].newest_rows(POINTS)
        events = view.windows["events"].newest_rows(EVENTS)
        lines = _lines(view, source) if source is not None else []
        commands = view.commands().newest(ORDERS, now_ns=now_ns)
        connection = view.connection
    calendar = calendar_of(live)
    fresh = view.health(now_ns=now_ns, silent_ms=live.silent_ms)
    return Sight(
        now_ns=now_ns,
        fresh=fresh,
        connection=connection,
        history=[_decode_point(row.json) for row in history],
        events=[_decode_event(row.json) for row in events],
        logs=[_decode_line(row.json) for row in lines],
        commands=commands,
        phases=phases_of(calendar, fresh.report.trading_day) if fresh.report else (),
        calendar=calendar,
        schedules=view.schedules,
    )


def _lines(view: View, source: str) -> Sequence[Row]:
    service, word = f"ingest:{source}", json.dumps(source)
    return view.windows["logs"].newest_rows(
        LINES,
        passes=lambda row: row.name == service or word.encode() in row.json,
    )


def calendar_of(live: Live) -> Calendar:
    """The calendar in force: with the operator's file, without the days declared holidays."""
    days: set[date] = set()
    for note in live.view.schedules.values():
        for day in note.holidays:
            with suppress(ValueError):
                days.add(as_date(int(day)))
    return _closed(live.calendar, frozenset(days)) if days else live.calendar


@lru_cache(maxsize=8)
def _closed(calendar: Calendar, days: frozenset[date]) -> Calendar:
    return with_closed(calendar, days)


def phases_of(calendar: Calendar, trading_day: int) -> Sequence[Interval]:
    """Phases of the market on a trading day; of the next one where there is none now."""
    try:
        day = as_date(trading_day)
        return calendar.sessions(*MARKET, day)
    except (OutsideCalendar, ValueError):
        return ()
