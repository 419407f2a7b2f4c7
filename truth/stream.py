"""Clean streams: what the exchanges sent, one fact per row, with the truth beside it.

A row is kept as the CSV line a front would send (dates as received), so that what is judged is
exactly what was recorded. Rows are numbered per contract; an adjacent repeat, and a row that only
fills close or settlement, share the number of the snapshot they repeat.
"""

from __future__ import annotations

import csv
import io
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import zstandard

__all__ = [
    "BOOK",
    "CHINA",
    "COLUMNS",
    "SECOND_NS",
    "Contract",
    "Fact",
    "Stream",
    "clock_ns",
    "contract_table",
    "in_auction",
    "in_session",
    "number",
    "read_recordings",
    "recordings_folder",
    "stream_of",
    "time_text",
]

SECOND_NS: Final = 1_000_000_000
MS_NS: Final = 1_000_000
CHINA: Final = timezone(timedelta(hours=8))
HUGE: Final = 1e300
COLUMNS: Final = tuple(
    "TradingDay,ActionDay,InstrumentID,ExchangeID,UpdateTime,UpdateMillisec,LastPrice,Volume,"
    "Turnover,OpenInterest,OpenPrice,HighestPrice,LowestPrice,ClosePrice,SettlementPrice,"
    "PreClosePrice,PreSettlementPrice,PreOpenInterest,UpperLimitPrice,LowerLimitPrice,"
    "AveragePrice,BidPrice1,BidVolume1,AskPrice1,AskVolume1".split(",")
)
BOOK: Final = tuple(
    f"{side}{what}{level}"
    for level in range(2, 6)
    for side in ("Bid", "Ask")
    for what in ("Price", "Volume")
)
"""Columns of the levels 2 to 5."""
_IDENTITY: Final = (
    "UpdateTime", "UpdateMillisec", "LastPrice", "Volume", "OpenInterest",
    "BidPrice1", "BidVolume1", "AskPrice1", "AskVolume1",
)  # fmt: skip


class Fact(NamedTuple):
    """One row of a clean stream."""

    line: str
    symbol: str
    exchange: str
    snapshot: int
    """Running number in the contract; never falls in the order of the exchange."""
    role: str
    """tick, repeat, closing (fills close or settlement), outside (of any session)."""
    made_ns: int
    ts_ns: int
    day: int
    tag: str = ""
    """Name of the trap or hold a builder made this row for."""


class Contract(NamedTuple):
    """What the contract table says."""

    symbol: str
    exchange: str
    product: str
    multiplier: int
    tick: float


@dataclass
class Stream:
    """A clean stream in order of `made_ns`."""

    name: str
    columns: tuple[str, ...]
    facts: list[Fact]
    contracts: dict[str, Contract]
    at: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        self.at = {name: place for place, name in enumerate(self.columns)}

    def cells(self, fact: Fact) -> dict[str, str]:
        """Return a row by column name."""
        return dict(zip(self.columns, fact.line.split(","), strict=True))

    def line(self, cells: dict[str, str]) -> str:
        """Inverse of `cells`."""
        return ",".join([cells[name] for name in self.columns])


def number(text: str) -> float | None:
    """Return a cell as a number; None for empty and for every way of saying "no value"."""
    value = float(text) if text else HUGE
    return value if -HUGE < value < HUGE else None


def clock_ns(day: str, time: str, ms: str) -> int:
    """Nanoseconds since the epoch of a China date and time."""
    hour, minute, second = int(time[:2]), int(time[3:5]), int(time[6:8])
    return _midnight_ns(day) + ((hour * 60 + minute) * 60 + second) * SECOND_NS + int(ms) * MS_NS


@cache
def _midnight_ns(day: str) -> int:
    moment = datetime(int(day[:4]), int(day[4:6]), int(day[6:]), tzinfo=CHINA)
    return int(moment.timestamp()) * SECOND_NS


