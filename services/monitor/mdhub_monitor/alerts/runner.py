"""The thread of the alerting: follows events, log lines, commands and the health report.

It has connections of its own, so nothing here disturbs the monitor, and nothing in the monitor
silences it. State is saved before anything is sent: a restart repeats nothing but what was on its
way at that moment.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, MutableMapping
from typing import Final

from msgspec.structs import replace

from mdhub.health.alerts import decode_book, encode_book
from mdhub.health.model import Finding, HealthReport, decode_health
from mdhub.runtime.backoff import Backoff
from mdhub.runtime.logging import Logger
from mdhub.runtime.threads import name_thread
from mdhub.streams.errors import ServerError, StreamsError
from mdhub.streams.port import FIRST_ID, Log, Tail
from mdhub.streams.topology import COMMANDS, EVENTS, LOGS, Stream
from mdhub.wire.codec import DecodeError, decode_event, decode_log_line
from mdhub.wire.ops import EventKind, Severity
from mdhub_monitor.alerts.centre import SERVICE, Centre, open_channels
from mdhub_monitor.alerts.orders import Orders, ordered
from mdhub_monitor.alerts.settings import AlertSettings
from mdhub_monitor.alerts.signals import ALERTS_FAILED, OWN_RULES, away_finding, plain, said_by

__all__ = ["NOTE", "Alerting"]

NOTE: Final = "alerts"
"""Name of the document that holds the book."""
AWAY_NS: Final = 5_000_000_000
"""A server that does not answer for so long is an alert."""
REPORT_EVERY_S: Final = 1.0
SAVE_EVERY_S: Final = 5.0
"""Positions and numbers; what was told is saved at once."""
FRESH_NS: Final = 5_000_000_000
MONITOR_S: Final = 20.0
"""A health report that stays the same for so long means that the monitor itself hangs."""
WATCHMAN: Final = "alerts"
_BLOCK_MS: Final = 200
_PAGE: Final = 500
_STOP_S: Final = 2.0
_FINDING: Final = EventKind.FINDING.encode()
_ERROR: Final = Severity.ERROR.encode()

OpenLog = Callable[[], Log]


class Alerting:
    """Start it once, stop it at the end; `counters` from any thread."""

    def __init__(
        self,
        settings: AlertSettings,
        open_log: OpenLog,
        logger: Logger,
        environment: MutableMapping[str, str],
    ) -> None:
        self._open_log = open_log
        self._logger = logger
        self._centre = Centre(settings, open_channels(settings, environment, logger), logger)
        self._desk = _Desk(self._centre)
        self._failed = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="alerts", daemon=True)
        self._last_s = time.monotonic()
        self._last_ns = time.time_ns()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the thread; a message on its way may be sent again by the next run."""
        self._stop.set()
        self._thread.join(_STOP_S)

    def counters(self) -> dict[str, int]:
        """For the heartbeat."""
        return self._centre.counters() | {"alerts_failed": self._failed}

    def _run(self) -> None:
        name_thread("alerts")
        backoff = Backoff(first_s=0.1, ceiling_s=1.0)
        while not self._stop.is_set():
            try:
                self._follow(backoff)
            except StreamsError as error:
                self._away(error)
                self._stop.wait(backoff.next_s())
            except Exception as error:  # noqa: BLE001 - who alerts must not end because of one entry
                self._failed += 1
                self._logger.error(ALERTS_FAILED, reason=f"{type(error).__name__}: {error}")
                self._stop.wait(backoff.next_s())

    def _follow(self, backoff: Backoff) -> None:
        log = self._open_log()
        try:
            self._desk.sit_down(log)
            while not self._stop.is_set():
                self._desk.turn(log)
                self._last_s, self._last_ns = time.monotonic(), time.time_ns()
                backoff.reset()
        finally:
            self._desk.get_up(log, ended=self._stop.is_set())
            log.close()

    def _away(self, error: Exception) -> None:
        """Say that the server is away, and go on sending."""
        now_ns = time.time_ns()
        if time.monotonic() - self._last_s > AWAY_NS / 1e9:
            finding = away_finding(self._last_ns, str(error))
            policy = self._centre.policy
            policy.began(finding, origin=SERVICE, said_ns=now_ns, now_ns=now_ns)
        self._centre.collect(now_ns)
        self._centre.dispatch()


