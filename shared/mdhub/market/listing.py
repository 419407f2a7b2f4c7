"""Contracts of the synthetic market: made-up prices on real products, ticks and multipliers."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, islice
from random import Random
from typing import Final, NamedTuple

import msgspec

from mdhub.market.products import PRODUCTS

__all__ = ["Contract", "list_contracts"]

_FUTURE_MONTHS: Final = 24
_FIRST_MONTH: Final = (2026, 12)
_SMALLEST_BAND_TICKS: Final = 110
"""Half the daily band. The walk of a market minute needs this room (see minutes.py)."""


class Contract(msgspec.Struct, frozen=True):
    """One listed contract and where its trading day stood at market start; prices in ticks."""

    symbol: str
    exchange: str
    tick: float
    multiplier: int
    band_ticks: int
    """The limits are this far from the previous settlement."""
    pre_settlement_ticks: int
    pre_close_ticks: int
    open_ticks: int
    high_ticks: int
    low_ticks: int
    last_ticks: int
    volume: int
    value_ticks: int
    """Sum of price in ticks x lots over the day's trades so far."""
    open_interest: int
    lots: int
    """Size of a trade: all its volumes are multiples of this."""


class _Product(NamedTuple):
    name: str
    price: float
    tick: float
    multiplier: int
    band: float = 0.08
    """Daily limit as a share of the previous settlement."""


_FUTURES: Final = (
    _Product("rb", 3140, 1, 10),
    _Product("m", 3020, 1, 10),
    _Product("TA", 4700, 2, 5),
    _Product("IF", 4560, 0.2, 300, 0.1),
    _Product("sc", 452, 0.1, 1000),
    _Product("lc", 92_000, 20, 1),
    _Product("ag", 12_100, 1, 15),
    _Product("i", 786, 0.5, 100, 0.09),
    _Product("MA", 2080, 1, 10),
    _Product("T", 108.45, 0.005, 10_000, 0.02),
    _Product("si", 9040, 5, 5),
    _Product("au", 936, 0.02, 1000),
    _Product("p", 8640, 2, 10),
    _Product("SR", 5380, 1, 10),
    _Product("IH", 3010, 0.2, 300, 0.1),
    _Product("cu", 86_400, 10, 5),
    _Product("jm", 1120, 0.5, 60),
    _Product("FG", 1040, 1, 20),
    _Product("lu", 3160, 1, 10),
    _Product("al", 21_600, 5, 5),
    _Product("y", 8220, 2, 10),
    _Product("SA", 1180, 1, 20),
    _Product("IM", 7320, 0.2, 200, 0.1),
    _Product("ru", 15_300, 5, 10),
    _Product("v", 4560, 1, 5),
    _Product("CF", 13_500, 5, 5),
    _Product("ps", 52_400, 5, 3),
    _Product("hc", 3290, 1, 10),
    _Product("c", 2180, 1, 10),
    _Product("RM", 2440, 1, 10),
    _Product("bu", 3040, 1, 10),
    _Product("eg", 3900, 1, 10),
)

_OPTIONS: Final = (
    ("SSE", "{}", 10_010_001, 1, _Product("", 0.1520, 0.0001, 10_000, 0.4)),
    ("SZSE", "{}", 90_006_001, 1, _Product("", 0.1180, 0.0001, 10_000, 0.4)),
    ("SHFE", "cu2701C{}", 84_000, 1000, _Product("", 2400, 2, 5, 0.4)),
    ("DCE", "m2701-C-{}", 2950, 50, _Product("", 128, 0.5, 10, 0.6)),
    ("CZCE", "SR701C{}", 5300, 100, _Product("", 168, 0.5, 10, 0.4)),
    ("CFFEX", "IO2612-C-{}", 4500, 50, _Product("", 88, 0.2, 100, 0.4)),
)
"""Exchange, symbol with its strike (or number) open, first strike, step, terms."""


def list_contracts(seed: int, size: int) -> list[Contract]:
    """Return the first `size` contracts of the market with this seed."""
    named = islice(_names(), size)
    return [_contract(exchange, symbol, terms, seed=seed) for exchange, symbol, terms in named]


def _names() -> Iterator[tuple[str, str, _Product]]:
    for series in count():
        for exchange, pattern, first, step, terms in _OPTIONS:
            yield exchange, pattern.format(first + step * series), terms
        if series < _FUTURE_MONTHS:
            for terms in _FUTURES:
                exchange = PRODUCTS[terms.name]
                yield exchange, terms.name + _month(exchange, series), terms


def _month(exchange: str, series: int) -> str:
    year, month = divmod(_FIRST_MONTH[0] * 12 + _FIRST_MONTH[1] - 1 + series, 12)
    digits = f"{year % 100:02}{month + 1:02}"
    return digits[1:] if exchange == "CZCE" else digits


def _contract(exchange: str, symbol: str, terms: _Product, *, seed: int) -> Contract:
    draw = Random(f"{seed}/{symbol}").randint
    settled = round(terms.price / terms.tick * draw(980, 1020) / 1000)
    closed = settled + draw(-10, 10)
    opened = closed + draw(-8, 8)
    last = opened + draw(-12, 12)
    volume = draw(3_000, 90_000)
    return Contract(
        symbol=symbol,
        exchange=exchange,
        tick=terms.tick,
        multiplier=terms.multiplier,
        band_ticks=max(_SMALLEST_BAND_TICKS, int(settled * terms.band)),
        pre_settlement_ticks=settled,
        pre_close_ticks=closed,
        open_ticks=opened,
        high_ticks=max(opened, last) + draw(0, 6),
        low_ticks=min(opened, last) - draw(0, 6),
        last_ticks=last,
        volume=volume,
        value_ticks=volume * (opened + last) // 2,
        open_interest=draw(60_000, 900_000),
        lots=draw(1, 5),
    )
