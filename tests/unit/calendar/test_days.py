"""Trading days and nights: the data, its range, and two independent witnesses."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdhub.calendar import Calendar, OutsideCalendar

GOLDEN = Path(__file__).parents[2] / "golden/calendar.txt"
FIRST, LAST = date(2017, 1, 1), date(2026, 12, 31)
CALENDAR = Calendar.load()
ALL_DAYS = [FIRST + timedelta(i) for i in range((LAST - FIRST).days + 1)]


def test_trading_days_are_those_of_an_independent_calendar() -> None:
    """Ten years agree with exchange_calendars (Shanghai) day by day."""
    # In a process of its own: it loads pandas.
    program = (
        "import exchange_calendars as x\n"
        "c = x.get_calendar('XSHG', start='2017-01-01', end='2026-12-31')\n"
        "print(*(d.date() for d in c.sessions))"
    )
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], check=True, capture_output=True, text=True
    )
    ours = [str(day) for day in ALL_DAYS if CALENDAR.is_trading_day(day)]

    assert len(ours) > 2_400
    assert ours == ran.stdout.split()


def test_evenings_without_a_night_are_those_of_an_independent_table() -> None:
    """Holiday eves agree with the golden table; in 2020 nights stopped for three months."""
    off = {
        date.fromisoformat(line.split()[1])
        for line in GOLDEN.read_text(encoding="utf-8").splitlines()
        if line.startswith("night-off")
    }
    stopped = (date(2020, 2, 3), date(2020, 4, 30))
    days = [day for day in ALL_DAYS if CALENDAR.is_trading_day(day)]
    for day in days[1:]:
        evening = CALENDAR.trading_day_before(day)
        if not stopped[0] <= evening <= stopped[1]:
            assert CALENDAR.has_night(evening) == (day not in off), day
        else:
            assert not CALENDAR.has_night(evening), day


@pytest.mark.parametrize(
    ("evening", "night"),
    [
        ("2017-11-10", True),  # a Friday: plain weekends do not count
        ("2020-01-22", True),
        ("2020-01-23", False),
        ("2020-05-06", True),
        ("2024-02-08", False),
        ("2025-10-08", False),  # a holiday itself
        ("2025-10-09", True),
        ("2026-11-21", False),  # a Saturday
        ("2026-12-31", False),
    ],
)
def test_known_evenings(evening: str, night: bool) -> None:  # noqa: FBT001
    """Eves of holidays and days without trading have no night session."""
    assert CALENDAR.has_night(date.fromisoformat(evening)) is night


def test_make_up_workdays_at_weekends_do_not_trade() -> None:
    """2026-02-14 was worked in offices, not at exchanges."""
    assert not CALENDAR.is_trading_day(date(2026, 2, 14))


def test_the_exchanges_own_closure_is_known() -> None:
    """2024-02-09 was no public holiday, and closed."""
    assert not CALENDAR.is_trading_day(date(2024, 2, 9))
    assert CALENDAR.trading_day_after(date(2024, 2, 8)) == date(2024, 2, 19)


@given(st.dates(FIRST + timedelta(12), LAST - timedelta(12)))
def test_neighbours_are_trading_days_with_none_between(day: date) -> None:
    """Before and after a day come the nearest trading days."""
    after, before = CALENDAR.trading_day_after(day), CALENDAR.trading_day_before(day)
    between = [before + timedelta(i) for i in range(1, (after - before).days)]

    assert before < day < after
    assert CALENDAR.is_trading_day(before) and CALENDAR.is_trading_day(after)
    assert [d for d in between if CALENDAR.is_trading_day(d)] in ([], [day])


@pytest.mark.parametrize("day", [date(2016, 12, 31), date(2027, 1, 1)])
def test_a_day_outside_the_data_is_an_error_with_a_way_out(day: date) -> None:
    """The error names the date, the range and the override file."""
    with pytest.raises(OutsideCalendar) as caught:
        CALENDAR.is_trading_day(day)

    assert caught.value.day == day
    for part in (str(day), "2017-01-01", "2026-12-31", "override"):
        assert part in str(caught.value)


def test_the_trading_day_after_the_last_one_is_not_guessed() -> None:
    """The end of the data is an error, never a plain weekday."""
    with pytest.raises(OutsideCalendar):
        CALENDAR.trading_day_after(LAST)
    with pytest.raises(OutsideCalendar):
        CALENDAR.trading_day_before(date(2017, 1, 3))


def test_the_horizon_is_counted_in_days() -> None:
    """45 days before the end is the last day without an alarm."""
    assert CALENDAR.horizon == LAST
    assert CALENDAR.check_horizon(date(2026, 11, 16)) == 45
    assert CALENDAR.check_horizon(date(2026, 11, 17)) == 44
    with pytest.raises(OutsideCalendar):
        CALENDAR.check_horizon(date(2027, 1, 1))


def test_the_bare_calendar_knows_weekdays_only() -> None:
    """Before anybody says more, weekdays trade and have nights."""
    bare = Calendar.bare()

    assert bare.is_trading_day(date(2026, 10, 1)) and bare.has_night(date(2026, 9, 30))
    assert not bare.is_trading_day(date(2026, 11, 21))
    assert bare.digest != CALENDAR.digest
