"""The synthetic market's minutes are numbered without a hole, and lie in common sessions."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdhub.market.dates import SECOND_NS, midnight_ns
from mdhub.market.sessions import (
    DAY_MINUTES,
    MINUTE_NS,
    START_NS,
    first_of_day,
    minute_at,
    start_of,
)
from mdhub.wire.ticks import CHINA_TIME

MINUTES = st.integers(0, 1_000_000)


def china(market_ns: int) -> datetime:
    return datetime.fromtimestamp(market_ns // SECOND_NS, UTC).astimezone(CHINA_TIME)


@given(minute=MINUTES, into_ns=st.integers(0, MINUTE_NS - 1))
def test_minute_and_moment_are_inverse(minute: int, into_ns: int) -> None:
    """A moment of a minute leads back to it, and later minutes are later."""
    assert minute_at(start_of(minute) + into_ns) == (minute, into_ns)
    assert start_of(minute + 1) >= start_of(minute) + MINUTE_NS


@given(minute=MINUTES)
def test_every_minute_is_one_in_which_all_exchanges_trade(minute: int) -> None:
    """Weekdays only; futures rest at 10:15 and from 11:30 on, options close at 14:57."""
    moment = china(start_of(minute))
    time = f"{moment:%H:%M}"
    assert moment.weekday() < 5
    assert "09:30" <= time < "10:15" or "10:30" <= time < "11:30" or "13:30" <= time < "14:57"


@pytest.mark.parametrize(
    ("day", "time", "following"),
    [
        ("20261120", "10:10", "Fri 10:35"),
        ("20261120", "12:00", "Fri 13:35"),
        ("20261120", "21:00", "Mon 09:35"),
        ("20261121", "03:00", "Mon 09:35"),
        ("20261122", "23:59", "Mon 09:35"),
        ("20261124", "00:00", "Tue 09:35"),
        ("20261124", "14:55", "Wed 09:35"),
    ],
)
def test_moment_out_of_session_belongs_to_the_next_minute(
    day: str, time: str, following: str
) -> None:
    """Whoever asks in a break is told where the market goes on."""
    hour, minute = map(int, time.split(":"))
    number, into_ns = minute_at(midnight_ns(day) + (hour * 60 + minute) * MINUTE_NS + 7)
    assert into_ns == 0
    assert f"{china(start_of(number)):%a %H:%M}" == following


@given(minute=MINUTES)
def test_first_minute_of_a_day_is_on_that_day(minute: int) -> None:
    """It is 09:35, and less than a day's minutes before."""
    first = first_of_day(minute)
    assert 0 <= minute - first < DAY_MINUTES
    assert china(start_of(first)).date() == china(start_of(minute)).date()
    assert f"{china(start_of(first)):%H:%M}" == "09:35"


def test_market_starts_on_friday_morning() -> None:
    """Minute 0 begins on 2026-11-20 at 09:35."""
    assert start_of(0) == START_NS
    assert f"{china(START_NS):%Y-%m-%d %a %H:%M}" == "2026-11-20 Fri 09:35"
