"""What the clean stream still has: found by bisecting over ids, read in chunks.

n and epoch only rise with the id, so the first entry that has reached a value is found by
halving the range of milliseconds. Everything here is a generator that yields `None` after each
round trip, so that a long search never holds up live messages; `finish` runs one at once.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import Final, TypeVar

from mdhub.streams.errors import RecoveryError
from mdhub.streams.ids import id_parts, make_id
from mdhub.streams.port import Entry, Log
from mdhub.streams.topology import CLEAN
from mdhub.wire.codec import DecodeError, decode_clean_header
from mdhub.wire.entries import CleanHeader, MarkerKind
from mdhub_publisher.frames import Clean, Framer, resume_after_n

__all__ = ["Epochs", "clean_after", "epochs_of", "finish", "first_entry"]

CHUNK_ENTRIES: Final = 200
"""A round trip of about a millisecond: the longest pause a replay puts between live batches."""
MAX_EPOCHS: Final = 16

Epochs = list[tuple[int, int]]
"""`(epoch, resume_after_n)`, oldest first."""

T = TypeVar("T")
Reached = Callable[[CleanHeader], bool]


def finish(steps: Generator[object, None, T]) -> T:
    """Run a generator to its end and return its result."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result


def first_entry(log: Log, shard: int) -> tuple[bytes, CleanHeader] | None:
    """Oldest entry that clean still has."""
    return _at(log, shard, b"-")


def clean_after(log: Log, framer: Framer, shard: int, after_n: int) -> Iterator[Clean | None]:
    """Yield the entries with n > `after_n` in order, and None after each round trip."""
    cursor = yield from _before(log, shard, lambda header: header.n > after_n)
    while cursor is not None:
        chunk = log.entries(CLEAN, shard=shard, first=cursor, count=CHUNK_ENTRIES)
        yield None
        for entry_id, fields in chunk:
            clean = framer.clean(entry_id, fields)
            if clean is not None and clean.n > after_n:
                yield clean
        cursor = b"(" + chunk[-1][0] if len(chunk) == CHUNK_ENTRIES else None


def epochs_of(log: Log, framer: Framer, shard: int) -> Generator[None, None, Epochs]:
    """List the newest 16 epochs whose begin clean still has, and the one before them."""
    newest = _newest(log, shard, b"+")
    found: Epochs = []
    while newest is not None and len(found) < MAX_EPOCHS:
        epoch = newest.epoch
        begin, resume_after_n = yield from _begin_of(log, framer, shard, epoch)
        found.append((epoch, resume_after_n))
        newest = _newest(log, shard, b"(" + begin)
        yield None
    return found[::-1]


def _begin_of(
    log: Log, framer: Framer, shard: int, epoch: int
) -> Generator[None, None, tuple[bytes, int]]:
    cursor = (yield from _before(log, shard, lambda header: header.epoch >= epoch)) or b"-"
    while True:
        chunk: list[Entry] = log.entries(CLEAN, shard=shard, first=cursor, count=CHUNK_ENTRIES)
        yield None
        if not chunk:
            raise RecoveryError(f"shard {shard}: clean was trimmed while it was searched")
        for entry_id, fields in chunk:
            header = _header(fields)
            if header is not None and header.epoch >= epoch:
                return entry_id, _resume_after_n(framer.clean(entry_id, fields), header.n)
        cursor = b"(" + chunk[-1][0]


def _resume_after_n(clean: Clean | None, n: int) -> int:
    begins = clean is not None and clean.kind == MarkerKind.EPOCH
    return resume_after_n(clean) if clean is not None and begins else n - 1


def _before(log: Log, shard: int, reached: Reached) -> Generator[None, None, bytes | None]:
    """Find an id shortly before the first entry that `reached` accepts; None if there is none."""
    oldest = _at(log, shard, b"-")
    newest = log.entries(CLEAN, shard=shard, newest_first=True, count=1)
    newest_header = _newest(log, shard, b"+")
    yield None
    if oldest is None or newest_header is None or not reached(newest_header):
        return None
    low_ms, high_ms = id_parts(oldest[0])[0], id_parts(newest[0][0])[0]
    while high_ms - low_ms > 1:
        middle_ms = (low_ms + high_ms) // 2
        found = _at(log, shard, make_id(middle_ms, 0))
        yield None
        if found is not None and not reached(found[1]):
            low_ms = max(middle_ms, id_parts(found[0])[0])
        else:
            high_ms = middle_ms
    return make_id(low_ms, 0)


def _at(log: Log, shard: int, first: bytes) -> tuple[bytes, CleanHeader] | None:
    """First entry from an id on that can be read; what a stranger wrote is passed over."""
    count = 1
    while entries := log.entries(CLEAN, shard=shard, first=first, count=count):
        for entry_id, fields in entries:
            header = _header(fields)
            if header is not None:
                return entry_id, header
        first, count = b"(" + entries[-1][0], CHUNK_ENTRIES
    return None


def _newest(log: Log, shard: int, last: bytes) -> CleanHeader | None:
    """Header of the newest entry up to an id that can be read."""
    count = 1
    while entries := log.entries(CLEAN, shard=shard, last=last, newest_first=True, count=count):
        for _, fields in entries:
            header = _header(fields)
            if header is not None:
                return header
        last, count = b"(" + entries[-1][0], CHUNK_ENTRIES
    return None


def _header(fields: list[bytes]) -> CleanHeader | None:
    try:
        return decode_clean_header(fields[1])
    except DecodeError:
        return None
