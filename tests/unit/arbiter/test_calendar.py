"""The leader puts its calendar into the log, and says in time that it ends."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from mdhub.calendar import Calendar
from mdhub.calendar.rows import Rows
from mdhub.streams.topology import EVENTS, RAW
from mdhub.wire.codec import decode_control, decode_event
from mdhub.wire.entries import ControlKind, MarketClock
from mdhub_arbiter import app
from mdhub_arbiter.horizon import CALM_NS, HorizonWatch
from mdhub_arbiter.recovery import recover
from mdhub_arbiter.state import LIVE
from tests.support.recompute import assert_clean_is_f_of_raw
from tests.unit.arbiter.builders import china_ns, market_clock_entry
from tests.unit.arbiter.stage import CALENDAR, Stage
from tests.unit.arbiter.test_restore import lose_raw
from tests.unit.calendar.test_encoding import BIG
from tests.unit.calendar.test_override import NEW_YEAR


@pytest.fixture(autouse=True)
def fast_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaders write a clock entry every ms, so that nothing here waits for one."""
    monkeypatch.setattr("mdhub_arbiter.leader.CLOCK_EVERY_S", 0.001)


def calendars(stage: Stage) -> list[str]:
    """Digests of the parts in raw, in order."""
    found = []
    for _, (kind, payload) in stage.log.entries(RAW):
        if kind == b"c" and (entry := decode_control(payload)).kind == ControlKind.CALENDAR:
            found.append(msgspec.msgpack.decode(entry.body)[1])
    return found


def test_a_calendar_is_written_once() -> None:
    """Leaders with the same calendar find it in force and write nothing."""
    stage = Stage()
    for _ in range(3):
        leader = stage.lead()
        stage.open_market()
        stage.ticks(20)
        stage.work(leader)

    assert calendars(stage) == [CALENDAR.digest]
    assert recover(stage.log, 0).state.days.calendar.digest == CALENDAR.digest
    assert_clean_is_f_of_raw(stage.log)


def test_the_calendar_is_in_force_before_the_first_tick_of_a_new_log() -> None:
    """It stands directly behind the first leadership entry."""
    stage = Stage()
    stage.work(stage.lead())
    kinds = [decode_control(fields[1]).kind for _, fields in stage.log.entries(RAW)]
    assert kinds[:2] == [ControlKind.LEAD, ControlKind.CALENDAR]


def test_another_calendar_is_written_by_the_leader_started_with_it(tmp_path: Path) -> None:
    """An operator's file counts from the restart of the arbiter on, in as many parts as needed."""
    file = tmp_path / "override.txt"
    file.write_text(NEW_YEAR, encoding="utf-8")
    stage = Stage()
    stage.work(stage.lead())
    others = (Calendar.load(file), Calendar(BIG), CALENDAR)
    for calendar in others:
        stage.calendar = calendar
        leader = stage.lead()
        stage.snap(leader)
        stage.work(leader)
        assert recover(stage.log, 0).state.days.calendar.digest == calendar.digest

    written = [calendar.digest for calendar in others for _ in calendar.parts]
    assert calendars(stage) == [CALENDAR.digest, *written]
    assert_clean_is_f_of_raw(stage.log)


def test_what_a_former_leader_wrote_last_does_not_stay() -> None:
    """Its entry may be folded only after take-over: the new leader writes its own again."""
    stage = Stage()
    stage.work(stage.lead())
    stage.calendar = Calendar.bare()
    dying = stage.lead()
    dying._write_calendar()  # in raw, and not folded
    stage.calendar = CALENDAR
    leader = stage.lead()
    for _ in range(5):
        stage.work(leader)

    assert recover(stage.log, 0).state.days.calendar.digest == CALENDAR.digest
    assert_clean_is_f_of_raw(stage.log)


