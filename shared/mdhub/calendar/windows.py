"""When a group of sources is to be connected: windows around the sessions of the calendar.

A window is written `08:30-15:50`, China time. One that begins before 16:00 is a day window: it
opens on trading days. A later one is a night window: it opens on evenings with a night session and
belongs to the trading day after, so Friday's ends on Saturday and is Monday's. A window without any
session of the group's exchanges in it stays shut. Times are ns of market time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Final, NamedTuple

import msgspec

from mdhub.calendar.calendar import Calendar, Interval
from mdhub.calendar.errors import OutsideCalendar
from mdhub.calendar.rows import EXCHANGES, Phase, as_int
from mdhub.wire.errors import MdhubError
from mdhub.wire.ticks import CHINA_TIME

__all__ = [
    "ALWAYS",
    "Group",
    "ScheduleError",
    "Timetable",
    "Window",
    "check_group",
    "day_at",
    "parse_window",
    "with_closed",
]

ALWAYS: Final = "always"
"""Says of a source that it runs at any hour."""
SECOND_NS: Final = 1_000_000_000
_DAY_S: Final = 86_400
_EARLIEST_S: Final = 6 * 3_600
_NIGHT_FROM_S: Final = 16 * 3_600
_AHEAD_DAYS: Final = 40
_BACK_DAYS: Final = 20
"""Further apart than two sessions with the longest holiday between."""
_FORM: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)", re.ASCII)
_TRADING: Final = frozenset({Phase.AUCTION, Phase.CONTINUOUS})


class ScheduleError(MdhubError):
    """The schedule is wrongly described."""

    exit_code = 2


class Group(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Sources that are connected together."""

    windows: tuple[str, ...]
    exchanges: tuple[str, ...] = EXCHANGES
    """Whose sessions count."""


