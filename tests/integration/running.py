"""Runs publishers and strategies in threads, on real sockets."""

from __future__ import annotations

import io
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Self

import zmq

from mdhub.runtime.logging import Logger
from mdhub.sdk.events import Delivery
from mdhub.sdk.hub import Hub
from mdhub.streams.memory import MemoryServer
from mdhub.wire.codec import decode_live_header, encode
from mdhub_publisher.access import CurveFiles
from mdhub_publisher.fanout import Fanout, FanoutSettings
from mdhub_publisher.ring import Ring


def free_port() -> int:
    """Find a port that is free, with the one above."""
    while True:
        with socket.socket() as low, socket.socket() as high:
            low.bind(("127.0.0.1", 0))
            port: int = low.getsockname()[1]
            try:
                high.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port


def until(condition: Callable[[], object], *, timeout_s: float = 10.0) -> None:
    """Wait for a condition; fail when it does not come true."""
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline_s, "condition did not come true in time"
        time.sleep(0.005)


class RunningPublisher:
    """A publisher in a thread. `lose` names the n that never reach the live socket."""

    def __init__(  # noqa: PLR0913 - what a test may want of it
        self,
        server: MemoryServer,
        port: int,
        *,
        name: str = "A",
        ring: int = 10_000,
        curve: CurveFiles | None = None,
        logger: Logger | None = None,
        confirmed: bool = False,
    ) -> None:
        self.lose: set[int] = set()
        self.endpoint = f"tcp://127.0.0.1:{port}"
        self.fanout = Fanout(
            FanoutSettings(publisher_id=name, port=port, curve=curve, confirmed=confirmed),
            lambda: server.log("publisher"),
            logger=logger or Logger("publisher", name, io.StringIO()),
        )
        self.fanout.shards[0].ring = Ring(max_entries=ring)
        self._really_send = self.fanout._send
        self.fanout._send = self._send  # type: ignore[assignment]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self.fanout.run, args=(self._stop.is_set,))
        self._thread.start()

    def _send(self, frames: list[bytes]) -> None:
        if decode_live_header(frames[1]).n not in self.lose:
            self._really_send(frames)

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(5)
        assert not self._thread.is_alive()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class Strategy:
    """A thread that iterates a hub and keeps what it got."""

    def __init__(self, hub: Hub, *patterns: str, start: str = "live") -> None:
        self.hub = hub
        self.got: list[Delivery] = []
        self.gaps: list[tuple[object, ...]] = []
        self.errors: list[BaseException] = []
        hub.on_gap = lambda *gap: self.gaps.append(gap)
        self._deliveries = hub.deliveries(*patterns, start=start)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            for delivery in self._deliveries:
                self.got.append(delivery)
        except BaseException as error:  # noqa: BLE001 - told to the test
            self.errors.append(error)

    @property
    def numbers(self) -> list[int]:
        """N of everything that was not a snapshot."""
        return [d.n for d in self.got if not d.snapshot]

    @property
    def joined(self) -> bool:
        stream = self.hub._stream
        return stream is not None and stream.joined

    def wait(self, n: int) -> None:
        """Wait until the tick with this n was delivered."""
        until(lambda: self.got and self.got[-1].n >= n)

    def end(self) -> None:
        self.hub.stop()
        self._thread.join(5)
        assert not self._thread.is_alive()
        self.hub.close()
        assert not self.errors, self.errors

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


class RawClient:
    """A DEALER without any SDK."""

    def __init__(self, endpoint: str) -> None:
        host, _, port = endpoint.rpartition(":")
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.socket = self._context.socket(zmq.DEALER)
        self.socket.connect(f"{host}:{int(port) + 1}")

    def send(self, request: object) -> None:
        self.socket.send(request if isinstance(request, bytes) else encode(request))

    def receive(self) -> list[bytes]:
        assert self.socket.poll(5_000), "no reply"
        return self.socket.recv_multipart()

    def replies(self) -> Iterator[list[bytes]]:
        """Yield replies until one that is not a `msg`."""
        while True:
            frames = self.receive()
            yield frames
            if len(frames) == 1:
                return

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._context.destroy(linger=0)
