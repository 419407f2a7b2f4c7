"""An operator's file on top of the data: new years, closures, nights, hours."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdhub.calendar import BadCalendar, Calendar, Phase
from mdhub.calendar.text import parse
from tests.unit.calendar.test_days import CALENDAR

NEW_YEAR = """
year 2027                        # made up
closed 2027-01-01
closed 2027-02-05..2027-02-11
closed 2027-04-05
closed 2027-05-03..2027-05-05
closed 2027-10-01..2027-10-07
no-night 2027-12-31
"""


def load(tmp_path: Path, text: str) -> Calendar:
    file = tmp_path / "override.txt"
    file.write_text(text, encoding="utf-8")
    return Calendar.load(file)


def mistakes(tmp_path: Path, text: str) -> list[tuple[int, str]]:
    with pytest.raises(BadCalendar) as caught:
        load(tmp_path, text)
    assert caught.value.exit_code == 2
    assert all(problem.says in str(caught.value) for problem in caught.value.problems)
    return [(problem.line, problem.says) for problem in caught.value.problems]


def test_a_new_year_is_added(tmp_path: Path) -> None:
    """The range grows; the evening before a closed weekday has no night without being named."""
    calendar = load(tmp_path, NEW_YEAR)

    assert calendar.horizon == date(2027, 12, 31)
    assert calendar.trading_day_after(date(2026, 12, 31)) == date(2027, 1, 4)
    assert not calendar.has_night(date(2027, 2, 4))
    assert not calendar.has_night(date(2026, 12, 31))
    assert calendar.has_night(date(2027, 2, 12))
    assert calendar.digest != CALENDAR.digest


def test_closures_and_nights_are_changed(tmp_path: Path) -> None:
    """Days close and open again, evenings lose and regain their night."""
    calendar = load(
        tmp_path,
        "closed 2026-11-25\nopen 2026-10-07\nno-night 2026-11-17..2026-11-18\nnight 2026-09-24\n",
    )

    assert not calendar.is_trading_day(date(2026, 11, 25))
    assert not calendar.has_night(date(2026, 11, 24))
    assert calendar.is_trading_day(date(2026, 10, 7))
    assert [calendar.has_night(date(2026, 11, d)) for d in (16, 17, 18, 19)] == [
        True, False, False, True,
    ]  # fmt: skip
    assert calendar.has_night(date(2026, 9, 24))


def test_hours_of_a_product_are_changed_from_a_day_on(tmp_path: Path) -> None:
    """A template of one's own, a known one, a new product."""
    calendar = load(
        tmp_path,
        "template short auction 08:55-09:00 continuous 09:00-11:30 settlement 15:00-16:00\n"
        "hours SHFE rb 2026-11-18 short\n"
        "hours GFEX zz 2026-11-18 night-2300\n",
    )
    before = calendar.sessions("SHFE", "rb", date(2026, 11, 17))
    after = calendar.sessions("SHFE", "rb", date(2026, 11, 18))

    assert before == CALENDAR.sessions("SHFE", "rb", date(2026, 11, 17))
    assert [i.phase for i in after] == [
        Phase.AUCTION, Phase.CONTINUOUS, Phase.BREAK, Phase.SETTLEMENT,
    ]  # fmt: skip
    assert calendar.hours.of("GFEX", "zz", 20261118).listed
    assert not calendar.hours.of("GFEX", "zz", 20261117).listed


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    """Equal rows have an equal digest."""
    assert load(tmp_path, "# nothing yet\n\n").digest == CALENDAR.digest


def test_all_mistakes_are_told_at_once_with_their_lines(tmp_path: Path) -> None:
    """Each line with what was found and what was expected."""
    found = mistakes(
        tmp_path,
        "closed 2026-11-21\n"
        "closed tomorrow\n"
        "\n"
        "holiday 2026-11-25  # no such word\n"
        "hours NYSE rb 2026-11-18 day\n"
        "hours SHFE rb 2026-11-18 nowhere\n"
        "hours SHFE rb2610 2026-11-18 day\n"
        "template odd continuous 09:00-08:00\n"
        "template odder lunch 09:00-10:00\n"
        "year 27\n"
        "closed 2028-01-03\n"
        "open 2026-11-18\n"
        "closed 2026-11-20..2026-11-18\n"
        "year 2026\n",
    )
    words = [
        (1, "weekend"), (2, "YYYY-MM-DD"), (4, "no-night"), (5, "NYSE"), (6, "night-2300"),
        (7, "letters"), (8, "in order"), (9, "auction"), (10, "four digits"),
        (11, "year 2028"), (12, "not closed"), (13, "after its begin"), (14, "already"),
    ]  # fmt: skip
    assert [line for line, _ in found] == [line for line, _ in words]
    for (line, says), (_, word) in zip(found, words, strict=True):
        assert word in says, (line, says)


def test_a_year_without_its_holidays_is_refused(tmp_path: Path) -> None:
    """A year that closes on two days was not finished."""
    found = mistakes(tmp_path, "year 2027\nclosed 2027-01-01\nclosed 2027-10-01\n")
    assert [line for line, _ in found] == [1]
    assert "2 closed weekdays" in found[0][1]


def test_a_hole_between_years_is_refused(tmp_path: Path) -> None:
    """2028 without 2027 would leave the calendar with a hole."""
    text = NEW_YEAR.replace("2027", "2028").replace("2028-01-01", "2028-01-03")
    text = text.replace("2028-02-05..2028-02-11", "2028-01-26..2028-02-01")
    text = text.replace("2028-12-31", "2028-12-29")
    found = mistakes(tmp_path, text)
    assert found == [(0, "year 2027 is missing, expected years without a hole")]


def test_a_month_without_trading_is_refused(tmp_path: Path) -> None:
    """A closure as long as none ever was is a typing mistake."""
    found = mistakes(tmp_path, "closed 2026-10-08..2026-11-20\n")
    assert "in a row" in found[0][1]


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"# " + b"x" * 1_000_001])
def test_a_file_that_is_no_text_is_refused(tmp_path: Path, content: bytes) -> None:
    """Binary and endless files are said to be no calendar."""
    file = tmp_path / "override.txt"
    file.write_bytes(content)
    with pytest.raises(BadCalendar, match="expected a calendar file"):
        Calendar.load(file)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """A wrong path never means: no override."""
    with pytest.raises(BadCalendar, match="absent"):
        Calendar.load(tmp_path / "absent.txt")


WORDS = st.sampled_from(
    ["year", "closed", "open", "night", "no-night", "template", "hours", "2027", "2026-11-18",
     "2026-11-18..2026-11-20", "SHFE", "rb", "*", "day", "continuous", "09:00-10:00", "#", "\n",
     "2026-02-30", "24:00-25:00", "٢٠٢٧"]
)  # fmt: skip


@given(st.one_of(st.text(max_size=200), st.lists(WORDS, max_size=30).map(" ".join)))
def test_any_text_is_a_calendar_or_a_list_of_mistakes(text: str) -> None:
    """No text makes the reader fail in another way."""
    statements, problems = parse(text)
    lines = [s.line for s in statements] + [p.line for p in problems]
    assert all(1 <= line <= len(text.splitlines()) for line in lines)
