"""`mdhub config`: show, check, example."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from mdhub.calendar import Calendar
from mdhub.cli.hubs import Overrides, load_hub
from mdhub.cli.pipe import reader_may_leave
from mdhub.config import ConfigError, load
from mdhub.config.errors import Problem
from mdhub.config.example import example_toml
from mdhub.config.show import settings

__all__ = ["run_check", "run_example", "run_show"]


def run_show(file: Path | None, *, as_json: bool) -> int:
    """Print every value in force with its origin."""
    found = settings(load(file))
    if as_json:
        held = {each.key: {"value": each.value, "origin": each.origin} for each in found}
        _say(json.dumps(held))
        return 0
    rows = [(each.key, _shown(each.value), each.origin) for each in found]
    widths = [max(len(row[i]) for row in rows) for i in (0, 1)]
    _say(
        "\n".join(
            f"{key:<{widths[0]}}  {value:<{widths[1]}}  {origin}" for key, value, origin in rows
        )
    )
    return 0


def _shown(value: object) -> str:
    return "" if value is None else str(value)


def run_check(file: Path, *, as_json: bool) -> int:
    """Say that a file is good; raises ConfigError (as JSON it prints them) or BadCalendar."""
    problems: tuple[Problem, ...] = ()
    try:
        config = load_hub(file, Overrides()).config
        Calendar.load(config.calendar.override)
    except ConfigError as error:
        if not as_json:
            raise
        problems = error.problems
    if as_json:
        _say(json.dumps({"ok": not problems, "problems": [asdict(each) for each in problems]}))
    else:
        _say(f"{file}: good")
    return ConfigError.exit_code if problems else 0


def run_example() -> int:
    """Print the commented example."""
    _say(example_toml().rstrip("\n"))
    return 0


def _say(text: str) -> None:
    with reader_may_leave():
        print(text)
