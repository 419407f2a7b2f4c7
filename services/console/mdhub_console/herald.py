"""What the console says of itself to the hub: a heartbeat a second, and each audit record.

A thread with a connection of its own: a log that is away delays no request.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

import msgspec

from mdhub.runtime.backoff import Backoff
from mdhub.runtime.heartbeat import BEAT_EVERY_S, ENDED, beat_payload
from mdhub.runtime.logging import Logger
from mdhub.runtime.metrics import Board
from mdhub.runtime.outage import Outage
from mdhub.runtime.threads import name_thread
from mdhub.streams.errors import StreamsError
from mdhub.streams.port import Log
from mdhub.streams.topology import EVENTS
from mdhub.wire.codec import encode
from mdhub.wire.ops import Event, EventKind, Severity
from mdhub.wire.ticks import SCHEMA_VERSION
from mdhub_console.identity.audit import Record

__all__ = ["WAITING", "Herald"]

WAITING: Final = 1_000
"""Audit records that wait for a log that is away; then the oldest are left out and counted: the
database has them all."""
END_S: Final = 0.5


class Herald:
    """`tell` belongs to any thread and only enqueues."""

    def __init__(
        self, instance: str, connect: Callable[[], Log], board: Board, logger: Logger
    ) -> None:
        self._instance = instance
        self._connect = connect
        self._board = board
        self._outage = Outage(logger)
        self._backoff = Backoff(first_s=0.1, ceiling_s=2.0)
        self._waiting: deque[Record] = deque()
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._wake = threading.Event()
        self._log: Log | None = None
        self._thread = threading.Thread(target=self._run, name="herald", daemon=True)
        self.counters = {"audit_records": 0, "audit_events_left_out": 0}
        self.more: Callable[[], Mapping[str, int]] = dict
        """What else the heartbeat counts; set before `start`, asked in the herald's thread."""

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Say that it ends, if the log takes it at once."""
        self._ending.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(END_S)

    def tell(self, record: Record) -> None:
        """Let the hub's events have an audit record too."""
        with self._lock:
            self._waiting.append(record)
            self.counters["audit_records"] += 1
            if len(self._waiting) > WAITING:
                self._waiting.popleft()
                self.counters["audit_events_left_out"] += 1
        self._wake.set()

    def _run(self) -> None:
        name_thread("herald")
        beaten_s = 0.0
        while not self._ending.is_set():
            now_s = time.monotonic()
            try:
                log = self._log = self._log or self._connect()
                self._pass_on(log)
                if now_s - beaten_s >= BEAT_EVERY_S:
                    self._beat(log, "serving")
                    beaten_s = now_s
                self._outage.back()
                self._backoff.reset()
            except StreamsError as error:
                self._hang_up()
                self._outage.away(error)
                self._ending.wait(self._backoff.next_s())
            else:
                self._wake.wait(max(0.0, beaten_s + BEAT_EVERY_S - time.monotonic()))
                self._wake.clear()
        with suppress(StreamsError):
            if self._log is not None:
                self._pass_on(self._log)
                self._beat(self._log, ENDED)
        self._hang_up()

    def _pass_on(self, log: Log) -> None:
        """Write what waits. A record goes once it is written: twice is better than not at all."""
        while True:
            with self._lock:
                record = self._waiting[0] if self._waiting else None
            if record is None:
                return
            log.append(EVENTS, encode(_event(record, f"console:{self._instance}")))
            with self._lock:
                if self._waiting and self._waiting[0] is record:
                    self._waiting.popleft()

    def _beat(self, log: Log, state: str) -> None:
        counters = {**self.more(), **self.counters, **self._outage.counters()}
        log.beat(
            f"console:{self._instance}", beat_payload("console", self._instance, state, counters)
        )
        self._board.say(state, counters)

    def _hang_up(self) -> None:
        if self._log is not None:
            self._log.close()
            self._log = None


def _event(record: Record, service: str) -> Event:
    severity = Severity.INFO if record.result == "ok" else Severity.WARNING
    return Event(
        SCHEMA_VERSION, f"audit-{record.n}-{record.digest[:12]}", record.ts_ns, service,
        EventKind.AUDIT, record.action, severity, "", msgspec.structs.asdict(record),
    )  # fmt: skip
