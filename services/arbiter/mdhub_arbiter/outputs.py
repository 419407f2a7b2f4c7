# HOT: once per accepted or refused tick.
"""What `decide` puts out, and the running numbers and digest that go with it."""

from __future__ import annotations

from struct import Struct
from typing import Final
from zlib import crc32

import msgspec

from mdhub.wire.codec import encode
from mdhub.wire.entries import RejectedHeader, Verdict
from mdhub.wire.ticks import SCHEMA_VERSION, CleanTick
from mdhub_arbiter.instrument import Instrument
from mdhub_arbiter.state import State

__all__ = ["MAX_OUTPUTS", "Clean", "Output", "Rejected", "accept", "mark", "refuse", "reject"]

MAX_OUTPUTS: Final = 4_096
"""Outputs of one raw entry; what is more waits in the state for the next entries."""

_compared: Final = Struct("<qqq").pack


class Clean(msgspec.Struct, frozen=True, gc=False):
    """Output for clean; the runner adds id, header and arb_ns."""

    about: bytes
    """Raw id of the tick; of the entry folded, for a marker."""
    field: bytes
    n: int
    k: int | None
    epoch: int
    payload: bytes


class Rejected(msgspec.Struct, frozen=True, gc=False):
    """Output for rejected."""

    about: bytes
    header: bytes
    payload: bytes


Output = Clean | Rejected


def accept(state: State, instrument: Instrument, tick: CleanTick, about: bytes) -> None:
    """Put out a clean tick."""
    payload = encode(tick)
    state.n += 1
    instrument.k += 1
    j = len(state.outputs)
    instrument.last = (state.entry_id, j, state.n, instrument.k, state.epoch, payload)
    _emit(state, about, b"t", instrument.k, payload)


def mark(state: State, payload: bytes, *, instrument: Instrument | None = None) -> None:
    """Put out a marker; one about an instrument counts in its k as well."""
    state.n += 1
    k = None
    if instrument is not None:
        instrument.k += 1
        k = instrument.k
    _emit(state, state.entry_id, b"m", k, payload)


def _emit(state: State, about: bytes, field: bytes, k: int | None, payload: bytes) -> None:
    compared = _compared(state.n, -1 if k is None else k, state.epoch)
    state.digest = crc32(payload, crc32(compared, state.digest))
    state.outputs.append(Clean(about, field, state.n, k, state.epoch, payload))


def reject(state: State, reason: str, source: str) -> None:
    """Refuse the entry at hand: it is not believed."""
    if source:
        state.source(source).rejected += 1
    refuse(state, Verdict.REJECT, reason, source)


def refuse(state: State, verdict: str, reason: str, source: str) -> None:
    """Put out the entry at hand as rejected, held or late."""
    state.reasons[reason] = state.reasons.get(reason, 0) + 1
    payload = state.payload
    header = encode(RejectedHeader(SCHEMA_VERSION, state.about.decode(), verdict, reason, source))
    state.digest = crc32(payload, crc32(header, state.digest))
    state.outputs.append(Rejected(state.about, header, payload))
