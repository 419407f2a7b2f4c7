# HOT: once per raw tick that passed the hard rules.
"""Is this snapshot new? Identity and high-water mark per contract.

SHFE, INE, DCE, GFEX, CFFEX, SSE, SZSE: (trading day, time with ms) identifies a snapshot; in
2.5 million recorded rows no two different ones shared it. CZCE sends no milliseconds and up to
four snapshots a second (29.9 % of its rows share a time with another one), so there a snapshot
is its place in the sequence of its second.
"""

from __future__ import annotations

from typing import Any, Final

from mdhub.wire.ticks import CleanTick, Flag, Level, RawTick
from mdhub_arbiter.instrument import Closing, Identity, Instrument, Sighting
from mdhub_arbiter.rules import EMPTY, FLT_MAX, LOWEST, is_broken, value

__all__ = [
    "CONFLICT",
    "DUPLICATE",
    "LATE",
    "NEW",
    "SETTLEMENT",
    "VOLUME_REGRESS",
    "closing_of",
    "compare",
    "identity_of",
    "is_copy",
    "matches",
    "merged_closing",
    "move",
    "sighting_of",
]

NEW: Final = "new"
DUPLICATE: Final = "duplicate"
LATE: Final = "late"
SETTLEMENT: Final = "settlement"
CONFLICT: Final = "conflict"
VOLUME_REGRESS: Final = "volume_regress"

KEPT_OF_A_SECOND: Final = 16
UNKNOWN: Final = ()
"""Side of the book that was broken and has been replaced: like anything a good copy says."""


def identity_of(tick: Any) -> Identity:
    """Fields that tell two exchange snapshots of one contract at one time apart.

    `tick` is a RawTick or a CleanTick: "no value" is nil in either case.
    """
    return (
        tick.volume, value(tick.last), value(tick.open_interest), _side(tick.bids),
        _side(tick.asks),
    )  # fmt: skip


def _side(levels: list[Level]) -> tuple[Any, ...] | None:
    """Best level of a side; `EMPTY` where nobody stands, whatever price is sent for that."""
    if not levels:
        return None
    price, size = level = levels[0]
    if price is not None and size and size > 0 and LOWEST < price < FLT_MAX:
        return level
    if is_broken(level):
        return UNKNOWN
    return (value(price), size) if size or size is None else EMPTY


def matches(one: Identity, other: Identity) -> bool:
    """Whether two copies may be of one snapshot: a repaired and a good one are."""
    if one == other:
        return True
    if UNKNOWN not in one and UNKNOWN not in other:
        return False
    pairs = zip(one, other, strict=False)
    return all(a == b or UNKNOWN in (a, b) for a, b in pairs)


def closing_of(tick: Any) -> Closing:
    """Close and settlement price; 0 = not there yet."""
    return (value(tick.close) or None, value(tick.settlement) or None)


def sighting_of(tick: CleanTick) -> Sighting:
    """What a clean tick says of its own place in the market; its session is not known."""
    identity = identity_of(tick)
    if tick.flags & Flag.VALUE_REPAIRED:
        identity = tuple(UNKNOWN if part == EMPTY else part for part in identity)
    return Sighting(
        tick.ts_ns, tick.trading_day, tick.volume or 0, identity, closing_of(tick),
        tick.source, 0,
    )  # fmt: skip


def compare(seen: Instrument, sight: Sighting) -> str:
    """Say what a snapshot is beside the mark. The mark stays: only `move` moves it."""
    if sight.ts_ns < seen.mark_ns:
        return LATE
    if sight.ts_ns > seen.mark_ns:
        falls = sight.day == seen.mark_day and sight.volume < seen.volume
        return VOLUME_REGRESS if falls else NEW
    if seen.exchange == "CZCE":
        return _compare_in_second(seen, sight)
    if matches(sight.identity, seen.identity):
        return _same(seen, sight)
    return CONFLICT


def move(seen: Instrument, sight: Sighting) -> None:
    """Move the mark to a snapshot that is put out now."""
    if seen.exchange == "CZCE":
        if sight.ts_ns != seen.mark_ns:
            seen.second = [sight.identity]
            seen.cursors = {sight.source: (sight.session, 1, sight.identity)}
        else:
            _append_to_second(seen, sight)
    seen.mark_ns = sight.ts_ns
    seen.mark_day = sight.day
    seen.volume = sight.volume
    seen.identity = sight.identity
    seen.closing = sight.closing


def is_copy(tick: RawTick, accepted: RawTick) -> bool:
    """Whether nothing that identity looks at differs; the time was compared before."""
    return (
        tick.volume == accepted.volume
        and tick.last == accepted.last
        and tick.bids == accepted.bids
        and tick.asks == accepted.asks
        and tick.open_interest == accepted.open_interest
        and tick.close == accepted.close
        and tick.settlement == accepted.settlement
    )


def merged_closing(seen: Instrument, sight: Sighting) -> Closing:
    """Closing prices known after a copy: what it does not have stays."""
    close, settlement = sight.closing
    old_close, old_settlement = seen.closing
    return (
        old_close if close is None else close,
        old_settlement if settlement is None else settlement,
    )


def _same(seen: Instrument, sight: Sighting) -> str:
    """An equal copy: only a newly filled close or settlement price is news."""
    return DUPLICATE if merged_closing(seen, sight) == seen.closing else SETTLEMENT


def _compare_in_second(seen: Instrument, sight: Sighting) -> str:
    """Follow each source through the sequence already emitted for this second.

    Equal to what it sent just before: a repeat. Found further on: another source was first.
    Not found: new, unless its volume is below what was emitted (then it came too late). A source
    that was behind keeps its place: what it skipped it may have lost or may still send.
    """
    emitted, identity = seen.second, sight.identity
    cursor, previous = _cursor(seen, sight)
    if identity == previous:
        return _same(seen, sight)
    for i in range(cursor, len(emitted)):
        if matches(emitted[i], identity):
            _remember_cursor(seen, sight, i + 1)
            return _same(seen, sight)
    return LATE if sight.volume < seen.volume else NEW


def _append_to_second(seen: Instrument, sight: Sighting) -> None:
    cursor, _ = _cursor(seen, sight)
    in_front = cursor == len(seen.second)
    seen.second.append(sight.identity)
    _remember_cursor(seen, sight, cursor + in_front)
    if len(seen.second) > KEPT_OF_A_SECOND:
        _forget_oldest(seen)


def _cursor(seen: Instrument, sight: Sighting) -> tuple[int, Identity]:
    held = seen.cursors.get(sight.source)
    return (0, ()) if held is None or held[0] != sight.session else held[1:]


def _remember_cursor(seen: Instrument, sight: Sighting, cursor: int) -> None:
    seen.cursors[sight.source] = (sight.session, cursor, sight.identity)


def _forget_oldest(seen: Instrument) -> None:
    del seen.second[0]
    for source, (session, cursor, previous) in seen.cursors.items():
        seen.cursors[source] = (session, max(0, cursor - 1), previous)
