"""The report of a day is kept, written at the close, and found again by `mdhub report`."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mdhub.calendar import Calendar
from mdhub.cli.app import app
from mdhub.health.model import HealthReport, ShardFacts
from mdhub.runtime.errors import ServiceError
from mdhub.runtime.logging import service_logger
from mdhub.wire.ticks import CHINA_TIME
from mdhub_monitor.day_book import DayBook, spans_of
from mdhub_monitor.rules.services import BeatFact

CALENDAR = Calendar.load()
SECOND_NS = 1_000_000_000
DAY = 20260923
LED = [ShardFacts(shard=0, leader="arbiter:A")]


def at(text: str) -> int:
    moment = datetime.strptime(f"2026-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=CHINA_TIME)
    return int(moment.timestamp()) * SECOND_NS


def opened(folder: Path) -> DayBook:
    return DayBook(folder, "A", service_logger("monitor", "A"))


def health(market_ns: int, day: int = DAY) -> HealthReport:
    return HealthReport(ts_ns=market_ns, market_ns=market_ns, trading_day=day, shards=LED)


def through(book: DayBook, begin: str, end: str, products: tuple[str, ...] = ("SHFE.rb",)) -> int:
    """A look every two seconds; how many days were over."""
    looks = range(at(begin), at(end), 2 * SECOND_NS)
    return sum(len(book.look(health(ns), CALENDAR, products)) for ns in looks)


def test_a_session_is_when_any_product_trades() -> None:
    """Night of the day before, two pieces of the morning, the afternoon; breaks are outside."""
    rebar = spans_of(CALENDAR, ["SHFE.rb"], DAY)
    assert rebar == [
        (at("09-22 21:00"), at("09-22 23:00")),
        (at("09-23 09:00"), at("09-23 10:15")),
        (at("09-23 10:30"), at("09-23 11:30")),
        (at("09-23 13:30"), at("09-23 15:00")),
    ]
    both = spans_of(CALENDAR, ["SHFE.rb", "CFFEX.IF"], DAY)
    assert both[1:] == [
        (at("09-23 09:00"), at("09-23 11:30")),
        (at("09-23 13:00"), at("09-23 15:00")),
    ]


def test_the_day_is_over_a_minute_after_the_last_bell_and_only_once(tmp_path: Path) -> None:
    """Also if the monitor is restarted in the session and again after the close."""
    assert through(opened(tmp_path), "09-22 20:50", "09-22 23:10") == 0
    first = opened(tmp_path)
    assert first.tally.day == 0, "nothing was saved yet"
    first.look(health(at("09-23 08:00")), CALENDAR, ["SHFE.rb"])
    first.save()

    second = opened(tmp_path)
    assert through(second, "09-23 08:00", "09-23 15:00") == 0
    assert through(second, "09-23 15:00", "09-23 16:00") == 1
    assert second.closed is not None
    assert second.closed.unwatched_s == 7_200  # the night, of which no file told
    assert second.counters()["report_day"] == DAY
    assert through(opened(tmp_path), "09-23 16:00", "09-23 17:00") == 0


def test_a_day_that_never_closed_is_closed_by_the_next(tmp_path: Path) -> None:
    """The hub was down over the close."""
    book = opened(tmp_path)
    through(book, "09-23 09:00", "09-23 10:00")
    (over,) = book.look(health(at("09-24 09:00"), 20260924), CALENDAR, ["SHFE.rb"])
    assert (over.day, over.final, over.watched_s) == (DAY, True, 3_598)
    assert book.tally.day == 20260924


def test_a_leader_that_died_is_not_counted_beside_its_follower(tmp_path: Path) -> None:
    """Its last heartbeat stays and still says that it leads; the newest token counts."""
    book = opened(tmp_path)
    book.look(health(at("09-23 09:00")), CALENDAR, ["SHFE.rb"])
    dead = leader(token=1, accepted=500)
    for accepted in (500, 510, 520):
        book.beats({"arbiter:A": dead, "arbiter:B": leader(token=2, accepted=accepted)})
    assert book.tally.grown == {"accepted:A": 20}


def leader(*, token: int, accepted: int) -> BeatFact:
    counters = {"shard": 0, "token": token, "accepted:A": accepted}
    return BeatFact("arbiter", 1, 0, "leading", counters)


def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    """The event is written all the same."""
    (tmp_path / "reports").write_text("in the way")
    book = opened(tmp_path)
    assert through(book, "09-23 14:50", "09-23 15:10") == 1


def test_mdhub_report_shows_the_newest_day_or_the_one_named(tmp_path: Path) -> None:
    """Exit code 1: a goal was missed, here availability."""
    through(opened(tmp_path), "09-23 14:00", "09-23 15:10")
    options = ["report", "--data", str(tmp_path)]

    shown = CliRunner().invoke(app, options)
    assert shown.exit_code == 1
    assert shown.output.startswith("# Trading day 2026-09-23\n")
    found = json.loads(CliRunner().invoke(app, [*options, str(DAY), "--json"]).output)
    availability = found["figures"][0]
    assert (availability["name"], availability["met"]) == ("availability", False)
    assert found["report"]["day"] == DAY

    missing = CliRunner().invoke(app, [*options, "20260924"])
    assert isinstance(missing.exception, ServiceError)
    assert "no report of 20260924" in str(missing.exception)
    assert "there: 20260923" in str(missing.exception)


@pytest.mark.parametrize("text", ["", "{", '{"day": "x"}'])
def test_a_damaged_report_is_one_sentence(tmp_path: Path, text: str) -> None:
    """It names the file, and where else the figures are."""
    folder = tmp_path / "reports"
    folder.mkdir()
    (folder / f"{DAY}.json").write_text(text)
    found = CliRunner().invoke(app, ["report", "--data", str(tmp_path)])
    assert isinstance(found.exception, ServiceError)
    assert f"{DAY}.json is no report" in str(found.exception)
