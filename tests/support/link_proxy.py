"""A network between a strategy and a publisher that can be cut: two neighbouring TCP ports."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Self

__all__ = ["LinkProxy"]


class LinkProxy:
    """Forwards its `port` and the one above to `target` and the one above."""

    def __init__(self, port: int, target: int) -> None:
        self.endpoint = f"tcp://127.0.0.1:{port}"
        self._up = True
        self._flows = threading.Event()
        self._flows.set()
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listeners = [socket.create_server(("127.0.0.1", port + i)) for i in (0, 1)]
        for i, listener in enumerate(self._listeners):
            self._run(self._accept, listener, target + i)

    def cut(self) -> None:
        """Cut all connections; until `mend` new ones are cut at once too."""
        with self._lock:
            self._up = False
            for sock in self._sockets:
                _shut(sock)

    def freeze(self) -> None:
        """Let nothing through, and tell nobody: connections are half open until `mend`."""
        self._flows.clear()

    def mend(self) -> None:
        """Let connections through again."""
        self._up = True
        self._flows.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for listener in self._listeners:
            _shut(listener)
        self.cut()
        self._flows.set()
        for thread in self._threads:
            thread.join(5)
        for sock in (*self._listeners, *self._sockets):
            sock.close()

    def _run(self, work: object, *args: object) -> None:
        thread = threading.Thread(target=work, args=args, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket, target: int) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            self._flows.wait()
            with self._lock, suppress(OSError):
                if not self._up:
                    client.close()
                    continue
                server = socket.create_connection(("127.0.0.1", target), timeout=5)
                server.settimeout(None)
                self._sockets |= {client, server}
                self._run(self._forward, client, server)
                self._run(self._forward, server, client)

    def _forward(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                self._flows.wait()
                sink.sendall(data)
        _shut(source)
        _shut(sink)


def _shut(sock: socket.socket) -> None:
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
