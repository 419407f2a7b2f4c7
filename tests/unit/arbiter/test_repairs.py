"""Repaired values: nil in clean, flagged, and the same snapshot as a good copy."""

from __future__ import annotations

import math
from typing import Any

import pytest

from mdhub.wire.ticks import Flag
from mdhub_arbiter.identity import sighting_of
from tests.unit.arbiter.builders import DBL_MAX, Desk, clean_tick, raw

FLT_MAX = 3.4028234663852886e38
NO_VALUES = (DBL_MAX, FLT_MAX, math.nan, math.inf, -math.inf)
BROKEN_BOOKS: dict[str, dict[str, Any]] = {
    "negative size": {"bids": [(2999.0, -5)]},
    "lots at no price": {"bids": [(DBL_MAX, 5)]},
    "not a number": {"asks": [(math.nan, 7)]},
    "infinite, nobody there": {"asks": [(math.inf, 0)]},
}
ORDINARY: dict[str, dict[str, Any]] = {
    "no close yet": {"close": DBL_MAX, "settlement": DBL_MAX},
    "first day": {"pre_close": DBL_MAX},
    "no limits": {"limit_up": DBL_MAX, "limit_down": DBL_MAX},
    "empty side": {"asks": [(DBL_MAX, 0)]},
    "not traded": {"volume": 0, "last": DBL_MAX, "open": DBL_MAX, "average": DBL_MAX},
    "not sent": {"turnover": None, "open": None, "average": None, "bids": []},
}


@pytest.mark.parametrize("number", NO_VALUES, ids=str)
@pytest.mark.parametrize("field", ["open", "high", "low", "turnover", "average"])
def test_a_missing_value_of_a_traded_contract_is_a_repair(field: str, number: float) -> None:
    """The value is nil, and the tick says that something was replaced."""
    tick = clean_tick(Desk().see("10:00:00.000", **{field: number}))
    assert (getattr(tick, field), tick.flags) == (None, Flag.VALUE_REPAIRED)


@pytest.mark.parametrize("number", NO_VALUES[1:], ids=str)
@pytest.mark.parametrize("field", ["close", "settlement", "pre_close", "limit_up", "open_interest"])
def test_no_value_is_said_by_dbl_max_only(field: str, number: float) -> None:
    """Another way to say it is a mistake of the front."""
    tick = clean_tick(Desk().see("10:00:00.000", **{field: number}))
    assert (getattr(tick, field), tick.flags) == (None, Flag.VALUE_REPAIRED)


@pytest.mark.parametrize("fields", ORDINARY.values(), ids=ORDINARY)
def test_what_exchanges_leave_out_is_no_repair(fields: dict[str, Any]) -> None:
    """No flag where the market itself has no value."""
    assert clean_tick(Desk().see(**fields)).flags == 0


@pytest.mark.parametrize("fields", BROKEN_BOOKS.values(), ids=BROKEN_BOOKS)
@pytest.mark.parametrize("symbol", ["rb2701", "MA701"])
def test_a_broken_level_is_empty_and_its_good_copy_a_duplicate(
    fields: dict[str, Any], symbol: str
) -> None:
    """On every exchange, whichever of the two comes first."""
    listed = {"symbol": symbol, "exchange": ""}
    desk = Desk()
    broken = clean_tick(desk.see(source="A", **listed, **fields))
    side = "bids" if "bids" in fields else "asks"
    assert (getattr(broken, side), broken.flags) == ([(None, 0)], Flag.VALUE_REPAIRED)
    assert desk.says(source="B", **listed) == "duplicate"

    desk = Desk()
    assert desk.says(source="B", **listed) == "clean"
    assert desk.says(source="A", **listed, **fields) == "duplicate"


def test_a_broken_level_hides_nothing_but_itself() -> None:
    """Another price at the same time contradicts; on CZCE it is the next snapshot."""
    desk = Desk()
    desk.see(source="A", bids=[(2999.0, -5)])
    assert desk.says(source="B", open_interest=2e6) == "conflict"
    czce = {"symbol": "MA701", "exchange": ""}
    desk.see(source="A", **czce, bids=[(2999.0, -5)])
    assert desk.says(source="B", **czce, open_interest=2e6) == "clean"


def test_an_empty_side_is_empty_whatever_price_it_is_said_with() -> None:
    """DBL_MAX, zero and nil with no lots are one snapshot."""
    desk = Desk()
    assert desk.says(source="A", asks=[(DBL_MAX, 0)]) == "clean"
    assert desk.says(source="B", asks=[(0.0, 0)]) == "duplicate"


def test_a_repaired_tick_that_is_read_back_still_fits_its_good_copy() -> None:
    """Recovery without raw knows a contract by its newest clean tick."""
    desk = Desk()
    repaired = clean_tick(desk.see(bids=[(2999.0, -5)]))
    seen = desk.state.instruments["rb2701"]
    assert (
        sighting_of(repaired).identity
        == seen.identity
        != sighting_of(clean_tick(desk.see("10:00:01.000"))).identity
    )
    assert raw().bids  # the template has a good one
