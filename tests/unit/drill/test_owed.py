"""Where no source lived for a while, only what the hub could still accept is owed."""

from __future__ import annotations

from mdhub.drill.owed import Owed
from mdhub.market.snapshot import raw_tick
from mdhub.streams.port import Entry
from mdhub.wire.codec import encode
from mdhub.wire.entries import RejectedHeader
from tests.unit.drill.scenes import made, tick_of

MADE = made(100)


def raw(place: int) -> Entry:
    tick = raw_tick(MADE[place], source="A", session=1, seq=place, recv_ns=0)
    return b"%d-0" % place, [b"t", encode(tick)]


def refused(place: int, reason: str) -> Entry:
    header = RejectedHeader(1, f"{place}-0", "rejected", reason, "A")
    entry_id, fields = raw(place)
    return entry_id, [b"h", encode(header), *fields]


def test_what_reached_no_source_is_counted_and_not_owed() -> None:
    """Before the first and after the last that arrived nothing is counted."""
    owed = Owed(map(raw, [*range(10, 40), *range(60, 90)]), [], [])

    assert list(owed.of(MADE)) == [*MADE[10:40], *MADE[60:90]]
    assert (owed.unreached, owed.late) == (20, 0)


def test_what_came_too_late_is_counted_and_not_owed() -> None:
    """Unless the client got it from the other source; other refusals excuse nothing."""
    rejected = [refused(5, "late"), refused(6, "late"), refused(7, "volume_regress")]
    owed = Owed(map(raw, range(10)), rejected, [tick_of(MADE[6])])

    assert list(owed.of(MADE[:10])) == [*MADE[:5], *MADE[6:10]]
    assert (owed.unreached, owed.late) == (0, 1)
