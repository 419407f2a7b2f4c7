"""Every contract the hub knows, with its newest clean tick: what a search looks through.

From the contract table the hub was given, and the last values of the arbiter's newest snapshot
(about every ten seconds), so a quiet contract is found too and nobody scans the log for it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

from mdhub.market.products import exchange_of, is_option, product_of
from mdhub.runtime.clock import SYSTEM, Clock
from mdhub.streams.port import CachedContracts, Log, Manifest
from mdhub.wire.codec import DecodeError, decode_clean_tick, decoder
from mdhub.wire.entries import ContractRow
from mdhub.wire.ticks import CleanTick

__all__ = [
    "KINDS", "SORTS", "Contract", "Contracts", "Found", "Kind", "Sort", "contracts_of", "search",
]  # fmt: skip

Kind = Literal["future", "option", "other"]
Sort = Literal["symbol", "volume", "open_interest", "change"]
KINDS: Final[tuple[Kind, ...]] = ("future", "option", "other")
SORTS: Final[tuple[Sort, ...]] = ("symbol", "volume", "open_interest", "change")
CHECK_MS: Final = 2_000
"""So often it is asked whether there is a newer snapshot."""
TABLE_MS: Final = 60_000
"""So often the contract table is read anew."""
_CLASSES: Final[Mapping[str, Kind]] = {"1": "future", "2": "option", "6": "option"}
_decode_row: Final = decoder(ContractRow)
_Last = tuple[bytes, bytes, bytes]
_decode_chunk: Final = msgspec.msgpack.Decoder(list[_Last]).decode


class Contract(msgspec.Struct, frozen=True, kw_only=True):
    """One contract, and its newest clean tick as of the snapshot."""

    symbol: str
    exchange: str
    product: str
    kind: Kind
    expiry: int = 0
    """Last trading day, YYYYMMDD; 0 = not known."""
    price_tick: float = 0.0
    multiplier: float = 0.0
    clean_id: str = ""
    """Of its newest clean tick; empty = it has none."""
    ts_ns: int = 0
    """Exchange time of it."""
    last: float | None = None
    change: float | None = None
    """`last` against the settlement before, as a share."""
    volume: int | None = None
    open_interest: float | None = None

    @property
    def name(self) -> str:
        """`symbol.EXCHANGE`, as pages and orders name it."""
        return f"{self.symbol}.{self.exchange}" if self.exchange else self.symbol


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """One page of a search."""

    rows: list[Contract]
    total: int
    """That fit."""
    known: int
    """Contracts there are."""
    as_of_ns: int
    """Of the snapshot that the newest ticks are of; 0 = there is none yet."""


class Book(msgspec.Struct, frozen=True, kw_only=True):
    """All contracts as of one moment."""

    contracts: Mapping[str, Contract] = msgspec.field(default_factory=dict)
    """By symbol, in order."""
    as_of_ns: int = 0


class Contracts:
    """Holds the newest book; asks the log only when somebody asks here, and then not often.

    Bound: as many contracts as the hub has; the book before is dropped whole.
    """

    def __init__(self, clock: Clock = SYSTEM) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._book = Book()
        self._checked_ns = 0
        self._table_ns = 0
        self._table: list[ContractRow] = []
        self._raws: list[bytes] = []
        self.unreadable = 0
        """Chunks and ticks of snapshots left out of the book, since the start."""

    def book(self, log: Log) -> Book:
        """The contracts now. One caller reads, the others wait for it. Raises StreamsError."""
        with self._lock:
            now_ns = self._clock.wall_ns()
            if not self._checked_ns or now_ns - self._checked_ns >= CHECK_MS * 10**6:
                self._renew(log, now_ns)
                self._checked_ns = now_ns
            return self._book

    def counters(self) -> dict[str, int]:
        """For the heartbeat."""
        return {"contracts_unreadable": self.unreadable}

    def _renew(self, log: Log, now_ns: int) -> None:
        manifests = _newest(log)
        raws = [manifest.raw if manifest else b"" for manifest in manifests]
        fresh_table = self._table_ns and now_ns - self._table_ns < TABLE_MS * 10**6
        if raws == self._raws and fresh_table:
            return
        if not fresh_table:
            self._table, self._table_ns = _rows(log.contracts()), now_ns
        ticks = [
            each for shard, m in enumerate(manifests) if m for each in self._lasts(log, shard, m)
        ]
        as_of_ns = min((m.wall_ns for m in manifests if m), default=0)
        self._book = Book(contracts=contracts_of(self._table, ticks), as_of_ns=as_of_ns)
        self._raws = raws

    def _lasts(self, log: Log, shard: int, manifest: Manifest) -> Iterable[tuple[bytes, CleanTick]]:
        """Last clean ticks of a snapshot; a chunk that has gone is left out till the next."""
        for part in range(manifest.last_chunks):
            chunk = log.load_chunk(shard, snapshot=manifest.raw, part=f"last-{part}")
            try:
                rows = _decode_chunk(chunk) if chunk else []
            except (msgspec.DecodeError, DecodeError):
                self.unreadable += 1
                continue
            for entry_id, _, payload in rows:
                try:
                    yield entry_id, decode_clean_tick(payload)
                except DecodeError:
                    self.unreadable += 1


def contracts_of(
    table: Iterable[ContractRow], ticks: Iterable[tuple[bytes, CleanTick]]
) -> dict[str, Contract]:
    """Put the contract table and newest clean ticks together, by symbol."""
    rows = {row.symbol: row for row in table}
    newest = {tick.symbol: (entry_id, tick) for entry_id, tick in ticks}
    return {
        symbol: _contract(symbol, rows.get(symbol), newest.get(symbol))
        for symbol in sorted(rows.keys() | newest.keys(), key=lambda s: (s.lower(), s))
    }


def search(  # noqa: PLR0913 - what a search consists of
    book: Book,
    *,
    text: str = "",
    exchange: str = "",
    kind: str = "",
    sort: Sort = "symbol",
    first: int = 0,
    limit: int = 50,
) -> Found:
    """Contracts whose name holds every word of a text, in any case; by name its beginning first."""
    words = text.lower().split()
    fitting = [
        c
        for c in book.contracts.values()
        if (not exchange or c.exchange == exchange)
        and (not kind or c.kind == kind)
        and all(word in c.name.lower() for word in words)
    ]
    ordered = _ordered(fitting, sort, words[0] if words else "")
    return Found(
        rows=ordered[first : first + limit],
        total=len(ordered),
        known=len(book.contracts),
        as_of_ns=book.as_of_ns,
    )


def _ordered(found: list[Contract], sort: Sort, word: str) -> list[Contract]:
    if sort == "symbol":
        return sorted(found, key=lambda c: not c.symbol.lower().startswith(word)) if word else found

    def size(contract: Contract) -> float:
        value = getattr(contract, sort)
        return float("-inf") if value is None else abs(float(value))

    return sorted(found, key=size, reverse=True)


def _contract(
    symbol: str, row: ContractRow | None, newest: tuple[bytes, CleanTick] | None
) -> Contract:
    facts: dict[str, Any] = {}
    exchange = row.exchange if row else exchange_of(symbol) or ""
    if newest is not None:
        entry_id, tick = newest
        exchange = tick.exchange or exchange
        facts = {
            "clean_id": entry_id.decode(),
            "ts_ns": tick.ts_ns,
            "last": tick.last,
            "change": _change(tick),
            "volume": tick.volume,
            "open_interest": tick.open_interest,
        }
    if row is not None:
        facts |= {"expiry": row.expiry, "price_tick": row.price_tick, "multiplier": row.multiplier}
    product = (row.product if row else "") or product_of(symbol) or ""
    return Contract(
        symbol=symbol, exchange=exchange, product=product, kind=_kind(symbol, row), **facts
    )


def _kind(symbol: str, row: ContractRow | None) -> Kind:
    if row is not None and row.product_class:
        return _CLASSES.get(row.product_class, "other")
    if is_option(symbol) or symbol.isdigit():
        return "option"
    return "future" if product_of(symbol) and "&" not in symbol else "other"


def _change(tick: CleanTick) -> float | None:
    if tick.last is None or not tick.pre_settlement:
        return None
    return tick.last / tick.pre_settlement - 1


def _newest(log: Log) -> Sequence[Manifest | None]:
    return [next(iter(log.manifests(shard)), None) for shard in range(log.shards() or 1)]


def _rows(cached: CachedContracts) -> list[ContractRow]:
    found = []
    for payload in cached.rows.values():
        try:
            found.append(_decode_row(payload))
        except DecodeError:
            continue  # the arbiter counts what of the cache cannot be read
    return found
