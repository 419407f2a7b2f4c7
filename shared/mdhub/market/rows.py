"""Rows of a recording: which column is which, and how cells become a snapshot.

Example: `20171113,20171110,MA801,CZCE,20:59:00,0,2833,676,,663748.0,...,2833,26,2834,408`
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final, NamedTuple

from mdhub.market.dates import MS_NS, SECOND_NS, midnight_ns, received_days
from mdhub.market.errors import MarketError
from mdhub.market.products import exchange_of
from mdhub.market.snapshot import Snapshot
from mdhub.wire.ticks import Level

__all__ = ["Layout", "MalformedRowError", "Row"]

_NEEDED: Final = (
    "TradingDay",
    "ActionDay",
    "InstrumentID",
    "UpdateTime",
    "UpdateMillisec",
    "LastPrice",
    "Volume",
)
_AMOUNTS: Final = (
    "Turnover",
    "OpenInterest",
    "OpenPrice",
    "HighestPrice",
    "LowestPrice",
    "ClosePrice",
    "SettlementPrice",
    "PreClosePrice",
    "PreSettlementPrice",
    "PreOpenInterest",
    "UpperLimitPrice",
    "LowerLimitPrice",
    "AveragePrice",
)
"""In the order of the fields of Snapshot."""
_LEVELS: Final = range(1, 6)
_TIME: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9])")
_MS: Final = re.compile(r"[0-9]{1,3}")


class MalformedRowError(MarketError):
    """One row that cannot be read; the reader counts it and goes on."""


class Row(NamedTuple):
    """A row that has been placed in time but not read further."""

    line: int
    cells: list[str]
    symbol: str
    exchange: str
    """By the file, else by the symbol; empty if neither knows."""
    exchange_ns: int
    hour: int
    repeat: bool


class Layout:
    """Columns of one file. Remembers the days, times and symbols it has seen."""

    def __init__(self, header: list[str], path: Path) -> None:
        missing = [name for name in _NEEDED if name not in header]
        if missing:
            raise MarketError(
                f"{path} lacks the columns {', '.join(missing)}; expected CTP field names such as "
                f"{', '.join(_NEEDED)}"
            )
        self._width = len(header)
        place = {name: index for index, name in enumerate(header)}
        # An absent column points behind the row, where `row` puts an empty cell.
        self._at = {name: place.get(name, self._width) for name in _all_columns()}
        self._amounts = tuple(self._at[name] for name in _AMOUNTS)
        self._bids = _book_columns("Bid", place)
        self._asks = _book_columns("Ask", place)
        self._days_ns: dict[str, int] = {}
        self._times_s: dict[str, int] = {}
        self._exchanges: dict[str, str] = {}

    def row(self, line: int, cells: list[str], *, last: list[str] | None) -> Row:
        """Place a row in time; `last` is the contract's previous row. Raises MalformedRowError."""
        if len(cells) != self._width:
            raise MalformedRowError(f"row has {len(cells)} cells, expected {self._width}")
        at = self._at
        symbol = cells[at["InstrumentID"]]
        second = self._second_of_day(cells[at["UpdateTime"]])
        ms = _ms(cells[at["UpdateMillisec"]])
        midnight = self._midnight_ns(cells[at["ActionDay"]])
        return Row(
            line,
            cells,
            symbol,
            self._exchange(cells, symbol),
            midnight + second * SECOND_NS + ms * MS_NS,
            second // 3600,
            last == cells,
        )

    def symbol(self, cells: list[str]) -> str:
        """Return the symbol of a row, empty if it has too few cells."""
        index = self._at["InstrumentID"]
        return cells[index] if index < len(cells) else ""

    def snapshot(self, row: Row, made_ns: int) -> Snapshot:
        """Read a row whole. Raises MalformedRowError."""
        try:
            return Snapshot(*self._fields(row, made_ns, [*row.cells, ""]))
        except ValueError as error:
            raise MalformedRowError(f"row has a cell that is not a number: {error}") from error

    def _fields(self, row: Row, made_ns: int, cells: list[str]) -> tuple[Any, ...]:
        at = self._at
        trading_day, action_day = received_days(
            row.exchange,
            hour=row.hour,
            trading_day=cells[at["TradingDay"]],
            natural_day=cells[at["ActionDay"]],
        )
        last, volume = cells[at["LastPrice"]], cells[at["Volume"]]
        return (
            made_ns,
            row.exchange_ns,
            int(cells[at["TradingDay"]]),
            row.exchange,
            row.symbol,
            cells[at["ExchangeID"]],
            trading_day,
            action_day,
            cells[at["UpdateTime"]],
            int(cells[at["UpdateMillisec"]]),
            float(last) if last else None,
            int(volume) if volume else None,
            *[float(cells[index]) if cells[index] else None for index in self._amounts],
            _book(cells, self._bids),
            _book(cells, self._asks),
            row.repeat,
        )

    def _exchange(self, cells: list[str], symbol: str) -> str:
        exchange = self._exchanges.get(symbol)
        if exchange is None:
            told = cells[self._at["ExchangeID"]] if self._at["ExchangeID"] < self._width else ""
            exchange = self._exchanges[symbol] = told or exchange_of(symbol) or ""
        return exchange

    def _midnight_ns(self, day: str) -> int:
        known = self._days_ns.get(day)
        if known is None:
            try:
                known = self._days_ns[day] = midnight_ns(day)
            except ValueError as error:
                raise MalformedRowError(f"ActionDay: {error}") from error
        return known

    def _second_of_day(self, text: str) -> int:
        known = self._times_s.get(text)
        if known is None:
            known = self._times_s[text] = _second_of_day(text)
        return known


def _all_columns() -> tuple[str, ...]:
    return (*_NEEDED, "ExchangeID", *_AMOUNTS)


def _book_columns(side: str, place: dict[str, int]) -> tuple[tuple[int, int], ...]:
    names = [(f"{side}Price{level}", f"{side}Volume{level}") for level in _LEVELS]
    return tuple((place[p], place[v]) for p, v in names if p in place and v in place)


def _book(cells: list[str], columns: tuple[tuple[int, int], ...]) -> list[Level]:
    """Return the levels the source recorded; an empty pair of cells ends the book."""
    levels: list[Level] = []
    for price_at, volume_at in columns:
        price, volume = cells[price_at], cells[volume_at]
        if not price and not volume:
            break
        levels.append((float(price) if price else None, int(volume) if volume else None))
    return levels


def _ms(text: str) -> int:
    if not _MS.fullmatch(text):
        raise MalformedRowError(f"UpdateMillisec was {text!r}, expected 0 to 999")
    return int(text)


def _second_of_day(text: str) -> int:
    time = _TIME.fullmatch(text)
    if time is None:
        raise MalformedRowError(f"UpdateTime was {text!r}, expected HH:MM:SS")
    hour, minute, second = map(int, time.groups())
    return hour * 3600 + minute * 60 + second
