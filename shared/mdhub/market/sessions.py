"""When the synthetic market trades: on weekdays, and only while all eight exchanges do.

Its minutes are numbered from `START_NS` on; breaks, nights and weekends have no minute. It knows
no holidays.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Final

from mdhub.market.dates import DAY_NS, SECOND_NS, midnight_ns

__all__ = ["DAY_MINUTES", "MINUTE_NS", "START_NS", "first_of_day", "minute_at", "start_of"]

MINUTE_NS: Final = 60 * SECOND_NS
_SESSIONS: Final = (
    (9 * 60 + 35, 10 * 60 + 10),
    (10 * 60 + 35, 11 * 60 + 25),
    (13 * 60 + 35, 14 * 60 + 55),
)
"""Minutes of the day, ends excluded: five minutes inside the common sessions of all exchanges."""
_MINUTES: Final = [minute for session in _SESSIONS for minute in range(*session)]
DAY_MINUTES: Final = len(_MINUTES)
_WEEKDAYS: Final = 5
_MONDAY_NS: Final = midnight_ns("20261116")
_FRIDAY: Final = 4
_SKIPPED: Final = _FRIDAY * DAY_MINUTES

START_NS: Final = _MONDAY_NS + _FRIDAY * DAY_NS + _MINUTES[0] * MINUTE_NS
"""Friday 2026-11-20 09:35 in China, a plain day; minute 0 begins."""


def start_of(minute: int) -> int:
    """Return when a market minute begins."""
    day, place = divmod(minute + _SKIPPED, DAY_MINUTES)
    week, weekday = divmod(day, _WEEKDAYS)
    return _MONDAY_NS + (week * 7 + weekday) * DAY_NS + _MINUTES[place] * MINUTE_NS


def minute_at(market_ns: int) -> tuple[int, int]:
    """Return the minute a moment is in and how far, out of session the next one and 0."""
    days, into_day_ns = divmod(market_ns - _MONDAY_NS, DAY_NS)
    week, weekday = divmod(days, 7)
    if weekday >= _WEEKDAYS:
        return (week + 1) * _WEEKDAYS * DAY_MINUTES - _SKIPPED, 0
    of_day, into_ns = divmod(into_day_ns, MINUTE_NS)
    place = bisect_left(_MINUTES, of_day)
    minute = (week * _WEEKDAYS + weekday) * DAY_MINUTES + place - _SKIPPED
    trades = place < DAY_MINUTES and _MINUTES[place] == of_day
    return minute, into_ns if trades else 0


def first_of_day(minute: int) -> int:
    """Return the first minute of the trading day a minute is in."""
    return minute - (minute + _SKIPPED) % DAY_MINUTES
