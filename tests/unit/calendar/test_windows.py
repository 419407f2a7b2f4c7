"""Windows follow the calendar: trading days, evenings, holidays, weekends, the year's end."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from mdhub.calendar import Calendar
from mdhub.calendar.windows import (
    SECOND_NS,
    Group,
    ScheduleError,
    Timetable,
    Window,
    parse_window,
    with_closed,
)
from mdhub.wire.ticks import CHINA_TIME
from mdhub_ingest.schedule.settings import parse_settings

CALENDAR = Calendar.load()
TABLE = Timetable(CALENDAR, parse_settings("").all_groups())


def at(text: str) -> int:
    """Return ns of a moment in China: `2026-09-24 08:30`."""
    moment = datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=CHINA_TIME)
    return int(moment.timestamp()) * SECOND_NS


def windows_of(year: int, group: str = "futures") -> list[Window]:
    """Every window that begins in a year."""
    found: list[Window] = []
    window = TABLE.next_window(group, at(f"{year}-01-01 00:00") - 1)
    while window is not None and window.start_ns < at(f"{year}-12-31 00:00"):
        found.append(window)
        window = TABLE.next_window(group, window.start_ns)
    return found


def test_a_whole_year_has_a_window_for_every_session_and_no_other() -> None:
    """2026: a day window on each trading day, a night window on each evening with a night."""
    expected: set[tuple[date, str]] = set()
    day = date(2026, 1, 1)
    while day < date(2026, 12, 31):
        if CALENDAR.is_trading_day(day):
            expected.add((day, "day"))
            if CALENDAR.has_night(day):
                expected.add((CALENDAR.trading_day_after(day), "night"))
        day += timedelta(1)
    found = windows_of(2026)

    assert {(window.trading_day, window.session) for window in found} == expected
    assert len(found) == len(expected) > 460
    assert all(w.start_ns <= w.open_ns < w.close_ns <= w.end_ns for w in found)
    assert [w.start_ns for w in found] == sorted(w.start_ns for w in found)


def test_weekdays_are_monday_to_friday() -> None:
    """A numeric 1-5 means Tuesday to Saturday to APScheduler: nothing here counts weekdays."""
    begins = [datetime.fromtimestamp(w.start_ns // SECOND_NS, CHINA_TIME) for w in windows_of(2026)]
    by_day = {weekday: sum(b.weekday() == weekday for b in begins) for weekday in range(7)}
    assert by_day[5] == by_day[6] == 0
    assert all(by_day[weekday] > 80 for weekday in range(5))


@pytest.mark.parametrize(
    ("moment", "key"),
    [
        ("2026-09-23 20:29", ""),
        ("2026-09-23 20:30", "futures:20260924:night:2030"),
        ("2026-09-24 02:44", "futures:20260924:night:2030"),
        ("2026-09-24 02:45", ""),
        ("2026-09-24 08:29", ""),
        ("2026-09-24 08:30", "futures:20260924:day:0830"),
        ("2026-09-24 15:49", "futures:20260924:day:0830"),
        ("2026-09-24 15:50", ""),
        ("2026-09-24 21:00", ""),  # the eve of Mid-Autumn
        ("2026-09-25 10:00", ""),  # Mid-Autumn
        ("2026-09-28 08:40", "futures:20260928:day:0830"),  # begins with the day
        ("2026-10-09 21:00", "futures:20261012:night:2030"),  # Friday's night is Monday's
        ("2026-10-10 01:00", "futures:20261012:night:2030"),  # on Saturday
        ("2026-10-10 10:00", ""),  # a make-up working Saturday
        ("2026-12-31 21:00", ""),  # the last evening of the data
    ],
)
def test_a_moment_is_in_a_window_or_in_none(moment: str, key: str) -> None:
    """Ends are outside; eves of holidays have no night; a Friday night lasts into Saturday."""
    window = TABLE.window_at("futures", at(moment))
    assert (window.key if window else "") == key


def test_stock_options_have_days_only() -> None:
    """Their exchanges have no night, so a night window of theirs stays shut as well."""
    nightly = Group(("08:30-15:50", "20:30-02:45"), ("SSE", "SZSE"))
    table = Timetable(CALENDAR, {"s": nightly})
    assert {window.session for window in windows_of(2026, "stock")} == {"day"}
    assert table.window_at("s", at("2026-09-23 21:00")) is None
    assert table.window_at("s", at("2026-09-23 10:00")) is not None


def test_the_open_is_the_first_of_the_groups_exchanges() -> None:
    """Auctions of futures begin at 08:55, CFFEX bonds end at 15:15, gold at 02:30."""
    day = TABLE.window_at("futures", at("2026-09-24 10:00"))
    night = TABLE.window_at("futures", at("2026-09-23 22:00"))
    assert day is not None and night is not None
    assert (day.open_ns, day.close_ns) == (at("2026-09-24 08:55"), at("2026-09-24 15:15"))
    assert (night.open_ns, night.close_ns) == (at("2026-09-23 20:55"), at("2026-09-24 02:30"))


def test_the_time_zone_of_the_host_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    """China has no summer time; a host in New York has, and 2026-03-08 is when it begins."""
    monkeypatch.setenv("TZ", "America/New_York")
    before, after = (TABLE.next_window("futures", at(f"2026-03-{d} 05:00")) for d in ("06", "09"))
    assert before is not None and after is not None
    assert after.start_ns - before.start_ns == 3 * 86_400 * SECOND_NS


def test_a_day_closed_by_an_operator_takes_its_nights_along() -> None:
    """A typhoon on Wednesday: no session on Tuesday evening, on Wednesday, nor in its evening."""
    table = Timetable(with_closed(CALENDAR, [date(2026, 9, 16)]), TABLE.groups)
    for moment in ("2026-09-15 21:00", "2026-09-16 10:00", "2026-09-16 21:00"):
        assert TABLE.window_at("futures", at(moment)) is not None
        assert table.window_at("futures", at(moment)) is None
    ahead = table.next_window("futures", at("2026-09-15 16:00"))
    assert ahead is not None and ahead.start_ns == at("2026-09-17 08:30")
    assert with_closed(CALENDAR, [date(2026, 9, 19), date(2031, 1, 1)]) is CALENDAR


def test_changes_alternate_and_lead_through_the_year() -> None:
    """The next change of a moment in a window is its end, else the next begin."""
    moment, changes = at("2026-09-21 00:00"), 0
    while (change := TABLE.next_change("futures", moment)) is not None:
        assert change > moment
        moment, changes = change, changes + 1
    assert changes > 200
    assert TABLE.window_at("futures", at("2026-12-31 15:49")) is not None


@pytest.mark.parametrize(
    ("moment", "end"),
    [
        ("2026-09-23 10:00", "2026-09-23 15:50"),
        ("2026-09-23 18:00", "2026-09-24 15:50"),
        ("2026-09-23 22:00", "2026-09-24 15:50"),
        ("2026-10-10 01:00", "2026-10-12 15:50"),
    ],
)
def test_a_trading_day_ends_with_its_last_window(moment: str, end: str) -> None:
    """From its evening on."""
    assert TABLE.end_of_trading_day("futures", at(moment)) == at(end)


@pytest.mark.parametrize(
    "text",
    [
        "8:30-15:50",
        "08:30",
        "15:50-08:30",
        "05:00-09:00",
        "20:30-08:30",
        "08:30-21:00",
        "24:00-25:00",
    ],
)
def test_what_is_no_window_is_named(text: str) -> None:
    """With what was found and what was expected."""
    with pytest.raises(ScheduleError, match="expected"):
        parse_window(text)


@pytest.mark.parametrize(
    "group",
    [
        Group(()),
        Group(("08:30-15:50",), ("NYSE",)),
        Group(("08:30-15:50",), ()),
        Group(("08:30-15:50", "15:50-15:59")),
    ],
)
def test_what_is_no_group_is_named(group: Group) -> None:
    """No window, exchanges that do not exist, windows that touch."""
    with pytest.raises(ScheduleError, match="group 'g'"):
        Timetable(CALENDAR, {"g": group})


@pytest.mark.parametrize("text", ["{", '{"groups": {"always": {"windows": []}}}', '{"nix": 1}'])
def test_settings_that_mean_nothing_are_refused(text: str) -> None:
    """With an example."""
    with pytest.raises(ScheduleError):
        parse_settings(text)
