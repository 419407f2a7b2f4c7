"""Serves the application until it is told to stop, and then for two seconds at most."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from threading import Event
from typing import Final

import uvicorn
from litestar import Litestar

from mdhub.runtime.logging import Logger
from mdhub.runtime.metrics import Board
from mdhub_console.settings import ConsoleSettings

__all__ = ["Listener"]

GRACE_S: Final = 2
LOOK_S: Final = 0.1
CONNECTIONS: Final = 1_000
"""At once; beyond it 503. Each tab of a browser has one for its stream."""


class _Server(uvicorn.Server):
    """Signals are the service's own business."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Listener:
    """Owns the event loop."""

    def __init__(
        self,
        app: Litestar,
        settings: ConsoleSettings,
        board: Board,
        logger: Logger,
        *,
        ready: Callable[[], None] | None = None,
        leave: Callable[[], None] = lambda: None,
    ) -> None:
        """`ready` is called once it listens; it must neither wait nor raise.

        `leave` ends what has no end, such as event streams, before it is waited for.
        """
        self._ready = ready
        self._leave = leave
        self._settings = settings
        self._board = board
        self._logger = logger
        self._server = _Server(
            uvicorn.Config(
                app, host=settings.host, port=settings.port, log_config=None, access_log=False,
                server_header=False, proxy_headers=False, date_header=True, ws="none",
                timeout_graceful_shutdown=GRACE_S, timeout_keep_alive=30,
                limit_concurrency=CONNECTIONS, h11_max_incomplete_event_size=16_384,
                ssl_certfile=settings.tls_cert, ssl_keyfile=settings.tls_key,
            )
        )  # fmt: skip

    def run(self, stop: Event) -> int:
        """Return 0 once stopped, 1 if it could not listen."""
        return asyncio.run(self._run(stop))

    async def _run(self, stop: Event) -> int:
        watching = asyncio.create_task(self._watch(stop))
        try:
            await self._server.serve()
        except SystemExit:  # uvicorn's way to say that the port is taken
            pass
        finally:
            watching.cancel()
        if not self._server.started:
            self._logger.error(
                "stopped",
                reason=f"cannot listen on {self._settings.host}:{self._settings.port}: another "
                "program has the port, or the address is not this machine's; choose with --bind",
            )
            return 1
        return 0

    async def _watch(self, stop: Event) -> None:
        told = False
        while not stop.is_set():
            self._board.round()
            if self._server.started and not told:
                told = True
                self._logger.info("serving", url=self._settings.url)
                if self._ready is not None:
                    self._ready()
            await asyncio.sleep(LOOK_S)
        self._leave()
        self._server.should_exit = True
