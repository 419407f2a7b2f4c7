"""From what a gateway delivers to the fields of a RawTick; no gateway and no front is needed."""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from mdhub.market.snapshot import NO_VALUE
from mdhub.wire.codec import decode_raw_tick, encode
from mdhub.wire.ticks import CHINA_TIME, SCHEMA_VERSION, RawTick
from mdhub_ingest.gateways.capture import Capture
from tests.gateways.front.market import tick

FIELDS = [field.name for field in msgspec.structs.fields(RawTick)][5:]


class Taken:
    """A capture and what it hands on, as dicts by RawTick's names."""

    def __init__(self, *, none: frozenset[float] = frozenset()) -> None:
        self.ticks: list[dict[str, Any]] = []
        self.received: list[int] = []
        self.capture = Capture(none=none)
        self.capture.take = self._take

    def _take(self, recv_ns: int, fields: tuple[Any, ...]) -> None:
        self.received.append(recv_ns)
        self.ticks.append(dict(zip(FIELDS, fields, strict=True)))

    def depth(self, **changes: Any) -> dict[str, Any]:
        self.capture.on_depth({**tick("rb2610"), **changes})
        return self.ticks[-1]


@pytest.fixture
def taken() -> Taken:
    return Taken()


def test_every_field_stands_where_the_wire_has_it(taken: Taken) -> None:
    """All of a snapshot's fields with a value of their own, as a RawTick that decodes."""
    names = {
        "symbol": "InstrumentID", "exchange": "ExchangeID", "trading_day": "TradingDay",
        "action_day": "ActionDay", "update_time": "UpdateTime", "update_ms": "UpdateMillisec",
        "last": "LastPrice", "volume": "Volume", "turnover": "Turnover",
        "open_interest": "OpenInterest", "open": "OpenPrice", "high": "HighestPrice",
        "low": "LowestPrice", "close": "ClosePrice", "settlement": "SettlementPrice",
        "pre_close": "PreClosePrice", "pre_settlement": "PreSettlementPrice",
        "pre_open_interest": "PreOpenInterest", "limit_up": "UpperLimitPrice",
        "limit_down": "LowerLimitPrice", "average": "AveragePrice",
    }  # fmt: skip
    sent: dict[str, Any] = {theirs: 1000.5 + n for n, theirs in enumerate(names.values())}
    sent |= {"InstrumentID": "rb2610", "ExchangeID": "SHFE", "TradingDay": "20261123"}
    sent |= {"ActionDay": "20261120", "UpdateTime": "21:03:17", "UpdateMillisec": 62, "Volume": 7}
    got = taken.depth(**sent)
    assert {ours: got[ours] for ours in names} == {o: sent[t] for o, t in names.items()}
    raw = RawTick(SCHEMA_VERSION, "A", 1, 1, taken.received[0], *got.values())
    assert decode_raw_tick(encode(raw)) == raw


@pytest.mark.parametrize("ms", [0, 5, 62, 99, 500, 937])
def test_milliseconds_stay_numbers(taken: Taken, ms: int) -> None:
    """5 ms are 5 ms, not 500."""
    assert taken.depth(UpdateMillisec=ms)["update_ms"] == ms


@pytest.mark.parametrize("value", [NO_VALUE, math.inf, -math.inf, -1.5, 0.0])
def test_odd_numbers_pass_as_received(taken: Taken, value: float) -> None:
    """Sorting them out is the arbiter's work."""
    got = taken.depth(LastPrice=value, BidPrice1=value, UpperLimitPrice=value)
    assert (got["last"], got["limit_up"], got["bids"]) == (value, value, [(value, 42)])


def test_nan_passes_as_received(taken: Taken) -> None:
    """It is no number, and no error either."""
    assert math.isnan(taken.depth(LastPrice=math.nan)["last"])


def test_empty_texts_pass_as_received(taken: Taken) -> None:
    """Fronts leave dates and exchange empty."""
    got = taken.depth(ActionDay="", TradingDay="", UpdateTime="", ExchangeID="")
    assert [got[n] for n in ("action_day", "trading_day", "update_time", "exchange")] == [""] * 4


