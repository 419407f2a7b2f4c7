"""APScheduler's trigger on mdhub's calendar: a job is due when a group's window opens or shuts.

The only importer of apscheduler. Jobs only wake the schedule up on time: what is to run is computed
from the state, twice a second, so that a job that is missed, late or doubled does no harm.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, Final

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MISSED
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

from mdhub.calendar.windows import SECOND_NS, Timetable

__all__ = ["Alarms", "CalendarTrigger", "Market"]

LATE_S: Final = 1_800
"""A job that comes later than this comes not at all; the default of one second loses it whenever
the process was busy."""
_SOONEST_NS: Final = 50_000_000


class Market:
    """How market time runs beside wall time, as of the last reading."""

    def __init__(self, market_ns: int, wall_ns: int, rate: float = 1.0) -> None:
        self.market_ns = market_ns
        self.wall_ns = wall_ns
        self.rate = rate

    def at(self, wall_ns: int) -> int:
        """Market time at a wall time."""
        return self.market_ns + int((wall_ns - self.wall_ns) * self.rate)

    def wall(self, market_ns: int) -> int:
        """Wall time at which it will be so late."""
        return self.wall_ns + int((market_ns - self.market_ns) / self.rate)


class CalendarTrigger(BaseTrigger):  # type: ignore[misc] # apscheduler has no annotations
    """Fires at every begin and end of a group's windows."""

    def __init__(self, timetable: Timetable, group: str, market: Market) -> None:
        self._timetable = timetable
        self._group = group
        self._market = market

    def get_next_fire_time(
        self, previous_fire_time: datetime | None, now: datetime
    ) -> datetime | None:
        """Wall time of the next change after now; None = beyond the calendar."""
        after = now if previous_fire_time is None else max(now, previous_fire_time)
        after_ns = int(after.timestamp() * SECOND_NS)
        change_ns = self._timetable.next_change(self._group, self._market.at(after_ns))
        if change_ns is None:
            return None
        # Never a moment early: the change would not be there yet, and the job was the last one.
        due_ns = max(self._market.wall(change_ns) + 1_000_000, after_ns + _SOONEST_NS)
        return datetime.fromtimestamp(due_ns / SECOND_NS, UTC)


class Alarms:
    """Wakes the schedule at each change. `on_trouble` hears of jobs missed or failed."""

    def __init__(self, wake: Callable[[], None], on_trouble: Callable[[str], None]) -> None:
        self._wake = wake
        self._scheduler: Any = BackgroundScheduler(
            timezone=UTC,
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": LATE_S},
        )
        self._scheduler.add_listener(
            lambda event: on_trouble("missed" if event.code == EVENT_JOB_MISSED else "failed"),
            EVENT_JOB_MISSED | EVENT_JOB_ERROR,
        )
        self._scheduler.start()

    def plan(self, timetable: Timetable, groups: Iterable[str], market: Market) -> None:
        """Plan the next change of these groups, instead of what was planned."""
        for group in groups:
            trigger = CalendarTrigger(timetable, group, market)
            self._scheduler.add_job(self._wake, trigger, id=group, replace_existing=True)

    def close(self) -> None:
        self._scheduler.shutdown(wait=False)
