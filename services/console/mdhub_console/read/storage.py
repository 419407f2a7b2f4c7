"""Streams and server of the log as they stand: lengths, memory, readers. Bounded."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from mdhub.streams.port import Log, ReaderCursor, ServerFacts
from mdhub.streams.topology import TOPOLOGY, Stream

__all__ = ["MOST_SHARDS", "Reader", "Storage", "StreamFacts", "read_storage"]

MOST_SHARDS: Final = 16
"""Of more shards the first ones are shown."""
MOST_READERS: Final = 8


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads a stream and holds up its retention."""

    name: str
    age_ms: int
    """Since it said how far it is."""


@dataclass(frozen=True, slots=True)
class StreamFacts:
    """One stream of one shard."""

    stream: Stream
    shard: int | None
    """None = there is one of it for all shards."""
    length: int
    bytes: int
    trimmed: int
    oldest_ms: int | None
    """Time of its oldest entry by the server's clock; None = it is empty."""
    readers: tuple[Reader, ...]


@dataclass(frozen=True, slots=True)
class Storage:
    """All of it, as of `at_ns`."""

    at_ns: int
    server: ServerFacts
    durable: bool
    """Whether each append is on disk before it is answered."""
    call_ms: float
    shards: int
    streams: tuple[StreamFacts, ...]


def read_storage(log: Log, *, now_ns: int) -> Storage:
    """Read it: some calls for each stream. Raises StreamsError."""
    shards = log.shards() or 1
    began_s = time.perf_counter()
    server = log.server_facts()
    call_ms = (time.perf_counter() - began_s) * 1_000
    streams = [
        _facts(log, stream, shard)
        for stream in TOPOLOGY.values()
        for shard in (range(min(shards, MOST_SHARDS)) if stream.sharded else (None,))
    ]
    return Storage(now_ns, server, log.durable(), call_ms, shards, tuple(streams))


def _facts(log: Log, stream: Stream, shard: int | None) -> StreamFacts:
    at = shard or 0
    oldest = log.entries(stream, shard=at, count=1)
    cursors: dict[str, ReaderCursor] = log.cursors(at, stream) if stream.sharded else {}
    return StreamFacts(
        stream=stream,
        shard=shard,
        length=log.length(stream, shard=at),
        bytes=log.memory_bytes(stream, shard=at),
        trimmed=log.trimmed(stream, shard=at),
        oldest_ms=int(oldest[0][0].partition(b"-")[0]) if oldest else None,
        readers=tuple(
            Reader(name, cursor.age_ms) for name, cursor in sorted(cursors.items())[:MOST_READERS]
        ),
    )
