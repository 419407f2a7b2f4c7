"""Trigger, market time, checklist, archive: the parts around the schedule."""

from __future__ import annotations

import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from mdhub.calendar.windows import SECOND_NS, ScheduleError, Timetable, Window
from mdhub.wire.ops import Severity
from mdhub_ingest.schedule.archive import ArchiveRun
from mdhub_ingest.schedule.checklist import Facts, SourceState, judge, worst
from mdhub_ingest.schedule.desk import group_of
from mdhub_ingest.schedule.market_view import MarketView
from mdhub_ingest.schedule.settings import ScheduleSettings, parse_settings
from mdhub_ingest.schedule.trigger import LATE_S, Alarms, CalendarTrigger, Market
from mdhub_ingest.spec import parse_spec
from tests.support.wait import until
from tests.unit.ingest.schedule.stage import CALENDAR, at

TABLE = Timetable(CALENDAR, parse_settings("").all_groups())
SETTINGS = ScheduleSettings()
GOOD = Facts(
    [SourceState("CTP1", True, True, {"logged_in": 1, "wanted": 100, "confirmed": 99})],
    80, 1.0, 9_000, 400,
)  # fmt: skip


def utc(text: str) -> datetime:
    return datetime.fromtimestamp(at(text) // SECOND_NS, UTC)


def fires(trigger: CalendarTrigger, now: datetime, times: int) -> list[datetime]:
    """Ask as APScheduler does: with the last time it fired, which may be long ago."""
    found: list[datetime] = []
    for _ in range(times):
        ahead = trigger.get_next_fire_time(found[-1] if found else None, now)
        assert ahead is not None
        found.append(ahead)
        now = ahead
    return found


def test_the_trigger_fires_at_each_change_of_the_calendar() -> None:
    """Around Mid-Autumn 2026: nothing between Thursday's close and Monday's open."""
    trigger = CalendarTrigger(TABLE, "futures", Market(0, 0))
    times = fires(trigger, utc("2026-09-24 03:00"), 4)
    expected = ["2026-09-24 08:30", "2026-09-24 15:50", "2026-09-28 08:30", "2026-09-28 15:50"]
    late_s = [
        (time - utc(text)).total_seconds() for time, text in zip(times, expected, strict=True)
    ]
    assert all(0 < late < 0.1 for late in late_s), "never early, or the change is not there yet"


def test_the_trigger_follows_an_accelerated_market() -> None:
    """At 60 times, half an hour of the market is half a minute."""
    market = Market(at("2026-09-24 08:00"), at("2026-11-21 12:00"), 60.0)
    (ahead,) = fires(CalendarTrigger(TABLE, "futures", market), utc("2026-11-21 12:00"), 1)
    assert 30.0 <= (ahead - utc("2026-11-21 12:00")).total_seconds() < 30.1


def test_the_trigger_ends_with_the_calendar() -> None:
    """It is not asked again; the schedule itself says that the calendar ends."""
    trigger = CalendarTrigger(TABLE, "futures", Market(0, 0))
    assert trigger.get_next_fire_time(None, utc("2026-12-31 16:00")) is None


def test_a_job_that_comes_late_wakes_the_schedule_all_the_same() -> None:
    """APScheduler's own grace is one second: a change two seconds ago would be lost."""
    woken = Event()
    troubles: list[str] = []
    alarms = Alarms(woken.set, troubles.append)
    try:
        (grace,) = {alarms._scheduler._job_defaults["misfire_grace_time"]}
        assert grace == LATE_S
        change_ns = at("2026-09-24 08:30")
        now_ns = time.time_ns()
        alarms.plan(TABLE, ["futures"], Market(change_ns - SECOND_NS // 20, now_ns))
        assert woken.wait(5)
    finally:
        alarms.close()
    assert troubles == []


def test_trouble_of_a_job_is_told() -> None:
    """A job that raises is no reason to stand still, but somebody should know."""
    troubles: list[str] = []

    def broken() -> None:
        raise ValueError("broken on purpose")

    alarms = Alarms(broken, troubles.append)
    try:
        alarms.plan(
            TABLE, ["futures"], Market(at("2026-09-24 08:30") - SECOND_NS // 20, time.time_ns())
        )
        until(lambda: troubles == ["failed"], "the trouble")
    finally:
        alarms.close()


def test_live_market_time_is_the_clock_of_this_host() -> None:
    """Also while no arbiter commits."""
    view = MarketView()
    assert view.now_ns(7) is None
    view.feed(0, 0)
    assert view.now_ns(7) is None and not view.known
    view.feed(100, 100)
    assert (view.live, view.now_ns(10**18)) == (True, 10**18)


def test_played_market_time_is_what_arbiters_commit() -> None:
    """Its rate is measured; a jump is noticed and is no rate."""
    view = MarketView()
    view.feed(SECOND_NS, 10**18)
    view.feed(2 * SECOND_NS, 10**18 + 60 * SECOND_NS)
    assert (view.live, view.rate, view.jumps) == (False, 60.0, 1)
    view.feed(3 * SECOND_NS, 10**18 + 90_000 * SECOND_NS)
    assert (view.rate, view.jumps) == (60.0, 2)
    assert view.now_ns(5) == 10**18 + 90_000 * SECOND_NS


@pytest.mark.parametrize(
    ("changes", "failed", "severity"),
    [
        ({}, set(), Severity.INFO),
        ({"sources": []}, set(), Severity.INFO),
        ({"log_age_ms": None}, {"arbiter"}, Severity.ERROR),
        ({"clock_offset_ms": -501.0}, {"clock"}, Severity.WARNING),
        ({"clock_offset_ms": 2_001.0}, {"clock"}, Severity.ERROR),
        ({"disk_free_mb": 2_047}, {"disk"}, Severity.ERROR),
        ({"horizon_days": 44}, {"calendar"}, Severity.WARNING),
        ({"horizon_days": None}, {"calendar"}, Severity.ERROR),
        (
            {"sources": [SourceState("A", True, False, {})]},
            {"login", "contracts", "coverage"},
            Severity.ERROR,
        ),
        (
            {"sources": [*GOOD.sources, SourceState("B", True, True, {"logged_in": 0})]},
            {"login", "contracts", "coverage"},
            Severity.WARNING,
        ),
        (
            {"sources": [SourceState("A", True, True, {"wanted": 100, "confirmed": 97})]},
            {"coverage"},
            Severity.WARNING,
        ),
        ({"sources": [SourceState("SIM", False, True, {})]}, set(), Severity.INFO),
    ],
)
def test_the_checklist_names_what_fails_and_how_bad_it_is(
    changes: dict[str, Any], failed: set[str], severity: Severity
) -> None:
    """One source of several missing is for later, all of them for now."""
    checks = judge(GOOD._replace(**changes), SETTINGS)
    assert {check.name for check in checks if not check.ok} == failed
    assert worst(checks) == severity


@pytest.mark.parametrize(
    ("spec", "group"),
    [
        ('{"name": "A", "sim": {}}', "always"),
        ('{"name": "A", "sim": {}, "schedule": "futures"}', "futures"),
        ('{"name": "A", "gateway": {"type": "ctp", "settings": {}}}', "futures"),
        ('{"name": "A", "gateway": {"type": "sopt", "settings": {}}}', "stock"),
        (
            '{"name": "A", "schedule": "always", "gateway": {"type": "ctp", "settings": {}}}',
            "always",
        ),
    ],
)
def test_a_source_has_the_group_of_its_type_unless_it_names_one(spec: str, group: str) -> None:
    """What plays its own market runs always."""
    assert group_of(parse_spec(spec), SETTINGS) == group


def test_a_group_that_is_not_described_is_named() -> None:
    """With those that are."""
    with pytest.raises(ScheduleError, match="'nights', expected one of always, futures, stock"):
        group_of(parse_spec('{"name": "A", "sim": {}, "schedule": "nights"}'), SETTINGS)


def ended(program: str, *, limit_s: float = 20.0) -> dict[str, Any]:
    """Run a program as the archive hook does; return what the event says."""
    window = TABLE.window_at("futures", at("2026-09-24 10:00"))
    assert isinstance(window, Window)
    command = [sys.executable, "-c", program]
    run = ArchiveRun(command, window, limit_s=limit_s, without={"SECRET_OF_TEST": ""})
    outcome: list[dict[str, Any]] = []

    def over() -> bool:
        found = run.poll()
        outcome.extend([found] if found else [])
        return bool(found)

    until(over, "the end of the archive")
    return outcome[0]


@pytest.mark.process
def test_the_archive_knows_its_day_and_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its last words are in the event."""
    monkeypatch.setenv("SECRET_OF_TEST", "hunter2")
    words = "os.environ[n] for n in ('MDHUB_TRADING_DAY', 'MDHUB_SESSION', 'SECRET_OF_TEST')"
    outcome = ended(f"import os; print([{words}])")
    assert (outcome["change"], outcome["exit_code"]) == ("archived", 0)
    assert outcome["output"] == "['20260924', 'day', '']"


@pytest.mark.process
def test_an_archive_that_fails_or_is_late_is_said(tmp_path: Path) -> None:
    """It is ended at its limit, with all that it started."""
    assert ended("raise SystemExit(3)")["exit_code"] == 3
    child = tmp_path / "child"
    sleeper = "import time; time.sleep(600)"
    outcome = ended(
        "import pathlib, subprocess, sys, time; "
        f"p = subprocess.Popen([sys.executable, '-c', {sleeper!r}]); "
        f"pathlib.Path({str(child)!r}).write_text(str(p.pid)); time.sleep(600)",
        limit_s=1.0,
    )
    assert outcome["change"] == "archive_late"
    until(lambda: _gone(int(child.read_text())), "its child to be gone")


def test_an_archive_that_is_not_there_is_said() -> None:
    """With the reason of the operating system."""
    window = TABLE.window_at("futures", at("2026-09-24 10:00"))
    assert window is not None
    outcome = ArchiveRun(["/nowhere/archive"], window, limit_s=1.0, without={}).poll()
    assert outcome is not None and outcome["change"] == "archive_failed"
    assert "/nowhere/archive" in outcome["reason"]


def _gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return b") Z " in Path(f"/proc/{pid}/stat").read_bytes()
