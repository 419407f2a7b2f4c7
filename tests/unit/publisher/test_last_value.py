"""Last values answer as of one n, however the market goes on meanwhile."""

from __future__ import annotations

from mdhub.wire.entries import QualityMark
from mdhub.wire.topics import Selection
from mdhub_publisher.last_value import LastValues
from tests.unit.publisher.entries import clean, marker_entry, tick_entry


def test_candidates_do_not_change_afterwards() -> None:
    """An answer under way keeps what it was given."""
    values = LastValues()
    values.update(clean(tick_entry(1)))
    (value,) = values.candidates(Selection(["rb2610.SHFE"]))
    values.update(clean(tick_entry(2)))
    assert value.newest.n == 1
    assert values.candidates(Selection(["*"]))[0].newest.n == 2


def test_a_quality_marker_stands_beside_the_tick() -> None:
    """Both are told to who joins, in order."""
    values = LastValues()
    mark = QualityMark("rb2610", "SHFE", "bad")
    values.update(clean(marker_entry(1, "quality", mark, k=1)))
    values.update(clean(tick_entry(2)))
    (value,) = values.candidates(Selection(["*"]))
    assert [m.n for m in value.messages()] == [1, 2]
    assert value.quality_now() == "bad"


def test_the_longest_silent_instruments_are_evicted() -> None:
    """A bound on instruments, dropped in tenths and counted."""
    values = LastValues(max_instruments=10)
    for n in range(1, 12):
        values.update(clean(tick_entry(n, symbol=f"s{n}")))
    assert len(values) == 10
    assert values.evicted == 1
    assert not values.candidates(Selection(["s1.SHFE"]))
