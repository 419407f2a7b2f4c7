"""Walks over streams of one shard: bounded, forwards and backwards. No web."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mdhub.streams.ids import make_id
from mdhub.streams.port import Entry, Log
from mdhub.streams.topology import RAW, Stream

__all__ = [
    "CHUNK",
    "LOOKED_AT",
    "backwards",
    "between",
    "ms_of",
    "newest_of",
    "raw_between",
    "split",
]

CHUNK: Final = 1_000
"""Entries of one answer: about a millisecond of the server."""
LOOKED_AT: Final = 20_000
"""Entries of one stream that a request looks at."""
MAX_SEQ: Final = 2**63


def split(name: str) -> tuple[str, str]:
    """Symbol and exchange of `symbol.EXCHANGE`; the exchange may be left out."""
    symbol, _, exchange = name.partition(".")
    return symbol, exchange


def ms_of(entry_id: bytes) -> int:
    """Time of a stream id."""
    return int(entry_id.partition(b"-")[0])


def backwards(
    log: Log, stream: Stream, shard: int, *, first: bytes = b"-", at_most: int = LOOKED_AT
) -> Iterator[Entry]:
    """The newest entries, newest first, down to `first` or the bound."""
    last = b"+"
    for _ in range(at_most // CHUNK):
        part = log.entries(
            stream, shard=shard, first=first, last=last, count=CHUNK, newest_first=True
        )
        yield from part
        if len(part) < CHUNK:
            return
        last = b"(" + part[-1][0]


def newest_of(log: Log, stream: Stream, shard: int, symbol: str) -> tuple[list[Entry], int]:
    """Newest entries that speak of a contract, oldest first; how many were looked at."""
    looked_at, found, word = 0, [], symbol.encode()
    for entry in backwards(log, stream, shard):
        looked_at += 1
        if word in entry[1][-1]:
            found.append(entry)
        if len(found) == CHUNK:
            break
    return found[::-1], looked_at


def raw_between(
    log: Log, shard: int, symbol: str, begin: int, end: int, limit: int
) -> tuple[list[Entry], int, int | None]:
    """Raw entries of a contract; how many were looked at; where to go on (ms), if anywhere."""
    found: list[Entry] = []
    looked_at, looked_ms, word = 0, begin, symbol.encode()
    for entry in between(log, RAW, shard, begin, end):
        full = looked_at >= LOOKED_AT or len(found) >= limit
        if full and ms_of(entry[0]) > looked_ms:
            return found, looked_at, ms_of(entry[0])
        looked_at, looked_ms = looked_at + 1, ms_of(entry[0])
        if word in entry[1][-1]:
            found.append(entry)
    return found, looked_at, None


def between(log: Log, stream: Stream, shard: int, begin: int, end: int) -> Iterator[Entry]:
    """Entries of a stream in a time (UTC ms), oldest first, up to three times the bound."""
    first, last = make_id(begin, 0), make_id(end, MAX_SEQ)
    for _ in range(3 * LOOKED_AT // CHUNK):
        part = log.entries(stream, shard=shard, first=first, last=last, count=CHUNK)
        yield from part
        if len(part) < CHUNK:
            return
        first = b"(" + part[-1][0]
