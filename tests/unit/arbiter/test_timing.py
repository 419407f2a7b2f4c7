"""Exchange times and trading days follow from market time, never from the dates of fronts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mdhub.wire.entries import ControlKind
from mdhub_arbiter.timing import LAST_MOMENT_NS, TradingDays, time_of_day_ns
from tests.unit.arbiter.builders import SECOND_NS, Desk, china_ns, clean_tick, control_entry

HOUR_NS = 3_600 * SECOND_NS


def placed(market: str, time: str, *closed: int) -> tuple[int, int]:
    days = TradingDays(frozenset(closed))
    days.set_market_time(china_ns(market))
    of_day_ns = time_of_day_ns(time)
    assert of_day_ns is not None
    return days.place(of_day_ns)


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
    ("market", "time", "moment"),
    [
        ("2026-11-18 23:59:59", "23:59:58", "2026-11-18 23:59:58"),
        ("2026-11-18 23:59:59", "00:00:01", "2026-11-19 00:00:01"),
        ("2026-11-19 00:00:01", "23:59:59", "2026-11-18 23:59:59"),
        ("2026-11-19 00:00:01", "00:00:00", "2026-11-19 00:00:00"),
        ("2026-11-18 09:00:00", "20:59:00", "2026-11-18 20:59:00"),
        ("2026-11-18 08:30:00", "22:59:59", "2026-11-17 22:59:59"),
    ],
)
def test_the_date_is_the_nearest_to_market_time(market: str, time: str, moment: str) -> None:
    """Around midnight a tick belongs to the day that puts it nearest to market time."""
    assert placed(market, time)[0] == china_ns(moment)


@pytest.mark.parametrize(
    ("market", "time", "moment", "day"),
    [
        ("2026-11-18 10:00:00", "09:59:59", "2026-11-18 09:59:59", 20261118),
        ("2026-11-18 19:59:59", "19:59:59", "2026-11-18 19:59:59", 20261118),
        ("2026-11-18 21:00:00", "21:00:00", "2026-11-18 21:00:00", 20261119),
        ("2026-11-19 02:29:00", "02:29:00", "2026-11-19 02:29:00", 20261119),
        ("2026-11-20 21:00:00", "21:00:00", "2026-11-20 21:00:00", 20261123),
        ("2026-11-21 00:00:30", "23:59:59", "2026-11-20 23:59:59", 20261123),
        ("2026-11-21 01:00:00", "01:00:00", "2026-11-21 01:00:00", 20261123),
        ("2026-11-23 09:00:00", "09:00:00", "2026-11-23 09:00:00", 20261123),
    ],
)
def test_the_night_belongs_to_the_next_trading_day(
    market: str, time: str, moment: str, day: int
) -> None:
    """From 20:00 on a tick counts for the next trading day; Friday's night is Monday's."""
    assert placed(market, time) == (china_ns(moment), day)


@pytest.mark.parametrize(
    ("market", "time", "moment"),
    [
        ("2026-11-23 08:30:00", "01:00:00", "2026-11-21 01:00:00"),
        ("2026-11-23 08:30:00", "22:59:59", "2026-11-20 22:59:59"),
        ("2026-11-22 12:30:00", "21:00:00", "2026-11-20 21:00:00"),
        ("2026-11-22 10:00:00", "01:00:00", "2026-11-21 01:00:00"),
    ],
)
def test_the_night_pushed_again_on_monday_is_fridays(market: str, time: str, moment: str) -> None:
    """No night session runs on Saturday or Sunday, nor in Monday's small hours."""
    assert placed(market, time) == (china_ns(moment), 20261123)


def test_ticks_of_a_weekend_do_not_open_a_trading_day() -> None:
    """Tests of the exchange on a Saturday are old news of Friday."""
    assert placed("2026-11-21 09:30:00", "09:30:00") == (china_ns("2026-11-20 09:30:00"), 20261120)


def test_closed_days_are_passed_over() -> None:
    """The night before a holiday's eve belongs to the trading day its calendar names."""
    closed = (20261119, 20261120)

    assert placed("2026-11-17 21:00:00", "21:00:00", *closed)[1] == 20261118
    assert placed("2026-11-23 09:00:00", "09:00:00", *closed)[1] == 20261123
    # No night session on the eve of a closed weekday: the night before it is meant.
    assert placed("2026-11-23 08:30:00", "22:00:00", *closed) == (
        china_ns("2026-11-17 22:00:00"),
        20261118,
    )


def test_a_calendar_entry_closes_days() -> None:
    """The calendar comes from the log and counts from its entry on."""
    desk = Desk("2026-11-19 21:00:00")
    before = clean_tick(desk.see("21:00:00"))
    desk.fold(control_entry(ControlKind.CALENDAR, [20261123]))
    desk.at("2026-11-24 08:30:00")
    night = desk.see("21:00:00", symbol="ag2701")
    desk.at("2026-11-24 09:00:00")

    assert before.trading_day == 20261120
    # Monday is closed: Friday has no night session, Thursday's was the last one.
    assert clean_tick(night).trading_day == 20261120
    assert clean_tick(desk.see("09:00:00")).trading_day == 20261124


@pytest.mark.parametrize(
    ("symbol", "exchange", "trading_day", "action_day"),
    [
        ("i2701", "DCE", "20261123", "20261123"),
        ("MA701", "CZCE", "20261120", "20261120"),
        ("MA702", "", "", ""),
        ("cu2701", "SHFE", "99999999", "yesterday"),
    ],
)
def test_dates_of_fronts_do_not_matter(
    symbol: str, exchange: str, trading_day: str, action_day: str
) -> None:
    """At night DCE's action day and CZCE's trading day are wrong; nothing depends on them."""
    tick = clean_tick(
        Desk("2026-11-20 21:30:00").see(
            "21:29:59",
            symbol=symbol,
            exchange=exchange,
            trading_day=trading_day,
            action_day=action_day,
        )
    )

    assert (tick.trading_day, tick.ts_ns) == (20261123, china_ns("2026-11-20 21:29:59"))


@settings(deadline=None)
@given(
    market_ns=st.integers(0, LAST_MOMENT_NS),
    second=st.integers(0, 86_399),
    closed=st.frozensets(st.integers(20260101, 20261231), max_size=40),
)
def test_every_time_finds_a_session(market_ns: int, second: int, closed: frozenset[int]) -> None:
    """A placed tick keeps its time of day, is at most 12 h ahead and on a trading day."""
    days = TradingDays(closed)
    days.set_market_time(market_ns)
    ts_ns, day = days.place(second * SECOND_NS)

    assert (ts_ns + 8 * HOUR_NS) % (24 * HOUR_NS) == second * SECOND_NS
    assert ts_ns - market_ns <= 12 * HOUR_NS
    assert day not in closed


def test_the_time_zone_of_the_host_does_not_matter() -> None:
    """Hosts in New York and Sydney decide like one in Shanghai."""
    program = (
        "from tests.unit.arbiter.test_timing import placed\n"
        "print(placed('2026-11-20 21:00:00', '23:59:59'))"
    )
    zones = ("Asia/Shanghai", "America/New_York", "Australia/Sydney", "UTC")

    answers = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "TZ": zone, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            cwd=Path.cwd(),
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for zone in zones
    }

    assert len(answers) == 1
