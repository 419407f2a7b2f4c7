"""Collects facts: heartbeats of services, ticks per source from raw itself."""

from __future__ import annotations

from typing import Final

import msgspec

from mdhub.runtime.heartbeat import decode_beat
from mdhub.streams.port import Log, Tail
from mdhub.wire.codec import DecodeError, decoder
from mdhub_monitor.rules import BeatFact, SourceRates

__all__ = ["read_beats", "read_sources"]

READ_COUNT: Final = 1_000


class _SourceOnly(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The first two fields of a RawTick; the rest is passed over."""

    v: int
    source: str


_decode_source: Final = decoder(_SourceOnly)


def read_beats(log: Log) -> dict[str, BeatFact]:
    """Newest heartbeat of every service instance; unreadable ones are left out."""
    facts: dict[str, BeatFact] = {}
    for instance, payload in log.beats().items():
        try:
            beat = decode_beat(payload)
        except DecodeError:
            continue
        facts[instance] = BeatFact(beat.service, beat.pid, beat.ts_ns, beat.state, beat.counters)
    return facts


def read_sources(tail: Tail, rates: SourceRates, *, block_ms: int) -> None:
    """Count what arrived in raw, per source."""
    for _, fields in tail.read(block_ms=block_ms, count=READ_COUNT):
        if fields[0] == b"t":
            try:
                rates.count(_decode_source(fields[1]).source)
            except DecodeError:
                rates.count("undecodable")
