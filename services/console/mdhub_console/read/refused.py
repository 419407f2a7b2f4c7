"""One refused tick with what stands around it in the log: bounded reads, no cursor."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from mdhub.streams.ids import raw_id_of
from mdhub.streams.port import Entry, Log
from mdhub.streams.topology import CLEAN, REJECTED
from mdhub_console.live.rows import RejectedRow, rejected_row
from mdhub_console.read.verdicts import CleanRow, clean_rows

__all__ = ["Refused", "refused_tick"]

CHUNK: Final = 1_000
BACK: Final = 20_000
"""Clean entries before it that are looked at."""
AHEAD: Final = 20_000
"""Clean entries behind it that are looked at for its release."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A refused tick."""

    row: RejectedRow
    before: CleanRow | None
    """Last clean tick of the contract before it; None = none among those that were looked at."""
    released: CleanRow | None
    """The clean tick made of it later, if it was held and let go."""


def refused_tick(log: Log, shard: int, entry_id: bytes) -> Refused | None:
    """Read it; None = the log does not have it. Raises StreamsError."""
    if shard >= (log.shards() or 1):
        return None
    entries = log.entries(REJECTED, shard=shard, first=entry_id, last=entry_id, count=1)
    row = rejected_row(shard, entries[0], whole=True) if entries else None
    if row is None:
        return None
    if row.tick is None:
        return Refused(row, None, None)
    return Refused(row, _before(log, row), _released(log, row) if row.verdict == "hold" else None)


def _before(log: Log, row: RejectedRow) -> CleanRow | None:
    last = b"(" + row.id.encode()
    for part in _parts(log, row.shard, BACK, last=last):
        found = clean_rows(part[::-1], row.symbol, row.exchange)
        if found:
            return found[-1]
    return None


def _released(log: Log, row: RejectedRow) -> CleanRow | None:
    """Released ticks keep source and time of receipt of the copy that was held."""
    first = raw_id_of(row.id.encode())
    for part in _parts(log, row.shard, AHEAD, first=first):
        for clean in clean_rows(part, row.symbol, row.exchange):
            if row.tick and (clean.tick.source, clean.tick.recv_ns) == (
                row.source,
                row.tick.recv_ns,
            ):
                return clean
    return None


def _parts(
    log: Log, shard: int, most: int, *, first: bytes = b"-", last: bytes = b"+"
) -> Iterator[list[Entry]]:
    """Entries of clean in chunks: backwards from `last`, or forwards from `first`."""
    backwards = first == b"-"
    for _ in range(most // CHUNK):
        part = log.entries(
            CLEAN, shard=shard, first=first, last=last, count=CHUNK, newest_first=backwards
        )
        yield part
        if len(part) < CHUNK:
            return
        if backwards:
            last = b"(" + part[-1][0]
        else:
            first = b"(" + part[-1][0]
