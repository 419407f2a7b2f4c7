"""Moves recorded trading days onto others: today's, or the next ones when a recording loops.

Days are moved as a whole: the n-th trading day after the first recorded one is played n trading
days after the day the first one is moved to, a night session on the evening of the trading day
before and in the hours after. Where the calendar knows no night session on that evening, the rows
of the night are left out.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from mdhub.market.dates import NIGHT_FROM_HOUR, NIGHT_TO_HOUR
from mdhub.market.days import day_of, has_night, number_of
from mdhub.market.skips import MalformedRowError

__all__ = ["Redate"]


class Redate:
    """Where recorded days are moved to: trading day number `first` to `onto`, the others along."""

    def __init__(self, first: int, onto: int) -> None:
        self._moved: Final = onto - first

    def move(self, trading_day: date, natural_day: date, *, hour: int) -> tuple[date, date]:
        """Return the trading day and the natural day a row is moved to.

        Raises MalformedRowError for a row outside any session (at 19:29 for the next trading day):
        its time would be taken for the day before's; and for one of a night that is left out.
        """
        number = number_of(trading_day) + self._moved
        if NIGHT_TO_HOUR <= hour < NIGHT_FROM_HOUR:
            if natural_day != trading_day:
                raise MalformedRowError(
                    "no_session",
                    f"row of {natural_day:%Y%m%d} {hour:02}h is of trading day "
                    f"{trading_day:%Y%m%d}: before its session, cannot be moved to another day",
                )
            return day_of(number), day_of(number)
        if self._moved and not has_night(number):
            raise MalformedRowError(
                "no_night",
                f"row of the night before {trading_day:%Y%m%d} is left out: it would be played as "
                f"{day_of(number):%Y%m%d}, which has no night session",
            )
        eve = day_of(number - 1)
        natural = eve if hour >= NIGHT_FROM_HOUR else eve + timedelta(days=1)
        return day_of(number), natural
