"""What the schedule needs of others."""

from __future__ import annotations

from typing import Any, Protocol

from mdhub.calendar.windows import Timetable
from mdhub.runtime.keeper import ChildState
from mdhub_ingest.schedule.trigger import Market

__all__ = ["Planner", "Sources"]


class Sources(Protocol):
    """What the schedule needs of a fleet (`mdhub_ingest.fleet.Fleet`)."""

    commanded: dict[str, int]

    @property
    def names(self) -> list[str]: ...
    def state(self, name: str) -> ChildState | None: ...
    def session(self, name: str) -> str: ...
    def start(self, name: str, session: str) -> None: ...
    def stop(self, *names: str) -> None: ...
    def renew(self, name: str, why: str) -> ChildState: ...


class Planner(Protocol):
    """What it needs of alarms (`mdhub_ingest.schedule.trigger.Alarms`)."""

    def plan(self, timetable: Timetable, groups: Any, market: Market) -> None: ...
