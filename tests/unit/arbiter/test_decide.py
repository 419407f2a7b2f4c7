"""What `decide` says of single entries: rules, repairs, clocks, leadership."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest

from mdhub.wire.codec import encode
from mdhub.wire.entries import ControlKind, LostRange, Verdict
from tests.unit.arbiter.builders import (
    DBL_MAX,
    SECOND_NS,
    WEDNESDAY,
    Desk,
    china_ns,
    clean_tick,
    clock_entry,
    control_entry,
    epoch_mark,
    lead_entry,
    market_clock_entry,
    outcome,
    raw,
    rejected_header,
    tick_entry,
)

FLT_MAX = 3.4028234663852886e38
NOW_NS = china_ns(WEDNESDAY)
LEAD = control_entry(ControlKind.LEAD, [1, "XX", "0-0", 0, 7, 1])


@pytest.mark.parametrize(
    ("reason", "fields"),
    [
        ("unknown_symbol", {"symbol": "xx2701"}),
        ("unknown_symbol", {"symbol": ""}),
        ("unknown_symbol", {"symbol": "rb2701 "}),
        ("wrong_exchange", {"exchange": "DCE"}),
        ("wrong_exchange", {"exchange": "NYSE"}),
        ("bad_time", {"update_time": "24:61:00"}),
        ("bad_time", {"update_time": ""}),
        ("bad_time", {"update_ms": 1_000}),
        ("bad_time", {"update_ms": -1}),
        ("time_ahead", {"update_time": "10:01:06"}),
        ("negative_volume", {"volume": -1}),
        ("no_last_although_traded", {"last": DBL_MAX}),
        ("no_last_although_traded", {"last": math.nan}),
        ("no_last_although_traded", {"last": None}),
        ("price_not_positive", {"last": -3000.0}),
        ("price_not_positive", {"last": 0.0}),
        ("above_limit", {"last": 3300.5}),
        ("below_limit", {"last": 2699.5}),
    ],
)
def test_what_cannot_be_true_is_rejected(reason: str, fields: dict[str, Any]) -> None:
    """Each hard rule rejects with its own reason and names the source."""
    desk = Desk()
    before = desk.state.n
    out = desk.see(**fields)
    header = rejected_header(out)

    assert (header.verdict, header.reason, header.source) == (Verdict.REJECT, reason, "A")
    assert desk.state.reasons == {reason: 1}
    assert desk.state.sources["A"].rejected == 1
    assert desk.state.n == before


def test_a_rejected_tick_does_not_hide_the_true_one() -> None:
    """A corrupt copy moves no mark: the good copy is accepted after it."""
    desk = Desk()
    for fields in ({"exchange": "DCE"}, {"last": 9e9}, {"volume": -1}, {"update_time": "10:30:00"}):
        assert desk.says(**fields) != "clean"
    assert desk.says(source="B") == "clean"


def test_a_rejected_tick_is_kept_as_it_came() -> None:
    """The rejected payload is the raw payload, byte for byte."""
    entry = tick_entry(raw(volume=-1))
    out = Desk().fold(entry)
    assert not isinstance(out, msgspec.Raw)
    assert out is not None
    assert out.payload == entry[1]


def test_ticks_may_be_a_little_ahead() -> None:
    """65 s ahead of market time is still taken for a fast clock."""
    assert Desk().says("10:01:05.000") == "clean"


def test_a_fast_market_clock_widens_what_is_ahead() -> None:
    """At rate 60 five seconds of wall time are five minutes of market time."""
    desk = Desk()
    desk.fold(market_clock_entry(NOW_NS, NOW_NS, 60.0))
    assert desk.says("10:06:00.000") == "clean"
    assert desk.says("10:06:00.001") == "time_ahead"


@pytest.mark.parametrize(
    "nothing", [DBL_MAX, -DBL_MAX, FLT_MAX, math.nan, math.inf, -math.inf, None]
)
def test_every_way_of_saying_no_value_is_nil_in_clean(nothing: float | None) -> None:
    """DBL_MAX, FLT_MAX, NaN and infinities never reach a strategy."""
    prices = (
        "turnover", "open_interest", "open", "high", "low", "close", "settlement", "pre_close",
        "pre_settlement", "pre_open_interest", "limit_up", "limit_down", "average",
    )  # fmt: skip
    fields: dict[str, Any] = dict.fromkeys(prices, nothing)
    levels = [(nothing, 0), (2999.0, 5)]
    tick = clean_tick(Desk().see(**fields, last=nothing, volume=0, bids=levels, asks=levels))

    assert [getattr(tick, name) for name in ("last", *prices)] == [None] * 14
    assert tick.bids == tick.asks == [(None, 0), (2999.0, 5)]


@pytest.mark.parametrize("volume", [0, None])
@pytest.mark.parametrize("last", [None, DBL_MAX, 0.0])
def test_quotes_of_options_that_never_traded_are_accepted(
    volume: int | None, last: float | None
) -> None:
    """An option quoted all day without a trade has no last price; its quotes are news."""
    desk = Desk()
    quote: dict[str, Any] = {"symbol": "10008123", "exchange": "", "volume": volume, "last": last}
    first = clean_tick(desk.see("10:00:00.000", **quote, bids=[(0.1, 1)]))
    second = clean_tick(desk.see("10:00:00.500", **quote, bids=[(0.2, 1)]))

    assert (first.exchange, first.volume, second.bids) == ("SSE", volume, [(0.2, 1)])


@pytest.mark.parametrize("last", [0.0, -35.0])
def test_combinations_may_cost_nothing_or_less(last: float) -> None:
    """The price of a spread is a difference."""
    spread: dict[str, Any] = {
        "symbol": "SP m2701&m2705",
        "exchange": "DCE",
        "limit_up": 90.0,
        "limit_down": -90.0,
    }
    tick = clean_tick(Desk().see(**spread, last=last, volume=12))
    assert tick.last == last


@pytest.mark.parametrize(
    "fields",
    [
        {"last": 3300.0, "bids": [(3300.0, 9_000)], "asks": []},
        {"last": 3300.0, "bids": [(3300.0, 9_000)], "asks": [(DBL_MAX, 0)]},
        {"last": 2700.0, "bids": [], "asks": [(2700.0, 9_000)]},
        {"limit_up": 0.0, "limit_down": 0.0},
        {"limit_up": DBL_MAX, "limit_down": DBL_MAX},
        {"limit_up": math.nan, "limit_down": None},
    ],
)
def test_a_market_locked_at_its_limit_is_accepted(fields: dict[str, Any]) -> None:
    """At the limit one side of the book is empty; limits may be missing altogether."""
    assert Desk().says(**fields) == "clean"


def test_a_tick_without_exchange_gets_the_one_of_its_symbol() -> None:
    """Fronts often leave ExchangeID empty."""
    assert clean_tick(Desk().see(exchange="")).exchange == "SHFE"


def test_a_clean_tick_says_what_the_raw_one_said() -> None:
    """Values that are values pass unchanged, with the source and receive time of the copy."""
    sent = raw("10:00:00.500", recv_ns=NOW_NS + 5, source="B")
    tick = clean_tick(Desk().fold(tick_entry(sent)))

    same = ("symbol", "last", "volume", "turnover", "open_interest", "high", "bids", "asks")
    assert [getattr(tick, name) for name in same] == [getattr(sent, name) for name in same]
    assert (tick.source, tick.recv_ns, tick.flags) == ("B", NOW_NS + 5, 0)
    assert (tick.ts_ns, tick.trading_day) == (NOW_NS + SECOND_NS // 2, 20261118)


def test_a_wrong_receive_time_is_counted_and_harms_nothing() -> None:
    """A source whose clock is off by 2 s or more is marked; its ticks still count."""
    desk = Desk()
    assert desk.says("10:00:00.000", recv_ns=NOW_NS + 2 * SECOND_NS) == "clean"
    assert desk.says("10:00:00.500", recv_ns=NOW_NS - SECOND_NS) == "clean"
    assert desk.says("10:00:01.000", recv_ns=-(1 << 63)) == "clean"
    assert desk.state.sources["A"].clock_faults == 2
    assert desk.state.log_ns == NOW_NS


@pytest.mark.parametrize(
    "fields",
    [
        [b"t", b""],
        [b"t", b"\xc1"],
        [b"t", encode([1, "A"])],
        [b"t", encode(["1", *msgspec.to_builtins(raw())[1:]])],
        [b"t", encode(raw())[:-1]],
        [b"c", b"\xff\xff"],
        [b"c", encode([1, "clock"])],
        control_entry(ControlKind.CLOCK, [-1]),
        control_entry(ControlKind.CLOCK, ["soon"]),
        control_entry(ControlKind.LEAD, [1]),
        control_entry(ControlKind.CONFIG, ["market_clock", [0, 0, -1.0]]),
        control_entry(ControlKind.CONFIG, ["market_clock", [0, 0, math.nan]]),
        control_entry(ControlKind.CALENDAR, ["monday"]),
        control_entry(ControlKind.CALENDAR, list(range(20_000))),
        control_entry(ControlKind.LOST, [2, 1, "ends before it begins"]),
        [b"c", LEAD[1].replace(b"XX", b"\xff\xfe")],
    ],
)  # fmt: skip
def test_undecodable_bytes_are_an_ordinary_rejection(fields: list[bytes]) -> None:
    """Poison in raw is written to rejected and changes nothing else."""
    desk = Desk()
    before = (desk.state.log_ns, desk.state.epoch, desk.state.n)

    assert outcome(desk.fold(fields)) == "undecodable"
    assert (desk.state.log_ns, desk.state.epoch, desk.state.n) == before
    assert desk.says() == "clean"


@pytest.mark.parametrize("fields", [[], [b"t"], [b"x", b"y"], [b"t", b"1", b"c", b"2"]])
def test_entries_of_unknown_shape_are_rejected(fields: list[bytes]) -> None:
    """An entry that is neither tick nor control keeps all its bytes."""
    out = Desk().fold(fields)
    assert out is not None
    assert (outcome(out), out.payload) == ("unknown_field", b"".join(fields))


@pytest.mark.parametrize("kind", ["tomorrow", "weather"])
def test_control_entries_of_later_versions_are_passed_over(kind: str) -> None:
    """Kinds that this version does not know change nothing."""
    desk = Desk()
    assert desk.fold(control_entry(kind, {"any": ["thing"]})) is None
    assert desk.fold(control_entry(ControlKind.CONFIG, ["unknown", 5])) is None
    assert desk.says() == "clean"


def test_log_time_never_goes_back() -> None:
    """A clock or leadership entry from behind moves nothing."""
    desk = Desk()
    desk.fold(clock_entry(NOW_NS + SECOND_NS))
    desk.fold(clock_entry(NOW_NS - 3_600 * SECOND_NS))
    desk.fold(lead_entry(0))
    assert desk.state.log_ns == desk.state.market_ns == NOW_NS + SECOND_NS


def test_log_time_may_jump_ahead() -> None:
    """After a long silence the clock goes on from where it is."""
    desk = Desk().at("2027-03-01 10:00:00")
    assert desk.state.market_ns == china_ns("2027-03-01 10:00:00")


def test_ticks_do_not_move_log_time() -> None:
    """Only clock and leadership entries do."""
    desk = Desk()
    desk.see("10:00:30.000", recv_ns=NOW_NS + 30 * SECOND_NS)
    assert desk.state.log_ns == NOW_NS


@pytest.mark.parametrize(("rate", "passed_s"), [(1.0, 2), (60.0, 120), (0.0, 0), (0.5, 1)])
def test_market_time_follows_the_market_clock(rate: float, passed_s: int) -> None:
    """Two seconds of log time are two times the rate of market time."""
    market_ns = china_ns("2017-11-13 09:30:00")
    desk = Desk()
    desk.fold(market_clock_entry(market_ns, NOW_NS, rate))
    desk.fold(clock_entry(NOW_NS + 2 * SECOND_NS))

    assert desk.state.market_ns == market_ns + passed_s * SECOND_NS
    assert clean_tick(desk.see("09:30:00", symbol="rb1801")).trading_day == 20171113


def test_a_market_clock_set_back_begins_anew() -> None:
    """Marks of an earlier run at a later market time do not make the new run's ticks late."""
    desk = Desk()
    first = clean_tick(desk.see("10:00:00", volume=500))
    desk.fold(market_clock_entry(NOW_NS - 1_800 * SECOND_NS, NOW_NS, 1.0, "second"))
    again = desk.see("09:30:00", volume=3)

    assert clean_tick(again).volume == 3
    assert first.ts_ns > clean_tick(again).ts_ns
    assert desk.state.instruments["rb2701"].k == 2


