"""The week as it shall be: windows by the calendar, and what is broken when. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final, Literal

from mdhub.calendar import Calendar
from mdhub.wire.ticks import CHINA_TIME

__all__ = ["OUTAGES", "Outage", "Window", "stamp", "windows_of"]

SECOND_NS: Final = 1_000_000_000

What = Literal["source_killed", "source_stopped", "arbiter_killed", "publisher_killed",
               "server_killed", "monitor_killed"]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Window:
    """One stay of the sources at their fronts, market time."""

    name: str
    day: date
    start_ns: int
    open_ns: int
    """From when on the market trades all the time, for a while."""
    end_ns: int


@dataclass(frozen=True, slots=True)
class Outage:
    """Something broken in a window, so many market seconds after its open."""

    window: int
    after_s: int
    what: What
    within_s: float
    """Wall seconds until it must have been noticed and mended."""


OUTAGES: Final = (
    Outage(0, 1_800, "source_killed", 10),
    Outage(1, 1_200, "arbiter_killed", 3),
    Outage(1, 2_700, "source_stopped", 30),
    Outage(2, 1_800, "publisher_killed", 5),
    Outage(3, 1_800, "server_killed", 10),
    Outage(4, 1_800, "arbiter_killed", 3),
    Outage(5, 1_800, "monitor_killed", 10),
    Outage(6, 1_800, "source_stopped", 30),
    Outage(7, 1_800, "source_killed", 10),
)


def stamp(day: date, clock: str) -> int:
    """Ns of a moment, China time."""
    moment = datetime.combine(day, time.fromisoformat(clock), CHINA_TIME)
    return int(moment.timestamp()) * SECOND_NS


def windows_of(calendar: Calendar, first: date, last: date) -> list[Window]:
    """Day and night windows of the natural days from `first` to `last`, in order."""
    found: list[Window] = []
    day = first
    while day <= last:
        if calendar.is_trading_day(day):
            found.append(
                Window(f"{day} day", day, stamp(day, "08:30"), stamp(day, "09:00"),
                       stamp(day, "15:50"))
            )  # fmt: skip
            if calendar.has_night(day):
                until = stamp(day + timedelta(days=1), "02:45")
                of = calendar.trading_day_after(day)
                found.append(
                    Window(f"{day} night", of, stamp(day, "20:30"), stamp(day, "21:00"), until)
                )
        day += timedelta(days=1)
    return found
