"""Events about clients: each once, and not too many, whatever clients do.

Bounds: 1,024 facts remembered (the longest silent one is forgotten), 64 events waiting, 20 events
a minute. Policy: beyond them nothing is written. Counters: `seen`, `untold`.
"""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Any, Final
from uuid import uuid4

from mdhub.runtime.logging import Logger
from mdhub.wire.codec import encode
from mdhub.wire.ops import Event, EventKind, Severity
from mdhub.wire.ticks import SCHEMA_VERSION

__all__ = ["PER_MINUTE", "REMEMBERED", "Notices"]

REMEMBERED: Final = 1_024
WAITING: Final = 64
PER_MINUTE: Final = 20
_MINUTE_NS: Final = 60_000_000_000


class Notices:
    """Events of one kind, each also a log line; `flush` writes what is due. One thread."""

    def __init__(
        self,
        kind: EventKind,
        *,
        logger: Logger,
        wall_ns: Callable[[], int] = time.time_ns,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self.seen = 0
        """Different facts."""
        self.untold = 0
        """Of these without an event."""
        self._kind = kind
        self._logger = logger
        self._wall_ns = wall_ns
        self._monotonic_ns = monotonic_ns
        self._known: OrderedDict[tuple[str, ...], None] = OrderedDict()
        self._waiting: deque[bytes] = deque()
        self._minute_ns = 0
        self._this_minute = 0

    def tell(self, fact: tuple[str, ...], subject: str, body: dict[str, Any]) -> None:
        """Tell a fact, once: `fact` is what makes it the same one."""
        if fact in self._known:
            self._known.move_to_end(fact)
            return
        self._known[fact] = None
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        self.seen += 1
        if len(self._waiting) >= WAITING or not self._may_tell():
            self.untold += 1
            return
        self._logger.warning(str(self._kind), **body)
        event = Event(
            SCHEMA_VERSION, uuid4().hex, self._wall_ns(), "publisher",
            self._kind, subject, Severity.WARNING, "", body,
        )  # fmt: skip
        self._waiting.append(encode(event))

    def forget(self) -> None:
        """Let everything be news again."""
        self._known.clear()

    def flush(self, append: Callable[[bytes], object]) -> None:
        """Write what waits. An event whose write fails is gone: the log line has it."""
        while self._waiting:
            append(self._waiting.popleft())

    def _may_tell(self) -> bool:
        now_ns = self._monotonic_ns()
        if not self._minute_ns or now_ns - self._minute_ns >= _MINUTE_NS:
            self._minute_ns, self._this_minute = now_ns, 0
        self._this_minute += 1
        return self._this_minute <= PER_MINUTE
