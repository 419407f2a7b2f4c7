"""What becomes of handshakes: ZeroMQ tells it only to a socket's monitor.

A socket that was refused for its key or its mechanism never tries again by itself (tried with
libzmq 4.3.5), so it is made to knock again, with back-off: a key that is allowed later works.
"""

from __future__ import annotations

import errno
import random
import struct
from collections import deque
from collections.abc import Iterator
from enum import Enum, auto
from itertools import count
from typing import Final, Literal

import zmq

from mdhub.sdk.events import Access
from mdhub.sdk.keys import ClientKeys, fingerprint

__all__ = ["CERTAIN", "Answer", "Change", "Door", "handshakes", "refusal_of", "watch_handshakes"]

KNOCK_NS: Final = 250_000_000
KNOCK_MAX_NS: Final = 4_000_000_000
BROKEN_OFF: Final = 3
"""Handshakes in a row that just end. One may be a publisher that was killed in the middle."""
CERTAIN: Final = frozenset({"key", "keys_wanted", "no_keys"})
"""Causes that a publisher itself has told; behind a proxy handshakes break off for any reason."""

_KEY: Final = int(zmq.EVENT_HANDSHAKE_FAILED_AUTH)
_PROTOCOL: Final = int(zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL)
_NO_DETAIL: Final = int(zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL)
_SUCCEEDED: Final = int(zmq.EVENT_HANDSHAKE_SUCCEEDED)
_DISCONNECTED: Final = int(zmq.EVENT_DISCONNECTED)
_EVENTS: Final = _KEY | _PROTOCOL | _NO_DETAIL | _SUCCEEDED | _DISCONNECTED
_MISMATCH: Final = int(zmq.PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH)
_EVENT: Final = struct.Struct("=HI")
_numbers: Final = count(1)

_CHANGES_KEPT: Final = 8

Change = Literal["made", "lost", "back"]
"""Of a connection: `made` is the first one, `back` one after a loss."""


class Answer(Enum):
    """Why a door stays shut."""

    KEY = auto()
    MECHANISM = auto()
    """One side has keys, the other has none."""
    BROKEN_OFF = auto()


class Door:
    """One socket's way in and what becomes of its connection; the only reader of its monitor."""

    def __init__(
        self,
        socket: zmq.Socket[bytes],
        address: str,
        *,
        answer: Answer | None = None,
        lost: bool = False,
    ) -> None:
        """Connect the socket. `answer`: what the socket before this one was told.

        `lost`: that one was given up, so the connection of this one counts as back.
        """
        self.answer = answer
        """What was last heard at the door; None = nothing bad."""
        self.connected = False
        self._lost = lost
        self._changes: deque[Change] = deque(maxlen=_CHANGES_KEPT)
        self._socket = socket
        self._address = address
        self.monitor = watch_handshakes(socket, _EVENTS)
        """To be polled: readable when there is something to listen to."""
        self._broken_off = 0
        self._refusals = 0
        self._knock_ns = 0
        socket.connect(address)

    def listen(self, now_ns: int) -> None:
        """Take in what happened."""
        for event, value in handshakes(self.monitor):
            if event == _DISCONNECTED:
                self._gone()
            else:
                self._take(event, value, now_ns)

    def look(self, now_ns: int) -> Answer | None:
        """Take in what happened, and knock again if it is time; return `answer`."""
        self.listen(now_ns)
        if self._knock_ns and now_ns >= self._knock_ns:
            self._knock_ns = 0
            self._socket.disconnect(self._address)
            self._socket.connect(self._address)
        return self.answer

    def changes(self) -> list[Change]:
        """Fetch what became of the connection since the last call, in order; the newest 8."""
        if not self._changes:
            return []
        changes = list(self._changes)
        self._changes.clear()
        return changes

    def close(self) -> None:
        """Stop watching, before the owner closes the socket. May be repeated."""
        if not self.monitor.closed:
            self._socket.disable_monitor()
            self.monitor.close(linger=0)

    def _take(self, event: int, value: int, now_ns: int) -> None:
        if event == _SUCCEEDED:
            self._in()
        elif event == _NO_DETAIL:  # ZeroMQ tries again by itself
            # After HANDSHAKE_IVL of silence the errno is that of a read without data; who ends a
            # connection leaves EPIPE or ECONNRESET. A publisher that is stopped refuses nobody.
            self._broken_off += value != errno.EAGAIN
            if self.answer is None and self._broken_off >= BROKEN_OFF:
                self.answer = Answer.BROKEN_OFF
        else:
            mismatch = event == _PROTOCOL and value == _MISMATCH
            shut = Answer.MECHANISM if mismatch else Answer.BROKEN_OFF
            self.answer = Answer.KEY if event == _KEY else shut
            wait_ns = min(KNOCK_NS << min(self._refusals, 8), KNOCK_MAX_NS)
            self._knock_ns = now_ns + int(wait_ns * random.uniform(0.75, 1.25))
            self._refusals += 1

    def _in(self) -> None:
        self.answer = None
        self._broken_off = self._refusals = 0
        self.connected = True
        self._changes.append("back" if self._lost else "made")
        self._lost = False

    def _gone(self) -> None:
        """A connection has ended; one that never came to be is no loss."""
        if self.connected:
            self.connected = False
            self._lost = True
            self._changes.append("lost")


