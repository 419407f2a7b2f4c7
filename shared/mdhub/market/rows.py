"""Rows of a recording: which column is which, and how cells become a snapshot.

Example: `20171113,20171110,MA801,CZCE,20:59:00,0,2833,676,,663748.0,...,2833,26,2834,408`
"""

from __future__ import annotations

import csv
import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

from mdhub.market.dates import (
    MS_NS,
    SECOND_NS,
    midnight_ns,
    received_days,
)
from mdhub.market.days import trades_at
from mdhub.market.errors import MarketError
from mdhub.market.lines import LINE_MAX
from mdhub.market.products import exchange_of, product_of
from mdhub.market.redate import Redate
from mdhub.market.skips import MalformedRowError
from mdhub.market.snapshot import Snapshot
from mdhub.wire.ticks import Level

__all__ = ["Layout", "Row", "cells_of"]

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
_YEARS: Final = range(1990, 2090)
_DAYS_APART: Final = timedelta(days=31)
"""A night is never farther from its trading day: the longest holidays take eleven days."""
_INT64: Final = range(-(2**63), 2**63)
_HEADER_SHOWN: Final = 200


class Days(NamedTuple):
    """True days of a row, moved if the recording is."""

    trading_day: str
    natural_day: str
    midnight_ns: int
    recorded: date
    """The trading day before it was moved."""


class Row(NamedTuple):
    """A row that has been placed in time but not read further."""

    line: int
    cells: list[str]
    symbol: str
    exchange: str
    """By the file, else by the symbol; empty if neither knows."""
    exchange_ns: int
    days: Days
    hour: int
    repeat: bool


def cells_of(line: bytes) -> list[str] | None:
    """Cut a line into cells; None = it is blank. Raises MalformedRowError.

    Each line is a row of its own: an open quote costs its line, not the rest of the file.
    """
    if len(line) > LINE_MAX:
        raise MalformedRowError("too_long", f"line is longer than {LINE_MAX} bytes")
    if b"\0" in line:
        raise MalformedRowError("nul", f"line has a NUL byte at {line.index(0)}")
    try:
        text = line.decode().rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise MalformedRowError("encoding", f"line is not UTF-8: {error}") from error
    if not text.strip():
        return None
    if '"' not in text:
        return text.split(",")
    try:
        return next(csv.reader([text], strict=True))
    except csv.Error as error:
        raise MalformedRowError("quotes", f"line has a quote that does not end: {error}") from error