def test_the_first_leader_opens_the_epoch() -> None:
    """The first clean entry says which epoch begins, after nothing."""
    desk_entry = lead_entry(NOW_NS, epoch=77, incarnation="first")
    mark = epoch_mark(Desk.bare().fold(desk_entry))
    assert (mark.epoch, mark.resume_after_n, mark.incarnation) == (77, 0, "first")


def test_a_take_over_in_the_same_server_is_not_seen_in_clean() -> None:
    """Same incarnation, same epoch: nothing was withdrawn, nothing is said."""
    desk = Desk()
    assert desk.fold(lead_entry(NOW_NS)) is None


@pytest.mark.parametrize(("epoch", "incarnation"), [(7, "server-2"), (8, "server-1")])
def test_a_new_server_or_epoch_is_marked_and_numbers_go_on(epoch: int, incarnation: str) -> None:
    """The marker takes the next n; k and n never restart."""
    desk = Desk()
    desk.see("10:00:00")
    mark = epoch_mark(desk.fold(lead_entry(NOW_NS, epoch=epoch, incarnation=incarnation)))
    out = desk.see("10:00:01")

    assert (mark.epoch, mark.resume_after_n, mark.incarnation) == (epoch, 2, incarnation)
    assert outcome(out) == "clean"
    assert (desk.state.n, desk.state.instruments["rb2701"].k) == (4, 2)


def test_what_sources_lost_is_counted() -> None:
    """A `lost` entry counts the ticks its writer had to drop, and outputs nothing."""
    desk = Desk()
    for _ in range(2):
        lost = control_entry(ControlKind.LOST, LostRange(5, 9, "away"), writer="B")
        assert desk.fold(lost) is None
    assert desk.state.sources["B"].lost == 10


def test_absurd_losses_do_not_break_the_state() -> None:
    """Counters stay within what a snapshot can hold."""
    desk = Desk()
    for _ in range(9):
        lost = control_entry(ControlKind.LOST, LostRange(0, 4 * 10**18, "absurd"), writer="B")
        desk.fold(lost)
    assert desk.state.sources["B"].lost < 1 << 63


def test_nothing_is_known_at_first() -> None:
    """An empty state answers ticks too; without a leader market time is 1970."""
    assert Desk.bare().says("08:00:00", symbol="cu2701") == "clean"
