"""From the front's `HH:MM:SS` to exchange time and trading day; China time, no host time zone.

Dates sent by fronts are not used: DCE sends the trading day as action day at night, CZCE the
natural date as trading day. The natural date is the one that puts the time of day nearest to
market time, and on which a session runs; the night session belongs to the next trading day.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
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
_SATURDAY: Final = 5
_DAYS_BACK: Final = 31
"""Sessions are never farther apart: the longest holidays take eleven days."""
_DAYS_KEPT: Final = 64
"""A few days are in use at a time."""
_TEXT_LENGTH: Final = 8


@lru_cache(maxsize=8_192)
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
    """Dates by session logic: weekdays less the closed days of `calendar` entries.

    No night session runs on the eve of a closed weekday.
    """

    def __init__(self, closed: frozenset[int] = frozenset()) -> None:
        self.closed = closed
        self._days: dict[tuple[int, bool], tuple[int, int]] = {}
        self.set_market_time(0)

    def set_market_time(self, market_ns: int) -> None:
        """Market time against which dates are resolved from now on."""
        self._market_ns = market_ns
        self._midnight_ns = (market_ns + CHINA_OFFSET_NS) // DAY_NS * DAY_NS - CHINA_OFFSET_NS

    def place(self, of_day_ns: int) -> tuple[int, int]:
        """Return exchange time and trading day (YYYYMMDD) of a time of day.

        The moment nearest to market time. If no session runs then, it is an old tick (fronts push
        Friday's night again on Monday morning) or a test of the exchange: the newest date before.
        """
        ts_ns = self._midnight_ns + of_day_ns
        ahead_ns = ts_ns - self._market_ns
        if ahead_ns > DAY_NS // 2:
            ts_ns -= DAY_NS
        elif ahead_ns < -DAY_NS // 2:
            ts_ns += DAY_NS
        ordinal = (ts_ns + CHINA_OFFSET_NS) // DAY_NS + _EPOCH_ORDINAL
        if of_day_ns < NIGHT_END_NS:
            key = (ordinal - 1, True)
        else:
            key = (ordinal, of_day_ns >= EVENING_NS)
        back_ns, trading_day = self._days.get(key) or self._find(key[0], night=key[1])
        return ts_ns - back_ns, trading_day

    def _find(self, ordinal: int, *, night: bool) -> tuple[int, int]:
        if len(self._days) >= _DAYS_KEPT:
            self._days.clear()
        day = date.fromordinal(ordinal)
        back = next(
            (i for i in range(_DAYS_BACK) if self._runs(day - timedelta(i), night=night)), 0
        )
        session = day - timedelta(back)
        trading_day = self._trading_day(session + timedelta(1) if night else session)
        found = self._days[ordinal, night] = (back * DAY_NS, _as_int(trading_day))
        return found

    def _runs(self, day: date, *, night: bool) -> bool:
        if not self._is_open(day):
            return False
        return not night or self._is_open(_weekday_from(day + timedelta(1)))

    def _is_open(self, day: date) -> bool:
        return day.weekday() < _SATURDAY and _as_int(day) not in self.closed

    def _trading_day(self, day: date) -> date:
        while not self._is_open(day):
            day += timedelta(1)
        return day


def _weekday_from(day: date) -> date:
    while day.weekday() >= _SATURDAY:
        day += timedelta(1)
    return day


def _as_int(day: date) -> int:
    return day.year * 10_000 + day.month * 100 + day.day