@pytest.mark.parametrize(
    ("filled", "levels"), [((1,), 1), ((1, 2), 2), ((1, 2, 3, 4, 5), 5), ((1, 3), 3), ((), 1)]
)
def test_levels_go_as_deep_as_the_front_fills_them(
    taken: Taken, filled: tuple[int, ...], levels: int
) -> None:
    """Unfilled levels at the end are left out, a hole in between and level 1 are not."""
    book: dict[str, Any] = {}
    for level in range(1, 6):
        price, volume = (10.0 * level, level) if level in filled else (NO_VALUE, 0)
        book |= {f"BidPrice{level}": price, f"BidVolume{level}": volume}
    got = taken.depth(**book)
    assert got["bids"] == [
        (book[f"BidPrice{n}"], book[f"BidVolume{n}"]) for n in range(1, levels + 1)
    ]
    assert got["asks"] == [(3012.0, 17)]


def test_levels_of_zeroes_are_unfilled_and_levels_with_a_price_are_not(taken: Taken) -> None:
    """Some fronts send 0 for no level; a price with volume 0 stays."""
    got = taken.depth(BidPrice2=9.0, BidVolume2=0, BidPrice3=0.0, BidVolume3=0, AskPrice2=0.0)
    assert got["bids"] == [(3011.0, 42), (9.0, 0)]
    assert got["asks"] == [(3012.0, 17)]


def test_missing_fields_are_counted_by_name_and_the_tick_is_taken(taken: Taken) -> None:
    """A gateway of another version may lack a field."""
    data = {**tick("rb2610")}
    del data["AveragePrice"], data["AskVolume1"], data["ActionDay"]
    taken.capture.on_depth(data)
    got = taken.ticks[0]
    assert (got["average"], got["asks"], got["action_day"]) == (None, [(3012.0, 0)], "")
    assert taken.capture.unread == {
        "tick_lacks:AveragePrice": 1, "tick_lacks:AskVolume1": 1, "tick_lacks:ActionDay": 1,
    }  # fmt: skip


@pytest.mark.parametrize(("sent", "got"), [("62", 62), (62.0, 62), ("x", 0), (None, 0)])
def test_odd_milliseconds_are_counted_and_mended(taken: Taken, sent: Any, got: int) -> None:
    """The wire wants an integer."""
    assert taken.depth(UpdateMillisec=sent)["update_ms"] == got
    assert taken.capture.unread == {"tick_odd:UpdateMillisec": 1}


@pytest.mark.parametrize("data", [{}, None, {"InstrumentID": ""}])
def test_what_is_no_tick_is_counted_and_raises_nothing(taken: Taken, data: Any) -> None:
    """NULL from the vendor arrives as an empty dict."""
    taken.capture.on_depth(data)
    assert (taken.ticks, taken.capture.ticks) == ([], 0)
    assert taken.capture.unread.total() >= 1


def test_a_taker_that_raises_is_counted(taken: Taken) -> None:
    """Nothing leaves the callback, and the next tick is taken."""

    def raises(recv_ns: int, fields: tuple[Any, ...]) -> None:
        raise OSError("full")

    good, taken.capture.take = taken.capture.take, raises
    taken.capture.on_depth(tick("rb2610"))
    taken.capture.take = good
    taken.capture.on_depth(tick("rb2610"))
    assert (taken.capture.unread, taken.capture.ticks) == ({"tick_fault:OSError": 1}, 1)


def test_the_receive_time_is_the_wall_clock_at_the_callback(taken: Taken) -> None:
    """Stamped inside, in ns."""
    before_ns = time.time_ns()
    taken.depth()
    assert before_ns <= taken.received[0] <= time.time_ns()
    assert taken.capture.last_recv_ns == taken.received[0]


def test_firsts_tell_each_instrument_once_until_forgotten(taken: Taken) -> None:
    """What is no value is None."""
    taken.depth(PreOpenInterest=NO_VALUE)
    taken.depth()
    taken.depth(InstrumentID="cu2610")
    firsts = taken.capture.firsts()
    assert [first.symbol for first in firsts] == ["rb2610", "cu2610"]
    assert (firsts[0].pre_open_interest, firsts[0].last) == (None, 3012.0)
    assert firsts[1].pre_open_interest == 1500000.0
    assert taken.capture.firsts() == []
    taken.capture.forget_firsts()
    taken.depth()
    assert [first.symbol for first in taken.capture.firsts()] == ["rb2610"]
    taken.capture.forget(["rb2610", "nix"])
    taken.depth()
    taken.depth(InstrumentID="cu2610")
    assert [first.symbol for first in taken.capture.firsts()] == ["rb2610", "cu2610"]


