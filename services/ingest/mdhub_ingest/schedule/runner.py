"""The schedule at work: what should run now is computed anew twice a second, and made so.

Nothing depends on a job having run: alarms only make the turn at a change come on time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final

from mdhub.calendar.note import encode_schedule, note_of
from mdhub.calendar.windows import ALWAYS, Timetable, day_at, with_closed
from mdhub.runtime.clock import SYSTEM, Clock
from mdhub.runtime.errors import ServiceError
from mdhub.runtime.heartbeat import ENDED, beat_payload
from mdhub.runtime.logging import Logger, correlated
from mdhub.wire.ops import Command, EventKind, Severity
from mdhub_ingest.schedule.ceremony import Ceremony, Now
from mdhub_ingest.schedule.events import result_event, schedule_event
from mdhub_ingest.schedule.link import Claimed, Link, Once, Told
from mdhub_ingest.schedule.market_view import MarketView
from mdhub_ingest.schedule.orders import (
    ACCOUNT,
    SCHEDULE,
    Order,
    OrderError,
    for_schedule,
    for_source,
    once,
    shown,
    target_source,
)  # fmt: skip
from mdhub_ingest.schedule.overrides import Overrides, note
from mdhub_ingest.schedule.ports import Planner, Sources
from mdhub_ingest.schedule.store import Store
from mdhub_ingest.schedule.trigger import Market
from mdhub_ingest.schedule.wanted import HELD, OUTSIDE, UNKNOWN, Wish, wish

__all__ = ["Schedule"]

TURN_S: Final = 0.5
LATE_S: Final = 5.0
"""A start or stop that comes later than this was missed; it is made up for, and said."""
_STILL_S: Final = 5.0
"""A main loop that stood still for so long sends no heartbeat any more."""


class Schedule:
    """Belongs to the main thread, but for `wake`, `trouble` and `beat`."""

    def __init__(  # noqa: PLR0913 - what it steers, by what, and whom it tells
        self,
        fleet: Sources,
        groups: Mapping[str, str],
        timetable: Timetable,
        ceremony: Ceremony,
        store: Store,
        logger: Logger,
        *,
        name: str,
        clock: Clock = SYSTEM,
    ) -> None:
        """`groups`: group of each source of the fleet, or `always`."""
        self._fleet = fleet
        self._groups = dict(groups)
        self._plain = self._timetable = timetable
        self._ceremony = ceremony
        self._store = store
        self._logger = logger
        self._name = name
        self._clock = clock
        self._view = MarketView()
        self._overrides = store.load()
        self._apply_holidays()
        self._wishes: dict[str, Wish] = {}
        self._before_ns: int | None = None
        self._planned: tuple[object, ...] = ()
        self._noted: tuple[object, ...] = ()
        self._due_s = 0.0
        self._troubles: deque[str] = deque(maxlen=100)
        self._counts = {"commands": 0, "missed": 0, "jobs_missed": 0}
        self.also: Callable[[], Mapping[str, int]] = dict
        """Counters that others want said in the heartbeat; asked in another thread."""
        self.on_other: Callable[[Told], object] = lambda _told: None
        """Hears of commands to neither source nor schedule."""

    @property
    def overrides(self) -> Overrides:
        return self._overrides

    def put(self, source: str, group: str) -> None:
        """Take a source of the fleet in, or its new group."""
        self._groups[source] = group
        self.wake()

    def drop(self, *sources: str) -> None:
        """Forget sources: the fleet has them no more."""
        for source in sources:
            self._groups.pop(source, None)
            self._wishes.pop(source, None)

    def wake(self) -> None:
        """Make the next turn come now."""
        self._due_s = 0.0

    def trouble(self, what: str) -> None:
        """Hear of a job that was missed or failed: harmless, but somebody should know."""
        self._troubles.append(what)
        self.wake()

    def turn(self, link: Link, alarms: Planner | None = None) -> None:
        """Hear what came; twice a second, or when woken, bring what runs to what should."""
        while link.heard:
            told = link.heard.popleft()
            if isinstance(told, Claimed):
                self._ceremony.claimed(told)
            else:
                with correlated(told.command.id):
                    self._obey(told, link)
        now_s = self._clock.monotonic_s()
        if now_s < self._due_s and (self._view.known or link.reading is None):
            return
        self._due_s = now_s + TURN_S
        if (reading := link.reading) is not None:
            self._view.feed(reading.log_ns, reading.market_ns)
        wall_ns = self._clock.wall_ns()
        market_ns = self._view.now_ns(wall_ns)
        self._tell_troubles(link, wall_ns)
        self._note(link)
        if market_ns is not None:
            self._prune(market_ns, link, wall_ns)
        self._converge(market_ns, link, wall_ns)
        if market_ns is not None:
            age_ms = None if reading is None else (wall_ns - reading.log_ns) // 1_000_000
            now = Now(market_ns, wall_ns, now_s, self._view.live, age_ms)
            self._ceremony.turn(self._timetable, now)
            if alarms is not None:
                self._plan(alarms, Market(market_ns, wall_ns, self._view.rate))

    def beat(self, last: bool) -> tuple[str, bytes] | None:  # noqa: FBT001 - as Link asks
        """Render the supervisor's heartbeat; None while the main loop stands still."""
        if self._clock.monotonic_s() - self._due_s > _STILL_S and not last and self._due_s:
            return None
        instance = f"supervisor:{self._name}"
        wishes = dict(self._wishes)
        running = sum(each.run for each in wishes.values())
        state = ENDED if last else f"running {running} of {len(self._groups)}"
        return instance, beat_payload("ingest", instance, state, self._counters(wishes))

    def _counters(self, wishes: Mapping[str, Wish]) -> dict[str, int]:
        names = list(self._groups)  # they come and go in another thread
        counters = {"sources": len(names), **self._counts, **self.also()}
        for name in names:
            said, state = wishes.get(name), self._fleet.state(name)
            counters[f"wanted:{name}"] = int(said is not None and said.run)
            counters[f"held:{name}"] = int(said is not None and said.why == HELD)
            counters[f"running:{name}"] = int(state is not None and state.process is not None)
            counters[f"quarantined:{name}"] = int(state is not None and state.quarantined)
            counters[f"commanded:{name}"] = self._fleet.commanded.get(name, 0)
        return counters

    def _wish(self, name: str, market_ns: int | None) -> Wish:
        return wish(
            name,
            self._groups[name],
            timetable=self._timetable,
            overrides=self._overrides,
            market_ns=market_ns,
        )

    def _converge(self, market_ns: int | None, link: Link, wall_ns: int) -> None:
        wishes = {name: self._wish(name, market_ns) for name in self._groups}
        stop: list[str] = []
        start: list[str] = []
        for name, wanted in wishes.items():
            runs = self._fleet.state(name) is not None
            fresh = bool(wanted.session) and self._fleet.session(name) != wanted.session
            if runs and (not wanted.run or fresh):
                stop.append(name)
            if wanted.run and (not runs or fresh):
                start.append(name)
        self._fleet.stop(*stop)  # all at once: the grace of each would add up
        for name in start:
            self._fleet.start(name, wishes[name].session)
        self._tell_changes(wishes, market_ns, link, wall_ns)
        self._wishes, self._before_ns = wishes, market_ns

    def _tell_changes(
        self, wishes: Mapping[str, Wish], market_ns: int | None, link: Link, wall_ns: int
    ) -> None:
        for name, now in wishes.items():
            before = self._wishes.get(name)
            if before == now:
                continue
            body: dict[str, Any] = {
                "change": "start" if now.run else "stop", "source": name, "why": now.why,
                "session": now.session, "market_ns": market_ns,
            }  # fmt: skip
            if before is None and now.why in {ALWAYS, UNKNOWN}:
                continue  # nothing that a schedule did
            body["next"] = self._next(name, market_ns)
            late_s = self._late_s(name, market_ns)
            severity = Severity.ERROR if now.why == OUTSIDE else Severity.INFO
            if before is not None and late_s > LATE_S:
                self._counts["missed"] += 1
                body |= {"change": "missed", "did": body["change"], "late_s": round(late_s, 1)}
                severity = Severity.WARNING
            self._say(link, name, body, wall_ns, severity)

    def _next(self, name: str, market_ns: int | None) -> str:
        """When its group is next connected or disconnected, for people; empty = not known."""
        group = self._groups[name]
        if group == ALWAYS or market_ns is None:
            return ""
        change_ns = self._timetable.next_change(group, market_ns)
        return "" if change_ns is None else shown(change_ns)

    def _late_s(self, name: str, market_ns: int | None) -> float:
        """Seconds since the change that is made now was due; 0 = an operator's, or a jump's."""
        group, before_ns = self._groups[name], self._before_ns
        if group == ALWAYS or market_ns is None or before_ns is None or not self._view.live:
            return 0.0
        due_ns = self._timetable.next_change(group, before_ns)
        if due_ns is None or due_ns > market_ns:
            return 0.0
        return (market_ns - due_ns) / 1e9

    def _obey(self, told: Told, link: Link) -> None:
        command, source = told.command, target_source(told.command.target)
        if command.target.partition(":")[0] == ACCOUNT:
            self.on_other(told)
            return
        if source not in self._groups and command.target != SCHEDULE:
            return
        if told.answered and command.action == "restart":
            return
        wall_ns = self._clock.wall_ns()
        if (reading := link.reading) is not None:
            self._view.feed(reading.log_ns, reading.market_ns)
        market_ns = self._view.now_ns(wall_ns)
        if told.answered:  # what it said may still hold: the file that kept it is gone, or another
            if not self._view.live:  # supervisor answered for the schedule
                market_ns = market_ns if command.target == SCHEDULE else None
            elif market_ns is not None:
                market_ns = command.ts_ns
            if market_ns is None:
                return
        try:
            result = self._carry_out(told, source, market_ns, wall_ns)
        except OrderError as error:
            self.answer(told, link, {"error": str(error)}, ok=False)
            return
        self.answer(told, link, result, ok=True)
        self.wake()

    def _carry_out(
        self, told: Told, source: str, market_ns: int | None, wall_ns: int
    ) -> dict[str, Any]:
        command = told.command
        self.check_new(command)
        if not told.answered and wall_ns > command.expires_ns:
            raise OrderError("expired")
        moment_ns = wall_ns if market_ns is None else market_ns
        order = self._order(command, source, market_ns, moment_ns)
        if order.restart:
            # Read again by the next supervisor, if this one dies before it has answered.
            self._overrides = order.overrides
            self.begin(command)
        elif order.overrides is not self._overrides:
            self._overrides = order.overrides.read_to(told.entry)
            self._apply_holidays()
            self._store.save(self._overrides)
        result = dict(order.result)
        if source:
            wanted = self._wish(source, market_ns)
            result |= {"wanted": wanted.run, "why": wanted.why}
        if order.restart:
            result |= self._restart(source, command, market_ns)
        return result

    def _order(self, command: Command, source: str, market_ns: int | None, moment_ns: int) -> Order:
        if not source:
            return for_schedule(
                command, timetable=self._plain, overrides=self._overrides, market_ns=moment_ns
            )
        return for_source(
            command,
            source=source,
            group=self._groups[source],
            timetable=self._timetable,
            overrides=self._overrides,
            market_ns=moment_ns,
            wish=self._wish(source, market_ns),
        )

    def _restart(self, source: str, command: Command, market_ns: int | None) -> dict[str, Any]:
        state = self._fleet.state(source)
        if state is None:
            self._fleet.start(source, self._wish(source, market_ns).session)
            return {"was": "not running"}
        was = "quarantined" if state.quarantined else "finished" if state.finished else "running"
        pid = None if state.process is None else state.process.pid
        try:
            state = self._fleet.renew(source, f"restart by command {command.id[:64]}")
        except ServiceError as error:
            raise OrderError(str(error)) from error
        if state.process is None:
            raise OrderError(f"source {source} was ended, but no new process could be started yet")
        return {"was": was, "killed_pid": pid, "pid": state.process.pid}

    def check_new(self, command: Command) -> None:
        """Raise OrderError for what a supervisor began before it died: never done twice."""
        once(command.id, self._overrides.begun)

    def begin(self, command: Command) -> None:
        """Write down that something is about to be done that must not be done twice."""
        self._overrides = self._overrides.begin(command.id)
        self._store.save(self._overrides)

    def answer(self, told: Told, link: Link, result: Mapping[str, Any], *, ok: bool) -> None:
        """Write the one result of a command, unless it has one."""
        if told.answered:
            return
        self._counts["commands"] += 1
        command = told.command
        say = self._logger.info if ok else self._logger.warning
        say("command", **dict(result) | {
            "target": command.target, "action": command.action[:64],
            "issuer": command.issuer[:64], "ok": ok,
        })  # fmt: skip
        event = result_event(command, result, ok=ok, wall_ns=self._clock.wall_ns())
        link.say(Once(command.id, event))

    def _prune(self, market_ns: int, link: Link, wall_ns: int) -> None:
        today = int(f"{day_at(market_ns):%Y%m%d}")
        self._overrides, over = self._overrides.pruned(market_ns, today)
        if over:
            self._apply_holidays()
            self._store.save(self._overrides)
            self._say(link, ", ".join(over), {"change": "override_over"}, wall_ns)

    def _note(self, link: Link) -> None:
        """Keep what is said of the schedule on the server, for people."""
        told = (self._overrides, dict(self._groups))
        if told != self._noted:
            self._noted = told
            link.note = note_of(self._name), encode_schedule(note(*told, self._plain))

    def _apply_holidays(self) -> None:
        days = self._overrides.days()
        calendar = with_closed(self._plain.calendar, days)
        same = calendar is self._plain.calendar
        self._timetable = self._plain if same else Timetable(calendar, self._plain.groups)

    def _plan(self, alarms: Planner, market: Market) -> None:
        """Plan anew when market time was set, the calendar changed, or a change has passed."""
        groups = sorted(set(self._groups.values()) - {ALWAYS})
        ahead = [self._timetable.next_change(group, market.market_ns) for group in groups]
        planned = (self._view.jumps, self._timetable, *ahead)
        if planned != self._planned:
            self._planned = planned
            alarms.plan(self._timetable, groups, market)

    def _tell_troubles(self, link: Link, wall_ns: int) -> None:
        while self._troubles:
            self._counts["jobs_missed"] += 1
            body = {"change": f"job_{self._troubles.popleft()}"}
            self._say(link, "", body, wall_ns, Severity.WARNING)

    def _say(
        self,
        link: Link,
        subject: str,
        body: Mapping[str, Any],
        wall_ns: int,
        severity: str = Severity.INFO,
    ) -> None:
        say = self._logger.info if severity == Severity.INFO else self._logger.warning
        say("schedule", subject=subject, **body)
        link.say(
            schedule_event(EventKind.SCHEDULE, subject, body, wall_ns=wall_ns, severity=severity)
        )
