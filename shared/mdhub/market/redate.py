"""Moves recorded trading days onto others: today's, or the next ones when a recording loops.

The market of a moved recording knows weekdays only. Days are moved as a whole: the n-th weekday
after the first recorded one is played n weekdays after the day the first one is moved to, a night
session on the evening of the weekday before its trading day and in the hours after.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final

from mdhub.market.dates import NIGHT_FROM_HOUR, NIGHT_TO_HOUR, SECOND_NS
from mdhub.market.skips import MalformedRowError
from mdhub.wire.ticks import CHINA_TIME

__all__ = ["Redate", "trading_day_at", "weekday_number", "weekday_of"]

_WEEKDAYS: Final = 5


def weekday_number(day: date) -> int:
    """Count the weekdays before a day; Saturday and Sunday have the number of their Monday."""
    week, weekday = divmod(day.toordinal() - 1, 7)
    return week * _WEEKDAYS + min(weekday, _WEEKDAYS)


def weekday_of(number: int) -> date:
    """Return the weekday with a number."""
    week, weekday = divmod(number, _WEEKDAYS)
    return date.fromordinal(week * 7 + weekday + 1)


def trading_day_at(wall_ns: int) -> date:
    """Return the trading day a moment belongs to: from 20:00 on the next weekday's."""
    moment = datetime.fromtimestamp(wall_ns // SECOND_NS, CHINA_TIME)
    evening = moment.hour >= NIGHT_FROM_HOUR
    return weekday_of(weekday_number(moment.date() + timedelta(days=evening)))


class Redate:
    """Where recorded days are moved to: weekday number `first` to `onto`, the others along."""

    def __init__(self, first: int, onto: int) -> None:
        self._moved: Final = onto - first

    def move(self, trading_day: date, natural_day: date, *, hour: int) -> tuple[date, date]:
        """Return the trading day and the natural day a row is moved to.

        Raises MalformedRowError for a row outside any session (at 19:29 for the next trading day):
        its time would be taken for the day before's.
        """
        number = weekday_number(trading_day) + self._moved
        if NIGHT_TO_HOUR <= hour < NIGHT_FROM_HOUR:
            if natural_day != trading_day:
                raise MalformedRowError(
                    "no_session",
                    f"row of {natural_day:%Y%m%d} {hour:02}h is of trading day "
                    f"{trading_day:%Y%m%d}: before its session, cannot be moved to another day",
                )
            return weekday_of(number), weekday_of(number)
        eve = weekday_of(number - 1)
        natural = eve if hour >= NIGHT_FROM_HOUR else eve + timedelta(days=1)
        return weekday_of(number), natural
