"""Trading days by number, and which of them begin with a night session: mdhub's own calendar.

Days that the calendar does not cover count as if all weekdays traded. Markets end at its horizon;
beyond it only the expiries of their contracts lie, and before it what was recorded long ago.
"""

from __future__ import annotations

from bisect import bisect_left
from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from typing import Final

from mdhub.calendar import Calendar, OutsideCalendar, Phase
from mdhub.market.dates import NIGHT_FROM_HOUR, SECOND_NS
from mdhub.market.errors import MarketError
from mdhub.wire.ticks import CHINA_TIME

__all__ = [
    "check_covered",
    "day_of",
    "has_night",
    "last_number",
    "number_at",
    "number_of",
    "trades_at",
    "trading_day_at",
]

_WEEKDAYS: Final = 5


class _Days:
    """All trading days of a calendar, in order."""

    def __init__(self, calendar: Calendar) -> None:
        self.calendar: Final = calendar
        covered = range(calendar.first.toordinal(), calendar.horizon.toordinal() + 1)
        self.ordinals: Final = [
            ordinal for ordinal in covered if calendar.is_trading_day(date.fromordinal(ordinal))
        ]
        self.first_weekday: Final = _weekday_number(self.ordinals[0])
        self.next_weekday: Final = _weekday_number(self.ordinals[-1] + 1)


@cache
def _days() -> _Days:
    return _Days(Calendar.load())


def number_of(day: date) -> int:
    """Return the number of the first trading day at or after a day."""
    days, ordinal = _days(), day.toordinal()
    if ordinal < days.ordinals[0]:
        return _weekday_number(ordinal) - days.first_weekday
    if ordinal > days.ordinals[-1]:
        return len(days.ordinals) + _weekday_number(ordinal) - days.next_weekday
    return bisect_left(days.ordinals, ordinal)


def day_of(number: int) -> date:
    """Return the trading day with a number."""
    days = _days()
    if number < 0:
        return _weekday(days.first_weekday + number)
    if number >= len(days.ordinals):
        return _weekday(days.next_weekday + number - len(days.ordinals))
    return date.fromordinal(days.ordinals[number])


def last_number() -> int:
    """Return the number of the last trading day that the calendar covers."""
    return len(_days().ordinals) - 1


def has_night(number: int) -> bool:
    """Tell whether a trading day begins with a night session, on the evening of the one before."""
    try:
        return _days().calendar.has_night(day_of(number - 1))
    except OutsideCalendar:
        return True


def number_at(market_ns: int) -> int:
    """Return the number of the trading day a moment belongs to: from 20:00 on the next one's."""
    moment = datetime.fromtimestamp(market_ns // SECOND_NS, CHINA_TIME)
    evening = moment.hour >= NIGHT_FROM_HOUR
    return number_of(moment.date() + timedelta(days=evening))


def trading_day_at(wall_ns: int) -> date:
    """Return the trading day a moment belongs to."""
    return day_of(number_at(wall_ns))


def check_covered(day: date) -> None:
    """Raise MarketError for a day that the calendar does not cover."""
    calendar = _days().calendar
    if not calendar.first <= day <= calendar.horizon:
        raise MarketError(
            f"recordings are to be played from {day} on, but mdhub's trading calendar covers "
            f"{calendar.first} to {calendar.horizon}: name a day within, or install a newer mdhub"
        )


@lru_cache(maxsize=65_536)
def trades_at(exchange: str, product: str, minute: int) -> bool:
    """Tell whether a product's market is open in a minute since the Unix epoch.

    Or in the one before, as last rows come after the bell. True outside the calendar.
    """
    calendar = _days().calendar
    try:
        return any(
            calendar.at(exchange, product, at * 60 * SECOND_NS).phase is not Phase.CLOSED
            for at in (minute, minute - 1)
        )
    except OutsideCalendar:
        return True


def _weekday_number(ordinal: int) -> int:
    """Count the weekdays before a day; Saturday and Sunday have the number of their Monday."""
    week, weekday = divmod(ordinal - 1, 7)
    return week * _WEEKDAYS + min(weekday, _WEEKDAYS)


def _weekday(number: int) -> date:
    week, weekday = divmod(number, _WEEKDAYS)
    return date.fromordinal(week * 7 + weekday + 1)
