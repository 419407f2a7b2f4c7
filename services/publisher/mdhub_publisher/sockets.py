"""The publisher's two sockets, with the options that `docs/` explains."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import zmq

from mdhub.runtime.errors import ServiceError

__all__ = ["Sockets"]

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
    """XPUB for live messages and, one port above, ROUTER for requests."""

    def __init__(self, *, bind: str, port: int) -> None:
        self.context = zmq.Context()
        try:
            self.live = _socket(self.context, zmq.XPUB, hwm=LIVE_HWM)
            self.requests = _socket(self.context, zmq.ROUTER, hwm=ANSWER_HWM)
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
        holder = _holder_of(port) if error.errno == zmq.EADDRINUSE else ""
        raise ServiceError(
            f"cannot listen on {bind}:{port}: {error.strerror}{holder}. A publisher needs this "
            "port and the one above; choose another with --port, or end what holds it"
        ) from error


def _holder_of(port: int) -> str:
    """Name the process that listens on a port, as far as /proc tells."""
    inodes = _listening_inodes(port)
    for fd in Path("/proc").glob("[0-9]*/fd/*") if inodes else ():
        try:
            if str(fd.readlink()) in inodes:
                process = fd.parent.parent
                return f" (held by {(process / 'comm').read_text().strip()}, pid {process.name})"
        except OSError:
            continue
    return ""


def _listening_inodes(port: int) -> set[str]:
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:
                inodes.add(f"socket:[{fields[9]}]")
    return inodes
