"""The console on a loopback port, in a thread, and raw readers of its event stream."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn

from mdhub_console.factory import make_app
from mdhub_console.identity.cookies import PLAIN
from mdhub_console.identity.model import Role
from mdhub_console.parts import Parts
from tests.support.wait import until

__all__ = ["Reader", "Served", "served"]


@dataclass(slots=True)
class Served:
    """A running console."""

    port: int
    parts: Parts
    server: uvicorn.Server

    def open(self, query: str, *, last_id: str = "", receive_buffer: int = 0) -> socket.socket:
        """Ask for a stream as a viewer; read nothing."""
        member = self.parts.identity.people.named(Role.VIEWER.word)
        assert member is not None
        secret = self.parts.identity.open_session(member.user)
        wire = socket.socket()
        if receive_buffer:
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        wire.settimeout(20)
        wire.connect(("127.0.0.1", self.port))
        head = [f"GET /events?{query} HTTP/1.1", f"Host: 127.0.0.1:{self.port}"]
        head += [f"Cookie: {PLAIN}={secret}"]
        head += [f"Last-Event-ID: {last_id}"] if last_id else []
        wire.sendall("\r\n".join([*head, "", ""]).encode())
        return wire

    def backlog(self) -> int:
        """Bytes that wait for slow browsers, of all connections."""
        connections: Any = self.server.server_state.connections
        return sum(each.transport.get_write_buffer_size() for each in connections)


@dataclass(slots=True)
class Reader:
    """Reads one stream to and fro."""

    wire: socket.socket
    text: str = ""
    id: str = ""
    events: list[tuple[str, Any]] = field(default_factory=list)

    def status(self) -> int:
        """Status of the answer."""
        while "\r\n\r\n" not in self.text:
            self._more()
        head, _, self.text = self.text.partition("\r\n\r\n")
        return int(head.split(" ", 2)[1])

    def next(self, topic: str) -> Any:
        """The data of the next event of a topic."""
        while True:
            self._parse()
            for at, (name, data) in enumerate(self.events):
                if name == topic:
                    del self.events[: at + 1]
                    return data
            self._more()

    def close(self) -> None:
        self.wire.close()

    def _more(self) -> None:
        got = self.wire.recv(1 << 20)
        if not got:
            raise EOFError("the stream has ended")
        self.text += got.decode()

    def _parse(self) -> None:
        """Chunk sizes stand on lines of their own and are no field, so they are passed over."""
        text = self.text.replace("\r\n", "\n")
        *whole, self.text = text.split("\n\n")
        for block in whole:
            found = dict(
                line.split(": ", 1) for line in block.split("\n") if ": " in line and line[0] != ":"
            )
            self.id = found.get("id", self.id)
            if "data" in found:
                self.events.append((found["event"], json.loads(found["data"])))


@contextmanager
def served(parts: Parts) -> Iterator[Served]:
    """Serve until the block ends."""
    config = uvicorn.Config(
        make_app(parts), port=0, log_config=None, access_log=False, timeout_graceful_shutdown=2
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        until(lambda: server.started, "the console to listen")
        port: int = server.servers[0].sockets[0].getsockname()[1]
        yield Served(port, parts, server)
    finally:
        server.should_exit = True
        thread.join(10)