def watch_handshakes(socket: zmq.Socket[bytes], events: int) -> zmq.Socket[bytes]:
    """Open a socket's monitor, to be closed after `disable_monitor`.

    Without a bound: at one ZeroMQ's own thread would wait, and with it everything else. A client
    makes one handshake a second at most.
    """
    address = f"inproc://mdhub.handshakes.{next(_numbers)}"
    socket.monitor(address, events)
    monitor: zmq.Socket[bytes] = socket.context.socket(zmq.PAIR)
    monitor.setsockopt(zmq.RCVHWM, 0)
    monitor.setsockopt(zmq.LINGER, 0)
    monitor.connect(address)
    return monitor


def handshakes(monitor: zmq.Socket[bytes]) -> Iterator[tuple[int, int]]:
    """Yield the events that are there, with their values."""
    try:
        while True:
            yield _EVENT.unpack(monitor.recv_multipart(zmq.NOBLOCK)[0])
    except zmq.Again:
        pass


def refusal_of(endpoint: str, answer: Answer, keys: ClientKeys | None) -> Access:
    """Say why a publisher does not let us in, what was expected, and what to do."""
    cause, advice = _without_keys(answer) if keys is None else _with_keys(answer, keys)
    return Access(endpoint, granted=False, cause=cause, advice=advice)


def _with_keys(answer: Answer, keys: ClientKeys) -> tuple[str, str]:
    match answer:
        case Answer.KEY:
            return "key", (
                f"the publisher does not allow our key {fingerprint(keys.pair.public)}: have its "
                "operator allow it (mdhub keys allow FILE), or use one that is allowed"
            )
        case Answer.MECHANISM:
            return "no_keys", (
                "we came with keys, but the publisher uses none: connect without (no server_key, "
                "no MDHUB_SERVER_KEY), or start it with --curve-key and --curve-clients"
            )
        case Answer.BROKEN_OFF:
            return "broken_off", (
                "the handshake breaks off: most likely the publisher's key is not "
                f"{fingerprint(keys.server)}, or it uses no keys; get its server.key anew "
                "(mdhub keys list shows the fingerprint)"
            )


def _without_keys(answer: Answer) -> tuple[str, str]:
    ways = "connect with server_key= and key= (or MDHUB_SERVER_KEY and MDHUB_CLIENT_KEY)"
    if answer is Answer.BROKEN_OFF:
        return "broken_off", (
            "the handshake breaks off: most likely the publisher wants keys and we came without; "
            f"then {ways}; or what listens there is no publisher"
        )
    return "keys_wanted", f"the publisher wants keys and we came without: {ways}"
