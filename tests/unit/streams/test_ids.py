"""Ids of clean entries follow from raw ids, in their order, and lead back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mdhub.streams.ids import (
    OUTPUTS_PER_ENTRY,
    clean_id,
    id_less,
    id_parts,
    make_id,
    raw_id_of,
)

MS = st.integers(0, (1 << 63) - 1)
SEQ = st.integers(0, (1 << 46) - 1)
J = st.integers(0, OUTPUTS_PER_ENTRY - 1)
PARTS = st.tuples(MS, SEQ)


@settings(deadline=None)
@given(PARTS)
def test_an_id_is_its_two_numbers(parts: tuple[int, int]) -> None:
    """Made and read back."""
    assert id_parts(make_id(*parts)) == parts


@settings(deadline=None)
@given(PARTS, PARTS)
def test_ids_have_the_order_of_their_numbers(a: tuple[int, int], b: tuple[int, int]) -> None:
    """Not the order of their bytes: 9-0 comes before 10-0."""
    assert id_less(make_id(*a), make_id(*b)) == (a < b)


@settings(deadline=None)
@given(PARTS, J)
def test_a_clean_id_leads_back_to_its_raw_entry(parts: tuple[int, int], j: int) -> None:
    """Whichever of the outputs it is."""
    raw_id = make_id(*parts)
    assert raw_id_of(clean_id(raw_id, j)) == raw_id


@settings(deadline=None)
@given(PARTS, PARTS, J, J)
def test_clean_ids_have_the_order_of_raw(
    a: tuple[int, int], b: tuple[int, int], i: int, j: int
) -> None:
    """Outputs of an earlier entry come before those of a later one."""
    expected = (a, i) < (b, j)
    assert id_less(clean_id(make_id(*a), i), clean_id(make_id(*b), j)) == expected


def test_clean_ids_fit_into_a_stream() -> None:
    """A million raw entries in one ms still leave room in 64 bits."""
    _, seq = id_parts(clean_id(make_id(1, 10**6), OUTPUTS_PER_ENTRY - 1))
    assert seq < 1 << 64


@pytest.mark.parametrize("text", [b"", b"5", b"5-", b"-1", b"a-b", b"1-2-3", b"(5-1"])
def test_what_is_no_id_is_refused(text: bytes) -> None:
    """Raises ValueError."""
    with pytest.raises(ValueError, match=r"."):
        id_parts(text)
