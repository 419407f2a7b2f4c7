"""Times of ticks in `decide`: dates, sessions, repairs, and the calendar from the log."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mdhub.calendar import Calendar
from mdhub.calendar.encoding import Gathering
from mdhub.wire.entries import ControlKind
from mdhub.wire.ticks import CleanTick, Flag
from mdhub_arbiter.state import decode_state
from mdhub_arbiter.timing import time_of_day_ns
from tests.unit.arbiter.builders import (
    SECOND_NS,
    Desk,
    china_ns,
    clean_tick,
    control_entry,
    outcome,
    state_bytes,
)
from tests.unit.calendar.test_encoding import BIG

HOUR_NS = 3_600 * SECOND_NS
CALENDAR = Calendar.load()


def desk_at(market: str, calendar: Calendar = CALENDAR) -> Desk:
    """A desk whose log has a calendar."""
    desk = Desk(market)
    for part in calendar.parts:
        assert desk.fold(control_entry(ControlKind.CALENDAR, msgspec.Raw(part))) is None
    return desk


def seen(market: str, time: str, **fields: Any) -> CleanTick:
    """What becomes of one tick that comes at a moment."""
    sent = {"exchange": "", "trading_day": "", "action_day": ""} | fields
    return clean_tick(desk_at(market).see(time, **sent))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("00:00:00", 0), ("09:30:05", 34_205), ("23:59:59", 86_399)],
)
def test_a_time_of_day_is_read(text: str, seconds: int) -> None:
    """HH:MM:SS becomes nanoseconds since midnight."""
    assert time_of_day_ns(text) == seconds * SECOND_NS


@pytest.mark.parametrize(
    "text",
    ["", "9:30:05", "24:00:00", "09:60:00", "09:30:60", "09-30-05", "09:30:05.1", "09:3a:05",
     "+9:30:05", " 9:30:05", "１２:30:05", "²²:30:05", "09:30:5 "],
)  # fmt: skip
def test_what_is_no_time_of_day_is_refused(text: str) -> None:
    """Neither impossible times nor foreign digits are taken for a time."""
    assert time_of_day_ns(text) is None


@settings(deadline=None)
@given(st.text(max_size=10))
def test_any_text_is_a_time_or_is_not(text: str) -> None:
    """No text makes the reader fail."""
    found = time_of_day_ns(text)
    assert found is None or 0 <= found < 24 * HOUR_NS


@pytest.mark.parametrize(
    ("market", "symbol", "time", "moment", "day"),
    [
        ("2026-11-20 21:30:00", "ag2702", "21:30:00.500", "2026-11-20 21:30:00.500", 20261123),
        ("2026-11-21 00:00:30", "ag2702", "23:59:59.500", "2026-11-20 23:59:59.500", 20261123),
        ("2026-11-23 08:30:00", "i2701", "22:59:59.817", "2026-11-20 22:59:59.817", 20261123),
        ("2026-11-18 08:30:00", "MA701", "22:59:59", "2026-11-17 22:59:59", 20261118),
        ("2026-11-18 08:30:00", "jd2701", "15:00:00", "2026-11-17 15:00:00", 20261117),
        ("2026-11-18 15:36:15", "IF2612", "15:36:15", "2026-11-18 15:36:15", 20261118),
        ("2026-10-08 09:00:00", "rb2701", "08:59:00", "2026-10-08 08:59:00", 20261008),
    ],
)
def test_a_tick_gets_its_date_by_session_logic(
    market: str, symbol: str, time: str, moment: str, day: int
) -> None:
    """Live, at midnight, over the weekend, at a login in the morning, after the close."""
    tick = seen(market, time, symbol=symbol)
    assert (tick.ts_ns, tick.trading_day) == (china_ns(moment), day)


@pytest.mark.parametrize(
    ("market", "symbol", "time", "reason"),
    [
        ("2026-11-18 12:00:00", "rb2701", "12:00:00", "out_of_session"),
        ("2026-11-18 19:32:00", "rb2701", "19:32:00", "out_of_session"),
        ("2026-11-21 10:00:00", "rb2701", "10:00:00", "out_of_session"),
        ("2026-11-18 09:00:00", "AP701", "19:29:00", "out_of_session"),
        ("2026-09-30 21:00:00", "rb2701", "21:00:00", "out_of_session"),
        ("2026-11-18 21:30:00", "jd2701", "21:30:00", "out_of_session"),
        ("2026-11-18 09:10:00", "IF2612", "09:10:00", "out_of_session"),
        ("2026-11-18 10:00:00", "rb2701", "10:30:00", "time_ahead"),
        ("2027-01-04 10:00:00", "rb2701", "10:00:00", "outside_calendar"),
    ],
)
def test_a_tick_that_cannot_be_now_is_rejected(
    market: str, symbol: str, time: str, reason: str
) -> None:
    """Each with its reason, counted."""
    desk = desk_at(market)
    assert desk.says(time, symbol=symbol, exchange="") == reason
    assert desk.state.reasons == {reason: 1}


@pytest.mark.parametrize(
    ("symbol", "time"),
    [
        ("rb2701", "08:59:00.500"), ("rb2701", "20:59:00.500"), ("IF2612", "09:29:00.400"),
        ("IF2612", "11:30:00.200"), ("IF2612", "15:00:00.400"), ("i2701", "15:00:25.000"),
        ("rb2701", "10:15:00.500"), ("ag2702", "02:30:00.500"), ("10008123", "14:58:00"),
        ("IF2612", "15:44:33"), ("ru2701", "15:22:06.500"),
    ],
)  # fmt: skip
def test_true_ticks_outside_continuous_trading_pass(symbol: str, time: str) -> None:
    """Auctions a minute early, the bell's last tick, settlement updates."""
    day = "2026-11-17" if time.startswith("20") else "2026-11-18"
    assert seen(f"{day} {time.partition('.')[0]}", time, symbol=symbol).ts_ns


