"""Decides `dominant` and `chain` for one product and one trading day, from data before the open.

Where something that counts is not known yet, a choice says what it needs. What is given up (a
contract that stays silent) counts as not known for good: a future as without open interest, the
underlying of a chain as without a price.

A chain's money is the strike nearest to the underlying's settlement price of the day before (its
last price where there is none). Index options have months without a future, and gateways do not
list every underlying: then it is the strike at which call and put were settled closest together,
which by put-call parity is the forward. Where not even that is known it is the middle strike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Final, Protocol

import msgspec

from mdhub_ingest.gateways.port import First, Instrument
from mdhub_ingest.gateways.told import NONE_FROM, number

__all__ = ["NO_EXPIRY", "Choice", "Sight", "choose_chain", "choose_dominant"]

NO_EXPIRY: Final = 99_999_999


class Choice(msgspec.Struct, frozen=True):
    """What was chosen; positions in the sequence of instruments that was given."""

    chosen: frozenset[int]
    needs: frozenset[str]
    """Symbols whose first tick decides; while there are any, `chosen` may change."""
    used: frozenset[str]
    """Symbols whose first tick mattered, known or not."""


class Sight(Protocol):
    """What is known of symbols."""

    def listed(self, symbol: str) -> bool:
        """Tell whether it can be subscribed."""

    def first(self, symbol: str) -> First | None:
        """Its first tick of the day; None = not known."""

    def hopeless(self, symbol: str) -> bool:
        """Tell whether its first tick is not waited for."""


def choose_dominant(futures: Sequence[Instrument], count: int, sight: Sight) -> Choice:
    """Choose the `count` with the largest open interest before the open; ties: nearer expiry."""

    def rank(position: int) -> tuple[float, int, str]:
        future = futures[position]
        first = sight.first(future.symbol)
        interest = None if first is None else number(first.pre_open_interest)
        return -(interest or 0.0), future.expiry or NO_EXPIRY, future.symbol

    used = frozenset(future.symbol for future in futures)
    chosen = sorted(range(len(futures)), key=rank)[:count]
    return Choice(frozenset(chosen), _unknown(used, sight), used)


def choose_chain(
    options: Sequence[Instrument], strikes: int, expiries: int, sight: Sight
) -> Choice:
    """Choose options `strikes` strikes to each side of the money, of the nearest `expiries`.

    0 expiries = all. The strike at the money is chosen as well, and calls and puts alike.
    """
    chosen: set[int] = set()
    used: set[str] = set()
    for series in _series(options, expiries):
        at_strike: dict[float, list[int]] = {}
        for position in series:
            at_strike.setdefault(options[position].strike, []).append(position)
        ladder = sorted(at_strike)
        middle = _money(options, series, ladder, sight, used)
        for strike in ladder[max(0, middle - strikes) : middle + strikes + 1]:
            chosen.update(at_strike[strike])
    return Choice(frozenset(chosen), _unknown(used, sight), frozenset(used))


def _series(options: Sequence[Instrument], expiries: int) -> Iterable[list[int]]:
    """Positions by expiry and underlying, the nearest expiries first."""
    series: dict[tuple[int, str], list[int]] = {}
    for position, option in enumerate(options):
        series.setdefault((option.expiry or NO_EXPIRY, option.underlying), []).append(position)
    days = sorted({day for day, _ in series})
    last = days[min(expiries or len(days), len(days)) - 1] if days else 0
    return [series[key] for key in sorted(series) if key[0] <= last]


def _money(
    options: Sequence[Instrument],
    series: Sequence[int],
    ladder: Sequence[float],
    sight: Sight,
    used: set[str],
) -> int:
    """Place of the strike at the money; adds to `used` what the answer hangs on."""
    underlying = options[series[0]].underlying
    if underlying and sight.listed(underlying):
        used.add(underlying)
        price = _price(sight.first(underlying))
        if price is not None:
            return _nearest(ladder, partial(_apart, price))
        if sight.first(underlying) is None and not sight.hopeless(underlying):
            return (len(ladder) - 1) // 2  # for the time being
    used.update(options[position].symbol for position in series)
    prices: dict[tuple[float, bool], float] = {}
    for position in series:
        option = options[position]
        price = _price(sight.first(option.symbol))
        if price is not None and option.call is not None:
            prices[option.strike, option.call] = price
    gaps = _gaps(ladder, prices)
    if not gaps:
        return (len(ladder) - 1) // 2
    return _nearest(ladder, lambda strike: gaps.get(strike, NONE_FROM))


def _gaps(
    ladder: Sequence[float], prices: Mapping[tuple[float, bool], float]
) -> dict[float, float]:
    """Distance of call and put by strike, where both are known."""
    return {
        strike: abs(prices[strike, True] - prices[strike, False])
        for strike in ladder
        if (strike, True) in prices and (strike, False) in prices
    }


def _nearest(ladder: Sequence[float], distance: Callable[[float], float]) -> int:
    """Place of the smallest distance; of equal ones the lowest strike."""
    return min(range(len(ladder)), key=lambda place: distance(ladder[place]))


def _apart(price: float, strike: float) -> float:
    return abs(strike - price)


def _unknown(symbols: Iterable[str], sight: Sight) -> frozenset[str]:
    return frozenset(
        symbol for symbol in symbols if sight.first(symbol) is None and not sight.hopeless(symbol)
    )


def _price(first: First | None) -> float | None:
    if first is None:
        return None
    for value in (number(first.pre_settlement), number(first.last)):
        if value is not None and value > 0:
            return value
    return None
