"""A network between two programs that fails on order: loses, delays, freezes, cuts.

For the log: clients have one call in flight, so what one read of the socket gives is one reply.
For ZeroMQ: a pipe that knows nothing of what flows in it. Bytes are never lost from a connection
that lives on: what is lost takes its connection along.

`Proxy` runs in a thread of its own; `proxy_process.py` is it in a process of its own.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Any, Final, Self

__all__ = ["Proxy", "Weather"]

CHUNK: Final = 1 << 20
WAITING: Final = 1_024
"""Chunks under way in one direction of one connection; beyond that nothing more is read."""
FROZEN_POLL_S: Final = 0.005


@dataclass(slots=True)
class Weather:
    """What one direction does to what flows through it. May be changed at any time."""

    delay_s: float = 0.0
    """Each chunk arrives so much later."""
    lose_share: float = 0.0
    """This share of the chunks is swallowed, and the connection cut."""
    frozen: bool = False
    """Nothing flows, nothing is closed: the other side cannot know."""
    lose_nth: int = 0
    """Swallow the n-th chunk from now, and cut its connection; 0 = none."""
    lost: int = 0
    """Chunks swallowed so far."""


@dataclass(frozen=True, slots=True, eq=False)
class _Connection:
    client: asyncio.StreamWriter
    server: asyncio.StreamWriter

    def cut(self) -> None:
        self.client.transport.abort()
        self.server.transport.abort()

    def close(self) -> None:
        """End it; what is written still goes out."""
        self.client.close()
        self.server.close()


@dataclass(eq=False)
class Proxy:
    """Context manager: listens on TCP, forwards to a unix socket (a path) or to (host, port)."""

    target: Path | tuple[str, int]
    host: str = "127.0.0.1"
    port: int = 0
    """0 = a free one, known once it listens."""
    seed: int = 1
    requests: Weather = field(default_factory=Weather)
    """Towards the target."""
    replies: Weather = field(default_factory=Weather)
    """From the target; a call whose reply is lost was executed."""

    def __post_init__(self) -> None:
        self._random = Random(self.seed)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._connections: set[_Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.connections = 0
        """How many were made so far."""

    @property
    def url(self) -> str:
        return f"redis://{self.host}:{self.port}"

    def lose_reply(self, *, nth: int = 1) -> None:
        """Swallow the n-th reply from now, after its call was executed, and cut the connection."""
        self.replies.lose_nth = nth

    def cut(self) -> None:
        """Cut all connections."""
        self._await(self._cut())

    def __enter__(self) -> Self:
        self._thread.start()
        self._await(self._listen())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._await(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _await(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _cut(self) -> None:
        for connection in list(self._connections):
            connection.cut()

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
        await self._cut()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        work = asyncio.ensure_future(self._join(reader, writer))
        self._tasks.add(work)
        try:
            await asyncio.wait([work])
        finally:
            writer.close()
            self._tasks.discard(work)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _thawed(self.requests)
        try:
            answers, server = await self._connect()
        except OSError:
            return  # the client sees its connection end, as it would see it refused
        connection = _Connection(writer, server)
        self._connections.add(connection)
        try:
            await asyncio.gather(
                self._flow(reader, server, self.requests, connection),
                self._flow(answers, writer, self.replies, connection),
            )
        finally:
            self._connections.discard(connection)
            connection.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self.target, Path):
            return await asyncio.open_unix_connection(str(self.target), limit=CHUNK)
        return await asyncio.open_connection(*self.target, limit=CHUNK)

    async def _flow(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        weather: Weather,
        connection: _Connection,
    ) -> None:
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(WAITING)
        with suppress(OSError):
            await asyncio.gather(
                self._take(reader, under_way, weather, connection),
                _deliver(under_way, writer, weather),
            )
        if weather is self.replies:
            connection.close()

    async def _take(
        self,
        reader: asyncio.StreamReader,
        under_way: asyncio.Queue[tuple[float, bytes]],
        weather: Weather,
        connection: _Connection,
    ) -> None:
        """Read until the end, which is passed on as an empty chunk."""
        data = b"first"
        while data:
            await _thawed(weather)
            try:
                data = await reader.read(CHUNK)
            except OSError:
                data = b""
            if data and self._is_lost(weather):
                connection.cut()
                data = b""
            await under_way.put((self._loop.time() + weather.delay_s, data))

    def _is_lost(self, weather: Weather) -> bool:
        counted = weather.lose_nth == 1
        weather.lose_nth = max(0, weather.lose_nth - 1)
        by_share = weather.lose_share > 0 and self._random.random() < weather.lose_share
        lost = counted or by_share
        weather.lost += lost
        return lost


async def _deliver(
    under_way: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter, weather: Weather
) -> None:
    clock = asyncio.get_running_loop().time
    while True:
        due_s, data = await under_way.get()
        if (early_s := due_s - clock()) > 0:
            await asyncio.sleep(early_s)
        await _thawed(weather)
        if not data:
            break
        with suppress(OSError):  # gone: what comes is dropped until its other side ends, too
            writer.write(data)
            await writer.drain()
    with suppress(OSError):
        writer.write_eof()


async def _thawed(weather: Weather) -> None:
    while weather.frozen:  # noqa: ASYNC110 - a plain field, set by another thread
        await asyncio.sleep(FROZEN_POLL_S)
