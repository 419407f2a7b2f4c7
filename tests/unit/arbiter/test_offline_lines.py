"""Lines of rows that had to wait: one when they are held, one more when they are released."""

from __future__ import annotations

import msgspec
from msgspec import UNSET

from mdhub.wire.codec import encode
from mdhub.wire.entries import RejectedHeader
from mdhub_arbiter.decide import Clean, Rejected
from mdhub_arbiter.offline.arrivals import Arrival
from mdhub_arbiter.offline.desk import Outcome
from mdhub_arbiter.offline.lines import Line, Lines
from mdhub_arbiter.offline.summary import Tally
from tests.unit.arbiter.builders import Desk, clean_tick


def arrival(row: int) -> Arrival:
    return Arrival(0, 0, row, "A", "rb2701", "", b"payload")


def accepted(about: bytes) -> Clean:
    out = Desk().see()
    assert isinstance(out, Clean)
    return msgspec.structs.replace(out, about=about)


def held(raw_id: bytes) -> Rejected:
    header = RejectedHeader(1, raw_id.decode(), "hold", "spike", "A")
    return Rejected(raw_id, encode(header), b"payload")


def lines_of(*outcomes: Outcome) -> list[Line]:
    lines = Lines(["day.csv"])
    return [line for outcome in outcomes for line in lines.of(outcome)]


def words(lines: list[Line]) -> list[tuple[int, str, object]]:
    return [(line.row, line.verdict, line.released_by) for line in lines]


def test_a_held_row_has_a_second_line_when_another_row_confirms_it() -> None:
    """`released_by` names the row that ended the hold."""
    out = accepted(b"1-0")
    found = lines_of(
        Outcome(arrival(1), b"1-0", [held(b"1-0")]),
        Outcome(arrival(2), b"2-0", [out, accepted(b"2-0")]),
    )

    assert words(found) == [(1, "hold", UNSET), (2, "accept", UNSET), (1, "accept", 2)]
    assert found[2].ts_ns == clean_tick(out).ts_ns


def test_time_alone_may_end_a_hold() -> None:
    """Then no row is named."""
    found = lines_of(
        Outcome(arrival(1), b"1-0", [held(b"1-0")]),
        Outcome(None, b"1-7", [accepted(b"1-0")]),
    )

    assert [(line.row, line.verdict) for line in found] == [(1, "hold"), (1, "accept")]
    assert found[1].released_by is None


def test_a_row_without_output_that_is_no_duplicate_waits() -> None:
    """Priority mode keeps the standby's ticks aside without writing anything."""
    found = lines_of(
        Outcome(arrival(1), b"1-0", []), Outcome(arrival(2), b"2-0", [], duplicate=True)
    )

    assert [(line.verdict, line.reason) for line in found] == [
        ("hold", "waits"),
        ("duplicate", None),
    ]


def test_released_rows_are_not_counted_as_input_twice() -> None:
    """`rows` is the input; `released` tells how many of them have two lines."""
    tally = Tally()
    for line in lines_of(
        Outcome(arrival(1), b"1-0", [held(b"1-0")]),
        Outcome(None, b"1-7", [accepted(b"1-0")]),
    ):
        tally.add(line)

    assert (tally.rows, tally.released) == (1, 1)
    assert [(c.verdict, c.rows) for c in tally.counts()] == [("accept", 1), ("hold", 1)]
