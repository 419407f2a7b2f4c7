"""Everything live in one piece: the view, the thread that feeds it, streams to tabs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache
from typing import Any, Final, Protocol

from litestar import Litestar

from mdhub.calendar import Calendar
from mdhub.runtime.clock import SYSTEM, Clock
from mdhub.streams.port import Log
from mdhub_console.live.choice import CONTRACT_TOPIC
from mdhub_console.live.frames import Frames
from mdhub_console.live.streams import MAX_TABS, Streams
from mdhub_console.live.tail import Tailer
from mdhub_console.live.tapes import Tapes
from mdhub_console.live.view import Bounds, View
from mdhub_console.read.alerts import alerts_of
from mdhub_console.read.status import health_of, status_of

__all__ = ["SILENT_MS", "Live"]

SILENT_MS: Final = 3_000
COMMANDS_SHOWN: Final = 50


class _Says(Protocol):
    def info(self, event: str, /, **fields: Any) -> None: ...
    def warning(self, event: str, /, **fields: Any) -> None: ...


@cache
def _own_calendar() -> Calendar:
    return Calendar.load()


class Live:
    """Made once; runs while the application does (`lifespan`)."""

    def __init__(  # noqa: PLR0913 - its surroundings
        self,
        open_log: Callable[[], Log],
        *,
        logger: _Says,
        shards: int = 1,
        silent_ms: int = SILENT_MS,
        most_tabs: int = MAX_TABS,
        bounds: Bounds | None = None,
        calendar: Calendar | None = None,
        clock: Clock = SYSTEM,
    ) -> None:
        """`calendar`: with the operator's file on top; None = mdhub's own."""
        self.clock = clock
        self.silent_ms = silent_ms
        self.calendar = calendar or _own_calendar()
        self.view = View(shards=shards, bounds=bounds)
        self._tailer = Tailer(open_log, self.view, logger=logger, bounds=bounds, clock=clock)
        self.tapes = Tapes(open_log, logger=logger, clock=clock)
        self._frames = Frames(
            self.view,
            {
                "connection": lambda: self.view.connection,
                "status": lambda: status_of(self.view, now_ns=self.now_ns(), silent_ms=silent_ms),
                "health": lambda: health_of(self.view, now_ns=self.now_ns(), silent_ms=silent_ms),
                "alerts": lambda: alerts_of(self.view, now_ns=self.now_ns()),
                "commands": self._commands,
            },
            self.tapes.state,
        )
        self.streams = Streams(
            self._frames, version=lambda: self.view.version + self.tapes.version,
            topics=self._want, most=most_tabs,
        )  # fmt: skip

    def now_ns(self) -> int:
        return self.clock.wall_ns()

    @asynccontextmanager
    async def lifespan(self, _app: Litestar) -> AsyncIterator[None]:
        """Run while the application runs."""
        self._tailer.start()
        self.tapes.start()
        pulse = asyncio.create_task(self.streams.run(), name="console-pulse")
        try:
            yield
        finally:
            self.streams.close()
            pulse.cancel()
            await asyncio.gather(pulse, return_exceptions=True)
            await asyncio.to_thread(self._tailer.stop)
            await asyncio.to_thread(self.tapes.stop)

    def counters(self) -> dict[str, int]:
        """For the heartbeat."""
        return (
            self._tailer.counters()
            | self.tapes.counters()
            | {
                "tabs": self.streams.tabs,
                "tabs_refused": self.streams.refused,
            }
        )

    def _want(self, topics: set[str]) -> None:
        kinds = (topic.partition(":") for topic in topics)
        self.tapes.want(name for kind, _, name in kinds if kind == CONTRACT_TOPIC)

    def _commands(self) -> object:
        with self.view.held():
            return self.view.commands().newest(COMMANDS_SHOWN, now_ns=self.now_ns())