class Window(NamedTuple):
    """One stay of a group at its fronts; the end is outside."""

    group: str
    session: str
    """`day` or `night`."""
    trading_day: date
    start_ns: int
    end_ns: int
    open_ns: int
    """First auction or trade of any product within it."""
    close_ns: int
    """End of the last one."""

    @property
    def key(self) -> str:
        """Names it for good."""
        start = datetime.fromtimestamp(self.start_ns // SECOND_NS, CHINA_TIME)
        return f"{self.group}:{self.trading_day:%Y%m%d}:{self.session}:{start:%H%M}"


def parse_window(text: str) -> tuple[int, int]:
    """Return begin and end in seconds since 00:00 of the day it begins on.

    Raises ScheduleError.
    """
    found = _FORM.fullmatch(text)
    if found is None:
        raise ScheduleError(f"window was {text!r}, expected such as 08:30-15:50 or 20:30-02:45")
    hour, minute, end_hour, end_minute = map(int, found.groups())
    start_s, end_s = (hour * 60 + minute) * 60, (end_hour * 60 + end_minute) * 60
    night = start_s >= _NIGHT_FROM_S
    if night and end_s <= start_s:
        end_s += _DAY_S
    latest_s = _DAY_S + _EARLIEST_S if night else 20 * 3_600
    if not _EARLIEST_S <= start_s < end_s <= latest_s:
        raise ScheduleError(
            f"window was {text!r}, expected a day window within 06:00-20:00, or a night window "
            "that begins from 16:00 on and ends by 06:00"
        )
    return start_s, end_s


def with_closed(calendar: Calendar, days: Iterable[date]) -> Calendar:
    """Return the calendar with more days closed; their evenings and those before have no night."""
    rows = calendar.rows
    closed, nightless = set(rows.closed), set(rows.nightless)
    for day in days:
        try:
            if not calendar.is_trading_day(day):
                continue
            closed.add(as_int(day))
            nightless |= {as_int(day), as_int(calendar.trading_day_before(day))}
        except OutsideCalendar:
            continue
    if closed == set(rows.closed):
        return calendar
    more = {"closed": tuple(sorted(closed)), "nightless": tuple(sorted(nightless))}
    return Calendar(msgspec.structs.replace(rows, **more))


def day_at(market_ns: int) -> date:
    """Return the day in China."""
    return datetime.fromtimestamp(market_ns // SECOND_NS, CHINA_TIME).date()


class Timetable:
    """Windows of every group by a calendar. Pure; what it has computed it remembers."""

    def __init__(self, calendar: Calendar, groups: dict[str, Group]) -> None:
        """Raises ScheduleError for a window or exchange that is none."""
        self.calendar: Final = calendar
        self.groups: Final = groups
        self._spans = {
            name: sorted(parse_window(text) for text in group.windows)
            for name, group in groups.items()
        }
        for name, group in groups.items():
            check_group(name, group)
        self._known: dict[tuple[str, date], list[Window]] = {}
        self._traded: dict[tuple[str, date], list[Interval]] = {}

    def begun_on(self, group: str, day: date) -> list[Window]:
        """Windows that begin on a natural day, in order. Raises OutsideCalendar."""
        found = self._known.get((group, day))
        if found is None:
            made = (self._window(group, day, span) for span in self._spans[group])
            found = self._known[group, day] = [window for window in made if window is not None]
        return found

    def window_at(self, group: str, market_ns: int) -> Window | None:
        """The window a moment is in. Raises OutsideCalendar."""
        today = day_at(market_ns)
        near = [*self._before(group, today), *self.begun_on(group, today)]
        return next((w for w in near if w.start_ns <= market_ns < w.end_ns), None)

    def next_window(self, group: str, market_ns: int) -> Window | None:
        """The first window to begin after a moment; None = beyond the calendar."""
        day = day_at(market_ns)
        try:
            for ahead in range(_AHEAD_DAYS):
                for window in self.begun_on(group, day + timedelta(ahead)):
                    if window.start_ns > market_ns:
                        return window
        except OutsideCalendar:
            pass
        return None

    def last_window(self, group: str, market_ns: int) -> Window | None:
        """The last window that has ended by a moment."""
        day = day_at(market_ns)
        try:
            for back in range(_BACK_DAYS):
                for window in reversed(self.begun_on(group, day - timedelta(back))):
                    if window.end_ns <= market_ns:
                        return window
        except OutsideCalendar:
            pass
        return None

    def next_change(self, group: str, market_ns: int) -> int | None:
        """When the group is next connected or disconnected; None = beyond the calendar."""
        try:
            now = self.window_at(group, market_ns)
        except OutsideCalendar:
            return None
        if now is not None:
            return now.end_ns
        ahead = self.next_window(group, market_ns)
        return None if ahead is None else ahead.start_ns

    def end_of_trading_day(self, group: str, market_ns: int) -> int | None:
        """When the last window of the present or coming trading day ends."""
        try:
            window = self.window_at(group, market_ns) or self.next_window(group, market_ns)
        except OutsideCalendar:
            return None
        if window is None:
            return None
        of_day = self.begun_on(group, window.trading_day)
        ends = [w.end_ns for w in of_day if w.trading_day == window.trading_day]
        return max([window.end_ns, *ends])

    def _before(self, group: str, day: date) -> list[Window]:
        try:
            return self.begun_on(group, day - timedelta(1))
        except OutsideCalendar:
            return []  # the first day of the data

    def _window(self, group: str, day: date, span: tuple[int, int]) -> Window | None:
        night = span[0] >= _NIGHT_FROM_S
        runs = self.calendar.has_night(day) if night else self.calendar.is_trading_day(day)
        if not runs:
            return None
        trading_day = self.calendar.trading_day_after(day) if night else day
        midnight = datetime(day.year, day.month, day.day, tzinfo=CHINA_TIME)
        start_ns, end_ns = ((int(midnight.timestamp()) + at_s) * SECOND_NS for at_s in span)
        within = [
            interval
            for interval in self._sessions(group, trading_day)
            if interval.start_ns < end_ns and interval.end_ns > start_ns
        ]
        if not within:
            return None
        open_ns = max(start_ns, min(interval.start_ns for interval in within))
        close_ns = min(end_ns, max(interval.end_ns for interval in within))
        session = "night" if night else "day"
        return Window(group, session, trading_day, start_ns, end_ns, open_ns, close_ns)

    def _sessions(self, group: str, trading_day: date) -> list[Interval]:
        """Every different interval of trade on the group's exchanges."""
        found = self._traded.get((group, trading_day))
        if found is None:
            exchanges = self.groups[group].exchanges
            rows = self.calendar.rows.hours
            products = {(h.exchange, h.product) for h in rows if h.exchange in exchanges}
            named = {exchange for exchange, product in products if product != "*"}
            found = self._traded[group, trading_day] = sorted(
                {
                    interval
                    for exchange, product in products
                    if product != "*" or exchange not in named
                    for interval in self.calendar.sessions(exchange, product, trading_day)
                    if interval.phase in _TRADING
                }
            )
        return found


def check_group(name: str, group: Group) -> None:
    """Raise ScheduleError for windows or exchanges that are none."""
    spans = sorted(parse_window(text) for text in group.windows)
    if not spans:
        raise ScheduleError(f"group {name!r} has no window, expected such as 08:30-15:50")
    unknown = sorted(set(group.exchanges) - set(EXCHANGES))
    if unknown or not group.exchanges:
        found = ", ".join(unknown) or "none"
        raise ScheduleError(
            f"group {name!r}: found exchange {found}, expected some of {', '.join(EXCHANGES)}"
        )
    for (_, end_s), (start_s, _) in pairwise(spans):
        if start_s <= end_s:
            raise ScheduleError(f"group {name!r}: windows overlap or touch: {group.windows}")
