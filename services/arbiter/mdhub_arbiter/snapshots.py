"""Snapshots of the state, in slices: never a pause, never a big write.

`begin` freezes the state as of a raw entry. From then on an instrument is encoded just before it
changes (`State.preserve`, called by `decide`) or when its slice comes; `step` does one slice and
at most one small write. The manifest comes last: without it the chunks do not count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Any, Final

from mdhub.runtime.clock import SYSTEM
from mdhub.streams.ids import clean_id
from mdhub.streams.port import Log, Manifest
from mdhub.wire.codec import encode
from mdhub.wire.entries import CleanHeader
from mdhub.wire.ticks import SCHEMA_VERSION
from mdhub_arbiter.instrument import Instrument, LastClean
from mdhub_arbiter.recovery import digest_text
from mdhub_arbiter.state import State, encode_scalars

__all__ = ["Snapshotter"]

SLICE: Final = 200
"""Instruments encoded per step: about 1 ms."""
CHUNK: Final = 500
"""Instruments per chunk: some 200 kB, well under 5 ms for the server."""


class Snapshotter:
    """Takes one snapshot at a time."""

    def __init__(
        self,
        log: Log,
        *,
        shard: int,
        token: int,
        monotonic_s: Callable[[], float] = SYSTEM.monotonic_s,
    ) -> None:
        self._log = log
        self._shard = shard
        self._token = token
        self._left: Iterator[Instrument] = iter(())
        self._work: Iterator[None] | None = None
        self._monotonic_s = monotonic_s
        self.completed = 0
        self.completed_s = monotonic_s()
        """When the newest was complete; at first, when this was made."""

    @property
    def busy(self) -> bool:
        return self._work is not None

    def begin(self, state: State, *, raw: bytes, wall_ns: int) -> None:
        """Freeze the state as of raw entry `raw`."""
        state.generation += 1
        state.preserved = []
        self._left = iter(list(state.instruments.values()))
        head = Manifest(raw, state.n, digest_text(state.digest), 0, 0, wall_ns)
        self._work = self._take(state, head, encode_scalars(state))

    def step(self) -> None:
        """Do a little; `busy` turns false when the snapshot counts."""
        if self._work is not None and next(self._work, self) is self:
            self._work = None
            self.completed += 1
            self.completed_s = self._monotonic_s()

    def _take(self, state: State, head: Manifest, scalars: bytes) -> Iterator[None]:
        self._save(head.raw, "state-0", [scalars])
        chunks = 0
        more = True
        while more or state.preserved:
            yield
            more = self._encode_slice(state)
            if len(state.preserved) >= CHUNK or not more:
                rows, state.preserved = state.preserved[:CHUNK], state.preserved[CHUNK:]
                self._save(head.raw, f"state-{chunks + 1}", [row for row, _ in rows])
                yield
                self._save(head.raw, f"last-{chunks}", [_last(last) for _, last in rows if last])
                chunks += 1
        manifest = replace(head, state_chunks=chunks + 1, last_chunks=chunks)
        self._log.commit_snapshot(self._shard, token=self._token, manifest=manifest)

    def _encode_slice(self, state: State) -> bool:
        chosen = list(islice(self._left, SLICE))
        for instrument in chosen:
            if instrument.generation != state.generation:
                state.preserve(instrument)
        return bool(chosen)

    def _save(self, raw: bytes, part: str, rows: list[Any]) -> None:
        self._log.save_chunk(self._shard, snapshot=raw, part=part, data=encode(rows))


def _last(last: LastClean) -> tuple[bytes, bytes, bytes]:
    """`[clean_id, header, payload]`, what a publisher needs to show a last value."""
    raw_id, j, n, k, epoch, payload = last
    header = encode(CleanHeader(SCHEMA_VERSION, n, k, epoch, 0))
    return clean_id(raw_id, j), header, payload
