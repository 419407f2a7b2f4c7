"""`mdhub calendar` from outside."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from mdhub.calendar import BadCalendar, OutsideCalendar
from mdhub.cli.app import app
from mdhub.cli.hubs import plan_of
from mdhub.config import load


def said(*words: str) -> Result:
    return CliRunner().invoke(app, ["calendar", *words])


def facts(*words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(said(*words, "--json").output)
    return found


@pytest.mark.parametrize("name", ["ag", "ag2612", "ag2612.SHFE", "SHFE.ag"])
def test_sessions_of_a_product_are_shown(name: str) -> None:
    """A product, a contract, with or without its exchange."""
    found = facts(name, "--date", "2026-11-23")

    assert (found["exchange"], found["product"], found["listed"]) == ("SHFE", "ag", True)
    assert found["sessions"][1] == ["continuous", "2026-11-20 21:00", "2026-11-21 02:30"]
    assert (found["before"], found["after"]) == ("2026-11-20", "2026-11-24")


def test_the_horizon_is_shown() -> None:
    """How far the data reach, and whether somebody must act."""
    found = facts("--date", "2026-12-31")

    assert found["covers"] == ["2017-01-01", "2026-12-31"]
    assert found["alarm"] is (found["days_left"] < 45)
    assert (found["trading_day"], found["night_in_the_evening"]) == (True, False)
    assert found["after"] is None


def test_words_for_people() -> None:
    """Without --json the same in sentences."""
    shown = said("SSE.ETFO", "--date", "2026-10-08").output
    assert "2026-10-08 (Thursday): a trading day, with a night session" in shown
    assert "2026-10-08 13:00 - 14:57  continuous" in shown


def test_a_day_outside_the_data_is_an_error() -> None:
    """With the way out."""
    error = said("--date", "2027-03-01").exception
    assert isinstance(error, OutsideCalendar)
    assert "override" in str(error)


def test_an_unknown_product_is_refused_with_examples() -> None:
    """The error says what a name looks like."""
    assert "SSE.ETFO" in str(said("nonsense").exception)


def test_an_override_file_is_checked(tmp_path: Path) -> None:
    """Good files say what they change, bad ones every mistake."""
    file = tmp_path / "override.txt"
    file.write_text("closed 2026-11-25\n", encoding="utf-8")
    checked = json.loads(said("--check", str(file), "--json").output)
    assert (checked["changes"], checked["horizon"]) == (True, "2026-12-31")
    assert facts("rb", "--date", "2026-11-25", "--override", str(file))["sessions"] == []

    file.write_text("closed 2026-11-21\nnonsense\n", encoding="utf-8")
    error = said("--check", str(file)).exception
    assert isinstance(error, BadCalendar)
    assert f"{file}:1:" in str(error) and f"{file}:2:" in str(error)


def test_a_wrong_override_is_found_before_anything_starts(tmp_path: Path) -> None:
    """`config check` and `up` name its mistakes; nothing is started."""
    (tmp_path / "mine.txt").write_text("closed someday\n", encoding="utf-8")
    config = tmp_path / "hub.toml"
    config.write_text('[calendar]\noverride = "mine.txt"\n', encoding="utf-8")
    for command in (["config", "check", str(config)], ["up", "--config", str(config)]):
        error = CliRunner().invoke(app, command).exception
        assert isinstance(error, BadCalendar), command
        assert "mine.txt:1:" in str(error)


def test_the_configured_override_is_used(tmp_path: Path) -> None:
    """A relative path counts from the configuration's folder."""
    (tmp_path / "mine.txt").write_text("no-night 2026-11-18\n", encoding="utf-8")
    config = tmp_path / "hub.toml"
    config.write_text('[calendar]\noverride = "mine.txt"\n', encoding="utf-8")

    loaded = load(config).config
    assert loaded.calendar.override == plan_of(loaded).calendar == tmp_path / "mine.txt"
    found = facts("--date", "2026-11-18", "--config", str(config))
    assert found["night_in_the_evening"] is False
    assert found["override"] == str(tmp_path / "mine.txt")