def time_text(ns: int) -> tuple[str, str, str]:
    """China date YYYYMMDD, HH:MM:SS and ms of a moment."""
    moment = datetime.fromtimestamp(ns // SECOND_NS, CHINA)
    return f"{moment:%Y%m%d}", f"{moment:%H:%M:%S}", str(ns % SECOND_NS // MS_NS)


_DAY: Final = ((8 * 60 + 55, 10 * 60 + 15), (10 * 60 + 30, 11 * 60 + 30), (13 * 60 + 30, 15 * 60))
_CFFEX: Final = ((9 * 60 + 25, 11 * 60 + 30), (13 * 60, 15 * 60 + 15))
_STOCKS: Final = ((9 * 60 + 15, 11 * 60 + 30), (13 * 60, 15 * 60 + 30))
_NIGHT: Final = ((20 * 60 + 55, 24 * 60), (-1, 2 * 60 + 30))
_SESSIONS: Final = {"CFFEX": _CFFEX, "SSE": _STOCKS, "SZSE": _STOCKS}


def in_session(exchange: str, time: str) -> bool:
    """Whether any product of the exchange may trade then; auctions and closing minute included."""
    minute = int(time[:2]) * 60 + int(time[3:5])
    sessions = _SESSIONS.get(exchange, _DAY + _NIGHT)
    return any(start <= minute <= end for start, end in sessions)


def in_auction(contract: Contract, time: str) -> bool:
    """Whether orders are only collected then: books may cross."""
    if contract.exchange in _SESSIONS:
        is_option = contract.exchange != "CFFEX" or len(contract.symbol) > len("IF2612")
        return time < "09:30:00" or (is_option and "14:57:00" <= time < "15:00:00")
    return "20:55:00" <= time < "21:00:00" or "08:55:00" <= time < "09:00:00"


def recordings_folder() -> Path:
    """Where the recordings are, by MDHUB_RECORDINGS."""
    return Path(os.environ.get("MDHUB_RECORDINGS", "../shared/data/recordings"))


def contract_table(path: Path) -> dict[str, Contract]:
    """Read a contract table (CTP field names)."""
    rows = csv.DictReader(io.StringIO(_text(path)))
    return {
        row["InstrumentID"]: Contract(
            row["InstrumentID"],
            row["ExchangeID"],
            row["ProductID"],
            int(row["VolumeMultiple"]),
            float(row["PriceTick"]),
        )
        for row in rows
    }


def _text(path: Path) -> str:
    if path.suffix != ".zst":
        return path.read_text(encoding="utf-8")
    with path.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as content:
        return content.read().decode("utf-8")


def read_recordings(
    name: str, paths: Iterable[Path], contracts: dict[str, Contract], *, only: str = ""
) -> Stream:
    """Read recordings of successive days as one stream; `only` names contracts to keep."""
    wanted = set(only.split())
    columns: tuple[str, ...] = ()
    lines: list[str] = []
    for path in paths:
        header, *rows = _text(path).splitlines()
        columns = tuple(header.split(","))
        lines.extend(rows)
    if wanted:
        at = columns.index("InstrumentID")
        lines = [line for line in lines if line.split(",", at + 1)[at] in wanted]
    return stream_of(name, columns, lines, contracts)


def stream_of(
    name: str, columns: tuple[str, ...], lines: list[str], contracts: dict[str, Contract]
) -> Stream:
    """Make a stream of rows with true dates, in order of the exchange."""
    facts = list(_facts(columns, lines))
    known = {fact.symbol: _contract(fact, contracts) for fact in facts}
    return Stream(name, columns, facts, known)


def _facts(columns: tuple[str, ...], lines: list[str]) -> Iterator[Fact]:
    at = {column: place for place, column in enumerate(columns)}
    identity = tuple(at[column] for column in _IDENTITY)
    placed = list(_placed(at, lines))
    sharing = Counter((symbol, ts) for _, symbol, ts in placed)
    places: Counter[tuple[str, int]] = Counter()
    before: dict[str, tuple[str, list[str], int]] = {}
    timed: list[Fact] = []
    reached_ns = 0
    for line, symbol, ts_ns in placed:
        cells = line.split(",")
        exchange = cells[at["ExchangeID"]]
        made_ns = ts_ns
        if exchange == "CZCE":
            made_ns += places[symbol, ts_ns] * SECOND_NS // sharing[symbol, ts_ns]
            places[symbol, ts_ns] += 1
        reached_ns = max(reached_ns, ts_ns)
        made_ns = made_ns if ts_ns > reached_ns - SECOND_NS else reached_ns
        previous, cells_before, snapshot = before.get(symbol, ("", [], -1))
        role = _role(line, previous, [cells[i] for i in identity], cells_before)
        snapshot += role == "tick"
        before[symbol] = (line, [cells[i] for i in identity], snapshot)
        if role == "tick" and not in_session(exchange, cells[at["UpdateTime"]]):
            role = "outside"
        day = int(cells[at["TradingDay"]])
        received = _as_received(cells, at)
        timed.append(Fact(received, symbol, exchange, snapshot, role, made_ns, ts_ns, day))
    timed.sort(key=lambda fact: fact.made_ns)
    yield from timed


def _placed(at: dict[str, int], lines: list[str]) -> Iterator[tuple[str, str, int]]:
    day, symbol, time, ms = (
        at[name] for name in ("ActionDay", "InstrumentID", "UpdateTime", "UpdateMillisec")
    )
    for line in lines:
        cells = line.split(",")
        yield line, cells[symbol], clock_ns(cells[day], cells[time], cells[ms])


def _role(line: str, previous: str, identity: list[str], identity_before: list[str]) -> str:
    if line == previous:
        return "repeat"
    return "closing" if identity == identity_before else "tick"


def _as_received(cells: list[str], at: dict[str, int]) -> str:
    """At night DCE sends the trading day as action day, CZCE the natural date as trading day.

    GFEX sends no action day at all.
    """
    if cells[at["ExchangeID"]] == "GFEX":
        cells[at["ActionDay"]] = ""
    hour = int(cells[at["UpdateTime"]][:2])
    if not 3 <= hour < 20:
        if cells[at["ExchangeID"]] == "DCE":
            cells[at["ActionDay"]] = cells[at["TradingDay"]]
        elif cells[at["ExchangeID"]] == "CZCE":
            cells[at["TradingDay"]] = cells[at["ActionDay"]]
    return ",".join(cells)


def _contract(fact: Fact, contracts: dict[str, Contract]) -> Contract:
    """Look a contract up; a month that is not listed is like the others of its product."""
    known = contracts.get(fact.symbol)
    if known is not None:
        return known
    product = fact.symbol.rstrip("0123456789")
    for other in contracts.values():
        if other.product == product and other.exchange == fact.exchange:
            return other._replace(symbol=fact.symbol)
    raise ValueError(
        f"the contract table has no {fact.symbol} and no product {product} of {fact.exchange}; "
        "expected one of them, with PriceTick and VolumeMultiple"
    )
