"""Contracts of the synthetic market, and which of them are listed on a trading day.

The market has a number of places. On every trading day one contract is listed at each: when it
expires, the next one appears the day after. Futures and their options go by delivery month, the
numbered ETF options by a life of a few days or weeks. What is where on which day follows from the
numbers of place and day alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import cache
from itertools import count, islice
from typing import Final, NamedTuple
from zlib import crc32

import msgspec

from mdhub.market.dates import midnight_ns
from mdhub.market.minutes import Style
from mdhub.market.patterns import FARTHEST_TICKS
from mdhub.market.products import PRODUCTS
from mdhub.market.sessions import date_of, hours_of, number_of_day
from mdhub.market.terms import (
    ETF_TERMS,
    MAIN_FUTURES,
    MAIN_OPTIONS,
    OPTION_UNDERLYINGS,
    OTHER_FUTURES,
    Terms,
)
from mdhub.wire.ticks import CHINA_TIME

__all__ = ["Character", "Contract", "Listing", "Place", "mix"]

_FUTURE_MONTHS: Final = 12
_OPTION_MONTHS: Final = 4
_FIRST_MONTH: Final = 2025 * 12 + 6
"""July 2025; CFFEX begins with June, which expires on the market's first day."""
_SMALLEST_BAND_TICKS: Final = 40 + 4 * FARTHEST_TICKS[Style.TRADED]
"""Half the daily band: two days of walking and two openings apart, and room for five levels."""
_SMALLEST_PRICE_TICKS: Final = _SMALLEST_BAND_TICKS
_PENNY_TICKS: Final = 2
_SHORT_LIVES: Final = 4
"""The first so many ETF options live so many days: one of them expires every day."""
_LONG_LIFE_DAYS: Final = 40
_ETF_PLACES: Final = 1_000
_STRIKE_SHARE: Final = 0.015
_INDEX_OF: Final = {"IO": "IF", "HO": "IH", "MO": "IM"}


class Character(StrEnum):
    """How a contract behaves."""

    PLAIN = "plain"
    SLEEPY = "sleepy"
    """Hardly trades."""
    LOCKED = "locked"
    """Opens at a limit and stays there, up on one day, down on the next: one side of the book."""
    PENNY = "penny"
    """A deep out-of-the-money option at one to three ticks."""
    QUOTED = "quoted"
    """An option with bid and ask only: no last price, volume 0."""


class Contract(msgspec.Struct, frozen=True, gc=False):
    """One listed contract; prices in ticks."""

    symbol: str
    exchange: str
    hours: str
    character: Character
    tick: float
    multiplier: int
    band_ticks: int
    """The limits are this far from the previous settlement."""
    base_ticks: int
    """Its trading days open near this price."""
    spread_ticks: int
    open_interest: int
    """At the beginning of every trading day."""
    lots: int
    """Size of a trade: all its volumes are multiples of this."""
    key: int
    """Its own source of chance."""
    first_day: int
    """Number of its first trading day."""
    last_day: int


class Place(NamedTuple):
    """Where one contract after the other is listed."""

    exchange: str
    product: str
    """Of the future or the underlying; the exchange for ETF options."""
    terms: Terms
    character: Character
    slot: int
    """The how manieth delivery month; for ETF options the number of the place."""
    tail: str = ""
    """Of an option: `C80000`, `-C-3000`."""

    def style(self) -> Style:
        """What its snapshots are about."""
        return _STYLES.get(self.character, Style.TRADED)


_STYLES: Final = {Character.PENNY: Style.PENNY, Character.QUOTED: Style.QUOTED}


class Listing:
    """The contracts of a market with this seed and so many places."""

    def __init__(self, seed: int, size: int) -> None:
        self.places: Final = list(islice(_places(), size))
        self._seed: Final = seed
        self._listed: list[Contract] | list[None] = [None] * size

    def on_day(self, day: int) -> list[Contract]:
        """Return what is listed on a trading day's number, by place. Cheap from day to day."""
        listed = [
            contract
            if contract is not None and contract.first_day <= day <= contract.last_day
            else _contract(self._seed, place, day)
            for contract, place in zip(self._listed, self.places, strict=True)
        ]
        self._listed = listed
        return listed


