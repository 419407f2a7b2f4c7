"""A client's view is compared with the clean log byte for byte, withdrawn ticks taken back."""

from __future__ import annotations

from pathlib import Path

from mdhub.drill.evidence import CleanFacts
from mdhub.drill.receipts import Receipt, ReceiptWriter, read_receipts, ticks_of
from mdhub.drill.view import View, compare, standing
from tests.unit.drill.scenes import clean_entry, made, notice, receipt, tick_of

TICKS = [tick_of(snapshot) for snapshot in made(6)]
CLEAN = [clean_entry(tick, n) for n, tick in enumerate(TICKS, start=1)]
EPOCH = b'{"told": "epoch"}'


def got(*ns: int) -> list[Receipt]:
    return [receipt(TICKS[n - 1], n) for n in ns]


def facts(*ns: int) -> CleanFacts:
    return compare(CLEAN, View(got(*ns)))


def test_the_same_ticks_in_order_are_right() -> None:
    """Nothing is found where nothing is wrong."""
    assert facts(1, 2, 3, 4, 5, 6) == CleanFacts(entries=6)


def test_what_came_before_the_first_receipt_is_not_owed() -> None:
    """A client that joins later owes nothing of before."""
    assert facts(4, 5, 6) == CleanFacts(entries=6)


def test_a_tick_not_received_is_found() -> None:
    """Lost at the end as well as in the middle."""
    assert facts(1, 2, 4, 5).unseen == 2


def test_a_tick_received_twice_is_found() -> None:
    """By its n, whatever came between."""
    found = facts(1, 2, 3, 2, 4, 5, 6)
    assert (found.doubled, found.disordered) == (1, 0)


def test_a_tick_that_came_late_is_found() -> None:
    """A higher n came before it."""
    found = facts(1, 3, 2, 4, 5, 6)
    assert (found.doubled, found.disordered) == (0, 1)


def test_a_tick_with_other_bytes_is_found() -> None:
    """The n alone does not make it the same."""
    wrong = [*got(1), receipt(TICKS[4], 2), *got(3, 4, 5, 6)]
    found = compare(CLEAN, View(wrong))
    assert (found.phantom, found.unseen) == (1, 0)


def test_a_tick_that_clean_does_not_have_is_found() -> None:
    """Sent to strategies and then gone from the log, and nobody withdrew it."""
    found = compare(CLEAN[:5], View(got(1, 2, 3, 4, 5, 6)))
    assert found.phantom == 1


def test_what_was_withdrawn_is_no_phantom() -> None:
    """An epoch takes back what lies behind its n; what comes then stands."""
    receipts = [*got(1, 2, 3, 4), notice(EPOCH, n=2), *got(3, 4, 5, 6)]
    assert compare(CLEAN, View(receipts)) == CleanFacts(entries=6)
    assert list(standing(receipts)) == TICKS


def test_a_break_of_n_in_clean_is_found() -> None:
    """Clean itself counts without holes."""
    assert compare([*CLEAN[:2], *CLEAN[3:]], View(got(1, 2, 4, 5, 6))).breaks == 1


def test_what_was_trimmed_from_clean_is_no_phantom() -> None:
    """A log that begins later says nothing of what came before."""
    assert compare(CLEAN[3:], View(got(1, 2, 3, 4, 5, 6))) == CleanFacts(entries=3)


def test_receipts_come_back_as_they_were_written(tmp_path: Path) -> None:
    """Ticks with their n, and what was told between them; half a record ends the file."""
    path = tmp_path / "receipts"
    writer = ReceiptWriter(path)
    writer.tick(TICKS[0], n=7, epoch=3, replayed=True)
    writer.notice(told="gap", first=8, last=9)
    writer.tick(TICKS[1], n=10, epoch=3, replayed=False)
    writer.close()
    path.write_bytes(path.read_bytes() + b"\0\0\0")

    first, told, second = read_receipts(path)

    assert (first.n, first.epoch, first.is_tick, second.n) == (7, 3, True, 10)
    assert told.notice() == {"told": "gap", "first": 8, "last": 9}
    assert list(ticks_of(path)) == TICKS[:2]
