"""What the SDK tells a strategy beside ticks: by callback, else by the log."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from typing import Final

from mdhub.sdk.events import (
    Access,
    Cause,
    EpochChange,
    Gap,
    Message,
    Position,
    SchemaMismatch,
    Stall,
    Statistics,
)
from mdhub.wire.codec import DecodeError, decode_marker, decoder
from mdhub.wire.entries import MarkerKind, QualityMark

__all__ = ["Callbacks"]

GAPS_KEPT: Final = 1_000

OnGap = Callable[[Position, Position, Cause, bool], None]
OnEpoch = Callable[[EpochChange], None]
OnQuality = Callable[[str, str, str], None]
OnStall = Callable[[Stall], None]
OnSchema = Callable[[SchemaMismatch], None]
OnAccess = Callable[[Access], None]

_decode_quality: Final = decoder(QualityMark)
_logger: Final = logging.getLogger("mdhub")

News = Gap | EpochChange | Stall | SchemaMismatch | Access


class Callbacks:
    """The callbacks of a hub; who sets none reads a WARNING of the logger "mdhub"."""

    def __init__(self) -> None:
        self.statistics = Statistics()
        self.on_gap: OnGap | None = None
        """Called with (start, end, cause, recovered); both ends included, cause a `Cause`.

        Without it gaps that stay are logged."""
        self.gaps: deque[Gap] = deque(maxlen=GAPS_KEPT)
        """The newest 1,000 gaps that were told, with their outcome and how long each was open."""
        self.on_epoch: OnEpoch | None = None
        """Called when the log was cut back or is new; without it that is logged."""
        self.on_quality: OnQuality | None = None
        """Called with (`symbol.EXCHANGE`, quality, cause); empty quality = good."""
        self.on_stall: OnStall | None = None
        """Called when the hub's log stands still, and when it moves again; else logged."""
        self.on_schema: OnSchema | None = None
        """Called when a publisher turns out to have another wire contract; else logged."""
        self.on_access: OnAccess | None = None
        """Called when a publisher does not let us in (any more), and when it does again; else
        logged. It is tried on, so a key that is allowed later works."""

    def _tell(self, event: News) -> None:
        if isinstance(event, Gap):
            self._tell_gap(event)
        elif isinstance(event, EpochChange) and self.on_epoch is not None:
            self.on_epoch(event)
        elif isinstance(event, Stall) and self.on_stall is not None:
            self.on_stall(event)
        elif isinstance(event, SchemaMismatch) and self.on_schema is not None:
            self.on_schema(event)
        elif isinstance(event, Access) and self.on_access is not None:
            self.on_access(event)
        else:
            _logger.warning(_words(event))

    def _tell_gap(self, gap: Gap) -> None:
        self.statistics.gaps += 1
        self.statistics.gap_ns += gap.open_ns
        self.gaps.append(gap)
        if not gap.recovered:
            self.statistics.unrecovered += gap.size or 1
        if self.on_gap is not None:
            self.on_gap(gap.start, gap.end, gap.cause, gap.recovered)
        elif not gap.recovered:
            what = f"{_range_of(gap)}: {gap.outcome}; cause: {gap.cause}"
            _logger.warning("gap not recovered: %s", what)

    def _tell_quality(self, message: Message) -> None:
        if self.on_quality is None:
            return
        try:
            marker = decode_marker(message.payload)
            if marker.kind == MarkerKind.QUALITY:
                mark = _decode_quality(marker.body)
                self.on_quality(message.name, mark.quality, mark.cause)
        except DecodeError:
            self.statistics.malformed += 1


def _range_of(gap: Gap) -> str:
    start, end = gap.start, gap.end
    if start.k is not None and end.k is not None:
        return f"{start.instrument or f'shard {start.shard}'} k {start.k} to {end.k}"
    return f"{start.instrument or f'shard {start.shard}'} n {start.n} to {end.n}"


def _words(event: News) -> str:
    match event:
        case EpochChange():
            return (
                f"shard {event.shard}: epoch {event.epoch} follows {event.old_epoch}; what came "
                f"after n {event.resume_after_n} is withdrawn (to n {event.withdrawn_to_n or '-'})"
            )
        case Stall(stalled=True):
            return f"shard {event.shard}: the hub stands still ({event.cause})"
        case Stall():
            return f"shard {event.shard}: the hub moves again"
        case Access():
            return str(event)
        case _:
            return f"{event}; what both sides know is understood"
