"""Stream ids `ms-seq`, and the ids of clean entries derived from raw ones."""

from __future__ import annotations

from typing import Final

__all__ = [
    "OUTPUTS_PER_ENTRY",
    "clean_id",
    "id_less",
    "id_parts",
    "is_from",
    "is_until",
    "make_id",
    "raw_id_of",
]

OUTPUTS_PER_ENTRY: Final = 65_536
"""Ids reserved per raw entry; `decide` gives at most 4,096 outputs for one."""


def id_parts(entry_id: bytes) -> tuple[int, int]:
    """`b"5-1"` -> `(5, 1)`. Raises ValueError on anything else."""
    ms, seq = entry_id.split(b"-")
    return int(ms), int(seq)


def make_id(ms: int, seq: int) -> bytes:
    """`(5, 1)` -> `b"5-1"`."""
    return b"%d-%d" % (ms, seq)


def id_less(a: bytes, b: bytes) -> bool:
    """Order of ids in a stream."""
    return id_parts(a) < id_parts(b)


def clean_id(raw_id: bytes, j: int) -> bytes:
    """Id of the j-th output (from 0) of a raw entry, in clean or in rejected."""
    ms, seq = raw_id.split(b"-")
    return b"%b-%d" % (ms, int(seq) * OUTPUTS_PER_ENTRY + j)


def raw_id_of(entry_id: bytes) -> bytes:
    """Id of the raw entry whose output a clean entry is."""
    ms, seq = id_parts(entry_id)
    return make_id(ms, seq // OUTPUTS_PER_ENTRY)


def is_from(first: bytes, entry_id: bytes) -> bool:
    """Whether an id is in a range that begins with `first`: `-`, an id, or `(` and an id."""
    if first == b"-":
        return True
    if first.startswith(b"("):
        return id_less(first[1:], entry_id)
    return not id_less(entry_id, first)


def is_until(last: bytes, entry_id: bytes) -> bool:
    """Whether an id is in a range that ends with `last`: `+`, an id, or `(` and an id."""
    if last == b"+":
        return True
    if last.startswith(b"("):
        return id_less(entry_id, last[1:])
    return not id_less(last, entry_id)
