"""The page of the schedule: lanes of a day, what operators said, what `/` finds."""

from __future__ import annotations

from datetime import datetime

import msgspec
import pytest

from mdhub.calendar import Calendar
from mdhub.calendar.note import ScheduleNote
from mdhub.calendar.rows import as_date
from mdhub.calendar.windows import Group, with_closed
from mdhub.runtime.heartbeat import Beat
from mdhub.wire.codec import encode
from mdhub.wire.ticks import CHINA_TIME
from mdhub_console.kept import Kept
from mdhub_console.pages.looking import calendar_of, look, phases_of
from mdhub_console.pages.schedule_days import days_from
from mdhub_console.pages.schedule_model import said_in, schedule_of
from mdhub_console.pages.search_model import Found, found_of
from mdhub_console.read.hub_api import supervised
from tests.support.console_scene import NOW_NS, fine, live_of, troubled

CALENDAR = Calendar.load()
GROUPS = {"futures": Group(("08:30-15:50", "20:30-02:45"))}


def at(text: str) -> int:
    """Return ns of a moment in China."""
    moment = datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=CHINA_TIME)
    return int(moment.timestamp()) * 10**9


def test_a_friday_is_followed_by_monday_with_fridays_night() -> None:
    """Three trading days; Monday's line begins on Friday evening."""
    days = days_from(CALENDAR, GROUPS, at("2026-11-20 10:00"))
    assert [each.day for each in days] == [20261120, 20261123, 20261124]
    night = next(lane for lane in days[1].lanes if lane.name == "futures").bars[0]
    assert night.start_ns == at("2026-11-20 20:30")
    assert days[0].now(at("2026-11-20 10:00")) is not None
    assert days[1].now(at("2026-11-20 10:00")) is None


def test_bars_lie_on_the_axis_in_order() -> None:
    """No bar leaves the line; bars of one kind do not overlap."""
    for day in days_from(CALENDAR, GROUPS, at("2026-11-20 10:00")):
        for lane in day.lanes:
            for bar in lane.bars:
                assert 0 <= bar.x <= bar.x + bar.width <= 100.01, (lane.name, bar)
            opens = [bar for bar in lane.bars if bar.kind == "continuous"]
            edges = [edge for bar in opens for edge in (bar.start_ns, bar.end_ns)]
            assert edges == sorted(edges)


def test_a_closed_day_takes_the_nights_beside_it() -> None:
    """What an operator closes is passed over, and the day after it has no night."""
    closed = with_closed(CALENDAR, [as_date(20261124)])
    days = days_from(closed, GROUPS, at("2026-11-23 10:00"))
    assert [each.day for each in days] == [20261123, 20261125, 20261126]
    assert [each.night for each in days] == [True, False, True]


def test_beyond_the_calendar_there_are_no_days() -> None:
    """Nothing is guessed."""
    assert days_from(CALENDAR, GROUPS, at("2090-01-05 10:00")) == []
    last = days_from(CALENDAR, GROUPS, at("2026-12-31 10:00"))
    assert [each.day for each in last] == [20261231]


def test_the_day_line_honours_what_operators_said() -> None:
    """A day that supervisors were told to close has no phases; nonsense of one is passed over."""
    live = live_of(troubled())
    live.view.schedules = {
        "A": ScheduleNote(holidays={"20261120": "typhoon", "never": ""}),
    }
    assert phases_of(calendar_of(live), 20261120) == []
    assert look(live).phases == []
    assert phases_of(calendar_of(live_of(fine())), 20261120) != []


def test_what_holds_is_listed_with_its_end_once() -> None:
    """Two supervisors that hold the same holiday say it once; what has ended is not shown."""
    live = live_of(troubled())
    note = live.view.schedules["CTP-A"]
    over = msgspec.structs.replace(note.overrides[0], source="CTP-B", until_ns=NOW_NS - 1)
    again = msgspec.structs.replace(note, overrides=[*note.overrides, over])
    live.view.schedules = {"CTP-A": note, "CTP-B": again}
    said = said_in(look(live))
    assert [(each.kind, each.subject) for each in said] == [
        ("hold", "SOPT-1"),
        ("holiday", "20261124"),
    ]
    assert said[1].until_ns == at("2026-11-25 00:00")


@pytest.mark.parametrize("digest", ["", CALENDAR.digest, "0123456789abcdef"])
def test_another_calendar_of_a_supervisor_is_said(digest: str) -> None:
    """The console and a supervisor that disagree about days are a finding of the page."""
    live = live_of(fine())
    live.view.schedules = {"CTP-A": ScheduleNote(calendar=digest)}
    context = schedule_of(look(live), CALENDAR, [])
    assert context["strange"] == (["CTP-A"] if digest.startswith("0123") else [])


def test_search_finds_pages_in_both_languages_then_sources_then_contracts() -> None:
    """What begins with the text comes first; contracts fill up to the bound."""
    pages = [Found("page", "Schedule", "/schedule", ("Schedule", "作息计划"))]
    sources = [("CTP-A", "/sources/CTP-A")]
    contracts = [f"rb27{month:02}" for month in range(1, 13)] + ["IF2612", "crb1"]

    def names(text: str) -> list[str]:
        return [f.name for f in found_of(text, pages=pages, sources=sources, contracts=contracts)]

    assert names("") == ["Schedule", "CTP-A"]
    assert names("作息") == ["Schedule"]
    assert names("ctp") == ["CTP-A"]
    assert names("if26") == ["IF2612.CFFEX"]
    assert names("rb2701.sh") == ["rb2701.SHFE"]
    assert names("rb2701.ine") == []
    assert len(names("rb")) == 12
    assert names("zzz") == []


def test_a_kept_value_is_found_once_and_an_error_is_not_kept() -> None:
    """However many ask."""
    asked: list[int] = []

    def find() -> int:
        asked.append(1)
        if len(asked) == 1:
            raise ValueError("not this time")
        return len(asked)

    kept: Kept[int] = Kept(3_600)
    with pytest.raises(ValueError, match="not this time"):
        kept.get(find)
    assert [kept.get(find), kept.get(find), kept.get(find, at_most_s=0)] == [2, 2, 3]


def test_what_a_silent_supervisor_said_is_not_shown_as_if_it_held() -> None:
    """Silent or ended: so it is said; taken over by another, or silent for a day: not at all."""

    def said(instance: str, state: str, ago_s: int, *names: str) -> bytes:
        counters = {f"{kind}:{name}": 1 for name in names for kind in ("wanted", "running")}
        at_ns = NOW_NS - ago_s * 10**9
        return encode(Beat(1, at_ns, "ingest", instance, 1, state, counters))

    beats = {
        f"supervisor:{name}": said(f"supervisor:{name}", state, ago_s, *names)
        for name, state, ago_s, names in [
            ("alive", "running", 1, ("A",)),
            ("before", "ended", 100, ("A", "B")),
            ("hangs", "running", 4, ("C",)),
            ("gone", "running", 90_000, ("D",)),
        ]
    }
    rows = supervised(beats, silent_ms=3_000, now_ns=NOW_NS)
    told = schedule_of(look(live_of(fine())), CALENDAR, rows)
    assert [(each.source, each.supervisor, state) for each, _, _, state in told["rows"]] == [
        ("A", "supervisor:alive", "running"),
        ("B", "supervisor:before", "unheard"),
        ("C", "supervisor:hangs", "unheard"),
    ]
