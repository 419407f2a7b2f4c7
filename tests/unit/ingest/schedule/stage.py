"""A supervisor's schedule without processes, server or time of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from subprocess import Popen
from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

from mdhub.calendar import Calendar
from mdhub.calendar.windows import SECOND_NS, Timetable
from mdhub.runtime.backoff import Backoff
from mdhub.runtime.clock import Clock
from mdhub.runtime.keeper import ChildSpec, ChildState
from mdhub.runtime.logging import service_logger
from mdhub.streams.memory import MemoryServer
from mdhub.wire.codec import decode_event
from mdhub.wire.ops import Command, Event, EventKind
from mdhub.wire.ticks import CHINA_TIME, SCHEMA_VERSION
from mdhub_ingest.schedule.ceremony import Ceremony
from mdhub_ingest.schedule.link import Link, Looked, Once, Reading, Told
from mdhub_ingest.schedule.runner import Schedule
from mdhub_ingest.schedule.settings import ScheduleSettings
from mdhub_ingest.schedule.store import Store

CALENDAR = Calendar.load()


def at(text: str) -> int:
    """Return ns of a moment in China: `2026-09-24 08:30`."""
    moment = datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=CHINA_TIME)
    return int(moment.timestamp()) * SECOND_NS


def words(ns: int) -> str:
    return f"{datetime.fromtimestamp(ns // SECOND_NS, CHINA_TIME):%m-%d %H:%M}"


class FakeFleet:
    """Notes what it was told to do. Its processes never end by themselves."""

    def __init__(self, names: list[str], now: Callable[[], str]) -> None:
        self.names = names
        self.commanded: dict[str, int] = Counter()
        self.did: list[tuple[str, str, str]] = []
        self._now = now
        self._states: dict[str, ChildState] = {}
        self._sessions: dict[str, str] = {}

    def state(self, name: str) -> ChildState | None:
        return self._states.get(name)

    def session(self, name: str) -> str:
        return self._sessions.get(name, "")

    def start(self, name: str, session: str) -> None:
        assert name not in self._states, "two processes of one source"
        self.did.append((self._now(), "start", name))
        self._sessions[name] = session
        state = ChildState(ChildSpec(name, lambda _: ["true"]), Backoff())
        state.process = cast("Popen[str]", SimpleNamespace(pid=len(self.did)))
        self._states[name] = state

    def stop(self, *names: str) -> None:
        for name in names:
            self.did.append((self._now(), "stop", name))
            del self._states[name]

    def renew(self, name: str, why: str) -> ChildState:
        assert why
        self.did.append((self._now(), "renew", name))
        self.commanded[name] += 1
        state = self._states[name]
        state.quarantined = state.finished = False
        return state


class Stage:
    """Time is set by hand; events that are said once are taken once, as the log would."""

    def __init__(
        self,
        folder: Path,
        groups: Mapping[str, str],
        *,
        begin: str,
        settings: ScheduleSettings | None = None,
        marks: set[str] | None = None,
    ) -> None:
        self.settings = settings or ScheduleSettings()
        self.wall_ns = at(begin)
        self.live = True
        self.marks: set[str] = set() if marks is None else marks
        self.events: list[Event] = []
        self.fleet = FakeFleet(list(groups), lambda: words(self.wall_ns))
        logger = service_logger("ingest", "test")
        self.link = Link(
            lambda: MemoryServer().log("ingest"), after=b"0-0", logger=logger, beat=lambda _: None
        )
        members = {
            group: {name: False for name, own in groups.items() if own == group}
            for group in sorted(set(groups.values()) - {"always"})
        }
        self.ceremony = Ceremony(
            members, self.settings, self.link, run="run", folder=folder, hidden={}
        )
        self.schedule = Schedule(
            self.fleet,
            groups,
            Timetable(CALENDAR, self.settings.all_groups()),
            self.ceremony,
            Store(folder, "A", logger),
            logger,
            name="A",
            clock=Clock(wall_ns=lambda: self.wall_ns, monotonic_ns=lambda: self.wall_ns),
        )

    def turn(self, *, well: bool = True) -> None:
        """One turn of the main loop, and of the thread that writes."""
        self.link.reading = Reading(self.wall_ns, self.wall_ns, self.wall_ns)
        if self.link.look and well:
            self.link.looked = Looked({}, 0.0, self.wall_ns)
        self.schedule.wake()
        self.schedule.turn(self.link)
        self.write()

    def write(self) -> None:
        waiting = self.link._waiting
        while waiting:
            said = waiting.popleft()
            if isinstance(said, Once):
                if said.key in self.marks or (said.after and said.after not in self.marks):
                    continue
                self.marks.add(said.key)
            self.events.append(decode_event(said.event if isinstance(said, Once) else said))

    def go(self, until: str, *, step_s: float = 60.0) -> None:
        """Let time pass."""
        while self.wall_ns < at(until):
            self.turn()
            self.wall_ns += int(step_s * SECOND_NS)

    def command(self, target: str, action: str, **args: Any) -> Event:
        """Give a command; return its one result."""
        command = Command(
            SCHEMA_VERSION, uuid4().hex, self.wall_ns, "test", target, action, args,
            self.wall_ns + 5 * SECOND_NS,
        )  # fmt: skip
        return self.give(command)

    def give(self, command: Command) -> Event:
        self.link.heard.append(Told(f"{self.wall_ns // 1_000_000}-0", command, answered=False))
        self.turn()
        (result,) = [e for e in self.events if e.correlation_id == command.id]
        assert result.kind == EventKind.COMMAND_DONE
        return result

    def told(self, kind: str) -> list[tuple[str, str]]:
        """(subject, change) of events of a kind."""
        return [(e.subject, str(e.body.get("change"))) for e in self.events if e.kind == kind]
