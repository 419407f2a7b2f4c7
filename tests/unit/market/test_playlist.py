"""Recordings are played as other days, again and again, and together."""

from __future__ import annotations

from datetime import date
from itertools import islice, pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdhub.market.dates import SECOND_NS, midnight_ns
from mdhub.market.days import day_of, number_of, trading_day_at
from mdhub.market.errors import MarketError
from mdhub.market.playlist import FOR_EVER, Playlist
from mdhub.market.redate import Redate
from mdhub.market.skips import FileReport, MalformedRowError
from mdhub.market.snapshot import Snapshot
from tests.unit.market.test_recorded import file_of, row

MONDAY = date(2026, 11, 23)
HOUR_NS = 3_600 * SECOND_NS
NIGHT = [
    row("rb1801", "SHFE", "21:00:00", volume="10"),
    row("i1801", "DCE", "21:00:00", volume="10"),
    row("MA801", "CZCE", "21:00:00", volume="10"),
    row("ag1801", "SHFE", "01:30:00", volume="11", day="20171111"),
]
DAY = [row("rb1801", "SHFE", "09:00:00", volume="20", day="20171113")]


def play(folder: Path, *rows: str, **knobs: object) -> list[Snapshot]:
    playlist = Playlist([file_of(folder, *rows)], **knobs)  # type: ignore[arg-type]
    return list(islice(playlist.snapshots(), 100))


def hours_of(snapshot: Snapshot, day: str) -> float:
    return (snapshot.exchange_ns - midnight_ns(day)) / HOUR_NS


def test_recorded_day_is_played_as_another_with_its_night_on_the_eve(tmp_path: Path) -> None:
    """The evening moves to the weekday before, the hours after midnight to the day after that."""
    made = play(tmp_path, *NIGHT, *DAY, first_day=MONDAY)
    assert {s.day for s in made} == {20261123}
    friday = [hours_of(s, "20261120") for s in made]
    assert friday == [21.0, 21.0, 21.0, 25.5, 72 + 9.0]


def test_text_dates_are_as_each_front_sends_them(tmp_path: Path) -> None:
    """SHFE right, DCE the trading day twice, CZCE the natural day twice, also when moved."""
    made = play(tmp_path, *NIGHT, *DAY, first_day=MONDAY)
    assert [(s.symbol, s.trading_day, s.action_day) for s in made] == [
        ("rb1801", "20261123", "20261120"),
        ("i1801", "20261123", "20261123"),
        ("MA801", "20261120", "20261120"),
        ("ag1801", "20261123", "20261121"),
        ("rb1801", "20261123", "20261123"),
    ]


def test_each_loop_is_the_next_trading_day(tmp_path: Path) -> None:
    """Days go on over the weekend, market time never falls, volumes begin anew each day."""
    made = play(tmp_path, *NIGHT, *DAY, first_day=date(2026, 11, 26), loops=3)
    assert [s.day for s in made[::5]] == [20261126, 20261127, 20261130]
    assert all(a.made_ns <= b.made_ns for a, b in pairwise(made))
    assert [s.volume for s in made if s.symbol == "rb1801"] == [10, 20] * 3


def test_loops_without_a_day_begin_as_recorded(tmp_path: Path) -> None:
    """The first loop is the recorded one."""
    once, looped = play(tmp_path, *NIGHT, *DAY), play(tmp_path, *NIGHT, *DAY, loops=2)
    assert looped[:5] == once
    assert looped[5].day == 20171114


def test_file_of_two_trading_days_moves_on_by_two(tmp_path: Path) -> None:
    """A file cut at midnight has the night of the next trading day in it."""
    night = row("rb1801", "SHFE", "21:00:00", day="20171113").replace("20171113", "20171114", 1)
    made = play(tmp_path, *DAY, night, first_day=MONDAY, loops=2)
    assert [s.day for s in made] == [20261123, 20261124, 20261125, 20261126]


def test_endless_loop_goes_on(tmp_path: Path) -> None:
    """For ever means for ever."""
    made = play(tmp_path, *DAY, loops=FOR_EVER)
    assert len(made) == 100
    assert made[-1].day > 20180301


def test_row_before_its_session_cannot_be_moved(tmp_path: Path) -> None:
    """19:29 of the evening before would be taken for the day before's; it is counted."""
    stale = row("AP801", "CZCE", "19:29:00", volume="0")
    reports: list[tuple[FileReport, int]] = []
    path = file_of(tmp_path, stale, *DAY)
    playlist = Playlist([path], loops=2, on_read=lambda *report: reports.append(report))
    assert len(list(playlist.snapshots())) == 2
    assert playlist.wrong().skipped == {"no_session": 2}
    assert len(playlist.wrong().examples) == 1
    assert [loop for _, loop in reports] == [0, 1]
    assert len(list(Playlist([path]).snapshots())) == 2, "as recorded it is played"


@given(loop=st.integers(0, 7), place=st.integers(0, 4))
def test_restarted_source_finds_its_place_in_any_loop(
    tmp_path_factory: pytest.TempPathFactory, loop: int, place: int
) -> None:
    """From any moment on it plays the same as one that never stopped."""
    path = file_of(tmp_path_factory.getbasetemp(), *NIGHT, *DAY)
    whole = list(Playlist([path], loops=8, first_day=MONDAY).snapshots())
    from_ns = whole[loop * 5 + place].made_ns
    rest = Playlist([path], loops=8, first_day=MONDAY).snapshots(from_ns)
    assert list(rest) == [s for s in whole if s.made_ns >= from_ns]


