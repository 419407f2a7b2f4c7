"""The publisher's two sockets, with the options that `docs/` explains."""

from __future__ import annotations

from typing import Final

import zmq
import zmq.backend

from mdhub.runtime.errors import ServiceError
from mdhub.runtime.logging import Logger
from mdhub.runtime.ports import holder_of
from mdhub_publisher.access import Access, CurveFiles

__all__ = ["Sockets", "send_live"]

_send: Final = zmq.backend.Socket.send
"""What `send_multipart` calls in the end, without its flags as enums: 0.5 instead of 2.8 us."""
_MORE: Final = int(zmq.SNDMORE)

LIVE_HWM: Final = 200_000
"""Ten seconds of peak per subscriber. Beyond it messages are dropped, and the client sees it."""
ANSWER_HWM: Final = 4_000
INBOX_HWM: Final = 100_000
"""Subscriptions arrive as messages: 1,000 (the default) would lose those of a client with more."""
MAX_REQUEST_BYTES: Final = 1 << 20
LINGER_MS: Final = 200
HEARTBEAT_IVL_MS: Final = 500
HEARTBEAT_TIMEOUT_MS: Final = 1_500


class Sockets:
    """XPUB for live messages and, one port above, ROUTER for requests; with keys or plain."""

    def __init__(
        self, *, bind: str, port: int, publisher_id: str, curve: CurveFiles | None, logger: Logger
    ) -> None:
        self.context = zmq.Context()
        self.access: Access | None = None
        try:
            self.live = _socket(self.context, zmq.XPUB, hwm=LIVE_HWM)
            self.requests = _socket(self.context, zmq.ROUTER, hwm=ANSWER_HWM)
            if curve is not None:
                ports = (port, port + 1)
                self.access = Access(
                    curve, self.context, ports=ports, publisher_id=publisher_id, logger=logger
                )
                self.access.put_on(self.live)
                self.access.put_on(self.requests)
                # Every client's subscriptions, not only the first of a topic, lead to its key.
                self.live.setsockopt(zmq.XPUB_VERBOSE, 1)
            self.requests.setsockopt(zmq.ROUTER_MANDATORY, 1)
            self.requests.setsockopt(zmq.MAXMSGSIZE, MAX_REQUEST_BYTES)
            _bind(self.live, bind, port)
            _bind(self.requests, bind, port + 1)
        except BaseException:
            self.context.destroy(linger=0)
            raise

    def close(self) -> None:
        """Close both, giving what was sent a moment to leave."""
        self.context.destroy(linger=LINGER_MS)


def send_live(socket: zmq.Socket[bytes], frames: list[bytes]) -> None:
    """Send the three frames of a live message. An XPUB never blocks: it drops for slow clients."""
    topic, header, payload = frames
    _send(socket, topic, _MORE)
    _send(socket, header, _MORE)
    _send(socket, payload)


def _socket(context: zmq.Context[zmq.Socket[bytes]], kind: int, *, hwm: int) -> zmq.Socket[bytes]:
    socket = context.socket(kind)
    socket.setsockopt(zmq.SNDHWM, hwm)
    socket.setsockopt(zmq.RCVHWM, INBOX_HWM)
    socket.setsockopt(zmq.LINGER, LINGER_MS)
    socket.setsockopt(zmq.HEARTBEAT_IVL, HEARTBEAT_IVL_MS)
    socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, HEARTBEAT_TIMEOUT_MS)
    return socket


def _bind(socket: zmq.Socket[bytes], bind: str, port: int) -> None:
    try:
        socket.bind(f"tcp://{bind}:{port}")
    except zmq.ZMQError as error:
        holder = holder_of(port) if error.errno == zmq.EADDRINUSE else ""
        held = f" (held by {holder})" if holder else ""
        raise ServiceError(
            f"cannot listen on {bind}:{port}: {error.strerror}{held}. A publisher needs this "
            "port and the one above; choose another with --port, or end what holds it"
        ) from error
