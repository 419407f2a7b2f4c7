"""Which exchange and product a symbol belongs to, by its spelling.

`docs/rules.md` says what becomes of a symbol that fits none (`unknown_symbol`). Fronts
often leave ExchangeID empty; case and digits of the symbol still tell the exchange.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["ETF_OPTION", "EXCHANGES", "PRODUCTS", "exchange_of", "is_option", "product_of"]

_BY_EXCHANGE: Final = {
    "SHFE": "rb hc bu fu ru sp br op cu al zn pb ni sn ss ao ad au ag wr",
    "INE": "lu nr bc sc ec",
    "DCE": "a b m y p c cs rr l v pp eg eb pg j jm i bz jd lh bb fb lg",
    "CZCE": ("SR CF CY TA MA FG RM OI SA PF PX SH PR PL ZC AP CJ PK UR SF SM WH PM RI JR RS LR"),
    "GFEX": "si lc ps pt pd",
    "CFFEX": "IF IH IC IM IO HO MO T TF TS TL",
}

EXCHANGES: Final = (*_BY_EXCHANGE, "SSE", "SZSE")

PRODUCTS: Final[dict[str, str]] = {
    product: exchange for exchange, names in _BY_EXCHANGE.items() for product in names.split()
}
"""Product -> exchange for every futures product and index option."""

ETF_OPTION: Final = "ETFO"
"""Product of all ETF options: their symbols are plain numbers."""
ETF: Final = "ETF"

_MONTH_CODE: Final = re.compile(r"([A-Za-z]{1,2})([0-9]{3,4})(.*)", re.DOTALL)
_TAILS: Final = {
    "SHFE": re.compile(r"(?:[CP][0-9]+|TAS)?"),
    "INE": re.compile(r"(?:[CP][0-9]+|TAS)?"),
    "DCE": re.compile(r"(?:F?(?:-MS)?-[CP]-[0-9]+|F)?"),
    "GFEX": re.compile(r"(?:(?:-MS)?-[CP]-[0-9]+)?"),
    "CZCE": re.compile(r"(?:(?:MS)?[CP][0-9]+)?"),
    "CFFEX": re.compile(r"(?:-[CP]-[0-9]+)?"),
}
_COMBINATION: Final = re.compile(r"[A-Z]+ ([^ &]+)&([^ &]+)")
_NUMBERS: Final = (
    (re.compile(r"10[0-9]{6}"), "SSE", ETF_OPTION),
    (re.compile(r"90[0-9]{6}"), "SZSE", ETF_OPTION),
    (re.compile(r"5[0-9]{5}"), "SSE", ETF),
    (re.compile(r"1[0-9]{5}"), "SZSE", ETF),
)


def exchange_of(symbol: str) -> str | None:
    """Return the exchange of a symbol; None if the spelling fits no product. Cache per symbol."""
    place = _place(symbol)
    return place[0] if place else None


def product_of(symbol: str) -> str | None:
    """Return the product of a symbol: an option's underlying, a combination's first leg."""
    place = _place(symbol)
    return place[1] if place else None


def is_option(symbol: str) -> bool:
    """Tell by the spelling whether a symbol is an option."""
    code = _MONTH_CODE.fullmatch(symbol)
    if code is None:
        return product_of(symbol) == ETF_OPTION
    return any(letter in "CP" for letter in code.group(3))


def _place(symbol: str) -> tuple[str, str] | None:
    combination = _COMBINATION.fullmatch(symbol)
    if combination is None:
        return _outright(symbol)
    first, second = (_outright(leg) for leg in combination.groups())
    return first if first and second and first[0] == second[0] else None


def _outright(symbol: str) -> tuple[str, str] | None:
    code = _MONTH_CODE.fullmatch(symbol)
    if code is None:
        return _number(symbol)
    product, month, tail = code.groups()
    exchange = PRODUCTS.get(product)
    if exchange is None or len(month) != (3 if exchange == "CZCE" else 4):
        return None
    return (exchange, product) if _TAILS[exchange].fullmatch(tail) else None


def _number(symbol: str) -> tuple[str, str] | None:
    for pattern, exchange, product in _NUMBERS:
        if pattern.fullmatch(symbol):
            return exchange, product
    return None
