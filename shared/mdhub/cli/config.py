"""`mdhub config`: show, check, example."""

from __future__ import annotations

import json
from pathlib import Path

from mdhub.calendar import Calendar
from mdhub.cli.hubs import check_source
from mdhub.config import load
from mdhub.config.example import example_toml
from mdhub.config.show import settings

__all__ = ["run_check", "run_example", "run_show"]


def run_show(file: Path | None, *, as_json: bool) -> int:
    """Print every value in force with its origin."""
    found = settings(load(file))
    if as_json:
        print(
            json.dumps({each.key: {"value": each.value, "origin": each.origin} for each in found})
        )
        return 0
    rows = [(each.key, _shown(each.value), each.origin) for each in found]
    widths = [max(len(row[i]) for row in rows) for i in (0, 1)]
    for key, value, origin in rows:
        print(f"{key:<{widths[0]}}  {value:<{widths[1]}}  {origin}")
    return 0


def _shown(value: object) -> str:
    return "" if value is None else str(value)


def run_check(file: Path) -> int:
    """Say that a file is good; raises ConfigError or BadCalendar naming every problem."""
    config = load(file, check_source=check_source).config
    Calendar.load(config.calendar.override)
    print(f"{file}: good")
    return 0


def run_example() -> int:
    """Print the commented example."""
    print(example_toml(), end="")
    return 0
