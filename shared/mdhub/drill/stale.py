"""When an instrument should be marked as delivered by one source only, recomputed from raw.

By the rule as documented (docs/rules.md, docs/wire.md), not by the hub's code: an instrument is
looked at 5 s after its first tick and every 5 s from then on, at the first clock entry of that
second; it is marked at the first look at which only one source has delivered it for 30 s.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from mdhub.streams.port import Entry
from mdhub.wire.codec import DecodeError, decode_control, decode_marker, decode_raw_tick, decoder
from mdhub.wire.entries import Clock, ControlKind, Lead, MarkerKind, QualityMark

__all__ = ["Marked", "expected_marks", "quality_marks"]

SECOND_NS: Final = 1_000_000_000
LOOK_EVERY_S: Final = 5
ALONE_NS: Final = 30 * SECOND_NS

_decode_clock: Final = decoder(Clock)
_decode_lead: Final = decoder(Lead)
_decode_quality: Final = decoder(QualityMark)


class Marked(NamedTuple):
    """A marker in clean."""

    symbol: str
    quality: str
    log_ns: int


class _Seen:
    def __init__(self, log_ns: int) -> None:
        self.first_ns = log_ns
        self.look_s = log_ns // SECOND_NS + LOOK_EVERY_S
        self.heard: dict[str, int] = {}

    def alone(self, log_ns: int) -> bool:
        heard = [name for name, at_ns in self.heard.items() if log_ns - at_ns <= ALONE_NS]
        return len(heard) == 1 and log_ns - self.first_ns > ALONE_NS


def expected_marks(raw: Iterable[Entry]) -> dict[str, int]:
    """Log time at which each instrument should first be marked, by symbol."""
    seen: dict[str, _Seen] = {}
    due: dict[str, int] = {}
    log_ns = looked_s = 0
    for _, fields in raw:
        if fields[0] == b"t":
            tick = decode_raw_tick(fields[1])
            seen.setdefault(tick.symbol, _Seen(log_ns)).heard[tick.source] = log_ns
        elif (told := _log_time(fields)) is not None:
            log_ns, is_clock = max(log_ns, told[0]), told[1]
            if is_clock and log_ns // SECOND_NS != looked_s:
                looked_s = log_ns // SECOND_NS
                for symbol in _look(seen, log_ns):
                    due.setdefault(symbol, log_ns)
    return due


def _look(seen: dict[str, _Seen], log_ns: int) -> Iterator[str]:
    now_s = log_ns // SECOND_NS
    for symbol, each in seen.items():
        if each.look_s <= now_s:
            each.look_s = now_s + LOOK_EVERY_S
            if each.alone(log_ns):
                yield symbol


def _log_time(fields: list[bytes]) -> tuple[int, bool] | None:
    """Log time an entry tells, and whether it is a clock entry."""
    try:
        entry = decode_control(fields[1])
        if entry.kind == ControlKind.CLOCK:
            return _decode_clock(entry.body).wall_ns, True
        if entry.kind == ControlKind.LEAD:
            return _decode_lead(entry.body).wall_ns, False
    except DecodeError:
        pass
    return None


def quality_marks(clean: Iterable[Entry]) -> Iterator[Marked]:
    """Markers of quality in clean, in order."""
    for _, fields in clean:
        if fields[2] == b"m":
            marker = decode_marker(fields[3])
            if marker.kind == MarkerKind.QUALITY:
                said = _decode_quality(marker.body)
                yield Marked(said.symbol, said.quality, marker.log_ns)
