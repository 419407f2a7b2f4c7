"""The schedule's knobs as ingest takes them, and what it would refuse."""

from __future__ import annotations

import json

from mdhub.calendar.windows import Group, ScheduleError, check_group
from mdhub.config import HubConfig
from mdhub.config.locate import Key

__all__ = ["schedule_json", "schedule_problems"]


def schedule_json(config: HubConfig) -> str:
    """Render the schedule as `mdhub run ingest --schedule` takes it."""
    return json.dumps(config.schedule.for_ingest())


def schedule_problems(config: HubConfig) -> list[tuple[Key, str]]:
    """Judge windows and groups as ingest does."""
    found: list[tuple[Key, str]] = []
    for number, group in enumerate(config.schedule.groups):
        try:
            check_group(group.name, Group(group.windows, group.exchanges))
        except ScheduleError as error:
            found.append((("schedule", "groups", number, "windows"), str(error)))
    known = {"always", "futures", "stock"} | {group.name for group in config.schedule.groups}
    found += [
        (
            ("sources", number, "schedule"),
            f"was {source.schedule!r}, expected one of {', '.join(sorted(known))}",
        )
        for number, source in enumerate(config.sources)
        if source.schedule and source.schedule not in known
    ]
    return found
