"""Retention: what of a stream may go. Pure.

By time and by a byte budget. Hard cursors (the older usable snapshot) are never passed. Soft
cursors (of readers) are respected up to the budget, then passed loudly: the plan names who was
overtaken. A reader that has not renewed its cursor for 60 s has retired: nothing waits for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from mdhub.streams.budgets import RETENTION, Budget
from mdhub.streams.ids import id_less, id_parts, make_id
from mdhub.streams.port import ReaderCursor

__all__ = ["FORGOTTEN_MS", "RETENTION", "Budget", "TrimPlan", "plan_trim"]


FORGOTTEN_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class TrimPlan:
    """Drop what is older than `min_id`; `overtaken` readers lose what they had not read."""

    min_id: bytes
    overtaken: tuple[str, ...] = ()


def plan_trim(
    *,
    first: bytes,
    last: bytes,
    used_bytes: int,
    budget: Budget,
    hard: bytes | None,
    soft: Mapping[str, ReaderCursor],
) -> TrimPlan | None:
    """Decide how far a stream from `first` to `last` may be cut; None = nothing to do."""
    by_time = make_id(max(0, id_parts(last)[0] - budget.keep_ms), 0)
    by_bytes = _by_bytes(first, last, used_bytes, budget.max_bytes)
    respected = [reader.cursor for reader in soft.values() if reader.age_ms <= FORGOTTEN_MS]
    wanted = min([by_time, *respected], key=id_parts)
    wanted = max([wanted, by_bytes], key=id_parts)
    if hard is not None:
        wanted = min([wanted, hard], key=id_parts)
    if not id_less(first, wanted):
        return None
    overtaken = sorted(name for name, at in soft.items() if id_less(at.cursor, wanted))
    return TrimPlan(wanted, tuple(overtaken))


def _by_bytes(first: bytes, last: bytes, used_bytes: int, max_bytes: int) -> bytes:
    """Id before which the surplus lies, taking entries as evenly spread over time."""
    if used_bytes <= max_bytes:
        return first
    first_ms, last_ms = id_parts(first)[0], id_parts(last)[0]
    surplus = (used_bytes - max_bytes) / used_bytes
    return make_id(first_ms + int((last_ms - first_ms) * surplus), 0)
