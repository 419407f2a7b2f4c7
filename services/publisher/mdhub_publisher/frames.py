# HOT: one `Framer.clean` and one `live_frames` per tick; payloads pass through as they came.
"""From clean entries to live messages. Pure.

A clean entry `(id, [b"h", header, b"t" | b"m", payload])` becomes a `Clean`, and that becomes
the three frames `topic, live header, payload`. Of a tick only the first three fields are
decoded, for the topic.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from mdhub.wire.codec import DecodeError, decode_clean_header, decode_marker, decoder, encode
from mdhub.wire.entries import EpochMark, Marker, MarkerKind, PhaseMark, QualityMark
from mdhub.wire.live import LiveHeader
from mdhub.wire.ticks import SCHEMA_VERSION
from mdhub.wire.topics import epoch_topic, marker_topic, phase_topic, quality_topic, tick_topic

__all__ = ["TICK", "Clean", "Framer", "live_frames", "quality_of", "resume_after_n"]

TICK: Final = "tick"
"""`Clean.kind` of a tick; markers have the kind of their own."""

REMEMBERED_INSTRUMENTS: Final = 100_000


class Clean(msgspec.Struct, frozen=True, gc=False):
    """One clean entry, ready to be sent any number of times."""

    n: int
    k: int | None
    epoch: int
    arb_ns: int
    id: str
    topic: bytes
    name: str
    """`symbol.EXCHANGE`; empty for markers of the whole shard."""
    kind: str
    payload: bytes


class _TickHead(msgspec.Struct, array_like=True, frozen=True, gc=False):
    v: int
    symbol: str
    exchange: str


_decode_tick_head: Final = decoder(_TickHead)
_decode_epoch: Final = decoder(EpochMark)
_decode_quality: Final = decoder(QualityMark)
_decode_phase: Final = decoder(PhaseMark)


class Framer:
    """Turns the entries of one shard into `Clean`.

    Topics are remembered for at most 100,000 instruments, then forgotten together.
    """

    def __init__(self, shard: int) -> None:
        self.unknown_kinds = 0
        """Markers of a kind newer than this program; they are passed on all the same."""
        self.undecodable = 0
        self._ticks: dict[tuple[str, str], tuple[bytes, str]] = {}
        self._epoch = epoch_topic(shard)
        self._other = marker_topic(shard)
        self._targets: dict[str, Callable[[msgspec.Raw], tuple[bytes, str]]] = {
            MarkerKind.EPOCH: lambda _: (self._epoch, ""),
            MarkerKind.QUALITY: _quality_target,
            MarkerKind.PHASE: _phase_target,
            MarkerKind.END_OF_SESSION: lambda _: (self._other, ""),
            MarkerKind.LOST: lambda _: (self._other, ""),
        }

    def clean(self, entry_id: bytes, fields: list[bytes]) -> Clean | None:
        """Read one entry; None (and counted) if it is not one, for the log cannot be mended."""
        try:
            header = decode_clean_header(fields[1])
            payload = fields[3]
            if fields[2] == b"t":
                head = _decode_tick_head(payload)
                key = (head.symbol, head.exchange)
                topic, name = self._ticks.get(key) or self._remember(key)
                kind = TICK
            else:
                mark = decode_marker(payload)
                kind = mark.kind
                topic, name = self._marker_target(mark)
            return Clean(
                header.n, header.k, header.epoch, header.arb_ns, entry_id.decode(),
                topic, name, kind, payload,
            )  # fmt: skip
        except (DecodeError, IndexError, ValueError):
            self.undecodable += 1
            return None

    def _remember(self, key: tuple[str, str]) -> tuple[bytes, str]:
        if len(self._ticks) >= REMEMBERED_INSTRUMENTS:
            self._ticks.clear()
        symbol, exchange = key
        target = (tick_topic(exchange, symbol), f"{symbol}.{exchange}")
        self._ticks[key] = target
        return target

    def _marker_target(self, mark: Marker) -> tuple[bytes, str]:
        target = self._targets.get(mark.kind)
        if target is None:
            self.unknown_kinds += 1
            return (self._other, "")
        return target(mark.body)


def _quality_target(body: msgspec.Raw) -> tuple[bytes, str]:
    mark = _decode_quality(body)
    return (quality_topic(mark.exchange, mark.symbol), f"{mark.symbol}.{mark.exchange}")


def _phase_target(body: msgspec.Raw) -> tuple[bytes, str]:
    mark = _decode_phase(body)
    return (phase_topic(mark.exchange, mark.product), "")


def resume_after_n(clean: Clean) -> int:
    """Tell behind which n an epoch marker withdraws what was there; n - 1 if it cannot be read."""
    try:
        return _decode_epoch(decode_marker(clean.payload).body).resume_after_n
    except DecodeError:
        return clean.n - 1


def quality_of(clean: Clean) -> str:
    """Read the quality from a quality marker; empty = good, or not readable."""
    try:
        return _decode_quality(decode_marker(clean.payload).body).quality
    except DecodeError:
        return ""


def live_frames(clean: Clean, shard: int, pub_ns: int, hflags: int = 0) -> list[bytes]:
    """Make the three frames of a live message."""
    header = LiveHeader(
        SCHEMA_VERSION, shard, clean.epoch, clean.n, clean.k, clean.id, clean.arb_ns, pub_ns,
        hflags,
    )  # fmt: skip
    return [clean.topic, encode(header), clean.payload]
