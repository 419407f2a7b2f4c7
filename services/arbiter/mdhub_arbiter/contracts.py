"""Contract tables: CSV (plain, .gz or .zst) with the columns of CTP's instrument query.

The newest row of each contract is cached on the server, so that an arbiter started without a file,
or on a new log, knows the contracts that the hub was given before. The cache decides nothing: what
counts are the `contracts` entries of the log.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import uuid4

from mdhub.market.errors import MarketError
from mdhub.market.products import EXCHANGES
from mdhub.market.recorded import open_text
from mdhub.streams.port import Log
from mdhub.wire.codec import DecodeError, decoder, encode
from mdhub.wire.entries import ContractRow
from mdhub.wire.ops import Event, EventKind, Severity
from mdhub.wire.ticks import CHINA_TIME, SCHEMA_VERSION
from mdhub.wire.topics import shard_of

__all__ = [
    "Table",
    "cache_contracts",
    "cached_contracts",
    "check_rows",
    "drop_expired",
    "read_contracts",
    "table_event",
]

NEEDED: Final = ("InstrumentID", "ExchangeID", "ProductID", "VolumeMultiple", "PriceTick")
OPTIONAL: Final = ("ProductClass", "ExpireDate")
_DATE_LENGTH: Final = 8
_SECOND_NS: Final = 1_000_000_000
KEPT_EXPIRED: Final = timedelta(days=30)
"""So long after its last trading day a contract stays in the cache."""
_decode_row: Final = decoder(ContractRow)


class Table(NamedTuple):
    """Contracts an arbiter starts with."""

    rows: Sequence[ContractRow] = ()
    origin: str = ""
    """`file`, `cache`, or empty: there is no table."""
    age_s: int = 0
    """Of the cache: since it was last given."""
    unreadable: int = 0
    """Rows of the cache that cannot be read (left out)."""


def cached_contracts(log: Log, *, shard: int, shards: int) -> Table:
    """The cached contracts of a shard."""
    cached = log.contracts()
    found, unreadable = [], 0
    for symbol, payload in sorted(cached.rows.items()):
        if shard_of(symbol, shards) != shard:
            continue
        try:
            found.append(_decode_row(payload))
        except DecodeError:
            unreadable += 1
    origin = "cache" if found or unreadable else ""
    return Table(found, origin, cached.age_ms // 1_000, unreadable)


def cache_contracts(log: Log, rows: Iterable[ContractRow]) -> None:
    """Remember contracts on the server."""
    log.save_contracts({row.symbol: encode(row) for row in rows})


def drop_expired(log: Log, market_ns: int) -> None:
    """Let the server forget contracts that expired long ago by market time.

    Reads the whole cache: at a start, not while ticks flow.
    """
    today = datetime.fromtimestamp(market_ns // _SECOND_NS, CHINA_TIME).date()
    expired = _expired(log, int(f"{today - KEPT_EXPIRED:%Y%m%d}"))
    if expired:
        log.save_contracts({}, gone=expired)


def check_rows(rows: Sequence[ContractRow]) -> None:
    """Raise ValueError naming the first contract that makes no sense."""
    for row in rows:
        if row.exchange not in EXCHANGES:
            known = ", ".join(EXCHANGES)
            raise ValueError(f"{row.symbol} is of exchange {row.exchange!r}, expected {known}")
        if not (row.multiplier < float("inf") and row.price_tick < float("inf")):
            raise ValueError(f"{row.symbol} has a multiplier or price tick that is no number")
        if row.expiry and len(str(row.expiry)) != _DATE_LENGTH:
            raise ValueError(f"{row.symbol} expires {row.expiry}, expected YYYYMMDD or 0")


def table_event(table: Table, *, shard: int, new: int, instance: str, wall_ns: int) -> bytes:
    """Say where an arbiter's contracts come from, and how many rows the log did not know."""
    body: dict[str, Any] = {
        "shard": shard, "origin": table.origin, "rows": len(table.rows), "new": new,
    }  # fmt: skip
    if table.origin == "cache":
        body["age_s"] = table.age_s
    if table.unreadable:
        body["unreadable"] = table.unreadable
    severity = Severity.WARNING if table.unreadable else Severity.INFO
    return encode(
        Event(
            SCHEMA_VERSION, uuid4().hex, wall_ns, "arbiter", EventKind.CONTRACTS, instance,
            severity, "", body,
        )
    )  # fmt: skip


def _expired(log: Log, oldest: int) -> list[str]:
    held = log.contracts().rows
    found = []
    for symbol, payload in held.items():
        try:
            expiry = _decode_row(payload).expiry
        except DecodeError:
            expiry = 1  # what nobody can read is of no use
        if 0 < expiry < oldest:
            found.append(symbol)
    return found


def read_contracts(path: Path) -> list[ContractRow]:
    """The rows of a table. Raises MarketError naming the line that cannot be read."""
    with open_text(path) as text:
        lines = csv.reader(text)
        try:
            return list(_rows(lines, path))
        except csv.Error as error:
            raise MarketError(f"{path} line {lines.line_num}: {error}") from error
        except (ValueError, IndexError) as error:
            raise MarketError(
                f"{path} line {lines.line_num}: {error}; expected a symbol, one of "
                f"{', '.join(EXCHANGES)}, a multiplier from 0, a price tick from 0 and a last "
                "trading day YYYYMMDD or nothing"
            ) from error


def _rows(lines: Iterator[list[str]], path: Path) -> Iterator[ContractRow]:
    header = next(lines, [])
    missing = [name for name in NEEDED if name not in header]
    if missing:
        raise MarketError(f"{path} lacks the columns {', '.join(missing)}; found {header}")
    at = [header.index(name) for name in NEEDED]
    others = [header.index(name) if name in header else None for name in OPTIONAL]
    for cells in lines:
        symbol, exchange, product, multiplier, tick = (cells[i] for i in at)
        product_class, expiry = ("" if i is None else cells[i] for i in others)
        if not symbol or exchange not in EXCHANGES:
            raise ValueError(f"found contract {symbol!r} of exchange {exchange!r}")
        yield ContractRow(
            symbol, exchange, product, product_class,
            _amount(multiplier), _amount(tick), _date(expiry),
        )  # fmt: skip


def _amount(text: str) -> float:
    amount = float(text or 0)
    if not 0 <= amount < float("inf"):
        raise ValueError(f"found {text!r}")
    return amount


def _date(text: str) -> int:
    if text and (len(text) != _DATE_LENGTH or not text.isdigit()):
        raise ValueError(f"found the date {text!r}")
    return int(text or 0)
