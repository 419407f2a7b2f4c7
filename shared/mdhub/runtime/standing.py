"""Sources as the arbiters see them, from heartbeats; who could take the place of the active one.

Pure. The command line and the console show the same rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from mdhub.health.cover import best
from mdhub.health.model import HealthReport
from mdhub.runtime.errors import ServiceError
from mdhub.runtime.heartbeat import ENDED, Beat, decode_beat, leading
from mdhub.wire.codec import DecodeError

__all__ = [
    "ARBITER",
    "COUNTS",
    "SourceRow",
    "Swap",
    "next_source",
    "read_beat",
    "rows_of",
    "speaks",
]

COUNTS: Final = {"won": "accepted"} | {
    name: name for name in ("duplicate", "late", "rejected", "held", "lost")
}
ARBITER: Final = "arbiter:"
INGEST: Final = "ingest:"
_OUT: Final = frozenset({"muted", "down"})


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A source as the arbiters of all shards see it."""

    name: str
    state: str
    """Of its own heartbeat; empty = it has none."""
    standing: str
    """`muted`, `down`, `active` (mode priority), or empty."""
    won: int
    duplicate: int
    late: int
    rejected: int
    held: int
    lost: int


def rows_of(beats: Mapping[str, bytes], *, silent_ms: int, now_ns: int) -> list[SourceRow]:
    """One row per source that an arbiter or an ingest child speaks of in its heartbeat."""
    counters: Counter[str] = Counter()
    arbiters: list[Beat] = []
    states: dict[str, str] = {}
    for instance, payload in beats.items():
        beat = read_beat(payload)
        if beat is None:
            continue
        if instance.startswith(INGEST):
            states[instance.removeprefix(INGEST)] = beat.state
        if instance.startswith(ARBITER) and speaks(beat, silent_ms, now_ns):
            arbiters.append(beat)
    for said in leading((beat.state, beat.counters) for beat in arbiters):
        counters.update(said)
    names = states.keys() | {
        name for key in counters for kind, _, name in [key.partition(":")] if kind == "accepted"
    }
    return [_row(name, states.get(name, ""), counters) for name in sorted(names)]


@dataclass(frozen=True, slots=True)
class Swap:
    """Who is active, and who shall be."""

    active: str
    to: str


def next_source(rows: Sequence[SourceRow], report: HealthReport | None, to: str | None) -> Swap:
    """Choose `to`, else the best ranked other, else the other that is heard most."""
    active = next((row.name for row in rows if "active" in row.standing.split()), None)
    if active is None:
        raise ServiceError(
            "no source is the active one: no exchange is in mode priority, so all sources race "
            "and there is nothing to swap; mute one instead (mdhub sources mute)"
        )
    others = {
        row.name: row
        for row in rows
        if row.name != active and not _OUT & set(row.standing.split()) and row.state != "ended"
    }
    if to is not None:
        if to not in others:
            known = ", ".join(others) or "none"
            raise ServiceError(f"{to!r} cannot take the place of {active}; these can: {known}")
        return Swap(active, to)
    ranked = [s.name for s in best(report.sources)] if report else []
    heard = sorted(others.values(), key=lambda row: -(row.won + row.duplicate))
    order = [name for name in ranked if name in others] + [row.name for row in heard]
    if not order:
        raise ServiceError(f"no other source can take the place of {active}: see mdhub sources")
    return Swap(active, order[0])


def read_beat(payload: bytes) -> Beat | None:
    """Decode a heartbeat; None = another release wrote it."""
    try:
        return decode_beat(payload)
    except DecodeError:
        return None


def speaks(beat: Beat, silent_ms: int, now_ns: int) -> bool:
    """Whether who wrote it still lives, as far as one can tell."""
    return beat.state != ENDED and now_ns - beat.ts_ns <= silent_ms * 1_000_000


def _row(name: str, state: str, counters: Mapping[str, int]) -> SourceRow:
    standing = [word for word in ("muted", "down", "active") if counters.get(f"{word}:{name}")]
    counts = {key: counters.get(f"{word}:{name}", 0) for key, word in COUNTS.items()}
    return SourceRow(name, state, " ".join(standing), **counts)
