"""Log lines to the `logs` stream: a bounded queue and a thread with a connection of its own.

Who logs never waits. The queue holds 1,000 lines of at most 16 kB; beyond that, which takes a
server that is away, further lines are left out of the stream (stderr has them), counted, and told
in a line `lines_not_shipped` when it is back. The beginning of a trouble is kept: it says why.

A line whose write had no answer is written again: seen twice is better than not at all.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from typing import Any, Final, Protocol

from mdhub.runtime.backoff import Backoff
from mdhub.runtime.foreign_lines import captured, crash_told
from mdhub.runtime.logging import HEAD, Line, Logger
from mdhub.runtime.threads import name_thread
from mdhub.wire.codec import encode
from mdhub.wire.errors import MdhubError
from mdhub.wire.ops import LogLine
from mdhub.wire.ticks import SCHEMA_VERSION

__all__ = ["LINE_BYTES", "QUEUE_LINES", "Shipper", "shipped"]

QUEUE_LINES: Final = 1_000
LINE_BYTES: Final = 16_384
ATTEMPTS: Final = 3
"""Refusals of one line, for no state of the server; then it is left out."""
WAKE_S: Final = 1.0
LAST_S: Final = 0.5
"""How long the end of a service waits for its last lines to be written."""


class Appends(Protocol):
    """What a log can do, as far as lines need it."""

    def append(self, stream: Any, payload: bytes) -> object: ...
    def close(self) -> None: ...


class Shipper:
    """Owns the thread. `put` belongs to any thread and only enqueues."""

    def __init__(self, logger: Logger, connect: Callable[[], Appends], stream: object) -> None:
        self.written = 0
        self.dropped = 0
        """Lines that are not in the stream: the queue was full, or the server refused them."""
        self._logger = logger
        self._connect = connect
        self._stream = stream
        self._told = 0
        self._waiting: deque[bytes] = deque()
        self._wake: SimpleQueue[None] = SimpleQueue()
        """Holds something when there is something to do. Its `put` may interrupt itself, as a
        finalizer that says a line may; that of an Event may not."""
        self._ending = threading.Event()
        self._log: Appends | None = None
        self._attempts = 0
        self._backoff = Backoff(first_s=0.1, ceiling_s=2.0)
        self._thread = threading.Thread(target=self._run, name="log-lines", daemon=True)

    def start(self) -> None:
        self._logger.ship = self.put
        self._thread.start()

    def put(self, line: Line) -> None:
        """Enqueue a line; one that finds the queue full is counted, not kept."""
        if len(self._waiting) >= QUEUE_LINES:
            self.dropped += 1
            return
        self._waiting.append(_encoded(line))
        if self._wake.empty():
            self._wake.put(None)

    def close(self) -> None:
        """Write what waits, for half a second at most; a server that is away is not waited for."""
        self._ending.set()
        self._wake.put(None)
        self._thread.join(LAST_S)
        self._logger.ship = lambda _line: None

    def _run(self) -> None:
        name_thread("log-lines")
        while not self._ending.is_set():
            with suppress(Empty):
                self._wake.get(timeout=WAKE_S)
            self._logger.tell_left_out()
            while not self._drained() and not self._ending.wait(self._backoff.next_s()):
                self._logger.tell_left_out()
        self._drained()
        self._hang_up()

    def _drained(self) -> bool:
        """Write what waits; False if the server does not take it now."""
        while self._waiting:
            try:
                self._log = self._log or self._connect()
                self._log.append(self._stream, self._waiting[0])
            except (MdhubError, OSError) as error:
                self._failed(error)
                return False
            self._done_with_first()
            self.written += 1
            self._backoff.reset()
        if self.dropped > self._told:
            lines, self._told = self.dropped - self._told, self.dropped
            self._logger.warning("lines_not_shipped", lines=lines, in_all=self.dropped)
            return self._drained()
        return True

    def _failed(self, error: Exception) -> None:
        """Start over with a new connection; a line that is refused again and again is left out."""
        self._hang_up()
        # A server that is away or full says so by its state: then the line is not to blame.
        self._attempts += not getattr(error, "state", "")
        if self._attempts >= ATTEMPTS and self._waiting:
            self._done_with_first()
            self.dropped += 1

    def _done_with_first(self) -> None:
        self._waiting.popleft()
        self._attempts = 0

    def _hang_up(self) -> None:
        if self._log is not None:
            with suppress(MdhubError, OSError):
                self._log.close()
            self._log = None


def _encoded(line: Line) -> bytes:
    fields = {name: value for name, value in line.items() if name not in HEAD}
    fields["instance"] = line["instance"]
    payload = _payload(line, fields)
    if len(payload) > LINE_BYTES:
        payload = _payload(line, {"instance": line["instance"], "too_long_bytes": len(payload)})
    return payload


def _payload(line: Line, fields: dict[str, Any]) -> bytes:
    return encode(
        LogLine(
            SCHEMA_VERSION, line["ts_ns"], line["level"], line["service"], line["event"],
            line.get("correlation_id", ""), fields,
        )
    )  # fmt: skip


@contextmanager
def shipped(logger: Logger, connect: Callable[[], Appends], stream: object) -> Iterator[Shipper]:
    """Until the block ends: lines go to the stream too, and nobody prints around the logger.

    `connect` opens the log as the service that `logger` speaks for; `stream` is `topology.LOGS`.
    """
    shipper = Shipper(logger, connect, stream)
    with captured(logger):
        shipper.start()
        try:
            with crash_told(logger):
                yield shipper
        finally:
            shipper.close()
