# HOT: once per raw tick that passed the hard rules.
"""Is this snapshot new? Identity and high-water mark per contract.

SHFE, INE, DCE, GFEX, CFFEX, SSE, SZSE: (trading day, time with ms) identifies a snapshot; in
2.5 million recorded rows no two different ones shared it. CZCE sends no milliseconds and up to
four snapshots a second (29.9 % of its rows share a time with another one), so there a snapshot
is its place in the sequence of its second.
"""

from __future__ import annotations

from typing import Final

from mdhub.wire.ticks import CleanTick
from mdhub_arbiter.state import Identity, Instrument

__all__ = [
    "CONFLICT",
    "DUPLICATE",
    "LATE",
    "NEW",
    "SETTLEMENT",
    "VOLUME_REGRESS",
    "closing_of",
    "identity_of",
    "place",
]

NEW: Final = "new"
DUPLICATE: Final = "duplicate"
LATE: Final = "late"
SETTLEMENT: Final = "settlement"
CONFLICT: Final = "conflict"
VOLUME_REGRESS: Final = "volume_regress"

KEPT_OF_A_SECOND: Final = 16

Closing = tuple[float | None, float | None]


def identity_of(tick: CleanTick) -> Identity:
    """Fields that tell two exchange snapshots of one contract at one time apart."""
    bid = tick.bids[0] if tick.bids else None
    ask = tick.asks[0] if tick.asks else None
    return (tick.volume, tick.last, tick.open_interest, bid, ask)


def closing_of(tick: CleanTick) -> Closing:
    """Close and settlement price; 0 = not there yet."""
    return (tick.close or None, tick.settlement or None)


def place(  # noqa: PLR0913 - the facts identity depends on
    seen: Instrument,
    *,
    ts_ns: int,
    day: int,
    volume: int,
    identity: Identity,
    closing: Closing,
    source: str,
    session: int,
) -> str:
    """Compare a snapshot with the mark and move the mark if it is new.

    A mark is only ever moved by a snapshot that is then emitted.
    """
    if ts_ns < seen.mark_ns:
        return LATE
    if ts_ns > seen.mark_ns:
        if day == seen.mark_day and volume < seen.volume:
            return VOLUME_REGRESS
        _move(seen, ts_ns, day, volume, identity, closing)
        if seen.exchange == "CZCE":
            seen.second = [identity]
            seen.cursors = {source: (session, 1, identity)}
        return NEW
    if seen.exchange == "CZCE":
        return _place_in_second(seen, volume, identity, closing, source, session)
    if identity == seen.identity:
        return _same(seen, closing)
    return CONFLICT


def _move(
    seen: Instrument, ts_ns: int, day: int, volume: int, identity: Identity, closing: Closing
) -> None:
    seen.mark_ns = ts_ns
    seen.mark_day = day
    seen.volume = volume
    seen.identity = identity
    seen.closing = closing


def _same(seen: Instrument, closing: Closing) -> str:
    """An equal copy: only a newly filled close or settlement price is news."""
    news = tuple(
        new if new is not None else old for new, old in zip(closing, seen.closing, strict=True)
    )
    if news == seen.closing:
        return DUPLICATE
    seen.closing = (news[0], news[1])
    return SETTLEMENT


def _place_in_second(
    seen: Instrument, volume: int, identity: Identity, closing: Closing, source: str, session: int
) -> str:
    """Follow each source through the sequence already emitted for this second.

    Equal to what it sent just before: a repeat. Found further on: another source was first.
    Not found: new, unless its volume is below what was emitted (then it came too late). A source
    that was behind keeps its place: what it skipped it may have lost or may still send.
    """
    emitted = seen.second
    held_session, cursor, previous = seen.cursors.get(source, (session, 0, ()))
    if held_session != session:
        cursor, previous = 0, ()
    if identity == previous:
        return _same(seen, closing)
    for i in range(cursor, len(emitted)):
        if emitted[i] == identity:
            seen.cursors[source] = (session, i + 1, identity)
            return _same(seen, closing)
    if volume < seen.volume:
        return LATE
    in_front = cursor == len(emitted)
    emitted.append(identity)
    seen.cursors[source] = (session, cursor + in_front, identity)
    if len(emitted) > KEPT_OF_A_SECOND:
        _forget_oldest(seen)
    _move(seen, seen.mark_ns, seen.mark_day, volume, identity, closing)
    return NEW


def _forget_oldest(seen: Instrument) -> None:
    del seen.second[0]
    for source, (session, cursor, previous) in seen.cursors.items():
        seen.cursors[source] = (session, max(0, cursor - 1), previous)
