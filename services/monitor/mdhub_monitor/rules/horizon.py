"""How far the trading calendar reaches."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from mdhub.calendar import HORIZON_ALARM_DAYS, Calendar, OutsideCalendar
from mdhub.wire.ops import Severity
from mdhub_monitor.rules.problem import Problem

__all__ = ["horizon_days", "horizon_problems"]

SECOND_NS: Final = 1_000_000_000
CHINA: Final = timedelta(hours=8)
NONE_LEFT: Final = -1


def horizon_days(calendar: Calendar, market_ns: int) -> int:
    """Days left; -1 = the market's day is not covered."""
    moment = datetime.fromtimestamp(market_ns // SECOND_NS, UTC) + CHINA
    try:
        return calendar.check_horizon(moment.date())
    except OutsideCalendar:
        return NONE_LEFT


def horizon_problems(days: int, *, live: bool) -> Iterator[Problem]:
    """A market that is played ends by itself: only its own day must be covered."""
    if days == NONE_LEFT:
        yield Problem("calendar_horizon", "", Severity.ERROR, {"days": 0})
    elif live and days < HORIZON_ALARM_DAYS:
        yield Problem("calendar_horizon", "", Severity.WARNING, {"days": days})