class _Desk:
    """What is done with the log while it is there."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre
        self._orders = Orders(centre)
        self._known = False
        """Whether the book of an earlier run was read."""
        self._events = self._lines = self._commands = FIRST_ID
        self._tail: Tail | None = None
        self._report_s = self._save_s = 0.0
        self._report_ns = 0
        self._fresh_s = 0.0
        """When the report was last a new one."""

    def sit_down(self, log: Log) -> None:
        if not self._known:
            self._remember(log)
            self._known = True
        self._tail = log.tail(EVENTS, after=self._events)
        self._fresh_s = time.monotonic()

    def get_up(self, log: Log, *, ended: bool) -> None:
        if self._tail is not None:
            self._tail.close()
            self._tail = None
        if ended and self._known:
            self._save(log, time.time_ns())

    def turn(self, log: Log) -> None:
        """One look at everything."""
        self._read_events()
        now_ns = time.time_ns()
        away = self._centre.policy.lasting("server_away")
        for alert in away:
            self._centre.policy.ended(alert.finding.key, said_ns=now_ns, now_ns=now_ns)
        self._read_lines(log, now_ns)
        self._read_commands(log, now_ns)
        self._read_report(log, now_ns)
        self._centre.collect(now_ns)
        moved = self._centre.policy.changed or self._centre.dirty
        if moved or time.monotonic() > self._save_s:
            self._save(log, now_ns)
        self._centre.dispatch()
        self._write_events(log)
        self._orders.answer(now_ns, log.command_done)

    def _remember(self, log: Log) -> None:
        data = log.note(NOTE)
        try:
            book = None if data is None else decode_book(data)
        except DecodeError:
            book = None  # of a release that wrote it otherwise: begin anew
        if book is not None:
            self._centre.adopt(book, time.time_ns())
        self._events = _position(book.cursor if book else "", log, EVENTS)
        self._lines = _position(book.log_cursor if book else "", log, LOGS)

    def _read_events(self) -> None:
        if self._tail is None:
            return
        for entry_id, fields in self._tail.read(block_ms=_BLOCK_MS, count=_PAGE):
            self._events = entry_id
            if len(fields) > 1 and _FINDING in fields[1]:
                self._take_event(fields[1])

    def _take_event(self, data: bytes) -> None:
        try:
            event = decode_event(data)
        except DecodeError:
            return  # somebody else's broken event
        said = said_by(event)
        if said is None:
            return
        policy, now_ns = self._centre.policy, time.time_ns()
        if said.over:
            policy.ended(said.finding.key, said_ns=event.ts_ns, now_ns=now_ns)
        else:
            policy.began(said.finding, origin=event.service, said_ns=event.ts_ns, now_ns=now_ns)

    def _read_lines(self, log: Log, now_ns: int) -> None:
        for entry_id, fields in log.entries(LOGS, first=b"(" + self._lines, count=_PAGE):
            self._lines = entry_id
            if len(fields) < 2 or _ERROR not in fields[1]:  # noqa: PLR2004 - name and value
                continue
            try:
                line = decode_log_line(fields[1])
            except DecodeError:
                continue
            finding = self._centre.errors.take(line, now_ns)
            if finding is not None:
                self._centre.policy.began(finding, origin="logs", said_ns=line.ts_ns, now_ns=now_ns)

    def _read_commands(self, log: Log, now_ns: int) -> None:
        for entry_id, fields in log.entries(COMMANDS, first=b"(" + self._commands, count=_PAGE):
            self._commands = entry_id
            command = ordered(fields, now_ns)
            if command is not None and not log.command_is_done(command.id):
                self._orders.obey(command, now_ns)

    def _read_report(self, log: Log, now_ns: int) -> None:
        if time.monotonic() < self._report_s:
            return
        self._report_s = time.monotonic() + REPORT_EVERY_S
        data = log.health()
        try:
            report = None if data is None else decode_health(data)
        except DecodeError:
            return
        if report is None:
            return
        if report.ts_ns == self._report_ns or now_ns - report.ts_ns > FRESH_NS:
            self._watch_the_monitor(report, now_ns)
            return
        self._report_ns = report.ts_ns
        self._fresh_s = time.monotonic()
        for alert in self._centre.policy.lasting("service_down"):
            if alert.origin == WATCHMAN:
                self._centre.policy.ended(alert.finding.key, said_ns=now_ns, now_ns=now_ns)
        findings = [plain(f) for f in report.findings if f.rule not in OWN_RULES]
        self._centre.policy.reconcile(
            replace(report, findings=findings), origin=SERVICE, now_ns=now_ns
        )

    def _watch_the_monitor(self, report: HealthReport, now_ns: int) -> None:
        """Say that the rest of this process stands still: nobody else would."""
        if time.monotonic() - self._fresh_s > MONITOR_S:
            finding = Finding(
                key=f"service_down:{report.monitor or SERVICE}",
                rule="service_down",
                subject=report.monitor or SERVICE,
                severity=Severity.ERROR,
                since_ns=report.ts_ns,
                facts={"age_s": (now_ns - report.ts_ns) / 1e9},
            )
            policy = self._centre.policy
            policy.began(finding, origin=WATCHMAN, said_ns=now_ns, now_ns=now_ns)

    def _save(self, log: Log, now_ns: int) -> None:
        book = replace(
            self._centre.book(now_ns),
            cursor=self._events.decode(),
            log_cursor=self._lines.decode(),
        )
        self._save_s = time.monotonic() + SAVE_EVERY_S
        try:
            log.save_note(NOTE, encode_book(book))
        except ServerError:
            return  # a server that is full is what somebody must be told of; try again later
        self._centre.policy.changed = self._centre.dirty = False

    def _write_events(self, log: Log) -> None:
        events = self._centre.events
        while events:
            try:
                log.append(EVENTS, events[0])
            except ServerError:
                return  # they wait, bounded
            events.popleft()


def _position(known: str, log: Log, stream: Stream) -> bytes:
    """Where an earlier run was, else the end: what happened before anybody alerted is no news."""
    if known:
        return known.encode()
    newest = log.entries(stream, count=1, newest_first=True)
    return newest[0][0] if newest else FIRST_ID
