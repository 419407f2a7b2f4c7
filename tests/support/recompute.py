"""Recomputing the decisions of a log from its raw entries alone: `clean == f(raw)`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from mdhub.streams.ids import OUTPUTS_PER_ENTRY, clean_id, id_less
from mdhub.streams.port import Entry, Log
from mdhub.streams.topology import CLEAN, RAW, REJECTED, Stream
from mdhub.wire.codec import decode_clean_header, decode_control
from mdhub.wire.entries import ControlKind
from mdhub_arbiter.decide import decide
from mdhub_arbiter.outputs import Clean
from mdhub_arbiter.state import State

__all__ = ["CleanRow", "RejectedRow", "assert_clean_is_f_of_raw", "recompute"]

_READ_COUNT = 5_000
_SHOWN = 3


class CleanRow(NamedTuple):
    """What is compared of a clean entry: everything but `arb_ns`."""

    id: bytes
    n: int
    k: int | None
    epoch: int
    field: bytes
    payload: bytes


class RejectedRow(NamedTuple):
    """A rejected entry, all of it."""

    id: bytes
    header: bytes
    payload: bytes


def recompute(raw_entries: Iterable[Entry]) -> tuple[list[CleanRow], list[RejectedRow]]:
    """Fold `decide` over raw entries from the very first one; return what must stand in the log."""
    state = State()
    clean: list[CleanRow] = []
    rejected: list[RejectedRow] = []
    for raw_id, fields in raw_entries:
        for j, out in enumerate(decide(state, raw_id, fields)):
            entry_id = clean_id(raw_id, j)
            if isinstance(out, Clean):
                row = CleanRow(entry_id, out.n, out.k, out.epoch, out.field, out.payload)
                clean.append(row)
            else:
                rejected.append(RejectedRow(entry_id, out.header, out.payload))
    return clean, rejected


def assert_clean_is_f_of_raw(log: Log, shard: int = 0) -> None:
    """Compare clean and rejected with the raw log, up to what is committed now.

    The hub may run meanwhile. Raw must still begin with its first entry (nothing trimmed).
    """
    at = log.positions(shard).raw
    raw = list(_up_to(log, RAW, shard, at))
    assert raw, "raw is empty"
    first = decode_control(raw[0][1][1])
    assert (first.kind, first.session) == (ControlKind.LEAD, 1), "raw was trimmed at its start"
    last_output = clean_id(at, OUTPUTS_PER_ENTRY - 1)
    clean, rejected = recompute(raw)
    _assert_same(clean, list(map(_clean_row, _up_to(log, CLEAN, shard, last_output))), "clean")
    _assert_same(
        rejected, list(map(_rejected_row, _up_to(log, REJECTED, shard, last_output))), "rejected"
    )


def _up_to(log: Log, stream: Stream, shard: int, last: bytes) -> Iterator[Entry]:
    first = b"-"
    while entries := log.entries(stream, shard=shard, first=first, last=last, count=_READ_COUNT):
        yield from entries
        first = b"(" + entries[-1][0]
        if not id_less(entries[-1][0], last):
            return


def _clean_row(entry: Entry) -> CleanRow:
    entry_id, (header_name, header, field, payload) = entry
    assert header_name == b"h"
    head = decode_clean_header(header)
    return CleanRow(entry_id, head.n, head.k, head.epoch, field, payload)


def _rejected_row(entry: Entry) -> RejectedRow:
    entry_id, (header_name, header, field, payload) = entry
    assert (header_name, field) == (b"h", b"t")
    return RejectedRow(entry_id, header, payload)


def _assert_same(
    expected: list[CleanRow] | list[RejectedRow],
    found: list[CleanRow] | list[RejectedRow],
    stream: str,
) -> None:
    if expected == found:
        return
    missing = [row for row in expected if row not in set(found)][:_SHOWN]
    extra = [row for row in found if row not in set(expected)][:_SHOWN]
    raise AssertionError(
        f"{stream} has {len(found)} entries, f(raw) has {len(expected)}; "
        f"missing in {stream}: {missing}; not in f(raw): {extra}"
    )
