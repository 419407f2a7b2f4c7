"""One market minute in the words of the exchanges."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, NamedTuple

from mdhub.market.dates import SECOND_NS, received_days
from mdhub.market.minutes import SLOT_MS
from mdhub.market.products import EXCHANGES
from mdhub.wire.ticks import CHINA_TIME

__all__ = ["Moment", "Stamp"]

_NO_ACTION_DAY: Final = "GFEX"
"""Sends none (docs/sources.md)."""


class Stamp(NamedTuple):
    """Time of a row: the beginning of its second as ns and as text, and the ms within."""

    second_ns: int
    text: str
    ms: int


class Moment(NamedTuple):
    """When a minute begins, and which dates fronts send in it."""

    start_ns: int
    day: int
    """Trading day YYYYMMDD."""
    hour_minute: str
    days: dict[str, tuple[str, str]]
    """TradingDay and ActionDay by exchange."""

    @classmethod
    def of(cls, start_ns: int, trading_day_ns: int) -> Moment:
        """Make it from the minute's beginning and from 00:00 of its trading day."""
        moment = _china(start_ns)
        natural_day, trading_day = f"{moment:%Y%m%d}", f"{_china(trading_day_ns):%Y%m%d}"
        days = _days(moment.hour, trading_day, natural_day)
        return cls(start_ns, int(trading_day), f"{moment:%H:%M}", days)

    def stamp(self, slot: int) -> Stamp:
        """Return the stamp with which a slot of 500 ms begins."""
        second, half = divmod(slot, 2)
        return self.at(second, half * SLOT_MS)

    def at(self, second: int, ms: int) -> Stamp:
        """Return the stamp of some ms in a second of the minute."""
        return Stamp(self.start_ns + second * SECOND_NS, f"{self.hour_minute}:{second:02}", ms)


def _china(market_ns: int) -> datetime:
    return datetime.fromtimestamp(market_ns // SECOND_NS, UTC).astimezone(CHINA_TIME)


@lru_cache(maxsize=64)
def _days(hour: int, trading_day: str, natural_day: str) -> dict[str, tuple[str, str]]:
    days = {
        exchange: received_days(
            exchange, hour=hour, trading_day=trading_day, natural_day=natural_day
        )
        for exchange in EXCHANGES
    }
    days[_NO_ACTION_DAY] = (days[_NO_ACTION_DAY][0], "")
    return days
