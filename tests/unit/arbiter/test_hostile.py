"""No bytes in raw make `decide` fail, and the state can always be saved."""

from __future__ import annotations

import math
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from mdhub.wire.codec import encode
from mdhub.wire.entries import ControlKind
from mdhub_arbiter.state import decode_state
from tests.unit.arbiter.builders import Desk, control_entry, raw, state_bytes

FIELDS = len(msgspec.to_builtins(raw()))
NUMBERS = st.one_of(
    st.sampled_from([math.nan, math.inf, -math.inf, 1.7976931348623157e308, -0.0, 5e-324]),
    st.integers(-(1 << 63), (1 << 64) - 1),
    st.floats(),
)
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, st.text(max_size=8), st.binary(max_size=8))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)
LEVELS = st.lists(
    st.tuples(st.one_of(st.none(), NUMBERS), st.one_of(st.none(), NUMBERS)), max_size=6
)
SYMBOLS = st.sampled_from(
    ["rb2701", "MA701", "SP m2701&m2705", "10008123", "IF2612", "x", "r" * 9999]
)
LIKE_NUMBERS = st.integers(min_value=8, max_value=FIELDS - 3)
MUTATIONS = st.lists(
    st.one_of(
        st.tuples(st.just(5), SYMBOLS),
        st.tuples(st.sampled_from([2, 3, 4, 10, 12]), st.integers(-(1 << 63), (1 << 64) - 1)),
        st.tuples(LIKE_NUMBERS, NUMBERS),
        st.tuples(st.sampled_from([FIELDS - 2, FIELDS - 1]), LEVELS),
        st.tuples(st.integers(0, FIELDS - 1), VALUES),
        st.tuples(st.sampled_from([1, 6, 7, 8, 9]), st.text(max_size=200)),
    ),
    max_size=5,
)  # fmt: skip
KINDS = st.one_of(st.sampled_from(list(ControlKind)), st.text(max_size=5))
NANOS = st.one_of(st.integers(-1, 4_000_000_000_000_000_001), NUMBERS)
BODIES = st.one_of(
    VALUES,
    st.lists(SCALARS, max_size=7),
    st.lists(NANOS, max_size=6),
    st.tuples(st.just("market_clock"), st.one_of(VALUES, st.tuples(NANOS, NANOS, NUMBERS))),
    st.tuples(NANOS, st.text(max_size=5), st.text(max_size=5), NANOS, NANOS, NANOS),
    st.tuples(NANOS, NANOS, st.text(max_size=5)),
)


def mutated(mutations: list[tuple[int, Any]]) -> list[bytes]:
    cells = list(msgspec.to_builtins(raw()))
    for place, value in mutations:
        cells[place] = value
    return [b"t", encode(cells)]


ENTRIES = st.one_of(
    st.builds(mutated, MUTATIONS),
    st.builds(control_entry, KINDS, BODIES),
    st.builds(lambda value: [b"t", encode(value)], VALUES),
    st.builds(lambda value: [b"c", encode(value)], VALUES),
    st.builds(
        lambda kind, bad: [b"c", encode([1, kind, "w", 1, 1, 0, None])[:-1] + bad],
        KINDS,
        st.one_of(st.binary(max_size=12), st.just(b"\x91" * 5_000 + b"\x01")),
    ),
    st.tuples(st.sampled_from([b"t", b"c", b"", b"x"]), st.binary(max_size=60)).map(list),
    st.lists(st.binary(max_size=5), max_size=4),
)


@settings(max_examples=400, deadline=None)
@given(st.lists(ENTRIES, max_size=12))
def test_no_entry_makes_decide_fail(entries: list[list[bytes]]) -> None:
    """Whatever stands in raw, each entry has an output or none, and the state can be saved."""
    desk = Desk()
    for fields in entries:
        desk.fold(fields)
    saved = state_bytes(desk.state)

    assert state_bytes(decode_state(saved[0], saved[1:])) == saved
