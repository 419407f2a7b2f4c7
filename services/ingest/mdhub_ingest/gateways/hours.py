"""Trading day and hours: whether anything that a gateway was asked for trades now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from mdhub.calendar import Calendar, OutsideCalendar, Phase
from mdhub.market.days import trading_day_at
from mdhub.market.products import EXCHANGES
from mdhub_ingest.gateways.port import Instrument

__all__ = ["OpenHours", "trading_day"]

_STOCK: Final = frozenset({"SSE", "SZSE"})
_FUTURES: Final = frozenset(EXCHANGES) - _STOCK
_EXCHANGES: Final[Mapping[str, frozenset[str]]] = {
    "ctp": _FUTURES, "tts": _FUTURES, "sopt": _STOCK,
}  # fmt: skip


def trading_day(wall_ns: int) -> int:
    """Return the trading day of a moment, YYYYMMDD."""
    return int(f"{trading_day_at(wall_ns):%Y%m%d}")


class OpenHours:
    """Products asked for, and the calendar's hours of them.

    Until one is asked for (a front that never answered) the exchanges of this type of source count.
    """

    def __init__(self, calendar: Calendar, *, kind: str = "") -> None:
        self._calendar = calendar
        self._likely = {(exchange, "") for exchange in _EXCHANGES.get(kind, ())}
        self._products: set[tuple[str, str]] = set()

    def add(self, instruments: Iterable[Instrument]) -> None:
        """Add the products of these."""
        self._products.update((each.exchange, each.product) for each in instruments)

    def is_open(self, wall_ns: int) -> bool:
        """Whether one of the products is in continuous trading; False where no calendar tells."""
        try:
            return any(
                self._calendar.at(exchange, product, wall_ns).phase is Phase.CONTINUOUS
                for exchange, product in self._products or self._likely
            )
        except OutsideCalendar:
            return False