def test_files_are_merged_by_time(tmp_path: Path) -> None:
    """Several files are one market, with loops as long as the longest."""
    (tmp_path / "b").mkdir()
    first = file_of(tmp_path, *DAY, row("rb1801", "SHFE", "09:00:02", day="20171113"))
    second = file_of(tmp_path / "b", row("i1801", "DCE", "09:00:01", day="20171113"))
    made = list(Playlist([first, second], loops=2).snapshots())
    assert [s.update_time for s in made] == ["09:00:00", "09:00:01", "09:00:02"] * 2
    assert [s.day for s in made[2:4]] == [20171113, 20171114]


def test_time_after_counts_what_is_played(tmp_path: Path) -> None:
    """Breaks and the nights between loops take a moment each, however long they are."""
    rows = [row("rb1801", "SHFE", f"09:00:{s:02}", day="20171113") for s in range(11)]
    playlist = Playlist([file_of(tmp_path, *rows)], loops=FOR_EVER)
    start_ns = playlist.start_ns()
    assert playlist.time_after(4, 1.0) == start_ns + 4 * SECOND_NS
    assert playlist.time_after(2, 2.0) == start_ns + 4 * SECOND_NS
    later_ns = playlist.time_after(10 + 1.2 + 4, 1.0)
    assert later_ns == pytest.approx(start_ns + 24 * HOUR_NS + 4 * SECOND_NS, abs=SECOND_NS)
    far_ns = playlist.time_after(11.2 * 7 + 4, 1.0)
    assert far_ns == pytest.approx(start_ns + 9 * 24 * HOUR_NS + 4 * SECOND_NS, abs=SECOND_NS)


def test_recording_without_a_playable_row_is_an_error_also_when_it_loops(tmp_path: Path) -> None:
    """An endless loop over nothing would never return."""
    path = file_of(tmp_path, "bad", row("AP801", "CZCE", "19:29:00"))
    with pytest.raises(MarketError, match="no snapshot inside any session"):
        Playlist([path], loops=FOR_EVER).start_ns()
    with pytest.raises(MarketError):
        list(Playlist([file_of(tmp_path, "bad")], loops=FOR_EVER).snapshots())


@pytest.mark.parametrize(
    ("day", "hour", "trading_day"),
    [
        ("20261120", 9, "20261120"),
        ("20261119", 21, "20261120"),
        ("20261120", 21, "20261123"),
        ("20261121", 1, "20261123"),
        ("20261122", 12, "20261123"),
        ("20260930", 21, "20261008"),
        ("20261005", 12, "20261008"),
    ],
)
def test_today_is_the_trading_day_of_the_moment(day: str, hour: int, trading_day: str) -> None:
    """From 20:00 on it is the next one; weekends and holidays belong to the day after."""
    assert f"{trading_day_at(midnight_ns(day) + hour * HOUR_NS):%Y%m%d}" == trading_day


@given(st.integers(0, 800_000))
def test_weekdays_are_numbered_without_holes(number: int) -> None:
    """A number and its weekday name each other."""
    day = day_of(number)
    assert day.weekday() < 5
    assert number_of(day) == number


def test_session_row_of_another_day_is_refused() -> None:
    """By day a row of yesterday is of no session of its trading day."""
    redate = Redate(number_of(MONDAY), number_of(MONDAY))
    with pytest.raises(MalformedRowError, match="before its session"):
        redate.move(MONDAY, date(2026, 11, 20), hour=9)


def test_loops_pass_over_holidays_and_leave_out_a_night_that_is_not_there(tmp_path: Path) -> None:
    """Before the National Day week the evening has no session: those rows are counted."""
    playlist = Playlist([file_of(tmp_path, *NIGHT, *DAY)], loops=3, first_day=date(2026, 9, 30))
    made = list(playlist.snapshots())
    assert [(day, sum(s.day == day for s in made)) for day in sorted({s.day for s in made})] == [
        (20260930, 5),
        (20261008, 1),
        (20261009, 5),
    ]
    assert playlist.wrong().skipped == {"no_night": 4}


def test_an_endless_loop_ends_with_the_calendar(tmp_path: Path) -> None:
    """Its last day is the last one covered; where it began is the file's."""
    made = play(tmp_path, *DAY, loops=FOR_EVER, first_day=date(2026, 12, 29))
    assert [s.day for s in made] == [20261229, 20261230, 20261231]


def test_a_day_outside_the_calendar_is_refused(tmp_path: Path) -> None:
    """The message says what is covered."""
    with pytest.raises(MarketError, match=r"covers 2017-01-01 to 2026-12-31"):
        Playlist([file_of(tmp_path, *DAY)], first_day=date(2027, 1, 4))


def test_rows_outside_the_hours_of_the_new_day_are_left_out(tmp_path: Path) -> None:
    """In 2017 iron ore traded until 23:30, in 2026 until 23:00: the last half hour is counted."""
    rows = [row("i1801", "DCE", f"{time}:00", volume="10") for time in ("22:59", "23:00", "23:15")]
    playlist = Playlist([file_of(tmp_path, *rows)], first_day=MONDAY)
    assert [s.update_time for s in playlist.snapshots()] == ["22:59:00", "23:00:00"]
    assert playlist.wrong().skipped == {"no_hours": 1}
