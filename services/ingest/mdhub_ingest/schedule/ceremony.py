"""What happens around a session of a group: events, checklist, archive. Each once, whoever says it.

Level-triggered as well: at every turn it is asked what should have happened by now in the present
window and in the last one; the log knows what has.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from mdhub.calendar import OutsideCalendar
from mdhub.calendar.windows import SECOND_NS, Timetable, Window, day_at
from mdhub.wire.ops import EventKind, Severity
from mdhub_ingest.schedule.archive import ArchiveRun
from mdhub_ingest.schedule.checklist import Facts, SourceState, judge, worst
from mdhub_ingest.schedule.events import once_key, schedule_event
from mdhub_ingest.schedule.link import Claimed, Link, Looked, Once
from mdhub_ingest.schedule.settings import ScheduleSettings

__all__ = ["Ceremony", "Now"]

GRACE_S: Final = 20.0
"""Sources that are started late get so long before the checklist judges them."""
CATCH_UP_NS: Final = 12 * 3_600 * SECOND_NS
"""A close that nobody saw is told so long afterwards, in market time."""
ATTEMPTS: Final = 3
_PAUSE_S: Final = 15.0
_FRESH_NS: Final = 3_000_000_000


@dataclass(frozen=True, slots=True)
class Now:
    """A moment."""

    market_ns: int
    wall_ns: int
    mono_s: float
    live: bool
    log_age_ms: int | None


@dataclass(slots=True)
class _Seen:
    """What this process has done about a window."""

    since_s: float
    said: set[str] = field(default_factory=set)
    attempts: int = 0
    closed_s: float = 0.0


class Ceremony:
    """Watches the windows of groups. `sources`: group -> names -> whether it is a gateway."""

    def __init__(
        self,
        sources: Mapping[str, Mapping[str, bool]],
        settings: ScheduleSettings,
        link: Link,
        *,
        run: str,
        folder: Path,
        hidden: Mapping[str, str],
    ) -> None:
        """`hidden`: variables that the archive must not see."""
        self._sources = sources
        self._settings = settings
        self._link = link
        self._run = run
        self._folder = folder
        self._hidden = hidden
        self._seen: dict[str, _Seen] = {}
        self._claims: dict[str, Window] = {}
        self._archives: dict[str, ArchiveRun] = {}

    def turn(self, timetable: Timetable, now: Now) -> None:
        """Look at every group."""
        waiting = False
        for group in self._sources:
            try:
                window = timetable.window_at(group, now.market_ns)
            except OutsideCalendar:
                continue
            if window is not None:
                self._tell(window, now)
                waiting |= self._check(window, timetable, now)
            last = timetable.last_window(group, now.market_ns)
            if last is not None and now.market_ns - last.end_ns < CATCH_UP_NS:
                self._tell(last, now)
                self._archive(last, now)
        self._link.look = waiting
        self._finish_archives(now)

    def watch(self, sources: Mapping[str, Mapping[str, bool]], hidden: Mapping[str, str]) -> None:
        """Take other sources, and other variables that the archive must not see."""
        self._sources = sources
        self._hidden = hidden

    def claimed(self, claim: Claimed) -> None:
        """It is this supervisor that runs the archive, or it is not."""
        window = self._claims.pop(claim.key, None)
        if window is not None and claim.first:
            self._archives[window.key] = ArchiveRun(
                self._settings.archive,
                window,
                limit_s=self._settings.archive_limit_s,
                without=self._hidden,
            )

    def close(self) -> None:
        for run in self._archives.values():
            run.end()

    def _look_up(self, window: Window, now: Now) -> _Seen:
        seen = self._seen.get(window.key)
        if seen is None:
            if len(self._seen) > 100:  # noqa: PLR2004 - a bound; two windows a group are in use
                self._seen.clear()  # the log knows what was said
            seen = self._seen[window.key] = _Seen(now.mono_s)
        return seen

    def _key(self, window: Window, what: str, now: Now) -> str:
        return once_key("" if now.live else self._run, what, window.key)

    def _tell(self, window: Window, now: Now) -> None:
        seen, opens = self._look_up(window, now), self._key(window, "opens", now)
        moments = {
            "opens": window.start_ns,
            "opened": window.open_ns,
            "closing": window.close_ns,
            "closed": window.end_ns,
        }
        for change, due_ns in moments.items():
            if change in seen.said or now.market_ns < due_ns:
                continue
            seen.said.add(change)
            if change == "opens" and now.market_ns >= window.end_ns:
                continue  # it was over before anybody came
            body = {
                "change": change,
                "session": window.session,
                "trading_day": int(f"{window.trading_day:%Y%m%d}"),
                "due_ns": due_ns,
                "market_ns": now.market_ns,
            }
            event = schedule_event(EventKind.SESSION, window.group, body, wall_ns=now.wall_ns)
            after = "" if change == "opens" else opens
            self._link.say(Once(self._key(window, change, now), event, after=after))

    def _check(self, window: Window, timetable: Timetable, now: Now) -> bool:
        """Judge once all is well, or at the deadline. Tells whether that is still to come."""
        seen = self._look_up(window, now)
        if "checklist" in seen.said or now.market_ns >= window.close_ns:
            return False
        looked = self._link.looked
        if looked is None or now.wall_ns - looked.at_ns > _FRESH_NS:
            return True
        checks = judge(self._facts(window, looked, timetable, now), self._settings)
        deadline_ns = window.open_ns - int(self._settings.checklist_min * 60 * SECOND_NS)
        late = now.market_ns >= deadline_ns and now.mono_s - seen.since_s >= GRACE_S
        failed = [check for check in checks if not check.ok]
        if failed and not late:
            return True
        seen.said.add("checklist")
        body = {
            "ok": not failed,
            "session": window.session,
            "trading_day": int(f"{window.trading_day:%Y%m%d}"),
            "deadline_ns": deadline_ns,
            "market_ns": now.market_ns,
            "failed": [f"{check.name} {check.subject}".strip() for check in failed],
            "checks": [check.body() for check in checks],
        }
        event = schedule_event(
            EventKind.CHECKLIST, window.group, body, wall_ns=now.wall_ns, severity=worst(checks)
        )
        self._link.say(Once(self._key(window, "checklist", now), event))
        return False

    def _facts(self, window: Window, looked: Looked, timetable: Timetable, now: Now) -> Facts:
        wanted = {
            name.partition(":")[2]: count
            for beat in looked.beats.values()
            if beat.instance.startswith("supervisor:")
            for name, count in beat.counters.items()
            if name.startswith("wanted:")
        }
        states = []
        for name, gateway in self._sources[window.group].items():
            beat = looked.beats.get(f"ingest:{name}")
            fresh = (
                beat is not None
                and beat.state != "ended"
                and (abs(looked.at_ns - beat.ts_ns) < _FRESH_NS)
            )
            if wanted.get(name, 1):
                counters = beat.counters if beat is not None and fresh else {}
                states.append(SourceState(name, gateway, fresh, counters))
        try:
            horizon = timetable.calendar.check_horizon(day_at(now.market_ns))
        except OutsideCalendar:
            horizon = None
        return Facts(
            states, now.log_age_ms, looked.clock_offset_ms, _free_mb(self._folder), horizon
        )

    def _archive(self, window: Window, now: Now) -> None:
        """Claim the archive; again when who claimed it has not told of an end in time."""
        seen = self._look_up(window, now)
        if not self._settings.archive or seen.attempts >= ATTEMPTS:
            return
        seen.closed_s = seen.closed_s or now.mono_s
        due_s = seen.closed_s + seen.attempts * (self._settings.archive_limit_s + _PAUSE_S)
        if now.mono_s < due_s:
            return
        seen.attempts += 1
        key = self._key(window, f"archive-{seen.attempts}", now)
        self._claims[key] = window
        body = self._archive_body(window, {"change": "archive_started", "attempt": seen.attempts})
        event = schedule_event(EventKind.SCHEDULE, window.group, body, wall_ns=now.wall_ns)
        after, unless = self._key(window, "opens", now), self._key(window, "archived", now)
        self._link.say(Once(key, event, after=after, unless=unless, claim=True))

    def _finish_archives(self, now: Now) -> None:
        for key, run in list(self._archives.items()):
            outcome = run.poll()
            if outcome is None:
                continue
            del self._archives[key]
            good = outcome["change"] == "archived"
            event = schedule_event(
                EventKind.SCHEDULE,
                run.window.group,
                self._archive_body(run.window, outcome),
                wall_ns=now.wall_ns,
                severity=Severity.INFO if good else Severity.ERROR,
            )
            self._link.say(Once(self._key(run.window, "archived", now), event))

    @staticmethod
    def _archive_body(window: Window, facts: dict[str, Any]) -> dict[str, Any]:
        day = int(f"{window.trading_day:%Y%m%d}")
        return {**facts, "session": window.session, "trading_day": day}


def _free_mb(folder: Path) -> int | None:
    for place in (folder, *folder.parents):
        try:
            return shutil.disk_usage(place).free >> 20
        except FileNotFoundError:
            continue
        except OSError:
            return None
    return None
