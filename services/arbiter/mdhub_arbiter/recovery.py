"""Start-up is recovery: newest usable snapshot, then the raw log up to the committed position."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from mdhub.streams.ids import id_less
from mdhub.streams.port import FIRST_ID, Log, Manifest, Positions
from mdhub.streams.topology import RAW
from mdhub.wire.codec import DecodeError, decoder
from mdhub_arbiter.decide import decide
from mdhub_arbiter.restore import restore
from mdhub_arbiter.state import NOT_A_STATE, State, decode_state

__all__ = ["Recovered", "digest_text", "load_snapshot", "recover"]

READ_COUNT: Final = 2_000
ATTEMPTS: Final = 3
_decode_parts: Final = decoder(list[bytes])


@dataclass(frozen=True, slots=True)
class Recovered:
    """State as of the committed position, and how it was reached."""

    state: State
    at: Positions
    from_snapshot: bytes
    """Raw id of the snapshot used; `0-0` = from the beginning of the log."""
    folded: int
    """Raw entries folded on top of it."""
    agrees: bool
    """The recomputed digest and n are the committed ones."""
    damaged: tuple[bytes, ...] = ()
    """Raw ids of snapshots that could not be used."""


def recover(log: Log, shard: int) -> Recovered:
    """Rebuild the state as of the committed position; nothing is written."""
    recovered = _rebuild(log, shard)
    for _ in range(ATTEMPTS):
        if recovered.agrees or not _newer_snapshot(log, shard, recovered):
            break
        # While it was read here, the leader took a snapshot and trimmed what came before.
        recovered = _rebuild(log, shard)
    if not recovered.agrees:
        # The committed log is the truth: numbers go on from it, whatever was recomputed.
        restore(log, shard, recovered.state, recovered.at)
    return recovered


def _rebuild(log: Log, shard: int) -> Recovered:
    at = log.positions(shard)
    start, state, damaged = _newest_state(log, shard, at)
    folded = _fold(log, shard, state, start, at.raw)
    agrees = at.raw == FIRST_ID or (state.n == at.n and digest_text(state.digest) == at.digest)
    return Recovered(state, at, start, folded, agrees, damaged)


def _newer_snapshot(log: Log, shard: int, recovered: Recovered) -> bool:
    return any(id_less(recovered.from_snapshot, found.raw) for found in log.manifests(shard))


def digest_text(digest: int) -> str:
    """Digest as it stands in the log."""
    return f"{digest:08x}"


def load_snapshot(log: Log, shard: int, manifest: Manifest) -> State | None:
    """State of a snapshot; None if a part is gone or cannot be read."""
    parts: list[bytes] = []
    for i in range(manifest.state_chunks):
        chunk = log.load_chunk(shard, snapshot=manifest.raw, part=f"state-{i}")
        if chunk is None:
            return None
        try:
            parts += _decode_parts(chunk)
        except DecodeError:
            return None
    try:
        state = decode_state(parts[0], parts[1:])
    except (*NOT_A_STATE, IndexError):
        return None
    return state if (state.n, digest_text(state.digest)) == (manifest.n, manifest.digest) else None


def _newest_state(log: Log, shard: int, at: Positions) -> tuple[bytes, State, tuple[bytes, ...]]:
    damaged: list[bytes] = []
    for manifest in log.manifests(shard):
        if not id_less(at.raw, manifest.raw):
            state = load_snapshot(log, shard, manifest)
            if state is not None:
                return manifest.raw, state, tuple(damaged)
            damaged.append(manifest.raw)
    return FIRST_ID, State(), tuple(damaged)


def _fold(log: Log, shard: int, state: State, after: bytes, upto: bytes) -> int:
    folded = 0
    for entry_id, fields in _raw_between(log, shard, after, upto):
        decide(state, entry_id, fields)
        folded += 1
    return folded


def _raw_between(
    log: Log, shard: int, after: bytes, upto: bytes
) -> Iterator[tuple[bytes, list[bytes]]]:
    while True:
        entries = log.entries(RAW, shard=shard, first=b"(" + after, last=upto, count=READ_COUNT)
        if not entries:
            return
        yield from entries
        after = entries[-1][0]
