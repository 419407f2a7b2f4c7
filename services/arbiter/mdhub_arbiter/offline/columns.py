"""Columns of a tick file, and cells as the raw tick a source would have written.

Unlike a market that is played (`mdhub.market.recorded`) nothing is put right here: what a cell
says reaches `decide`, and only cells that are no number at all make a row malformed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, TypeVar

from mdhub.market.dates import MS_NS, midnight_ns, received_days
from mdhub.market.errors import MarketError
from mdhub.market.products import exchange_of
from mdhub.market.skips import MalformedRowError
from mdhub.wire.ticks import SCHEMA_VERSION, Level, RawTick
from mdhub_arbiter.timing import time_of_day_ns

__all__ = ["Columns", "Stamp"]

NEEDED: Final = (
    "TradingDay", "ActionDay", "InstrumentID", "UpdateTime", "UpdateMillisec", "LastPrice",
    "Volume",
)  # fmt: skip
AMOUNTS: Final = (
    "Turnover", "OpenInterest", "OpenPrice", "HighestPrice", "LowestPrice", "ClosePrice",
    "SettlementPrice", "PreClosePrice", "PreSettlementPrice", "PreOpenInterest",
    "UpperLimitPrice", "LowerLimitPrice", "AveragePrice",
)  # fmt: skip
"""In the order of the fields of RawTick."""
OPTIONAL: Final = ("ExchangeID", "Source", "ReceiveTime")
LEVELS: Final = range(1, 6)
NANOS_MAX: Final = 4_000_000_000_000_000_000
INT64_MAX: Final = 2**63 - 1
HOUR_NS: Final = 3_600_000_000_000
MEMORY: Final = 4_096
"""Days and exchanges remembered at most."""

V = TypeVar("V")


class Stamp:
    """Who delivered a row, and as which message of which run."""

    __slots__ = ("recv_ns", "seq", "session", "source")

    def __init__(self, *, source: str, session: int, seq: int, recv_ns: int) -> None:
        self.source = source
        self.session = session
        self.seq = seq
        self.recv_ns = recv_ns


class Columns:
    """Which column is which. A `ReceiveTime` column makes the file a capture, as received."""

    def __init__(self, header: list[str], path: Path) -> None:
        missing = [name for name in NEEDED if name not in header]
        if missing:
            raise MarketError(
                f"{path} lacks the columns {', '.join(missing)}; expected CTP field names such as "
                f"{', '.join(NEEDED)}"
            )
        self.width: Final = len(header)
        place = {name: index for index, name in enumerate(header)}
        # An absent column points behind the row, where an empty cell is put.
        self._at = {name: place.get(name, self.width) for name in (*NEEDED, *AMOUNTS, *OPTIONAL)}
        self._amounts = tuple(self._at[name] for name in AMOUNTS)
        self._bids = _book_columns("Bid", place)
        self._asks = _book_columns("Ask", place)
        self.has_receive_time: Final = "ReceiveTime" in place
        self._midnights: dict[str, int | None] = {}
        self._exchanges: dict[str, str] = {}

    def padded(self, cells: list[str]) -> list[str]:
        """Cells with an empty one behind them. Raises MalformedRowError on a wrong number."""
        if len(cells) != self.width:
            raise MalformedRowError("columns", f"row has {len(cells)} cells, expected {self.width}")
        return [*cells, ""]

    def source(self, cells: list[str]) -> str:
        return cells[self._at["Source"]]

    def symbol(self, cells: list[str]) -> str:
        return cells[self._at["InstrumentID"]]

    def receive_ns(self, cells: list[str]) -> int:
        """Receive time of a capture. Raises MalformedRowError."""
        text = cells[self._at["ReceiveTime"]]
        if not (text.isascii() and text.isdigit() and int(text) <= NANOS_MAX):
            raise MalformedRowError(
                "time", f"ReceiveTime was {text!r}, expected ns since 1970 (UTC)"
            )
        return int(text)

    def exchange_ns(self, cells: list[str]) -> int | None:
        """Exchange time by the row's own date; None if date or time is not one."""
        at = self._at
        of_day_ns = time_of_day_ns(cells[at["UpdateTime"]])
        midnight = self._midnight(cells[at["ActionDay"]])
        ms = cells[at["UpdateMillisec"]]
        if of_day_ns is None or midnight is None or not (ms.isascii() and ms.isdigit()):
            return None
        return min(midnight + of_day_ns + int(ms[:3]) * MS_NS, NANOS_MAX)

    def tick(self, cells: list[str], stamp: Stamp) -> RawTick:
        """Read a padded row whole. Raises MalformedRowError."""
        at = self._at
        try:
            symbol = cells[at["InstrumentID"]]
            trading_day, action_day = self._days(cells, symbol)
            last = cells[at["LastPrice"]]
            rest: list[Any] = [float(cells[i]) if cells[i] else None for i in self._amounts]
            rest += _book(cells, self._bids), _book(cells, self._asks)
            return RawTick(
                SCHEMA_VERSION, stamp.source, stamp.session, stamp.seq, stamp.recv_ns, symbol,
                cells[at["ExchangeID"]], trading_day, action_day, cells[at["UpdateTime"]],
                _whole(cells[at["UpdateMillisec"]]) or 0, float(last) if last else None,
                _whole(cells[at["Volume"]]), *rest,
            )  # fmt: skip
        except ValueError as error:
            raise MalformedRowError(
                "number", f"row has a cell that is not a number: {error}"
            ) from error

    def _days(self, cells: list[str], symbol: str) -> tuple[str, str]:
        """Dates as a front sends them; a capture has these, a recording the true ones."""
        trading_day, action_day = cells[self._at["TradingDay"]], cells[self._at["ActionDay"]]
        if self.has_receive_time:
            return trading_day, action_day
        of_day_ns = time_of_day_ns(cells[self._at["UpdateTime"]]) or 0
        exchange = cells[self._at["ExchangeID"]] or self._exchange(symbol)
        return received_days(
            exchange, hour=of_day_ns // HOUR_NS, trading_day=trading_day, natural_day=action_day
        )

    def _exchange(self, symbol: str) -> str:
        known = self._exchanges.get(symbol)
        if known is None:
            known = exchange_of(symbol) or ""
            _remember(self._exchanges, symbol, known)
        return known

    def _midnight(self, day: str) -> int | None:
        if day not in self._midnights:
            try:
                _remember(self._midnights, day, midnight_ns(day))
            except ValueError:
                _remember(self._midnights, day, None)
        return self._midnights[day]


def _remember(memory: dict[str, V], key: str, value: V) -> None:
    if len(memory) >= MEMORY:
        memory.clear()
    memory[key] = value


def _whole(text: str) -> int | None:
    if not text:
        return None
    number = int(text)
    if not -INT64_MAX <= number <= INT64_MAX:
        raise ValueError(f"{text} does not fit 64 bits")
    return number


def _book_columns(side: str, place: dict[str, int]) -> tuple[tuple[int, int], ...]:
    names = [(f"{side}Price{level}", f"{side}Volume{level}") for level in LEVELS]
    return tuple((place[p], place[v]) for p, v in names if p in place and v in place)


def _book(cells: list[str], columns: tuple[tuple[int, int], ...]) -> list[Level]:
    """Return the levels the source recorded; an empty pair of cells ends the book."""
    levels: list[Level] = []
    for price_at, volume_at in columns:
        price, volume = cells[price_at], cells[volume_at]
        if not price and not volume:
            break
        levels.append((float(price) if price else None, _whole(volume)))
    return levels
