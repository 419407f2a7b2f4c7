# HOT: `sample` once per batch: one comparison, and at most 100 times a second one append.
"""Latency by hop and source, from the log's own stamps of ticks as they were published.

Ticks are taken one per 10 ms at most, and decoded only when somebody asks for the histograms.
Bound: the newest 2,000 and 256 sources; what is more is not counted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Final

import msgspec

from mdhub.metrics.histogram import Histogram
from mdhub.metrics.sample import Sample
from mdhub.streams.ids import id_parts
from mdhub.wire.codec import DecodeError, decoder
from mdhub_publisher.frames import TICK, Clean

__all__ = ["Hops"]

EVERY_NS: Final = 10_000_000
MOST_WAITING: Final = 2_000
MOST_SOURCES: Final = 256
MS_NS: Final = 1_000_000


class _Received(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Begin of a CleanTick."""

    v: int
    symbol: str
    exchange: str
    trading_day: int
    ts_ns: int
    recv_ns: int
    source: str


_decode: Final = decoder(_Received)


class Hops:
    """One thread samples, another one asks."""

    def __init__(self, member: str) -> None:
        self._member = member
        self._due_ns = 0
        self._waiting: deque[tuple[Clean, int]] = deque(maxlen=MOST_WAITING)
        self._by_source: dict[str, dict[str, Histogram]] = {}

    def sample(self, clean: Clean, pub_ns: int) -> None:
        """Take the last entry of a batch, if one is due."""
        if pub_ns >= self._due_ns or pub_ns < self._due_ns - EVERY_NS:  # a clock may be set back
            self._due_ns = pub_ns + EVERY_NS
            self._waiting.append((clean, pub_ns))

    def samples(self) -> Iterator[Sample]:
        """Yield the histograms, with everything taken so far. From one thread."""
        while self._waiting:
            self._count(*self._waiting.popleft())
        for source, hops in self._by_source.items():
            for hop, histogram in hops.items():
                yield Sample("mdhub_hop_seconds", (self._member, hop, source), histogram)

    def _count(self, clean: Clean, pub_ns: int) -> None:
        if clean.kind != TICK:
            return
        try:
            tick = _decode(clean.payload)
        except DecodeError:  # counted by those who read it
            return
        if tick.source not in self._by_source and len(self._by_source) >= MOST_SOURCES:
            return
        raw_ns = id_parts(clean.id.encode())[0] * MS_NS
        durations = {
            "callback_to_raw": raw_ns - tick.recv_ns,
            "raw_to_decided": clean.arb_ns - raw_ns,
            "decided_to_published": pub_ns - clean.arb_ns,
            "callback_to_published": pub_ns - tick.recv_ns,
        }
        hops = self._by_source.setdefault(tick.source, {hop: Histogram() for hop in durations})
        for hop, duration_ns in durations.items():
            hops[hop].observe(duration_ns)
