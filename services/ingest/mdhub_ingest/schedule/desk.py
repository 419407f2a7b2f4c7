"""Puts the schedule together: settings, calendar, file, link, alarms."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from copy import copy
from pathlib import Path
from typing import Final

from mdhub.calendar import Calendar
from mdhub.calendar.windows import ALWAYS, ScheduleError, Timetable
from mdhub.runtime.logging import Logger
from mdhub.streams.port import Log
from mdhub_ingest.fleet import Fleet, account_variables, is_gateway
from mdhub_ingest.schedule.ceremony import Ceremony
from mdhub_ingest.schedule.link import Link
from mdhub_ingest.schedule.live_clock import LiveClock
from mdhub_ingest.schedule.runner import Schedule
from mdhub_ingest.schedule.settings import FUTURES, STOCK, ScheduleSettings
from mdhub_ingest.schedule.store import Store
from mdhub_ingest.schedule.trigger import Alarms
from mdhub_ingest.spec import GatewayKnobs, SourceSpec

__all__ = ["CALENDAR_VARIABLE", "Desk", "Plan", "group_of"]

CALENDAR_VARIABLE: Final = "MDHUB_CALENDAR__OVERRIDE"
_GROUP_OF: Final = {"ctp": FUTURES, "tts": FUTURES, "vnpy": FUTURES, "sopt": STOCK, "ib": ALWAYS}


class Plan:
    """What the sources described come to, before anything runs."""

    def __init__(self, specs: Sequence[SourceSpec], settings: ScheduleSettings) -> None:
        """Raises ScheduleError and BadCalendar, naming what is wrong."""
        self.specs = specs
        self.settings = settings
        self.groups = {spec.name: group_of(spec, settings) for spec in specs}
        override = os.environ.get(CALENDAR_VARIABLE, "")
        calendar = Calendar.load(Path(override) if override else None)
        self.timetable = Timetable(calendar, settings.all_groups())

    def beside(self, others: Sequence[SourceSpec]) -> Plan:
        """The same with further sources. Raises ScheduleError."""
        plan = copy(self)
        plan.specs = [*self.specs, *others]
        plan.groups = self.groups | {spec.name: group_of(spec, self.settings) for spec in others}
        return plan


class Desk:
    """The schedule of one supervisor, with its thread and its alarms."""

    def __init__(  # noqa: PLR0913 - whose sources, by which plan, towards which hub
        self,
        fleet: Fleet,
        plan: Plan,
        *,
        name: str,
        run: str,
        data: Path,
        connect: Callable[[], Log],
        logger: Logger,
    ) -> None:
        groups = {source: plan.groups[source] for source in fleet.names}
        store = Store(data, name, logger)
        self.link = Link(
            connect,
            after=store.load().cursor.encode(),
            logger=logger,
            beat=lambda last: self.schedule.beat(last),  # noqa: PLW0108 - made below
        )
        ceremony = Ceremony(
            _members(plan, set(groups.values()) - {ALWAYS}),
            plan.settings,
            self.link,
            run=run,
            folder=data,
            hidden=account_variables(plan.specs),
        )
        self._plan = plan
        self._playing = _playing(plan.specs)
        self._live_clock = LiveClock(connect, logger, issuer=f"ingest:{name}")
        self._ceremony = ceremony
        self.schedule = Schedule(fleet, groups, plan.timetable, ceremony, store, logger, name=name)
        self._alarms = Alarms(self.schedule.wake, self.schedule.trouble)

    def begin(self) -> None:
        """Start its thread, once whoever else has a word in it is there."""
        self.link.start()

    def watch(self, others: Sequence[SourceSpec], hidden: frozenset[str]) -> None:
        """Let checklists and archives count these sources too, beside those described.

        `hidden`: variables that hold what they log in with.
        """
        plan = self._plan.beside(others)
        self._playing = _playing(plan.specs)
        groups = set(plan.groups.values()) - {ALWAYS}
        self._ceremony.watch(
            _members(plan, groups),
            account_variables(self._plan.specs) | dict.fromkeys(hidden, ""),
        )

    def turn(self) -> None:
        """Call it often; it has something to do about twice a second."""
        if self._live_clock.turn(self.link.reading, self._playing):
            return  # what market time will be is not known yet
        self.schedule.turn(self.link, self._alarms)

    def close(self) -> None:
        """End alarms and archive; write what waits, for a second at most."""
        self._alarms.close()
        self._ceremony.close()
        self.link.close()


def _playing(specs: Sequence[SourceSpec]) -> list[bool]:
    return [not isinstance(spec.knobs(), GatewayKnobs) for spec in specs]


def _members(plan: Plan, groups: set[str]) -> dict[str, dict[str, bool]]:
    """Every source described of these groups: another supervisor may run some of them."""
    return {
        group: {
            spec.name: is_gateway(spec) for spec in plan.specs if plan.groups[spec.name] == group
        }
        for group in groups
    }


def group_of(spec: SourceSpec, settings: ScheduleSettings) -> str:
    """Group of a source, or `always`. Raises ScheduleError for one that is not described."""
    knobs = spec.knobs()
    default = _GROUP_OF[knobs.type] if isinstance(knobs, GatewayKnobs) else ALWAYS
    group = spec.schedule or default
    if group != ALWAYS and group not in settings.all_groups():
        known = ", ".join([ALWAYS, *sorted(settings.all_groups())])
        raise ScheduleError(f"source {spec.name}: schedule was {group!r}, expected one of {known}")
    return group
