"""What runs is what should run, whatever was missed, doubled, restarted or commanded."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from mdhub.calendar.note import decode_schedule
from mdhub.calendar.windows import SECOND_NS
from mdhub.wire.ops import Command, EventKind, Severity
from mdhub.wire.ticks import SCHEMA_VERSION
from mdhub_ingest.schedule.link import Told
from tests.unit.ingest.schedule.stage import Stage, at

GROUPS = {"CTP1": "futures", "SOPT1": "stock", "SIM": "always"}
WEEK = [  # Mid-Autumn is on Friday, 2026-09-25
    ("09-21 08:30", "start"), ("09-21 15:50", "stop"), ("09-21 20:30", "start"),
    ("09-22 02:45", "stop"), ("09-22 08:30", "start"), ("09-22 15:50", "stop"),
    ("09-22 20:30", "start"), ("09-23 02:45", "stop"), ("09-23 08:30", "start"),
    ("09-23 15:50", "stop"), ("09-23 20:30", "start"), ("09-24 02:45", "stop"),
    ("09-24 08:30", "start"), ("09-24 15:50", "stop"), ("09-28 08:30", "start"),
    ("09-28 15:50", "stop"), ("09-28 20:30", "start"),
]  # fmt: skip


def of(stage: Stage, name: str) -> list[tuple[str, str]]:
    return [(when, what) for when, what, who in stage.fleet.did if who == name]


def test_a_week_with_a_holiday_runs_by_itself(tmp_path: Path) -> None:
    """To the minute; the eve has no night; what runs always is left alone."""
    stage = Stage(tmp_path, GROUPS, begin="2026-09-21 00:00")
    stage.go("2026-09-28 21:00")

    assert of(stage, "CTP1") == WEEK
    assert of(stage, "SIM") == [("09-21 00:00", "start")]
    assert len(of(stage, "SOPT1")) == 2 * 5
    sessions = Counter(stage.told(EventKind.SESSION))
    assert sessions["futures", "opens"] == 9 == sessions["futures", "closed"] + 1
    assert sessions["stock", "opened"] == sessions["stock", "closing"] == 5
    assert [e for e in stage.events if e.severity != Severity.INFO and e.kind == "schedule"] == []


def test_a_supervisor_that_is_restarted_anywhere_converges_and_says_nothing_twice(
    tmp_path: Path,
) -> None:
    """Its children died with it. The log keeps what was said."""
    random = Random(7)
    marks: set[str] = set()
    opens: list[tuple[str, str]] = []
    whole = Stage(tmp_path / "whole", GROUPS, begin="2026-09-21 00:00")
    whole.go("2026-09-23 12:00")
    wall_ns, end_ns = at("2026-09-21 00:00"), at("2026-09-23 12:00")
    while wall_ns < end_ns:
        stage = Stage(tmp_path, GROUPS, begin="2026-09-21 00:00", marks=marks)
        stage.wall_ns = wall_ns
        wall_ns = min(end_ns, wall_ns + random.randrange(1, 240) * 60 * SECOND_NS)
        while stage.wall_ns < wall_ns:
            stage.turn()
            stage.wall_ns += 60 * SECOND_NS
        opens += stage.told(EventKind.SESSION)
    assert sorted(opens) == sorted(whole.told(EventKind.SESSION))


def test_a_loop_that_stood_still_makes_up_for_what_it_missed(tmp_path: Path) -> None:
    """And says so; asleep over a close and the next open, it makes a fresh process all the same."""
    stage = Stage(tmp_path, {"CTP1": "futures"}, begin="2026-09-21 08:00")
    stage.go("2026-09-21 08:29")
    stage.wall_ns = at("2026-09-21 08:31")
    stage.turn()
    assert of(stage, "CTP1") == [("09-21 08:31", "start")]
    (late,) = [e for e in stage.events if e.body.get("change") == "missed"]
    assert (late.kind, late.severity, late.body["did"]) == ("schedule", "warning", "start")
    assert late.body["late_s"] == 60.0

    stage.wall_ns = at("2026-09-21 21:00")  # asleep over the close and the next open
    stage.turn()
    assert of(stage, "CTP1")[1:] == [("09-21 21:00", "stop"), ("09-21 21:00", "start")]
    assert ("futures", "closed") in stage.told(EventKind.SESSION)


@pytest.mark.parametrize("step", ["2026-09-21 07:00", "2026-09-21 17:00"])
def test_a_step_of_the_clock_converges_both_ways(tmp_path: Path, step: str) -> None:
    """What runs follows at the next turn, and again when the step is taken back."""
    stage = Stage(tmp_path, {"CTP1": "futures"}, begin="2026-09-21 10:00")
    for moment, runs in (("2026-09-21 10:00", True), (step, False), ("2026-09-21 10:01", True)):
        stage.wall_ns = at(moment)
        stage.turn()
        assert (stage.fleet.state("CTP1") is not None) is runs


def test_a_turn_that_is_made_twice_does_nothing_twice(tmp_path: Path) -> None:
    """A job that is doubled only wakes the schedule."""
    stage = Stage(tmp_path, {"CTP1": "futures"}, begin="2026-09-21 08:30")
    for _ in range(5):
        stage.turn()
    assert len(stage.fleet.did) == 1
    assert stage.told(EventKind.SESSION) == [("futures", "opens")]


def test_restart_is_refused_outside_a_session_unless_forced(tmp_path: Path) -> None:
    """Forced it runs until the trading day ends, which the result says."""
    stage = Stage(tmp_path, {"CTP1": "futures"}, begin="2026-09-21 18:00")
    stage.turn()
    refused = stage.command("source:CTP1", "restart", reason="why not")
    assert not refused.body["ok"] and "closed" in refused.body["result"]["error"]
    assert stage.fleet.did == []

    forced = stage.command("source:CTP1", "restart", force=True)
    assert forced.body["ok"]
    assert forced.body["result"]["until"] == "2026-09-22 15:50:00"
    assert of(stage, "CTP1") == [("09-21 18:00", "start")]


def test_restart_replaces_at_once_also_what_had_given_up(tmp_path: Path) -> None:
    """Exactly one result; a command that is read again after its answer does nothing."""
    stage = Stage(tmp_path, {"CTP1": "futures"}, begin="2026-09-21 10:00")
    stage.turn()
    state = stage.fleet.state("CTP1")
    assert state is not None
    state.quarantined = True
    command = Command(
        SCHEMA_VERSION, "id", stage.wall_ns, "t", "source:CTP1", "restart", {},
        stage.wall_ns + SECOND_NS,
    )  # fmt: skip
    result = stage.give(command)
    assert result.body["ok"] and result.body["result"]["was"] == "quarantined"
    stage.link.heard.append(Told("1-0", command, answered=True))
    stage.turn()
    assert of(stage, "CTP1") == [("09-21 10:00", "start"), ("09-21 10:00", "renew")]


@pytest.mark.parametrize(
    ("target", "action", "args", "error"),
    [
        ("source:CTP1", "explode", {}, "a source knows"),
        ("source:CTP1", "hold", {"until_ns": 1}, "expected a moment after"),
        ("source:CTP1", "hold", {"until_ns": "soon"}, "expected ns"),
        ("source:CTP1", "hold", {"until_ns": at("2027-01-01 00:00")}, "within 31 days"),
        ("schedule", "explode", {}, "the schedule knows"),
        ("schedule", "holiday", {"day": "20260925"}, "no trading day"),
        ("schedule", "holiday", {"day": "20260918"}, "is past"),
        ("schedule", "holiday", {"day": "tomorrow"}, "expected YYYYMMDD"),
        ("schedule", "holiday", {"day": "20310101"}, "outside the trading calendar"),
    ],
)
def test_what_cannot_be_done_is_refused_with_a_reason(
    tmp_path: Path, target: str, action: str, args: dict[str, object], error: str
) -> None:
    """One result, nothing else."""
    stage = Stage(tmp_path, {"CTP1": "futures"}, begin="2026-09-21 10:00")
    stage.turn()
    result = stage.command(target, action, **args)
    assert not result.body["ok"] and error in result.body["result"]["error"]
    assert len(stage.fleet.did) == 1


@pytest.mark.parametrize("action", ["stop", "nonsense"])
def test_lines_of_a_command_carry_its_id(
    tmp_path: Path, action: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """And lines that come of no command carry none."""
    stage = Stage(tmp_path, {"CTP1": "futures"}, begin="2026-09-21 10:00")
    stage.turn()
    result = stage.command("source:CTP1", action)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    ids = {line["event"]: line.get("correlation_id") for line in lines}
    assert ids["command"] == result.correlation_id
    assert ids["schedule"] is None


def test_a_command_that_is_too_old_is_not_carried_out(tmp_path: Path) -> None:
    """It is answered all the same."""
    stage = Stage(tmp_path, {"CTP1": "futures"}, begin="2026-09-21 10:00")
    stage.turn()
    old = Command(
        SCHEMA_VERSION, "id", stage.wall_ns - 9, "t", "source:CTP1", "hold", {}, stage.wall_ns - 1
    )
    assert stage.give(old).body["result"] == {"error": "expired"}
    assert stage.fleet.state("CTP1") is not None


def test_a_hold_ends_with_the_trading_day_and_outlives_the_supervisor(tmp_path: Path) -> None:
    """A small file keeps it."""
    stage = Stage(tmp_path, {"CTP1": "futures"}, begin="2026-09-21 22:00")
    stage.turn()
    held = stage.command("source:CTP1", "hold", reason="the broker called")
    assert held.body["result"]["until"] == "2026-09-22 15:50:00"
    assert (held.body["result"]["wanted"], held.body["result"]["why"]) == (False, "held")
    assert stage.fleet.state("CTP1") is None

    again = Stage(tmp_path, {"CTP1": "futures"}, begin="2026-09-21 22:01")
    again.go("2026-09-22 21:00")
    assert of(again, "CTP1") == [("09-22 20:30", "start")]
    assert ("CTP1", "override_over") in again.told(EventKind.SCHEDULE)


def test_stop_lasts_to_the_next_session_and_resume_ends_it(tmp_path: Path) -> None:
    """`start` runs what the calendar has shut, and a fresh process begins the session."""
    stage = Stage(tmp_path, {"CTP1": "futures"}, begin="2026-09-21 10:00")
    stage.turn()
    assert stage.command("source:CTP1", "stop").body["result"]["until"] == "2026-09-21 20:30:00"
    stage.command("source:CTP1", "resume")
    assert [what for _, what in of(stage, "CTP1")] == ["start", "stop", "start"]
    stage.wall_ns = at("2026-09-21 17:00")
    stage.turn()
    stage.command("source:CTP1", "start")
    stage.go("2026-09-21 21:00")
    assert of(stage, "CTP1")[3:] == [
        ("09-21 17:00", "stop"), ("09-21 17:00", "start"),
        ("09-21 20:30", "stop"), ("09-21 20:30", "start"),
    ]  # fmt: skip


def test_a_holiday_by_command_closes_what_is_open_and_can_be_cleared(tmp_path: Path) -> None:
    """It is kept over a restart; what runs always goes on."""
    stage = Stage(tmp_path, GROUPS, begin="2026-09-21 10:00")
    stage.turn()
    assert stage.command("schedule", "holiday", reason="typhoon").body["ok"]
    assert [stage.fleet.state(name) is not None for name in GROUPS] == [False, False, True]
    again = Stage(tmp_path, GROUPS, begin="2026-09-21 21:00")
    again.turn()
    assert again.fleet.state("CTP1") is None, "its evening has no night"
    assert again.command("schedule", "clear").body["result"] == {"cleared": [20260921]}
    assert again.fleet.state("CTP1") is not None


def test_a_command_of_a_lost_file_still_holds(tmp_path: Path) -> None:
    """The commands are read anew; those that were answered are not answered again."""
    stage = Stage(tmp_path, {"CTP1": "futures"}, begin="2026-09-21 10:00")
    stage.turn()
    ts_ns = at("2026-09-21 09:00")
    hold = Command(SCHEMA_VERSION, "id", ts_ns, "t", "source:CTP1", "hold", {}, ts_ns + SECOND_NS)
    stage.link.heard.append(Told("1-0", hold, answered=True))
    stage.turn()
    assert stage.fleet.state("CTP1") is None
    assert stage.told(EventKind.COMMAND_DONE) == []


def test_a_torn_file_is_said_and_holds_nothing(tmp_path: Path) -> None:
    """The supervisor starts all the same."""
    (tmp_path / "ingest").mkdir()
    (tmp_path / "ingest/schedule-A.json").write_text('{"sources": {"CTP1"')
    stage = Stage(tmp_path, {"CTP1": "futures"}, begin="2026-09-21 10:00")
    stage.turn()
    assert stage.fleet.state("CTP1") is not None


def test_without_market_time_only_what_runs_always_runs(tmp_path: Path) -> None:
    """No arbiter has said yet whether the market is live or played."""
    stage = Stage(tmp_path, GROUPS, begin="2026-09-21 10:00")
    stage.schedule.turn(stage.link)
    assert [stage.fleet.state(name) is not None for name in GROUPS] == [False, False, True]
    stage.turn()
    assert [stage.fleet.state(name) is not None for name in GROUPS] == [True, True, True]


def test_the_end_of_the_calendar_shuts_and_wakes_somebody(tmp_path: Path) -> None:
    """Nobody knows whether 2027-01-04 trades; a source that always runs goes on."""
    stage = Stage(tmp_path, GROUPS, begin="2026-12-31 15:00")
    stage.go("2027-01-04 09:00", step_s=600.0)
    assert [stage.fleet.state(name) is not None for name in GROUPS] == [False, False, True]
    told = [e for e in stage.events if e.body.get("why") == "outside_calendar"]
    assert {e.subject for e in told} == {"CTP1", "SOPT1"}
    assert {e.severity for e in told} == {Severity.ERROR}


def test_the_checklist_is_told_once_and_names_what_is_missing(tmp_path: Path) -> None:
    """At the deadline, five minutes before the first auction: no source has a heartbeat."""
    stage = Stage(tmp_path, GROUPS, begin="2026-09-21 08:00")
    stage.go("2026-09-21 10:00", step_s=20.0)
    told = {e.subject: e for e in stage.events if e.kind == EventKind.CHECKLIST}
    assert len([e for e in stage.events if e.kind == EventKind.CHECKLIST]) == 2
    event = told["futures"]
    assert (event.severity, event.body["ok"]) == (Severity.ERROR, False)
    assert "login CTP1" in event.body["failed"]
    assert at("2026-09-21 08:50") <= event.body["market_ns"] < at("2026-09-21 08:52")
    assert {check["name"] for check in event.body["checks"]} == {
        "login", "arbiter", "clock", "disk", "calendar",
    }  # fmt: skip


@pytest.mark.parametrize("when", ["2026-09-24 10:00", "2026-09-24 18:00"])
def test_a_restart_that_a_dead_supervisor_began_is_not_done_again(
    tmp_path: Path, when: str
) -> None:
    """It killed the process and died before it had answered: the next one says what it knows."""
    first = Stage(tmp_path, {"A": "futures"}, begin=when)
    first.turn()
    command = Command(
        SCHEMA_VERSION, "c1", first.wall_ns, "test", "source:A", "restart", {"force": True},
        first.wall_ns + 5 * SECOND_NS,
    )  # fmt: skip
    first.link.heard.append(Told("1-0", command, answered=False))
    first.schedule.wake()
    first.schedule.turn(first.link)  # and nothing of what it says is written

    second = Stage(tmp_path, {"A": "futures"}, begin=when)
    second.turn()
    before = list(second.fleet.did)
    result = second.give(command)
    assert second.fleet.did == before
    assert result.body["ok"] is False
    assert "whether it was done is not known" in result.body["result"]["error"]
    assert second.command("source:A", "restart", force=True).body["ok"] is True


def test_what_is_said_of_the_schedule_stands_in_a_note(tmp_path: Path) -> None:
    """Groups, sources and overrides; it is written anew only when something in it changes."""
    stage = Stage(tmp_path, {"CTP1": "futures", "SIM": "always"}, begin="2026-09-21 10:00")
    stage.turn()
    assert stage.link.note is not None
    name, payload = first = stage.link.note
    note = decode_schedule(payload)
    assert (name, note.sources) == ("schedule:A", {"CTP1": "futures", "SIM": "always"})
    assert note.groups["futures"].windows == ("08:30-15:50", "20:30-02:45")
    stage.turn()
    assert stage.link.note is first
    stage.command("source:CTP1", "hold", reason="the broker called")
    stage.command("schedule", "holiday", day=20260922, reason="typhoon")
    note = decode_schedule(stage.link.note[1])
    assert [(o.source, o.kind, o.reason) for o in note.overrides] == [
        ("CTP1", "hold", "the broker called")
    ]
    assert note.holidays == {"20260922": "typhoon"}
