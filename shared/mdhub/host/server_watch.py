"""Looks at the server once a second beside the services, so that their parent can say its state."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from mdhub.runtime.outage import Outage
from mdhub.streams.errors import StreamsError
from mdhub.streams.port import Log

__all__ = ["ServerWatch"]

EVERY_S: Final = 1.0


class ServerWatch:
    """Context manager: a thread that asks the server whether it takes writes, and tells an outage.

    A thread of its own, since a server that hangs costs a call's timeout.
    """

    def __init__(
        self, open_log: Callable[[], Log], outage: Outage, *, every_s: float = EVERY_S
    ) -> None:
        self._open_log = open_log
        self._outage = outage
        self._every_s = every_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="server-watch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Not waited for: it may hang in a call, and it writes nothing.
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._follow()
            except StreamsError as error:
                if not self._stop.is_set():
                    self._outage.away(error)
                self._stop.wait(self._every_s)

    def _follow(self) -> None:
        log = self._open_log()
        try:
            while not self._stop.is_set():
                log.check_writable()
                self._outage.back()
                self._stop.wait(self._every_s)
        finally:
            log.close()