class Layout:
    """Columns of one file. Remembers the days, times and symbols it has seen."""

    def __init__(self, header: list[str], path: Path, redate: Redate | None = None) -> None:
        missing = [name for name in _NEEDED if name not in header]
        if missing:
            found = ", ".join(header)
            raise MarketError(
                f"{path} lacks the columns {', '.join(missing)}; expected CTP field names such as "
                f"{', '.join(_NEEDED)}; found {found[:_HEADER_SHOWN]!r}"
            )
        self._redate = redate
        self._width = len(header)
        place = {name: index for index, name in enumerate(header)}
        # An absent column points behind the row, where `row` puts an empty cell.
        self._at = {name: place.get(name, self._width) for name in _all_columns()}
        self._amounts = tuple(self._at[name] for name in _AMOUNTS)
        self._bids = _book_columns("Bid", place)
        self._asks = _book_columns("Ask", place)
        self._days: dict[tuple[str, str, int], Days] = {}
        self._times_s: dict[str, int] = {}
        self._exchanges: dict[str, str] = {}
        self._in_hours: set[tuple[str, str, int]] = set()

    def row(self, line: int, cells: list[str], *, last: list[str] | None) -> Row:
        """Place a row in time; `last` is the contract's previous row. Raises MalformedRowError."""
        if len(cells) != self._width:
            found = f"row has {len(cells)} cells, expected {self._width}"
            raise MalformedRowError("columns", found)
        at = self._at
        symbol = cells[at["InstrumentID"]]
        if not symbol:
            raise MalformedRowError("symbol", "InstrumentID is empty")
        second = self._second_of_day(cells[at["UpdateTime"]])
        hour = second // 3600
        ms = _ms(cells[at["UpdateMillisec"]])
        days = self._days_of(cells[at["TradingDay"]], cells[at["ActionDay"]], hour)
        exchange = self._exchange(cells, symbol)
        if self._redate is not None:
            key = (symbol, cells[at["ActionDay"]], second // 60)
            if key not in self._in_hours:
                self._check_hours(exchange, *key, days)
                self._in_hours.add(key)
        return Row(
            line,
            cells,
            symbol,
            exchange,
            days.midnight_ns + second * SECOND_NS + ms * MS_NS,
            days,
            hour,
            last == cells,
        )

    def _check_hours(
        self, exchange: str, symbol: str, natural_day: str, minute: int, days: Days
    ) -> None:
        """Hours of a product have changed over the years: a row of 23:15 may have no place now."""
        product = product_of(symbol) or ""
        recorded, moved = (
            ns // (60 * SECOND_NS) + minute for ns in (midnight_ns(natural_day), days.midnight_ns)
        )
        if not trades_at(exchange, product, moved) and trades_at(exchange, product, recorded):
            raise MalformedRowError(
                "no_hours",
                f"row of {symbol} at {minute // 60:02}:{minute % 60:02} is left out: {exchange} "
                f"{product} does not trade then on {days.trading_day}",
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
            raise MalformedRowError("number", f"a cell is not a number: {error}") from error

    def _fields(self, row: Row, made_ns: int, cells: list[str]) -> tuple[Any, ...]:
        at = self._at
        trading_day, action_day = received_days(
            row.exchange,
            hour=row.hour,
            trading_day=row.days.trading_day,
            natural_day=row.days.natural_day,
        )
        last, volume = cells[at["LastPrice"]], cells[at["Volume"]]
        return (
            made_ns,
            row.exchange_ns,
            int(row.days.trading_day),
            row.exchange,
            row.symbol,
            cells[at["ExchangeID"]],
            trading_day,
            action_day,
            cells[at["UpdateTime"]],
            int(cells[at["UpdateMillisec"]]),
            float(last) if last else None,
            _whole(volume) if volume else None,
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

    def _days_of(self, trading_day: str, natural_day: str, hour: int) -> Days:
        key = (trading_day, natural_day, hour)
        known = self._days.get(key)
        if known is None:
            known = self._days[key] = _days(trading_day, natural_day, hour, self._redate)
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
        levels.append((float(price) if price else None, _whole(volume) if volume else None))
    return levels


def _ms(text: str) -> int:
    if not _MS.fullmatch(text):
        raise MalformedRowError("time", f"UpdateMillisec was {text!r}, expected 0 to 999")
    return int(text)


def _second_of_day(text: str) -> int:
    time = _TIME.fullmatch(text)
    if time is None:
        raise MalformedRowError("time", f"UpdateTime was {text!r}, expected HH:MM:SS")
    hour, minute, second = map(int, time.groups())
    return hour * 3600 + minute * 60 + second


def _days(trading_day: str, natural_day: str, hour: int, redate: Redate | None) -> Days:
    recorded, natural = _date("TradingDay", trading_day), _date("ActionDay", natural_day)
    if not recorded - _DAYS_APART <= natural <= recorded:
        raise MalformedRowError(
            "date", f"ActionDay was {natural_day}, expected a day up to TradingDay {trading_day}"
        )
    if redate is None:
        return Days(trading_day, natural_day, midnight_ns(natural_day), recorded)
    moved, moved_natural = redate.move(recorded, natural, hour=hour)
    natural_day = f"{moved_natural:%Y%m%d}"
    return Days(f"{moved:%Y%m%d}", natural_day, midnight_ns(natural_day), recorded)


def _date(column: str, text: str) -> date:
    try:
        midnight_ns(text)
        day = date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError as error:
        raise MalformedRowError("date", f"{column}: {error}") from error
    if day.year not in _YEARS:
        raise MalformedRowError(
            "date", f"{column} was {text!r}, expected a year from {_YEARS[0]} to {_YEARS[-1]}"
        )
    return day


def _whole(text: str) -> int:
    number = int(text)
    if number not in _INT64:
        raise ValueError(f"{text[:24]!r} does not fit into 64 bits")
    return number
