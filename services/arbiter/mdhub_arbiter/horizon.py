"""Says in time that the calendar ends: once per market day, and again for every new calendar.

A calendar that ends soon concerns live time only: a simulated or recorded market ends by itself.
One that does not cover the market's day is an error of either: its ticks are refused.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import uuid4

from mdhub.calendar import HORIZON_ALARM_DAYS, Calendar, OutsideCalendar
from mdhub.wire.codec import encode
from mdhub.wire.entries import MarketClock
from mdhub.wire.ops import Event, EventKind, Severity
from mdhub.wire.ticks import CHINA_TIME, SCHEMA_VERSION

__all__ = ["HorizonWatch"]

SECOND_NS = 1_000_000_000
CALM_NS = 10 * SECOND_NS
"""Nothing is said for so long after the start: a source that plays may not have set the clock."""


class HorizonWatch:
    """Knows what was said already."""

    def __init__(self, instance: str) -> None:
        self._instance = instance
        self._said: tuple[str, str] | None = None
        self._began_ns: int | None = None

    def due(
        self, calendar: Calendar, clock: MarketClock, market_ns: int, wall_ns: int
    ) -> bytes | None:
        """An event if the calendar does not cover market time, or live time is near its end."""
        self._began_ns = self._began_ns or wall_ns
        if wall_ns - self._began_ns < CALM_NS:
            return None
        today = datetime.fromtimestamp(market_ns // SECOND_NS, CHINA_TIME).date()
        said = (calendar.digest, str(today))
        if said == self._said:
            return None
        self._said = said
        body: dict[str, Any] = {
            "market_day": str(today),
            "covers": f"{calendar.first} to {calendar.horizon}",
            "digest": calendar.digest,
        }
        try:
            left = calendar.check_horizon(today)
        except OutsideCalendar as error:
            return self._event(Severity.ERROR, wall_ns, body | {"reason": str(error)})
        live = clock.rate == 1 and clock.market_ns == clock.log_ns
        if left >= HORIZON_ALARM_DAYS or not live:
            return None
        reason = (
            f"the trading calendar ends in {left} days: add the next year by an override file "
            "(see mdhub calendar --help), or install a newer mdhub"
        )
        return self._event(Severity.WARNING, wall_ns, body | {"days_left": left, "reason": reason})

    def _event(self, severity: Severity, wall_ns: int, body: dict[str, Any]) -> bytes:
        return encode(
            Event(
                SCHEMA_VERSION, uuid4().hex, wall_ns, "arbiter", EventKind.CALENDAR,
                self._instance, severity, "", body,
            )
        )  # fmt: skip
