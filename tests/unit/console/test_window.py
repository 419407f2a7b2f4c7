"""The newest rows of a stream within bounds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mdhub_console.live.rows import Row
from mdhub_console.live.window import Window


def rows(first: int, last: int, *, text: str = "") -> list[Row]:
    return [
        Row(b"%d-0" % at, b'{"at":%d}' % at, level=at % 4, text=text)
        for at in range(first, last + 1)
    ]


def ids(found: list[Row]) -> list[int]:
    return [int(row.id.partition(b"-")[0]) for row in found]


def test_the_oldest_rows_make_room() -> None:
    """By number and by bytes; what fell out is counted."""
    by_number = Window(most=10, most_bytes=1_000_000)
    by_number.add(rows(1, 25))
    by_bytes = Window(most=1_000, most_bytes=1_000)
    by_bytes.add(rows(1, 25))

    assert ids(by_number.newest_rows(100)) == list(range(16, 26))
    assert by_number.fallen == 15
    assert by_bytes.bytes <= 1_000
    assert len(by_bytes) == 25 - by_bytes.fallen < 10


def test_who_follows_gets_every_row_once() -> None:
    """In parts, each behind the place of the one before."""
    window = Window(most=100, most_bytes=1_000_000)
    window.add(rows(1, 50))
    place, got = window.place_of(b"10-0")[0], []
    while window.newest > place:
        part = window.behind(place, scan=1_000, at_most=7)
        got += ids(part.rows)
        place = part.place

    assert got == list(range(11, 51))


def test_who_is_far_behind_is_told_how_many_rows_were_skipped() -> None:
    """Whether they fell out or were more than may be sent."""
    window = Window(most=100, most_bytes=1_000_000)
    window.add(rows(1, 10))
    place = window.place_of(b"5-0")[0]
    window.add(rows(11, 300))

    part = window.behind(place, scan=20, at_most=100)

    assert ids(part.rows) == list(range(281, 301))
    assert part.skipped == 275


def test_a_filter_leaves_rows_out_but_moves_on() -> None:
    """Rows that do not pass are behind the new place."""
    window = Window(most=100, most_bytes=1_000_000)
    window.add(rows(1, 20))

    part = window.behind(0, scan=100, at_most=3, passes=lambda row: row.level == 3)

    assert ids(part.rows) == [3, 7, 11]
    assert window.id_at(part.place) == b"11-0"


def test_an_id_that_fell_out_is_not_taken_up_without_saying_so() -> None:
    """One that is the last to have fallen out misses nothing."""
    window = Window(most=10, most_bytes=1_000_000)
    window.add(rows(1, 30))

    assert window.place_of(b"25-0") == (25, True)
    assert window.place_of(b"20-0") == (20, True)
    assert window.place_of(b"19-0") == (20, False)


@given(
    st.lists(st.integers(1, 60), max_size=30),
    st.integers(1, 40),
    st.integers(1, 80),
    st.integers(1, 30),
)
def test_rows_and_skipped_rows_add_up(
    batches: list[int], most: int, scan: int, at_most: int
) -> None:
    """Whatever comes, a reader has seen or skipped each row exactly once, in order."""
    window = Window(most=most, most_bytes=1_000_000)
    seen: list[int] = []
    place = skipped = total = 0
    for size in batches:
        window.add(rows(total + 1, total + size))
        total += size
        part = window.behind(place, scan=scan, at_most=at_most)
        assert place + part.skipped + len(part.rows) == part.place
        place, skipped, seen = part.place, skipped + part.skipped, seen + ids(part.rows)
        assert len(window) <= most
    assert seen == sorted(set(seen))
    assert len(seen) + skipped == place
