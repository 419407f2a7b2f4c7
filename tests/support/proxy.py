"""A network between a program and the server that fails on order."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

__all__ = ["FlakyProxy"]

_CHUNK = 1 << 20


class FlakyProxy:
    """Listens on TCP and forwards to the unix socket of a server.

    Meant for clients with one call in flight, whose replies fit into one piece of the network.
    """

    def __init__(self, target: Path) -> None:
        self.delay_s = 0.0
        """Each reply waits this long."""
        self._target = target
        self._replies_until_loss = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._listener.getsockname()[1]}"

    def lose_reply(self, *, nth: int = 1) -> None:
        """Swallow the n-th reply from now, after its call was executed, and cut the connection."""
        self._replies_until_loss = nth

    def cut(self) -> None:
        """Cut all connections."""
        for sock in list(self._sockets):
            _shut(sock)

    def __enter__(self) -> Self:
        self._run(self._accept)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _shut(self._listener)
        self.cut()
        for thread in self._threads:
            thread.join()
        for sock in (self._listener, *self._sockets):
            sock.close()

    def _run(self, work: Callable[..., None], *args: socket.socket) -> None:
        thread = threading.Thread(target=work, args=args)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(str(self._target))
            self._sockets |= {client, server}
            self._run(self._requests, client, server)
            self._run(self._replies, server, client)

    def _requests(self, client: socket.socket, server: socket.socket) -> None:
        while data := _receive(client):
            _send(server, data)
        _shut(server)

    def _replies(self, server: socket.socket, client: socket.socket) -> None:
        while data := _receive(server):
            time.sleep(self.delay_s)
            if self._is_to_be_lost():
                break
            _send(client, data)
        _shut(client)

    def _is_to_be_lost(self) -> bool:
        self._replies_until_loss = max(-1, self._replies_until_loss - 1)
        return self._replies_until_loss == 0


def _receive(sock: socket.socket) -> bytes:
    try:
        return sock.recv(_CHUNK)
    except OSError:
        return b""


def _send(sock: socket.socket, data: bytes) -> None:
    try:
        sock.sendall(data)
    except OSError:
        _shut(sock)


def _shut(sock: socket.socket) -> None:
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
