"""GET /api/instruments/{symbol}, /api/replay, /api/quality: reads back from the log, bounded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.params import PathParameter, QueryParameter

from mdhub.streams.ids import make_id
from mdhub.streams.port import Entry, Log
from mdhub.streams.topology import CLEAN, RAW, REJECTED, Stream
from mdhub.wire.codec import DecodeError, decode_marker, decoder
from mdhub.wire.entries import MarkerKind
from mdhub.wire.entries import QualityMark as WireMark
from mdhub.wire.topics import shard_of
from mdhub_console.identity.guards import requires
from mdhub_console.identity.model import Role
from mdhub_console.live.choice import BadChoice
from mdhub_console.live.named import QualityMark, named
from mdhub_console.live.rows import RejectedRow, rejected_row
from mdhub_console.parts import Parts
from mdhub_console.read.errors import UnknownInstrument
from mdhub_console.read.paging import Shard, shard_in
from mdhub_console.read.verdicts import CleanRow, RawRow, clean_rows, differing, raw_rows

__all__ = ["instrument", "quality", "replay"]

CHUNK: Final = 1_000
LOOKED_AT: Final = 20_000
"""Entries of one stream that a request looks at."""
LONGEST_MS: Final = 3_600_000
MAX_SEQ: Final = 2**63
REJECTED_SHOWN: Final = 20

Symbol = Annotated[
    str,
    PathParameter(description="`symbol` or `symbol.EXCHANGE`.", pattern=r"^[A-Za-z0-9&_.-]{1,80}$"),
]
Contract = Annotated[
    str,
    QueryParameter(
        description="`symbol` or `symbol.EXCHANGE`.", pattern=r"^[A-Za-z0-9&_.-]{1,80}$"
    ),
]
From = Annotated[
    int, QueryParameter(name="from", description="UTC ms.", ge=0, le=4_000_000_000_000)
]
To = Annotated[int, QueryParameter(name="to", description="UTC ms.", ge=0, le=4_000_000_000_000)]
Most = Annotated[int, QueryParameter(description="Raw ticks at most.", ge=1, le=2_000)]

_decode_quality: Final = decoder(WireMark)


class Instrument(msgspec.Struct, frozen=True, kw_only=True):
    """One contract now."""

    symbol: str
    exchange: str
    shard: int
    sources: list[RawRow]
    """The newest raw tick of each source, by name, with its verdict."""
    differs: list[str]
    """Fields in which these are not all the same."""
    clean: CleanRow | None
    """The newest clean tick."""
    rejected: list[RejectedRow]
    """The newest refusals, newest first."""
    looked_at: int
    """Entries of raw that were looked at: a source may be quiet for longer."""


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one contract within a time, and what was made of it."""

    symbol: str
    exchange: str
    shard: int
    raw: list[RawRow]
    """Oldest first."""
    clean: list[CleanRow]
    next_ms: int | None
    """Go on from here; None = this is all of the range."""
    looked_at: int


class QualityRow(msgspec.Struct, frozen=True, kw_only=True):
    """How far a contract can be trusted."""

    id: str
    log_ns: int
    mark: QualityMark


class Quality(msgspec.Struct, frozen=True, kw_only=True):
    """The newest word on the quality of each contract, among the newest entries of a shard."""

    rows: list[QualityRow]
    looked_at: int
    since_ms: int | None
    """Older changes were not looked at; None = there are none."""


@get("/api/instruments/{name:str}", guards=[requires(Role.VIEWER)], sync_to_thread=True)
def instrument(parts: NamedDependency[Parts], name: Symbol) -> Instrument:
    """The newest tick of every source beside the clean one, with verdicts."""
    symbol, exchange = _split(name)
    with parts.log.borrow() as log:
        shard = shard_of(symbol, log.shards() or 1)
        raw, looked_at = _newest_of(log, RAW, shard, symbol)
        if not raw:
            raise UnknownInstrument(
                f"no tick of {name} among the newest {looked_at} entries of raw: case counts, as "
                "the exchange writes it"
            )
        since = raw[0][0]
        clean_entries, _ = _newest_of(log, CLEAN, shard, symbol)
        refused = log.entries(REJECTED, shard=shard, first=since, count=CHUNK, newest_first=True)
        decided = log.positions(shard).raw
    clean = clean_rows(clean_entries, symbol, exchange)
    rows = raw_rows(raw, symbol, exchange, clean=clean, rejected=refused, decided=decided)
    newest = {row.tick.source: row for row in rows}
    mine = [r for e in refused if (r := rejected_row(shard, e)) is not None and r.symbol == symbol]
    sources = [newest[source] for source in sorted(newest)]
    return Instrument(
        symbol=symbol,
        exchange=exchange or (clean[-1].tick.exchange if clean else ""),
        shard=shard,
        sources=sources,
        differs=differing(sources),
        clean=clean[-1] if clean else None,
        rejected=mine[:REJECTED_SHOWN],
        looked_at=looked_at,
    )


