"""The schedule's knobs as ingest takes them, and what it would refuse."""

from __future__ import annotations

import json
from importlib import import_module
from typing import Any

from mdhub.config import HubConfig
from mdhub.config.locate import Key
from mdhub.host.stack import service_module
from mdhub.runtime.errors import ServiceError
from mdhub.wire.errors import MdhubError

__all__ = ["schedule_json", "schedule_problems"]


def schedule_json(config: HubConfig) -> str:
    """Render the schedule as `mdhub run ingest --schedule` takes it."""
    return json.dumps(config.schedule.for_ingest())


def schedule_problems(config: HubConfig) -> list[tuple[Key, str]]:
    """Let ingest itself judge windows and groups (if it is installed)."""
    try:
        package = service_module("ingest")
    except ServiceError:
        return []
    windows: Any = import_module(f"{package}.schedule.windows")
    found: list[tuple[Key, str]] = []
    for number, group in enumerate(config.schedule.groups):
        try:
            windows.check_group(group.name, windows.Group(group.windows, group.exchanges))
        except MdhubError as error:
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
