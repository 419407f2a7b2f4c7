"""The simulated market's minutes are numbered without a hole, in both shapes of a trading day."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdhub.market.dates import SECOND_NS, midnight_ns
from mdhub.market.sessions import (
    FULL,
    LIQUID,
    MINUTE_NS,
    Kind,
    Timetable,
    date_of,
    has_night,
    hours_of,
    number_of_day,
)
from mdhub.wire.ticks import CHINA_TIME

MINUTES = st.integers(0, 1_000_000)
SHAPES = st.sampled_from([LIQUID, FULL])


def china(market_ns: int) -> datetime:
    return datetime.fromtimestamp(market_ns // SECOND_NS, UTC).astimezone(CHINA_TIME)


def at(day: str, time: str) -> int:
    hour, minute = map(int, time.split(":"))
    return midnight_ns(day) + (hour * 60 + minute) * MINUTE_NS


def clock_times(symbol: str, exchange: str, kind: Kind) -> list[str]:
    """Times of day at which a contract does something, on an ordinary trading day."""
    steps = FULL.program(hours_of(symbol), exchange).steps
    return [f"{china(FULL.start_of(p)):%H:%M}" for p, s in enumerate(steps) if s.kind is kind]


@given(table=SHAPES, minute=MINUTES, into_ns=st.integers(0, MINUTE_NS - 1))
def test_minute_and_moment_are_inverse(table: Timetable, minute: int, into_ns: int) -> None:
    """A moment of a minute leads back to it, and later minutes are later."""
    assert table.minute_at(table.start_of(minute) + into_ns) == (minute, into_ns)
    assert table.start_of(minute + 1) >= table.start_of(minute) + MINUTE_NS


@given(minute=MINUTES)
def test_every_liquid_minute_is_one_in_which_all_exchanges_trade(minute: int) -> None:
    """Weekdays only; futures rest at 10:15 and from 11:30 on, options close at 14:57."""
    moment = china(LIQUID.start_of(minute))
    time = f"{moment:%H:%M}"
    assert moment.weekday() < 5
    assert "09:30" <= time < "10:15" or "10:30" <= time < "11:30" or "13:30" <= time < "14:57"


@pytest.mark.parametrize(
    ("table", "day", "time", "following"),
    [
        (LIQUID, "20250620", "10:10", "Fri 10:35"),
        (LIQUID, "20250620", "21:00", "Mon 09:35"),
        (LIQUID, "20250621", "03:00", "Mon 09:35"),
        (LIQUID, "20250624", "14:55", "Wed 09:35"),
        (FULL, "20250620", "12:00", "Fri 13:00"),
        (FULL, "20250620", "15:50", "Fri 20:59"),
        (FULL, "20250621", "02:31", "Mon 08:59"),
        (FULL, "20250622", "23:59", "Mon 08:59"),
        (FULL, "20250625", "04:00", "Wed 08:59"),
        (LIQUID, "20250930", "14:55", "Thu 09:35"),
    ],
)
def test_moment_out_of_session_belongs_to_the_next_minute(
    table: Timetable, day: str, time: str, following: str
) -> None:
    """Whoever asks in a break is told where the market goes on."""
    number, into_ns = table.minute_at(at(day, time) + 7)
    assert into_ns == 0
    assert f"{china(table.start_of(number)):%a %H:%M}" == following


def test_a_full_trading_day_begins_on_the_evening_before() -> None:
    """Monday's begins on Friday at 20:59 and ends on Monday after the last settlement row."""
    first = FULL.day_minutes
    assert f"{china(FULL.start_of(first)):%Y-%m-%d %H:%M}" == "2025-06-20 20:59"
    assert f"{china(FULL.start_of(2 * first - 1)):%Y-%m-%d %H:%M}" == "2025-06-23 15:44"


@pytest.mark.parametrize(
    ("symbol", "exchange", "first", "last", "minutes"),
    [
        ("rb2508", "SHFE", "21:00", "14:59", 120 + 225),
        ("cu2508C86000", "SHFE", "21:00", "14:59", 240 + 225),
        ("au2509", "SHFE", "21:00", "14:59", 330 + 225),
        ("jd2508", "DCE", "09:00", "14:59", 225),
        ("AP508", "CZCE", "09:00", "14:59", 225),
        ("IO2507-C-4500", "CFFEX", "09:30", "14:59", 240),
        ("T2510", "CFFEX", "09:30", "15:14", 255),
        ("10000001", "SSE", "09:30", "14:56", 237),
    ],
)
def test_products_trade_by_their_own_hours(
    symbol: str, exchange: str, first: str, last: str, minutes: int
) -> None:
    """Nights end at 23:00, 01:00 or 02:30; CFFEX and ETF options have hours of their own."""
    times = clock_times(symbol, exchange, Kind.TRADE)
    assert (times[0], times[-1], len(times)) == (first, last, minutes)


@pytest.mark.parametrize(
    ("symbol", "exchange", "auctions", "bells", "close"),
    [
        ("rb2508", "SHFE", ["20:59", "08:59"], ["23:00"], ["15:00"]),
        ("sc2508", "INE", ["20:59", "08:59"], ["02:30"], ["15:00"]),
        ("lc2508", "GFEX", ["08:59"], [], ["15:00"]),
        ("IF2507", "CFFEX", ["09:29"], ["11:30"], ["15:00"]),
        ("T2507", "CFFEX", ["09:29"], ["11:30"], ["15:15"]),
        ("90000001", "SZSE", ["09:25", "15:00"], [], []),
    ],
)
def test_auctions_and_bells_lie_around_the_sessions(
    symbol: str, exchange: str, auctions: list[str], bells: list[str], close: list[str]
) -> None:
    """One auction before each opening, a row after the bells that the exchange rings."""
    assert clock_times(symbol, exchange, Kind.AUCTION) == auctions
    assert clock_times(symbol, exchange, Kind.BELL) == bells
    assert clock_times(symbol, exchange, Kind.CLOSE) == close


@given(day=st.integers(-1_000, 100_000))
def test_trading_days_are_weekdays_numbered_in_order(day: int) -> None:
    """Number and date are inverse; 0 is Friday 2025-06-20."""
    assert number_of_day(date_of(day)) == day
    assert china(date_of(day)).weekday() < 5
    assert date_of(0) == midnight_ns("20250620")


def test_time_for_a_night_that_is_not_there_is_not_taken() -> None:
    """The minutes of the Tuesday before the holidays and of the Thursday behind them follow."""
    before = number_of_day(midnight_ns("20250930"))
    nights = sum(has_night(day) for day in range(before + 1))
    assert (has_night(before), has_night(before + 1), nights) == (True, False, before + 1)
    played_ns = (before + 1) * FULL.day_minutes * MINUTE_NS
    assert f"{china(FULL.time_after(played_ns)):%m-%d %H:%M}" == "10-09 08:59"


def test_time_for_jumps_is_taken_from_the_time_played() -> None:
    """Who plays 40 minutes from Friday 09:35 on, a rest of 3 for each jump, gets to 10:37."""
    played_ns, rest_ns = 40 * MINUTE_NS, 3 * MINUTE_NS
    assert f"{china(LIQUID.time_after(played_ns)):%H:%M}" == "10:40"
    assert f"{china(LIQUID.time_after(played_ns, rest_ns=rest_ns)):%H:%M}" == "10:37"
    assert f"{china(LIQUID.time_after(36 * MINUTE_NS, rest_ns=rest_ns)):%H:%M}" == "10:35"
