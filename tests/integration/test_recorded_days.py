"""Recorded days through the arbiter's fold: dates are right, nothing true is out of session."""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest

from mdhub.calendar import Calendar
from mdhub.market.recorded import recorded_snapshots
from mdhub.market.snapshot import Snapshot, raw_tick
from mdhub.wire.codec import decode_clean_tick
from mdhub.wire.entries import ControlKind
from mdhub.wire.ticks import CleanTick, Flag
from tests.support.recordings import recording
from tests.unit.arbiter.builders import Desk, clock_entry, control_entry, outcome, tick_entry

CALENDAR = Calendar.load()
TENTH_NS = 100_000_000

Judged = list[tuple[Snapshot, str, CleanTick | None]]


def judged(name: str, *symbols: str) -> Judged:
    """Each snapshot of a file as one source delivers it, its outcome and its clean tick."""
    desk, clock_ns, found = Desk.bare(), 0, []
    for part in CALENDAR.parts:
        desk.fold(control_entry(ControlKind.CALENDAR, msgspec.Raw(part)))
    for snapshot in recorded_snapshots(recording(name)):
        if symbols and snapshot.symbol not in symbols:
            continue
        if snapshot.made_ns >= clock_ns + TENTH_NS:
            clock_ns = snapshot.made_ns
            desk.fold(clock_entry(clock_ns))
        tick = raw_tick(snapshot, source="A", session=1, seq=1, recv_ns=snapshot.made_ns)
        out = desk.fold(tick_entry(tick))
        said = outcome(out)
        clean = decode_clean_tick(out.payload) if out and said == "clean" else None
        found.append((snapshot, said, clean))
    return found


FILES = [
    pytest.param(
        "20171113-market.csv.zst",
        ("ag1712", "sn1712", "i1711", "m1801-C-2800", "SR711", "SR801C6200", "T1803", "jd1801"),
        Counter(),
        id="2017-11-13",
    ),
    # The first row of a day carries the evening before as its time and an empty book.
    pytest.param("AP010_20200803.csv.zst", (), Counter(out_of_session=1), id="AP010"),
    pytest.param("IF2101_20210104.csv.zst", (), Counter(), id="IF2101"),
    pytest.param("ru1901_20181008.csv.zst", (), Counter(), id="ru1901"),
]


@pytest.mark.recordings
@pytest.mark.parametrize(("name", "symbols", "refused"), FILES)
def test_a_recorded_day_keeps_its_dates(
    name: str, symbols: tuple[str, ...], refused: Counter[str]
) -> None:
    """Natural date, trading day and session of every row, from its time of day alone."""
    rows = judged(name, *symbols)
    said = Counter(word for _, word, _ in rows) - Counter(clean=10**9, duplicate=100)
    wrong = [
        snapshot
        for snapshot, _, clean in rows
        if clean and (clean.ts_ns, clean.trading_day) != (snapshot.exchange_ns, snapshot.day)
    ]

    assert len(rows) > 10_000
    assert said == refused
    assert wrong == []
    assert not any(clean.flags & Flag.TIME_REPAIRED for *_, clean in rows if clean)


@pytest.mark.recordings
def test_recorded_settlement_updates_pass_as_such() -> None:
    """Rows of 15:27-15:45 are flagged, and only they."""
    rows = judged("IF2101_20210105.csv.zst")
    flagged = [s.update_time for s, _, clean in rows if clean and clean.flags & Flag.SETTLEMENT]
    after = [s.update_time for s, _, _ in rows if s.update_time >= "15:01:00"]

    assert len(flagged) > 0
    assert flagged == after
