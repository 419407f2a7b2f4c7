# HOT: `Link.live` runs once per batch of live messages.
"""Sockets to one publisher: SUB for live messages, DEALER for requests one port above.

A SUB per publisher, not one for all: so it is known which publisher is silent.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import zmq
import zmq.backend

from mdhub.sdk.access import Change, Door, refusal_of
from mdhub.sdk.errors import AccessDenied, EndpointError, HubUnreachable
from mdhub.sdk.events import Access
from mdhub.sdk.keys import ClientKeys

__all__ = ["Endpoint", "Link", "parse_endpoint", "unreachable"]

LIVE_HWM: Final = 500_000
"""Live messages kept for a strategy that is busy; beyond it they are lost, seen, and replayed."""
FILTERS_HWM: Final = 100_000
"""Filters travel as messages: 1,000 (the default) would lose those of a client with more."""
ANSWER_HWM: Final = 100_000
REQUEST_HWM: Final = 100
BATCH: Final = 32
"""Messages taken in before the first of them is delivered."""
_ALIVE_NS: Final = 1_000_000_000
_LOOK_NS: Final = 50_000_000
"""Between two looks at what became of handshakes."""
_PROMPT_NS: Final = 500_000_000
"""Two heartbeats missing: another publisher is asked first."""

_OPTIONS: Final = (
    (zmq.LINGER, 0),
    (zmq.RECONNECT_IVL, 50),
    (zmq.RECONNECT_IVL_MAX, 100),
    (zmq.CONNECT_TIMEOUT, 500),
    (zmq.HANDSHAKE_IVL, 1_000),
)
"""Set before connect; later they would be ignored.

While a link is down no attempt may outlast a second: the kernel repeats an unanswered SYN after
1, 3, 7, 15 s, and a link that returns would be noticed that late.
"""
_HEARTBEATS: Final = ((zmq.HEARTBEAT_IVL, 500), (zmq.HEARTBEAT_TIMEOUT, 1_500))
"""For requests only. With these a SUB whose queue is full takes its peer for dead, and libzmq then
aborts the process (`Assertion failed: _input_stopped`, libzmq issue 3937). The heartbeats of the
hub itself tell that a live connection is dead: see `Link.silent`."""
_SILENT_NS: Final = 1_500_000_000

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

    def __init__(
        self, context: Context, endpoint: Endpoint, keys: ClientKeys | None = None
    ) -> None:
        self.endpoint = endpoint
        self.refusal: Access | None = None
        """Why this publisher does not let us in."""
        self.heard_ns = 0
        """Newest sign of life, monotonic; 0 = none yet."""
        self.holding = False
        """By its newest heartbeat it is reading the log, and cannot answer."""
        self.greeted = True
        """False = it is back after a loss, and who answers there now was not asked yet."""
        self._who: tuple[str, int] = ("", 0)
        self._context = context
        self._keys = keys
        self._look_ns = 0
        self._prefixes: tuple[bytes, ...] = ()
        self.sub = self._live_socket()
        self.door = Door(self.sub, endpoint.live)
        """What becomes of the live connection; another one whenever `sub` is."""
        self.dealer = self._request_socket()
        self._requests_door = Door(self.dealer, endpoint.requests)

    def subscribe(self, prefixes: Iterable[bytes]) -> None:
        """Follow other topics, on a fresh socket: nothing of the old ones is left in a queue."""
        self._prefixes = tuple(prefixes)
        self._replace(lost=False)

    def access(self, now_ns: int) -> Access | None:
        """Knock again where it is time to; return what is news: a refusal, or the end of one."""
        if now_ns < self._look_ns:
            return None
        self._look_ns = now_ns + _LOOK_NS
        answers = [door.look(now_ns) for door in (self.door, self._requests_door)]
        found = next(filter(None, answers), None)
        refusal = refusal_of(self.endpoint.live, found, self._keys) if found else None
        if refusal == self.refusal:
            return None
        self.refusal = refusal
        return refusal or Access(self.endpoint.live, True, "", "the publisher lets us in again")

    def changes(self, now_ns: int) -> list[Change]:
        """Fetch what became of the live connection, in order; a new one gets its time to speak."""
        changes = self.door.changes()
        if changes and self.door.connected:
            self.heard_ns = now_ns
        return changes

    def silent(self, now_ns: int) -> bool:
        """Whether it is connected, and yet seven heartbeats are missing."""
        return self.door.connected and now_ns - self.heard_ns > _SILENT_NS

    def renew(self) -> None:
        """Give a silent connection up and make another, for the same topics."""
        self._replace(lost=True)

    def live(self) -> list[list[bytes]]:
        """Fetch live messages that are here, at most 32."""
        return _drain(self.sub)

    def throw_away(self) -> int:
        """Count the live messages that are here, and drop them."""
        count = 0
        while messages := self.live():
            count += len(messages)
        return count

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

    def prompt(self, now_ns: int) -> bool:
        """Whether it may be expected to answer at once."""
        return not self.holding and self.heard_ns > 0 and now_ns - self.heard_ns < _PROMPT_NS

    def meets(self, publisher_id: str, session: int) -> bool:
        """Take in who answers here; False if it is another one than before, or another run."""
        before, self._who = self._who, (publisher_id, session)
        return before in {("", 0), self._who}

    def close(self) -> None:
        """Close both sockets at once."""
        self.door.close()
        self._requests_door.close()
        self.sub.close(linger=0)
        self.dealer.close(linger=0)

    def _replace(self, *, lost: bool) -> None:
        self.door.close()
        self.sub.close(linger=0)
        self.sub = self._live_socket()
        self.door = Door(self.sub, self.endpoint.live, answer=self.door.answer, lost=lost)

    def _live_socket(self) -> zmq.Socket[bytes]:
        socket = self._socket(zmq.SUB, inbox=LIVE_HWM, outbox=FILTERS_HWM)
        for prefix in self._prefixes:
            socket.setsockopt(zmq.SUBSCRIBE, prefix)
        return socket

    def _request_socket(self) -> zmq.Socket[bytes]:
        socket = self._socket(zmq.DEALER, inbox=ANSWER_HWM, outbox=REQUEST_HWM)
        socket.setsockopt(zmq.IMMEDIATE, 1)
        for option, value in _HEARTBEATS:
            socket.setsockopt(option, value)
        return socket

    def _socket(self, kind: int, *, inbox: int, outbox: int) -> zmq.Socket[bytes]:
        socket = self._context.socket(kind)
        for option, value in _OPTIONS:
            socket.setsockopt(option, value)
        socket.setsockopt(zmq.RCVHWM, inbox)
        socket.setsockopt(zmq.SNDHWM, outbox)
        if self.endpoint.host.startswith("["):
            socket.setsockopt(zmq.IPV6, 1)
        if self._keys is not None:
            self._keys.put_on(socket)
        return socket


def unreachable(links: Sequence[Link], timeout_s: float) -> HubUnreachable:
    """Build the error that says what was tried and what to check, or who refused us and why."""
    refusals = tuple(link.refusal for link in links if link.refusal is not None)
    if refusals:
        return AccessDenied(refusals)
    tried = ", ".join(link.endpoint.live for link in links)
    return HubUnreachable(
        f"no publisher answered within {timeout_s:g} s; tried {tried} (and the port above each, "
        "for requests). Check that a publisher runs there (`mdhub up`), that it listens on "
        "an address this host can reach (`--bind`), and that both ports are open"
    )


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