def at(behind_s: float) -> dict[str, Any]:
    moment = datetime.now(CHINA_TIME) - timedelta(seconds=behind_s)
    return {"UpdateTime": f"{moment:%H:%M:%S}", "UpdateMillisec": moment.microsecond // 1000}


def test_the_age_is_that_of_the_freshest_tick(taken: Taken) -> None:
    """Old snapshots, of today or yesterday, do not count; looking changes nothing."""
    assert taken.capture.age_ms() is None
    for behind_s in (5_000.0, 3.0, 40_000.0, -20_000.0):
        taken.depth(**at(behind_s))
    age_ms = taken.capture.age_ms()
    assert age_ms is not None and 3_000 <= age_ms < 6_000
    assert taken.capture.age_ms() == age_ms


def test_a_clock_that_is_ahead_gives_a_negative_age(taken: Taken) -> None:
    """Up to a minute."""
    taken.depth(**at(-10))
    age_ms = taken.capture.age_ms()
    assert age_ms is not None and -10_001 <= age_ms < -5_000


def test_an_unreadable_time_has_no_age(taken: Taken) -> None:
    """Nor does it disturb the tick."""
    for text in ("", "noon", "12:00", "aa:bb:cc"):
        assert taken.depth(UpdateTime=text)["update_time"] == text
    assert (taken.capture.age_ms(), taken.capture.unread) == (None, {})


def vnpy_tick(**changes: Any) -> SimpleNamespace:
    """Build what has the fields of vnpy's TickData."""
    names = [
        "volume", "turnover", "open_interest", "last_price", "last_volume", "limit_up",
        "limit_down", "open_price", "high_price", "low_price", "pre_close",
    ]  # fmt: skip
    sides = [
        f"{s}_{w}_{n}" for s in ("bid", "ask") for w in ("price", "volume") for n in range(1, 6)
    ]
    fields: dict[str, Any] = dict.fromkeys([*names, *sides], 0.0)
    fields |= {"symbol": "SPY-USD-STK", "exchange": SimpleNamespace(value="SMART")}
    fields |= {"datetime": datetime(2026, 11, 20, 14, 30, 0, 62_999, UTC)}
    return SimpleNamespace(**fields | changes)


def test_a_tickdata_tells_its_moment_in_china_time() -> None:
    """Whole milliseconds, the day as action day, nothing invented."""
    taken = Taken(none=frozenset({0.0}))
    taken.capture.on_tick(vnpy_tick(last_price=512.25, volume=7.0, bid_price_1=512.0))
    got = taken.ticks[0]
    assert (got["symbol"], got["exchange"], got["trading_day"]) == ("SPY-USD-STK", "SMART", "")
    assert (got["action_day"], got["update_time"], got["update_ms"]) == ("20261120", "22:30:00", 62)
    assert (got["last"], got["volume"], got["open"], got["settlement"]) == (512.25, 7, None, None)
    assert (got["bids"], got["asks"]) == ([(512.0, 0)], [(None, 0)])


def test_partial_ticks_of_ib_have_no_value_where_nothing_was_told() -> None:
    """-1 and 0 are none."""
    taken = Taken(none=frozenset({0.0, -1.0}))
    taken.capture.on_tick(
        vnpy_tick(last_price=-1.0, volume=-1.0, bid_price_1=-1.0, bid_volume_1=-1)
    )
    got = taken.ticks[0]
    assert (got["last"], got["volume"], got["bids"]) == (None, None, [(None, None)])


def test_a_tickdata_without_a_moment_is_taken_without_one() -> None:
    """The arbiter says what becomes of it."""
    taken = Taken()
    taken.capture.on_tick(vnpy_tick(datetime=None))
    assert (taken.ticks[0]["update_time"], taken.ticks[0]["action_day"]) == ("", "")


def test_what_is_no_tickdata_is_counted() -> None:
    """An exception in a gateway's thread would end it."""
    taken = Taken()
    taken.capture.on_tick(object())
    assert taken.capture.unread == {"tick_fault:AttributeError": 1}
