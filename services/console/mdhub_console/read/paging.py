"""Pages of a stream: by stream id, bounded in rows and in what is looked at. No web."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Final, Generic, TypeVar

import msgspec
from litestar.params import QueryParameter

from mdhub.streams.ids import make_id
from mdhub.streams.port import Entry, Log
from mdhub.streams.topology import Stream
from mdhub_console.live.choice import BadChoice

__all__ = ["After", "Before", "Limit", "Page", "Range", "Shard", "page_of", "range_of", "shard_in"]

T = TypeVar("T")

LOOKED_AT: Final = 20_000
"""Entries one request looks at."""
CHUNK: Final = 1_000

ID_PATTERN: Final = r"^([0-9]{1,19}-[0-9]{1,19})?$"
Before = Annotated[
    str,
    QueryParameter(description="Older than this stream id, newest first.", pattern=ID_PATTERN),
]
After = Annotated[
    str,
    QueryParameter(description="Newer than this stream id, oldest first.", pattern=ID_PATTERN),
]
Limit = Annotated[int, QueryParameter(description="Rows at most.", ge=1, le=1_000)]
Shard = Annotated[int, QueryParameter(description="Number of the shard.", ge=0, le=1_023)]


class Page(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """Rows, and where to go on."""

    rows: list[T]
    next: str | None
    """Give it back as `before` (or `after`, if that was given); None = there is no more now."""
    looked_at: int
    """Entries that were read for it: a page can be empty and yet not the last."""


class Range(msgspec.Struct, frozen=True, kw_only=True):
    """Which part of a stream, and in which direction."""

    first: bytes = b"-"
    last: bytes = b"+"
    newest_first: bool = True


def range_of(before: str, after: str, *, since_ms: int = 0) -> Range:
    """Read `before` and `after`. Raises BadChoice if both are given."""
    if before and after:
        raise BadChoice("before and after were both given, expected one of them")
    first = make_id(since_ms, 0) if since_ms else b"-"
    if after:
        return Range(first=b"(" + after.encode(), newest_first=False)
    return Range(first=first, last=b"(" + before.encode() if before else b"+")


def shard_in(log: Log, shard: int) -> int:
    """Check the number of a shard. Raises BadChoice."""
    shards = log.shards() or 1
    if shard >= shards:
        raise BadChoice(f"shard was {shard}, but this hub has shards 0 to {shards - 1}")
    return shard


def page_of(
    log: Log,
    stream: Stream,
    parse: Callable[[Entry], T | None],
    *,
    within: Range,
    limit: int,
    shard: int = 0,
) -> Page[T]:
    """Read a page; `parse` gives None for what is left out. Raises StreamsError."""
    rows: list[T] = []
    first, last, looked_at = within.first, within.last, 0
    while looked_at < LOOKED_AT:
        entries = log.entries(
            stream, shard=shard, first=first, last=last, count=CHUNK,
            newest_first=within.newest_first,
        )  # fmt: skip
        for entry in entries:
            looked_at += 1
            row = parse(entry)
            if row is not None:
                rows.append(row)
            if len(rows) == limit:
                return Page(rows=rows, next=entry[0].decode(), looked_at=looked_at)
        if len(entries) < CHUNK:
            return Page(rows=rows, next=None, looked_at=looked_at)
        if within.newest_first:
            last = b"(" + entries[-1][0]
        else:
            first = b"(" + entries[-1][0]
    return Page(rows=rows, next=entries[-1][0].decode(), looked_at=looked_at)