def mix(key: int, number: int) -> int:
    """Return 64 well-mixed bits (the finaliser of splitmix64)."""
    bits = (key + number * 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF
    bits = ((bits ^ bits >> 30) * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
    bits = ((bits ^ bits >> 27) * 0x94D049BB133111EB) & 0xFFFFFFFFFFFFFFFF
    return bits ^ bits >> 31


def _places() -> Iterator[Place]:
    """Yield places for ever: the main products first, then whole chains."""
    futures, options = count(), count()
    for series in count():
        main = series < 2  # noqa: PLR2004 - two months of the liquid products
        for product in MAIN_OPTIONS if main else OPTION_UNDERLYINGS:
            yield _option(product, series if product in MAIN_OPTIONS else series - 2, next(options))
        if series < _FUTURE_MONTHS:
            for terms in MAIN_FUTURES if main else (*MAIN_FUTURES, *OTHER_FUTURES):
                number = next(futures)
                character = _FUTURE_CHARACTERS.get(number % 48, Character.PLAIN)
                yield Place(PRODUCTS[terms.name], terms.name, terms, character, series)


_FUTURE_CHARACTERS: Final = {39: Character.LOCKED, 47: Character.SLEEPY}
_FIRST_CHARACTERS: Final = {7: Character.QUOTED, 9: Character.PENNY}
_FIRST: Final = 12
_CHARACTERS: Final = {1: Character.QUOTED, 3: Character.PENNY, 6: Character.QUOTED}
_TERMS: Final = {terms.name: terms for terms in (*MAIN_FUTURES, *OTHER_FUTURES)}


def _option(product: str, index: int, number: int) -> Place:
    """Return the option with this index in its chain; `number` counts all options."""
    if number < _FIRST:
        character = _FIRST_CHARACTERS.get(number, Character.PLAIN)
    else:
        character = _CHARACTERS.get(number % 10, Character.PLAIN)
    if product in ETF_TERMS:
        return Place(product, product, ETF_TERMS[product], character, index)
    exchange = PRODUCTS[product]
    terms = _TERMS[_INDEX_OF.get(product, product)]
    index, slot = divmod(index, _OPTION_MONTHS)
    index, put = divmod(index, 2)
    letter = "P" if put else "C"
    strike = _strike(terms.price, index)
    dashed = exchange in {"DCE", "GFEX", "CFFEX"}
    tail = f"-{letter}-{strike}" if dashed else f"{letter}{strike}"
    return Place(exchange, product, _option_terms(terms), character, slot, tail)


@cache
def _option_terms(terms: Terms) -> Terms:
    return Terms(terms.name, terms.price * 0.02, terms.tick / 2, terms.multiplier, 0.5)


def _strike(price: float, index: int) -> int:
    """Return strikes around a price: above, below, farther above; below half of it none."""
    step, middle = _strike_step(price)
    below = middle // 2
    away = (index + 1) // 2 * (1 if index % 2 else -1)
    return step * (middle + (away if index < 2 * below else index - below + 1))


@cache
def _strike_step(price: float) -> tuple[int, int]:
    """Return the distance of strikes, a round number, and the strike at a price in such steps."""
    least = price * _STRIKE_SHARE
    step = next(
        digit * 10**power for power in count() for digit in (1, 2, 5) if digit * 10**power >= least
    )
    return step, round(price / step)


def _contract(seed: int, place: Place, day: int) -> Contract:
    symbol, first_day, last_day = _name(place, day)
    key = crc32(f"{seed}/{symbol}".encode()) << 32 | 0x9E3779B9
    chance = mix(key, -1)
    band, base = _prices(place, chance)
    quoted = place.character is Character.QUOTED
    return Contract(
        symbol=symbol,
        exchange=place.exchange,
        hours=hours_of(symbol),
        character=place.character,
        tick=place.terms.tick,
        multiplier=place.terms.multiplier,
        band_ticks=band,
        base_ticks=base,
        spread_ticks=3 + chance % 7 if quoted else 1,
        open_interest=0 if quoted else 60_000 + (chance >> 20) % 840_000,
        lots=1 + (chance >> 40) % 5,
        key=key,
        first_day=first_day,
        last_day=last_day,
    )


def _prices(place: Place, chance: int) -> tuple[int, int]:
    """Return half the daily band and the price level, in ticks."""
    if place.character is Character.PENNY:
        return 20, _PENNY_TICKS
    terms = place.terms
    level = round(terms.price / terms.tick * (980 + (chance >> 50) % 41) / 1000)
    base = max(_SMALLEST_PRICE_TICKS, level)
    return max(_SMALLEST_BAND_TICKS, int(base * terms.band)), base


def _name(place: Place, day: int) -> tuple[str, int, int]:
    """Return the symbol of the contract listed on a day, and its first and last trading day."""
    if place.exchange in ETF_TERMS:
        return _numbered(place, day)
    months = _OPTION_MONTHS if place.tail else _FUTURE_MONTHS
    month = _FIRST_MONTH + place.slot - (place.exchange == "CFFEX")
    ahead = max(0, (_month_of(day) - month) // months)
    while _expiry(place.exchange, month + ahead * months, option=bool(place.tail)) < day:
        ahead += 1
    month += ahead * months
    option = bool(place.tail)
    symbol = place.product + _digits(place.exchange, month) + place.tail
    first_day = _expiry(place.exchange, month - months, option=option) + 1
    return symbol, first_day, _expiry(place.exchange, month, option=option)


def _numbered(place: Place, day: int) -> tuple[str, int, int]:
    life = _SHORT_LIVES if place.slot * 2 < _SHORT_LIVES else _LONG_LIFE_DAYS
    phase = place.slot * 2 + (place.exchange == "SZSE")
    generation, passed = divmod(day + phase, life)
    number = 1 + place.slot % _ETF_PLACES + _ETF_PLACES * (generation % 900)
    first = 10_000_000 if place.exchange == "SSE" else 90_000_000
    return str(first + number), day - passed, day - passed + life - 1


def _digits(exchange: str, month: int) -> str:
    digits = f"{month // 12 % 100:02}{month % 12 + 1:02}"
    return digits[1:] if exchange == "CZCE" else digits


def _month_of(day: int) -> int:
    moment = datetime.fromtimestamp(date_of(day) // 1_000_000_000, UTC).astimezone(CHINA_TIME)
    return moment.year * 12 + moment.month - 1


@cache
def _expiry(exchange: str, month: int, *, option: bool) -> int:
    """Return the number of the last trading day.

    CFFEX: the third Friday of the month; commodities: the 15th, their options the 20th of the
    month before, or the next trading day. Real rules differ by product.
    """
    if exchange == "CFFEX":
        first = date(month // 12, month % 12 + 1, 1)
        of_month = 15 + (4 - first.weekday()) % 7
    elif option:
        month, of_month = month - 1, 20
    else:
        of_month = 15
    return number_of_day(midnight_ns(f"{month // 12:04}{month % 12 + 1:02}{of_month:02}"))
