"""From the front's `HH:MM:SS` to exchange time and trading day; China time, no host time zone.

Dates sent by fronts are not used: DCE sends the trading day as action day at night, CZCE the
natural date as trading day. The natural date is the one that puts the time of day nearest to
market time; the night session belongs to the next trading day.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

__all__ = ["DAY_NS", "LAST_MOMENT_NS", "TradingDays", "time_of_day_ns"]

SECOND_NS: Final = 1_000_000_000
DAY_NS: Final = 86_400 * SECOND_NS
CHINA_OFFSET_NS: Final = 8 * 3_600 * SECOND_NS
EVENING_NS: Final = 20 * 3_600 * SECOND_NS
NIGHT_END_NS: Final = 3 * 3_600 * SECOND_NS
LAST_MOMENT_NS: Final = 4_000_000_000_000_000_000
"""Dates are only computed up to here (2096)."""
_EPOCH_ORDINAL: Final = date(1970, 1, 1).toordinal()
_MONDAY: Final = 0
_SATURDAY: Final = 5
_TEXT_LENGTH: Final = 8


def time_of_day_ns(text: str) -> int | None:
    """`"21:00:05"` -> ns since midnight; None if it is not a time of day."""
    if len(text) != _TEXT_LENGTH or text[2] != ":" or text[5] != ":":
        return None
    digits = text[0:2] + text[3:5] + text[6:8]
    if not (digits.isascii() and digits.isdigit()):
        return None
    hour, minute, second = int(text[0:2]), int(text[3:5]), int(text[6:8])
    if hour > 23 or minute > 59 or second > 59:  # noqa: PLR2004 - a clock's limits
        return None
    return ((hour * 60 + minute) * 60 + second) * SECOND_NS


class TradingDays:
    """Dates by session logic: weekdays less the closed days of `calendar` entries."""

    def __init__(self, closed: frozenset[int] = frozenset()) -> None:
        self.closed = closed
        self._midnight_ns = 0
        self._market_ns = 0
        self._days: dict[tuple[int, bool], int] = {}

    def set_market_time(self, market_ns: int) -> None:
        """Market time against which dates are resolved from now on."""
        self._market_ns = market_ns
        self._midnight_ns = (market_ns + CHINA_OFFSET_NS) // DAY_NS * DAY_NS - CHINA_OFFSET_NS

    def exchange_time_ns(self, of_day_ns: int) -> int:
        """The moment nearest to market time with this time of day."""
        ts_ns = self._midnight_ns + of_day_ns
        ahead_ns = ts_ns - self._market_ns
        if ahead_ns > DAY_NS // 2:
            ts_ns -= DAY_NS
        elif ahead_ns < -DAY_NS // 2:
            ts_ns += DAY_NS
        if of_day_ns < NIGHT_END_NS and _weekday(ts_ns) == _MONDAY:
            # No session runs in the first hours of a Monday: this is Friday's night.
            ts_ns -= 2 * DAY_NS
        return ts_ns

    def trading_day(self, ts_ns: int, of_day_ns: int) -> int:
        """YYYYMMDD of the trading day a moment belongs to."""
        ordinal = _ordinal(ts_ns)
        if of_day_ns < NIGHT_END_NS:
            key = (ordinal - 1, True)
        else:
            key = (ordinal, of_day_ns >= EVENING_NS)
        found = self._days.get(key)
        if found is None:
            if len(self._days) >= 64:  # noqa: PLR2004 - a few days are in use at a time
                self._days.clear()
            found = self._days[key] = self._next_trading_day(*key)
        return found

    def _next_trading_day(self, ordinal: int, after: bool) -> int:
        day = date.fromordinal(ordinal + 1 if after else ordinal)
        while day.weekday() >= _SATURDAY or _as_int(day) in self.closed:
            day += timedelta(days=1)
        return _as_int(day)


def _ordinal(ts_ns: int) -> int:
    return (ts_ns + CHINA_OFFSET_NS) // DAY_NS + _EPOCH_ORDINAL


def _weekday(ts_ns: int) -> int:
    return ((ts_ns + CHINA_OFFSET_NS) // DAY_NS + 3) % 7


def _as_int(day: date) -> int:
    return day.year * 10_000 + day.month * 100 + day.day
