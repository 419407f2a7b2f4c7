"""What the clean stream still has: found by bisecting over ids, read in chunks.

n and epoch only rise with the id, so the first entry that has reached a value is found by
halving the range of milliseconds. Everything here is a generator that yields `None` after each
round trip, so that a long search never holds up live messages; `finish` runs one at once.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import Final, NamedTuple, TypeVar

import msgspec

from mdhub.streams.errors import RecoveryError
from mdhub.streams.ids import id_parts, make_id
from mdhub.streams.port import Entry, Log
from mdhub.streams.topology import CLEAN
from mdhub.wire.codec import DecodeError, decode_clean_header, decoder
from mdhub.wire.entries import CleanHeader, MarkerKind
from mdhub_publisher.frames import Clean, Framer, resume_after_n

__all__ = [
    "Epochs", "Found", "NotKept", "clean_after", "epochs_of", "find_session", "find_time",
    "finish", "first_entry", "parted_n"]  # fmt: skip

CHUNK_ENTRIES: Final = 200
"""A round trip of about a millisecond: the longest pause a replay puts between live batches."""
MAX_EPOCHS: Final = 16

Epochs = list[tuple[int, int]]
"""`(epoch, resume_after_n)`, oldest first."""

T = TypeVar("T")


class Found(NamedTuple):
    """A place in clean: an entry's id and header."""

    id: bytes
    header: CleanHeader


class NotKept(Exception):
    """What is looked for is older than `oldest`, the first entry that clean still has."""

    def __init__(self, oldest: Found) -> None:
        super().__init__()
        self.oldest = oldest


class _TickDay(msgspec.Struct, array_like=True, frozen=True, gc=False):
    v: int
    symbol: str
    exchange: str
    trading_day: int


_decode_day: Final = decoder(_TickDay)


