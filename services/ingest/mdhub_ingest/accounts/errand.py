"""Something to be said to the log that nobody waits for: tried in a thread until it is done."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Thread
from typing import Final

from mdhub.runtime.logging import Logger
from mdhub.streams.errors import StreamsError
from mdhub.streams.port import Log

__all__ = ["Errand"]

EVERY_S: Final = 2.0


class Errand:
    """One attempt at a time, each on a connection of its own, two seconds apart at least.

    `begin` belongs to the main thread; call it again until what was to be said is said.
    """

    def __init__(self, connect: Callable[[], Log], name: str, logger: Logger) -> None:
        self._connect = connect
        self._name = name
        self._logger = logger
        self._due_s = 0.0
        self._thread: Thread | None = None

    def begin(self, attempt: Callable[[Log], None]) -> None:
        """Start an attempt unless one is under way or was just made."""
        idle = self._thread is None or not self._thread.is_alive()
        now_s = time.monotonic()
        if idle and now_s >= self._due_s:
            self._due_s = now_s + EVERY_S
            self._thread = Thread(
                target=self._try, args=(attempt,), name=self._name, daemon=True
            )  # fmt: skip
            self._thread.start()

    def _try(self, attempt: Callable[[Log], None]) -> None:
        try:
            log = self._connect()
            try:
                attempt(log)
            finally:
                log.close()
        except StreamsError as error:
            self._logger.warning("errand_failed", errand=self._name, reason=str(error))
