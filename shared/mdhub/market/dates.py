"""True dates of the market, and what fronts make of them at night (docs/rules.md, Dates)."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from mdhub.wire.ticks import CHINA_TIME

__all__ = [
    "DAY_NS",
    "MS_NS",
    "NIGHT_FROM_HOUR",
    "NIGHT_TO_HOUR",
    "SECOND_NS",
    "midnight_ns",
    "received_days",
]

MS_NS: Final = 1_000_000
SECOND_NS: Final = 1_000_000_000
DAY_NS: Final = 86_400 * SECOND_NS

_DAY: Final = re.compile(r"[0-9]{8}")
NIGHT_FROM_HOUR: Final = 20
NIGHT_TO_HOUR: Final = 3


def midnight_ns(day: str) -> int:
    """Return 00:00 China time of a day written YYYYMMDD. Raises ValueError if it is not one."""
    if not _DAY.fullmatch(day):
        raise ValueError(f"day was {day!r}, expected YYYYMMDD")
    moment = datetime(int(day[:4]), int(day[4:6]), int(day[6:]), tzinfo=CHINA_TIME)
    return int(moment.timestamp()) * SECOND_NS


def received_days(
    exchange: str, *, hour: int, trading_day: str, natural_day: str
) -> tuple[str, str]:
    """Return (TradingDay, ActionDay) as a front sends them, given the true ones."""
    if NIGHT_TO_HOUR <= hour < NIGHT_FROM_HOUR:
        return trading_day, natural_day
    if exchange == "DCE":
        return trading_day, trading_day
    if exchange == "CZCE":
        return natural_day, natural_day
    return trading_day, natural_day
