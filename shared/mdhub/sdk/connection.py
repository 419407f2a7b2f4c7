# HOT: `Link.live` runs once per batch of live messages.
"""Sockets to one publisher: SUB for live messages, DEALER for requests one port above.

A SUB per publisher, not one for all: so it is known which publisher is silent.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import zmq
import zmq.backend

from mdhub.sdk.errors import EndpointError

__all__ = ["Endpoint", "Link", "parse_endpoint"]

LIVE_HWM: Final = 500_000
"""Live messages kept for a strategy that is busy; beyond it they are lost, seen, and replayed."""
FILTERS_HWM: Final = 100_000
"""Filters travel as messages: 1,000 (the default) would lose those of a client with more."""
ANSWER_HWM: Final = 100_000
REQUEST_HWM: Final = 100
BATCH: Final = 32
"""Messages taken in before the first of them is delivered."""
_ALIVE_NS: Final = 1_000_000_000

_OPTIONS: Final = (
    (zmq.LINGER, 0),
    (zmq.HEARTBEAT_IVL, 500),
    (zmq.HEARTBEAT_TIMEOUT, 1_500),
    (zmq.RECONNECT_IVL, 50),
    (zmq.RECONNECT_IVL_MAX, 1_000),
)
"""Set before connect; later they would be ignored."""

_receive: Final = zmq.backend.Socket.recv
"""What `recv_multipart` calls in the end, without its flags and options as enums: 1.7 instead of
2.8 us a message."""
_NOBLOCK: Final = int(zmq.NOBLOCK)

Context = zmq.Context[zmq.Socket[bytes]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a publisher's live messages come from."""

    host: str
    port: int

    @property
    def live(self) -> str:
        """Address of the live messages."""
        return f"tcp://{self.host}:{self.port}"

    @property
    def requests(self) -> str:
        """Address for requests."""
        return f"tcp://{self.host}:{self.port + 1}"


def parse_endpoint(text: str) -> Endpoint:
    """Read `tcp://host:port`. Raises EndpointError."""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or not port or parts.scheme != "tcp" or parts.path:
        raise EndpointError(f"endpoint was {text!r}, expected e.g. 'tcp://127.0.0.1:5555'")
    return Endpoint(f"[{host}]" if ":" in host else host, port)


class Link:
    """Connection to one publisher. Nothing here blocks; ZeroMQ reconnects by itself."""

    def __init__(self, context: Context, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.heard_ns = 0
        """Newest sign of life, monotonic; 0 = none yet."""
        self._context = context
        self.sub = self._live_socket(())
        self.dealer = self._request_socket()

    def subscribe(self, prefixes: Iterable[bytes]) -> None:
        """Follow other topics, on a fresh socket: nothing of the old ones is left in a queue."""
        self.sub.close(linger=0)
        self.sub = self._live_socket(prefixes)

    def live(self) -> list[list[bytes]]:
        """Fetch live messages that are here, at most 32."""
        return _drain(self.sub)

    def answers(self) -> list[list[bytes]]:
        """Fetch replies that are here, at most 32."""
        return _drain(self.dealer)

    def ask(self, request: bytes) -> bool:
        """Send a request; False if there is no connection to send it on."""
        try:
            self.dealer.send(request, zmq.NOBLOCK)
        except zmq.Again:
            return False
        return True

    def alive(self, now_ns: int) -> bool:
        """Whether this publisher gave a sign of life within the last second."""
        return self.heard_ns > 0 and now_ns - self.heard_ns < _ALIVE_NS

    def close(self) -> None:
        """Close both sockets at once."""
        self.sub.close(linger=0)
        self.dealer.close(linger=0)

    def _live_socket(self, prefixes: Iterable[bytes]) -> zmq.Socket[bytes]:
        socket = self._socket(zmq.SUB, inbox=LIVE_HWM, outbox=FILTERS_HWM)
        for prefix in prefixes:
            socket.setsockopt(zmq.SUBSCRIBE, prefix)
        socket.connect(self.endpoint.live)
        return socket

    def _request_socket(self) -> zmq.Socket[bytes]:
        socket = self._socket(zmq.DEALER, inbox=ANSWER_HWM, outbox=REQUEST_HWM)
        socket.setsockopt(zmq.IMMEDIATE, 1)
        socket.connect(self.endpoint.requests)
        return socket

    def _socket(self, kind: int, *, inbox: int, outbox: int) -> zmq.Socket[bytes]:
        socket = self._context.socket(kind)
        for option, value in _OPTIONS:
            socket.setsockopt(option, value)
        socket.setsockopt(zmq.RCVHWM, inbox)
        socket.setsockopt(zmq.SNDHWM, outbox)
        if self.endpoint.host.startswith("["):
            socket.setsockopt(zmq.IPV6, 1)
        return socket


def _drain(socket: zmq.Socket[bytes]) -> list[list[bytes]]:
    messages: list[list[bytes]] = []
    try:
        while len(messages) < BATCH:
            frame = _receive(socket, _NOBLOCK, False)
            frames = [frame.bytes]
            while frame.more:
                frame = _receive(socket, _NOBLOCK, False)
                frames.append(frame.bytes)
            messages.append(frames)
    except zmq.Again:
        pass
    return messages
