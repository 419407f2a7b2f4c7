"""Looks at lists of entries, for the in-memory twin."""

from __future__ import annotations

from collections.abc import Sequence

from mdhub.streams.ids import id_less
from mdhub.streams.port import TRIM_STEP, Entry

__all__ = ["drop_before", "size_of"]


def drop_before(entries: list[Entry], min_id: bytes, *, most: int = TRIM_STEP) -> int:
    """Drop the entries before an id, so many at most; return how many went."""
    first = next((i for i, e in enumerate(entries) if not id_less(e[0], min_id)), len(entries))
    went = min(first, most)
    del entries[:went]
    return went


def size_of(entries: Sequence[Entry]) -> int:
    """Bytes of all fields."""
    return sum(len(part) for _, fields in entries for part in fields)
