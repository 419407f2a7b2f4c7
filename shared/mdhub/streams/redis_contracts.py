"""The cache of the contract table: one hash, symbol -> encoded row, and when it was given."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Final

from mdhub.streams.client import Link
from mdhub.streams.port import CachedContracts
from mdhub.streams.redis_replies import as_pairs

__all__ = ["read_rows", "save_rows"]

_ROWS_A_CALL: Final = 500
_SAVED_AT: Final = b""
"""Field that is no symbol: when the rows were last given, in ms."""


def save_rows(link: Link, key: str, rows: Mapping[str, bytes], *, gone: Sequence[str]) -> None:
    """See `mdhub.streams.port.Log.save_contracts`."""
    pairs = list(rows.items())
    for at in range(0, len(pairs), _ROWS_A_CALL):
        link.call("HSET", key, *chain.from_iterable(pairs[at : at + _ROWS_A_CALL]))
    for at in range(0, len(gone), _ROWS_A_CALL):
        link.call("HDEL", key, *gone[at : at + _ROWS_A_CALL])
    if rows:
        link.call("HSET", key, _SAVED_AT, _wall_ms())


def read_rows(link: Link, key: str) -> CachedContracts:
    """See `mdhub.streams.port.Log.contracts`."""
    rows = as_pairs(link.call("HGETALL", key))
    saved_at = rows.pop(_SAVED_AT, b"0")
    age_ms = max(0, _wall_ms() - int(saved_at)) if saved_at.isdigit() else _wall_ms()
    named = {name.decode(errors="replace"): row for name, row in rows.items()}
    return CachedContracts(named, age_ms)


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000
