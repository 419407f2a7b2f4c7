"""When a product trades, by the calendar in force: one look-up per product and phase."""

from __future__ import annotations

from typing import Final, NamedTuple

from mdhub.calendar import Calendar, OutsideCalendar, Phase
from mdhub.calendar.rows import as_int

__all__ = ["Hours", "Stretch"]

SECOND_NS: Final = 1_000_000_000
UNKNOWN_NS: Final = 600 * SECOND_NS
"""What the calendar does not say is asked again after so long."""


class Stretch(NamedTuple):
    """A product's phase from one moment of market time to another."""

    phase: Phase
    start_ns: int
    end_ns: int
    trading_day: int
    """YYYYMMDD; 0 = the calendar does not say."""

    @property
    def open(self) -> bool:
        return self.phase is Phase.CONTINUOUS


class Hours:
    """Phases of products, remembered until they end."""

    def __init__(self, calendar: Calendar) -> None:
        self.calendar = calendar
        self._now: dict[str, Stretch] = {}

    def at(self, product: str, market_ns: int) -> Stretch:
        """Stretch that holds a moment; `product` as `SHFE.rb`. Never raises."""
        known = self._now.get(product)
        if known is not None and known.start_ns <= market_ns < known.end_ns:
            return known
        found = self._now[product] = self._find(product, market_ns)
        return found

    def next_open_ns(self, products: list[str], market_ns: int) -> int:
        """When the next continuous session of any of them begins; 0 = not within two weeks."""
        starts = []
        for product in products:
            exchange, _, name = product.partition(".")
            try:
                day = self.calendar.at(exchange, name, market_ns).trading_day
                for _ in range(2):
                    starts += [
                        each.start_ns
                        for each in self.calendar.sessions(exchange, name, day)
                        if each.phase is Phase.CONTINUOUS and each.start_ns > market_ns
                    ]
                    day = self.calendar.trading_day_after(day)
            except OutsideCalendar:
                continue
        return min(starts, default=0)

    def _find(self, product: str, market_ns: int) -> Stretch:
        exchange, _, name = product.partition(".")
        try:
            moment = self.calendar.at(exchange, name, market_ns)
            pieces = self.calendar.sessions(exchange, name, moment.trading_day)
        except OutsideCalendar:
            return Stretch(Phase.CLOSED, market_ns, market_ns + UNKNOWN_NS, 0)
        day = as_int(moment.trading_day)
        before_ns, after_ns = market_ns, market_ns + UNKNOWN_NS
        for piece in pieces:
            if piece.start_ns <= market_ns < piece.end_ns:
                return Stretch(piece.phase, piece.start_ns, piece.end_ns, day)
            if piece.start_ns > market_ns:
                after_ns = min(after_ns, piece.start_ns)
        return Stretch(Phase.CLOSED, before_ns, after_ns, day)
