"""The calendar as control entries of the log."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdhub.calendar import Calendar
from mdhub.calendar.encoding import MAX_BYTES, MAX_ROWS, Gathering, encode_parts, gather
from mdhub.calendar.rows import Hours, Rows
from mdhub.wire.codec import DecodeError, encode
from tests.unit.calendar.test_days import CALENDAR

BIG = Rows(
    CALENDAR.rows.years,
    CALENDAR.rows.closed,
    CALENDAR.rows.nightless,
    CALENDAR.rows.templates,
    tuple(sorted([
        *CALENDAR.rows.hours,
        *(Hours("SHFE", f"x{i}", 20_170_101, "day") for i in range(1_200)),
    ])),
)  # fmt: skip


def put_together(parts: list[bytes]) -> Rows | None:
    so_far, rows = Gathering(), None
    for part in parts:
        so_far, rows = gather(so_far, part)
    return rows


@pytest.mark.parametrize("rows", [CALENDAR.rows, Calendar.bare().rows, BIG])
def test_what_was_encoded_comes_back(rows: Rows) -> None:
    """The rows and the digest are the same, within the bounds of an entry."""
    parts = encode_parts(rows)
    back = put_together(parts)

    assert back == rows
    assert Calendar(back).digest == Calendar(rows).digest
    for part in parts:
        assert len(part) <= MAX_BYTES
        assert len(msgspec.msgpack.decode(part)[4]) <= MAX_ROWS


def test_a_decoded_calendar_answers_like_the_one_it_was() -> None:
    """Every day of a year, nights and sessions included."""
    rows = put_together(CALENDAR.parts)
    assert rows is not None
    other = Calendar(rows)
    for i in range(366):
        day = date(2025, 6, 1) + timedelta(i)
        assert other.has_night(day) == CALENDAR.has_night(day)
        for product in ("rb", "ag", "zz"):
            assert other.sessions("SHFE", product, day) == CALENDAR.sessions("SHFE", product, day)


def test_parts_are_plain_arrays() -> None:
    """Readers in other languages need no knowledge of ours."""
    v, digest, part, parts, rows = msgspec.msgpack.decode(encode_parts(BIG)[0])
    assert (v, digest, part) == (1, Calendar(BIG).digest, 0)
    assert parts == len(encode_parts(BIG)) > 1
    assert rows[0] == ["year", 2017]


def test_parts_come_in_order_or_not_at_all() -> None:
    """A part that does not follow is refused; part 0 begins anew."""
    first, second, *_ = parts = encode_parts(BIG)
    begun, _ = gather(Gathering(), first)
    with pytest.raises(DecodeError, match="follow"):
        gather(Gathering(), second)
    with pytest.raises(DecodeError, match="follow"):
        gather(begun, parts[2])
    again, _ = gather(gather(begun, second)[0], first)
    assert again == begun
    assert gather(begun, CALENDAR.parts[0])[0].digest != begun.digest


def body(rows: list[Any], **changed: Any) -> bytes:
    part = {"v": 1, "digest": CALENDAR.digest, "part": 0, "parts": 1} | changed
    return encode([*part.values(), rows])


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\xc1", encode([20261119]), encode(None),
        body([]), body([["year", 2026]]), body([["year", 10**30 % 2**63]]),
        body([["moon", 1]]), body([[]]), body([[["year"], 2026]]), body([["year", "2026"]]),
        body([["closed"]]), body([["hours", "SHFE", "rb"]]), body([["template", "x", [[1]]]]),
        body([], v=2), body([], part=1), body([], parts=17), body([], digest="x" * 99),
        body([], part=-1), body([["year", 2026]] * 501), body([["year", 2026], ["closed", 1]]),
        b"\x91" * 2_000, body([["template", "x" * 300_000, []]]),
    ],
)  # fmt: skip
def test_hostile_bodies_are_refused(data: bytes) -> None:
    """Whatever stands in a calendar entry, the reader says DecodeError and nothing else."""
    with pytest.raises(DecodeError):
        gather(Gathering(), data)


@given(st.binary(max_size=200))
def test_any_bytes_are_refused(data: bytes) -> None:
    """No bytes make the reader fail in another way."""
    with pytest.raises(DecodeError):
        gather(Gathering(), data)


PLAIN = msgspec.msgpack.decode(CALENDAR.parts[0])[4]
ODD: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.integers(-(2**63), 2**64 - 1), st.text(max_size=3), st.just([])
)


@given(st.integers(0, len(PLAIN) - 1), st.integers(0, 4), ODD)
def test_a_spoilt_row_is_refused(row: int, place: int, odd: Any) -> None:
    """A calendar with one wrong value is never taken, at the least by its digest."""
    rows = [list(each) for each in PLAIN]
    place %= len(rows[row])
    if rows[row][place] == odd:
        return
    rows[row][place] = odd
    with pytest.raises(DecodeError):
        gather(Gathering(), body(rows))
