"""Looks at lists of entries, for the in-memory twin."""

from __future__ import annotations

from collections.abc import Sequence

from mdhub.streams.ids import id_less
from mdhub.streams.port import Entry

__all__ = ["first_from", "size_of"]


def first_from(entries: Sequence[Entry], min_id: bytes) -> int:
    """Index of the first entry that is not before an id."""
    return next((i for i, e in enumerate(entries) if not id_less(e[0], min_id)), len(entries))


def size_of(entries: Sequence[Entry]) -> int:
    """Bytes of all fields."""
    return sum(len(part) for _, fields in entries for part in fields)