def test_a_wrong_override_file_stops_the_arbiter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With exit code 2, before it touches the log."""
    file = tmp_path / "override.txt"
    file.write_text("closed 2026-11-21\n", encoding="utf-8")
    monkeypatch.setenv("MDHUB_CALENDAR__OVERRIDE", str(file))
    with pytest.raises(SystemExit) as stopped:
        app.main([])
    assert stopped.value.code == 2
    assert f"{file}:1:" in capsys.readouterr().err


def warned(
    calendar: Calendar, day: str, watch: HorizonWatch | None = None, clock: MarketClock = LIVE
) -> list[str]:
    """Severity of what is said on a market day, 10 s after the start and later."""
    watch, market_ns = watch or HorizonWatch("arbiter:A"), china_ns(f"{day} 10:00:00")
    assert watch.due(calendar, clock, market_ns, 1) is None
    event = watch.due(calendar, clock, market_ns, 1 + CALM_NS)
    if event is None:
        return []
    decoded = decode_event(event)
    assert decoded.kind == "calendar"
    assert "override" in decoded.body["reason"]
    return [decoded.severity]


def test_the_end_of_the_calendar_is_said_45_days_before() -> None:
    """A warning inside 45 days, an error beyond the end; nothing before."""
    assert warned(CALENDAR, "2026-11-16") == []
    assert warned(CALENDAR, "2026-11-17") == ["warning"]
    assert warned(CALENDAR, "2026-12-31") == ["warning"]
    assert warned(CALENDAR, "2027-01-01") == ["error"]
    assert warned(CALENDAR, "2016-06-01") == ["error"]


def test_a_market_that_is_played_is_not_warned_of_the_end() -> None:
    """It ends there by itself; that its day is not covered at all is an error all the same."""
    played = MarketClock(china_ns("2026-12-01 10:00:00"), 1, 60.0)
    assert warned(CALENDAR, "2026-12-01", clock=played) == []
    assert warned(CALENDAR, "2027-01-04", clock=played) == ["error"]


def test_the_end_of_the_calendar_is_said_once_a_day() -> None:
    """Again on the next market day, and at once for another calendar."""
    watch = HorizonWatch("arbiter:A")
    shorter = Calendar(msgspec.structs.replace(CALENDAR.rows, years=CALENDAR.rows.years))
    assert warned(CALENDAR, "2026-12-01", watch) == ["warning"]
    assert warned(shorter, "2026-12-01", watch) == []
    assert warned(CALENDAR, "2026-12-02", watch) == ["warning"]
    assert warned(Calendar(_without_2026()), "2026-12-02", watch) == ["error"]


def _without_2026() -> Rows:
    rows = CALENDAR.rows
    return msgspec.structs.replace(
        rows,
        years=rows.years[:-1],
        closed=tuple(day for day in rows.closed if day < 20_260_000),
        nightless=tuple(day for day in rows.nightless if day < 20_260_000),
    )


def test_leaders_put_it_among_the_events(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the one of the first shard: one hub, one event."""
    monkeypatch.setattr("mdhub_arbiter.horizon.CALM_NS", 0)
    stage = Stage()
    leader = stage.lead()
    stage._append("monitor", [market_clock_entry(china_ns("2016-06-01 10:00:00"), 0, 0.0)[1]], "c")
    for _ in range(5):
        stage.work(leader)
    events = [decode_event(fields[1]) for _, fields in stage.log.entries(EVENTS)]
    said = [event.body["market_day"] for event in events if event.kind == "calendar"]

    assert said[-1:] == ["2016-06-01"]
    assert said.count("2016-06-01") == 1


def test_a_calendar_lost_with_raw_is_written_again() -> None:
    """Without snapshot and raw nothing says which one was in force; the next leader does."""
    stage = Stage()
    leader = stage.lead()
    stage.open_market()
    stage.ticks(30)
    stage.work(leader)
    lose_raw(stage)
    assert recover(stage.log, 0).state.days.calendar.digest == Calendar.bare().digest

    stage.work(stage.lead())
    assert calendars(stage) == [CALENDAR.digest]
    assert recover(stage.log, 0).state.days.calendar.digest == CALENDAR.digest
