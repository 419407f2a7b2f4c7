"""What is to run at a moment of market time: calendar, windows, overrides. Pure."""

from __future__ import annotations

from typing import Final, NamedTuple

from mdhub.calendar import OutsideCalendar
from mdhub.calendar.windows import ALWAYS, Timetable, Window
from mdhub_ingest.schedule.overrides import Overrides

__all__ = ["CLOSED", "HELD", "OUTSIDE", "UNKNOWN", "Wish", "wish"]

OPEN: Final = "open"
CLOSED: Final = "closed"
HELD: Final = "held"
STARTED: Final = "started"
OUTSIDE: Final = "outside_calendar"
UNKNOWN: Final = "no_market_time"
"""No arbiter has told the market's time yet."""


class Wish(NamedTuple):
    """Whether a source is to run, and why."""

    run: bool
    why: str
    session: str = ""
    """Key of the window it runs in; a process of another one is replaced. Empty: any process."""


def wish(
    source: str,
    group: str,
    *,
    timetable: Timetable,
    overrides: Overrides,
    market_ns: int | None,
) -> Wish:
    """Judge one source."""
    said = None if market_ns is None else overrides.of(source, market_ns)
    if said is not None and said.kind == "hold":
        return Wish(False, HELD)
    if group == ALWAYS:
        return Wish(True, ALWAYS)
    if market_ns is None:
        return Wish(False, UNKNOWN)
    window: Window | None = None
    shut = CLOSED
    try:
        window = timetable.window_at(group, market_ns)
    except OutsideCalendar:
        shut = OUTSIDE
    if window is not None:
        return Wish(True, OPEN, window.key)
    return Wish(True, STARTED) if said is not None else Wish(False, shut)