@get("/api/replay", guards=[requires(Role.VIEWER)], sync_to_thread=True)
def replay(
    parts: NamedDependency[Parts],
    *,
    contract: Contract,
    begin: From,
    end: To,
    limit: Most = 500,
) -> Replay:
    """Raw ticks of each source and clean ticks of a contract within an hour at most."""
    if not begin <= end <= begin + LONGEST_MS:
        raise BadChoice(f"from was {begin} and to {end}, expected an hour at most, in order")
    symbol, exchange = _split(contract)
    with parts.log.borrow() as log:
        shard = shard_of(symbol, log.shards() or 1)
        raw, looked_at, next_ms = _between(log, shard, symbol, begin, end, limit)
        until = next_ms - 1 if next_ms is not None else end
        clean_entries = list(_all(log, CLEAN, shard, begin, until))
        refused = list(_all(log, REJECTED, shard, begin, until))
        decided = log.positions(shard).raw
    clean = clean_rows(clean_entries, symbol, exchange)
    return Replay(
        symbol=symbol,
        exchange=exchange,
        shard=shard,
        raw=raw_rows(raw, symbol, exchange, clean=clean, rejected=refused, decided=decided),
        clean=clean,
        next_ms=next_ms,
        looked_at=looked_at,
    )


@get("/api/quality", guards=[requires(Role.VIEWER)], sync_to_thread=True)
def quality(parts: NamedDependency[Parts], shard: Shard = 0) -> Quality:
    """The newest change of quality of each contract, newest first."""
    found: dict[tuple[str, str], QualityRow] = {}
    looked_at, oldest = 0, b""
    with parts.log.borrow() as log:
        shard_in(log, shard)
        for entry in _backwards(log, CLEAN, shard):
            looked_at, oldest = looked_at + 1, entry[0]
            row = _quality(entry)
            if row is not None:
                found.setdefault((row.mark.symbol, row.mark.exchange), row)
    more = looked_at >= LOOKED_AT
    return Quality(
        rows=list(found.values()), looked_at=looked_at, since_ms=_ms(oldest) if more else None
    )


def _split(name: str) -> tuple[str, str]:
    symbol, _, exchange = name.partition(".")
    return symbol, exchange


def _ms(entry_id: bytes) -> int:
    return int(entry_id.partition(b"-")[0])


def _quality(entry: Entry) -> QualityRow | None:
    entry_id, fields = entry
    if fields[2:3] != [b"m"]:
        return None
    try:
        marker = decode_marker(fields[3])
        if marker.kind != MarkerKind.QUALITY:
            return None
        mark = _decode_quality(bytes(marker.body))
    except DecodeError:
        return None
    return QualityRow(id=entry_id.decode(), log_ns=marker.log_ns, mark=named(QualityMark, mark))


def _backwards(log: Log, stream: Stream, shard: int) -> Iterator[Entry]:
    """The newest entries, newest first, up to the bound."""
    last = b"+"
    for _ in range(LOOKED_AT // CHUNK):
        part = log.entries(stream, shard=shard, last=last, count=CHUNK, newest_first=True)
        yield from part
        if len(part) < CHUNK:
            return
        last = b"(" + part[-1][0]


def _newest_of(log: Log, stream: Stream, shard: int, symbol: str) -> tuple[list[Entry], int]:
    """Newest entries that speak of a contract, oldest first; how many were looked at."""
    looked_at, found = 0, []
    for entry in _backwards(log, stream, shard):
        looked_at += 1
        if symbol.encode() in entry[1][-1]:
            found.append(entry)
        if len(found) == CHUNK:
            break
    return found[::-1], looked_at


def _between(
    log: Log, shard: int, symbol: str, begin: int, end: int, limit: int
) -> tuple[list[Entry], int, int | None]:
    """Raw entries of a contract; how many were looked at; where to go on (ms), if anywhere."""
    found: list[Entry] = []
    looked_at, looked_ms = 0, begin
    for entry in _all(log, RAW, shard, begin, end):
        full = looked_at >= LOOKED_AT or len(found) >= limit
        if full and _ms(entry[0]) > looked_ms:
            return found, looked_at, _ms(entry[0])
        looked_at, looked_ms = looked_at + 1, _ms(entry[0])
        if symbol.encode() in entry[1][-1]:
            found.append(entry)
    return found, looked_at, None


def _all(log: Log, stream: Stream, shard: int, begin: int, end: int) -> Iterator[Entry]:
    """Entries of a stream in a time, oldest first, up to three times the bound."""
    first, last = make_id(begin, 0), make_id(end, MAX_SEQ)
    for _ in range(3 * LOOKED_AT // CHUNK):
        part = log.entries(stream, shard=shard, first=first, last=last, count=CHUNK)
        yield from part
        if len(part) < CHUNK:
            return
        first = b"(" + part[-1][0]
