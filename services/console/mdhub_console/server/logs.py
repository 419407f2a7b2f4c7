"""Connections to the log, lent to one request at a time: a `Log` is one connection, one thread."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore, Lock
from typing import Final

from mdhub.streams.errors import StreamsError
from mdhub.streams.port import Log

__all__ = ["MOST", "LogBusy", "LogPool"]

MOST: Final = 4
"""Requests that read the log at once; the server belongs to the tick path."""
WAIT_S: Final = 2.0


class LogBusy(StreamsError):
    """Too many requests read the log at once."""


class LogPool:
    """Opens connections when they are needed, so that a console starts without a server.

    `with pool.borrow() as log:` in handlers that run in a thread. Raises LogBusy after two seconds,
    and what opening and using the log raises; a connection that failed is not used again.
    """

    def __init__(self, connect: Callable[[], Log], *, most: int = MOST) -> None:
        self._connect = connect
        self._turns = BoundedSemaphore(most)
        self._lock = Lock()
        self._idle: deque[Log] = deque()

    @contextmanager
    def borrow(self) -> Iterator[Log]:
        """Lend a connection."""
        if not self._turns.acquire(timeout=WAIT_S):
            raise LogBusy(f"{WAIT_S:g} s have passed and the log is still read by others")
        try:
            log = self._take() or self._connect()
            try:
                yield log
            except BaseException:
                log.close()
                raise
            with self._lock:
                self._idle.append(log)
        finally:
            self._turns.release()

    def close(self) -> None:
        """Hang up what is idle."""
        while log := self._take():
            log.close()

    def _take(self) -> Log | None:
        with self._lock:
            return self._idle.popleft() if self._idle else None