def finish(steps: Generator[object, None, T]) -> T:
    """Run a generator to its end and return its result."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result


def parted_n(before: list[tuple[int, int]], after: list[tuple[int, int]]) -> list[int]:
    """Where two histories (epoch, its resume_after_n) part: after the last epoch of both.

    Nothing but membership counts: a server whose clock is behind opens an earlier epoch.
    """
    common = {epoch for epoch, _ in before} & {epoch for epoch, _ in after}
    if before and not common:
        return [0]
    return [n for history in (before, after) for n in _behind(history, common)]


def _behind(history: list[tuple[int, int]], common: set[int]) -> list[int]:
    own: list[int] = []
    for epoch, resume_n in history:
        own = [] if epoch in common else [*own, resume_n]
    return own


def first_entry(log: Log, shard: int) -> Found | None:
    """Oldest entry that clean still has."""
    found = _at(log, shard, b"-", _header)
    return Found(*found) if found else None


def find_time(log: Log, shard: int, at_ns: int) -> Found | None:
    """Find the first entry of that millisecond or later; None if all are older.

    Raises NotKept if there may have been older ones that match.
    """
    at_ms = max(0, at_ns // 1_000_000)
    oldest = first_entry(log, shard)
    if oldest and oldest.header.n > 1 and at_ms <= id_parts(oldest.id)[0]:
        raise NotKept(oldest)
    found = _at(log, shard, make_id(at_ms, 0), _header)
    return Found(*found) if found else None


def find_session(log: Log, shard: int) -> Generator[None, None, Found | None]:
    """Find the first tick of the newest tick's trading day; None without any tick.

    Raises NotKept if there may have been an older one.
    """
    newest = _newest(log, shard, b"+", _day)
    oldest = _at(log, shard, b"-", _day)
    first = first_entry(log, shard)
    yield None
    if newest is None or oldest is None or first is None:
        return None
    day = newest[1]
    if oldest[1] >= day and first.header.n > 1:
        raise NotKept(first)
    found = yield from _first(log, shard, _day, lambda value: value >= day)
    header = _header(found[1]) if found else None
    return Found(found[0], header) if found and header else None


def clean_after(log: Log, framer: Framer, shard: int, after_n: int) -> Iterator[Clean | None]:
    """Yield the entries with n > `after_n` in order, and None after each round trip."""
    cursor = yield from _before(log, shard, _header, lambda header: header.n > after_n)
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
    newest = _newest(log, shard, b"+", _header)
    found: Epochs = []
    while newest is not None and len(found) < MAX_EPOCHS:
        epoch = newest[1].epoch
        begin, resume_after_n = yield from _begin_of(log, framer, shard, epoch)
        found.append((epoch, resume_after_n))
        newest = _newest(log, shard, b"(" + begin, _header)
        yield None
    return found[::-1]


def _begin_of(
    log: Log, framer: Framer, shard: int, epoch: int
) -> Generator[None, None, tuple[bytes, int]]:
    found = yield from _first(log, shard, _header, lambda header: header.epoch >= epoch)
    header = _header(found[1]) if found else None
    if found is None or header is None:
        raise RecoveryError(f"shard {shard}: clean was trimmed while it was searched")
    return found[0], _resume_after_n(framer.clean(*found), header.n)


def _first(
    log: Log, shard: int, read: Callable[[list[bytes]], T | None], reached: Callable[[T], bool]
) -> Generator[None, None, Entry | None]:
    """Find the first entry that `reached` accepts, of those that can be read."""
    cursor: bytes | None = (yield from _before(log, shard, read, reached)) or b"-"
    while cursor is not None:
        chunk: list[Entry] = log.entries(CLEAN, shard=shard, first=cursor, count=CHUNK_ENTRIES)
        yield None
        for entry in chunk:
            value = read(entry[1])
            if value is not None and reached(value):
                return entry
        cursor = b"(" + chunk[-1][0] if len(chunk) == CHUNK_ENTRIES else None
    return None


def _resume_after_n(clean: Clean | None, n: int) -> int:
    begins = clean is not None and clean.kind == MarkerKind.EPOCH
    return resume_after_n(clean) if clean is not None and begins else n - 1


def _before(
    log: Log, shard: int, read: Callable[[list[bytes]], T | None], reached: Callable[[T], bool]
) -> Generator[None, None, bytes | None]:
    """Find an id shortly before the first entry that `reached` accepts; None if there is none."""
    oldest = _at(log, shard, b"-", read)
    newest = _newest(log, shard, b"+", read)
    yield None
    if oldest is None or newest is None or not reached(newest[1]):
        return None
    low_ms, high_ms = id_parts(oldest[0])[0], id_parts(newest[0])[0]
    while high_ms - low_ms > 1:
        middle_ms = (low_ms + high_ms) // 2
        found = _at(log, shard, make_id(middle_ms, 0), read)
        yield None
        if found is not None and not reached(found[1]):
            low_ms = max(middle_ms, id_parts(found[0])[0])
        else:
            high_ms = middle_ms
    return make_id(low_ms, 0)


def _at(
    log: Log, shard: int, first: bytes, read: Callable[[list[bytes]], T | None]
) -> tuple[bytes, T] | None:
    """First entry from an id on that can be read; what a stranger wrote is passed over."""
    count = 1
    while entries := log.entries(CLEAN, shard=shard, first=first, count=count):
        for entry_id, fields in entries:
            value = read(fields)
            if value is not None:
                return entry_id, value
        first, count = b"(" + entries[-1][0], CHUNK_ENTRIES
    return None


def _newest(
    log: Log, shard: int, last: bytes, read: Callable[[list[bytes]], T | None]
) -> tuple[bytes, T] | None:
    """Newest entry up to an id that can be read."""
    count = 1
    while entries := log.entries(CLEAN, shard=shard, last=last, newest_first=True, count=count):
        for entry_id, fields in entries:
            value = read(fields)
            if value is not None:
                return entry_id, value
        last, count = b"(" + entries[-1][0], CHUNK_ENTRIES
    return None


def _header(fields: list[bytes]) -> CleanHeader | None:
    try:
        return decode_clean_header(fields[1])
    except DecodeError:
        return None


def _day(fields: list[bytes]) -> int | None:
    """Trading day of a tick; None for everything else."""
    try:
        return _decode_day(fields[3]).trading_day if fields[2] == b"t" else None
    except (DecodeError, IndexError):
        return None