def test_the_nights_replay_in_the_morning_is_late() -> None:
    """What is pushed again at 08:30 stays behind the mark, however often."""
    desk = desk_at("2026-11-20 21:00:00")
    times = [f"21:0{minute}:00" for minute in range(5)]
    for volume, time in enumerate(times):
        desk.at(f"2026-11-20 {time}")
        assert desk.says(time, volume=volume) == "clean"
    desk.at("2026-11-23 08:30:00")
    replayed = [desk.says(time, volume=volume) for volume, time in enumerate(times)]
    assert replayed == ["late"] * 4 + ["duplicate"]
    desk.at("2026-11-23 09:00:00")
    assert clean_tick(desk.see("09:00:00", volume=9)).trading_day == 20261123


def test_after_the_close_only_settlement_updates_pass() -> None:
    """Volume stands still; what trades after the bell does not exist."""
    desk = desk_at("2026-11-18 14:59:59")
    assert desk.says("14:59:59", volume=100) == "clean"
    desk.at("2026-11-18 15:22:06")
    assert desk.says("15:22:06", volume=101) == "out_of_session"
    tick = clean_tick(desk.see("15:22:06.500", volume=100, settlement=3005.0))

    assert tick.flags & Flag.SETTLEMENT
    assert (tick.settlement, tick.trading_day) == (3005.0, 20261118)
    assert desk.says("15:22:06.500", volume=100, settlement=3005.0) == "duplicate"


@pytest.mark.parametrize(
    ("symbol", "exchange", "trading_day", "action_day", "repaired"),
    [
        ("i2701", "DCE", "20261123", "20261123", False),
        ("MA701", "CZCE", "20261120", "20261120", False),
        ("MA702", "", "", "", False),
        ("cu2701", "SHFE", "20261123", "20261120", False),
        ("cu2701", "SHFE", "99999999", "yesterday", True),
        ("cu2701", "SHFE", "20261123", "20261123", True),
        ("cu2701", "SHFE", "20261120", "20261120", True),
        ("MA701", "CZCE", "20261123", "20261123", True),
        ("i2701", "DCE", "20261124", "20261120", True),
    ],
)
def test_dates_of_fronts_are_replaced_and_said_to_be(
    symbol: str, exchange: str, trading_day: str, action_day: str, *, repaired: bool
) -> None:
    """Conventions of an exchange (DCE's action day, CZCE's trading day) are no repair."""
    tick = seen(
        "2026-11-20 21:30:00", "21:29:59", symbol=symbol, exchange=exchange,
        trading_day=trading_day, action_day=action_day,
    )  # fmt: skip
    assert (tick.trading_day, tick.ts_ns) == (20261123, china_ns("2026-11-20 21:29:59"))
    assert bool(tick.flags & Flag.TIME_REPAIRED) is repaired


def test_the_calendar_counts_from_its_entry_on() -> None:
    """Before it weekdays trade; on a holiday nothing is accepted after it."""
    desk = Desk("2026-10-01 10:00:00")
    assert desk.says("10:00:00") == "clean"
    for part in CALENDAR.parts:
        desk.fold(control_entry(ControlKind.CALENDAR, msgspec.Raw(part)))
    assert desk.says("10:00:01", volume=101) == "out_of_session"
    assert desk.state.days.calendar.digest == CALENDAR.digest


def test_half_a_calendar_is_not_in_force_and_survives_a_snapshot() -> None:
    """Parts are gathered over restarts; the last one puts the calendar in force."""
    first, *others = Calendar(BIG).parts
    desk = Desk("2026-11-18 10:00:00")
    desk.fold(control_entry(ControlKind.CALENDAR, msgspec.Raw(first)))
    assert desk.state.days.calendar.digest == Calendar.bare().digest
    saved = state_bytes(desk.state)
    desk.state = decode_state(saved[0], saved[1:])
    for part in others:
        desk.fold(control_entry(ControlKind.CALENDAR, msgspec.Raw(part)))
    assert desk.state.days.calendar.digest == Calendar(BIG).digest
    assert desk.state.gathering == Gathering()


@pytest.mark.parametrize("body", [[20261119], None, {"a": 1}, [1, "x", 0, 1, []]])
def test_a_calendar_that_is_none_is_rejected(body: Any) -> None:
    """It changes nothing and is an ordinary rejected output."""
    desk = desk_at("2026-11-18 10:00:00")
    assert outcome(desk.fold(control_entry(ControlKind.CALENDAR, body))) == "undecodable"
    assert desk.state.days.calendar.digest == CALENDAR.digest
    assert desk.says("10:00:00") == "clean"


def test_a_saved_calendar_is_the_one_in_force() -> None:
    """A snapshot carries the whole calendar and the count of default hours."""
    desk = desk_at("2016-11-18 10:00:00")
    desk.at("2017-11-13 10:00:00")
    assert desk.says("10:00:00", symbol="ao1801", exchange="") == "clean"  # listed in 2023
    saved = state_bytes(desk.state)
    state = decode_state(saved[0], saved[1:])

    assert state.days.calendar.rows == CALENDAR.rows
    assert state.default_hours == desk.state.default_hours == 1
    assert state_bytes(state) == saved
