"""CURVE on both sockets: who is let in, who is thrown out, and what is told of the refused.

ZeroMQ asks a handler in this process (ZAP) about every client's key. It cannot end one connection
of a bound socket, but it tells with each message which key and which file descriptor it came by:
the subscriptions and requests of a client lead to its connections, and these are shut down when
its key is revoked. Nobody else notices.
"""

from __future__ import annotations

import os
import socket as tcp
import struct
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import zmq
from zmq.utils import z85

from mdhub.runtime.errors import ServiceError
from mdhub.runtime.logging import Logger
from mdhub.sdk.access import handshakes, watch_handshakes
from mdhub.sdk.errors import BadKey
from mdhub.sdk.keys import KeyPair, fingerprint, read_pair
from mdhub.wire.ops import EventKind
from mdhub_publisher.allow_list import AllowList
from mdhub_publisher.notices import Notices

__all__ = ["Access", "CurveFiles"]

ZAP_ADDRESS: Final = "inproc://zeromq.zap.01"
ZAP_DOMAIN: Final = b"mdhub"
_ZAP_FRAMES: Final = 7
"""version, request id, domain, address, identity, mechanism, the client's key"""
_KEY_BYTES: Final = 32
_FAILED: Final = int(zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL)
_COUNT_NS: Final = 100_000_000
_REQUESTS_PER_TURN: Final = 64
_SUBSCRIBED: Final = b"\x01"
_RESET: Final = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class CurveFiles:
    """Where a publisher finds its own pair and its clients' public keys."""

    key: Path
    clients: Path


class Access:
    """Belongs to the publisher's thread. Raises ServiceError if keys or list cannot be read.

    To be made before the sockets are bound: without a handler ZeroMQ lets everybody in.
    """

    def __init__(
        self,
        files: CurveFiles,
        context: zmq.Context[zmq.Socket[bytes]],
        *,
        ports: tuple[int, int],
        publisher_id: str,
        logger: Logger,
    ) -> None:
        try:
            self._pair: KeyPair = read_pair(files.key)
        except BadKey as error:
            raise ServiceError(str(error)) from None
        self._allowed = AllowList(files.clients, logger=logger)
        self._ports = ports
        self._publisher_id = publisher_id
        self._logger = logger
        self._keys: dict[int, str] = {}
        """Key by the file descriptor of a connection; a stale one is found out when it is used."""
        self.notices = Notices(EventKind.ACCESS_DENIED, logger=logger)
        self.denied = 0
        self.cut = 0
        self.handshakes_failed = 0
        """Clients without keys, or with another server's key: ZAP is not asked about them."""
        self._monitors: list[zmq.Socket[bytes]] = []
        self._next_count_ns = 0
        self.handler = context.socket(zmq.REP)
        self.handler.setsockopt(zmq.LINGER, 0)
        self.handler.bind(ZAP_ADDRESS)
        logger.info("serves_with_keys", server_key=fingerprint(self._pair.public))

    def put_on(self, socket: zmq.Socket[bytes]) -> None:
        """Let a socket speak CURVE, with this list; to be done before it binds."""
        socket.setsockopt(zmq.CURVE_SERVER, 1)
        socket.setsockopt(zmq.CURVE_SECRETKEY, self._pair.secret.encode())
        socket.setsockopt(zmq.ZAP_DOMAIN, ZAP_DOMAIN)
        self._monitors.append(watch_handshakes(socket, _FAILED))

    def answer(self) -> None:
        """Answer ZeroMQ's questions about clients that are at the door."""
        with suppress(zmq.Again):
            for _ in range(_REQUESTS_PER_TURN):
                frames = self.handler.recv_multipart(zmq.NOBLOCK)
                self.handler.send_multipart(self._answer(frames))

    def look(self, now_ns: int) -> None:
        """Take in a change of the list; end the connections of keys it has no more."""
        if now_ns >= self._next_count_ns:
            self._next_count_ns = now_ns + _COUNT_NS
            self._count_failed()
        if not self._allowed.changed(now_ns):
            return
        self.notices.forget()
        for descriptor, key in list(self._keys.items()):
            if key not in self._allowed.names:
                self._end(descriptor, key)

    def subscribed(self, frame: zmq.Frame) -> None:
        """Take in a message of the live socket: a client's subscription leads to its key."""
        if frame.bytes[:1] == _SUBSCRIBED:
            self.admits(frame)

    def admits(self, frame: zmq.Frame) -> bool:
        """Whether a message came by a key that is (still) allowed; otherwise end its connection."""
        try:
            descriptor, key = int(frame.get(zmq.SRCFD)), str(frame.get("User-Id"))
        except zmq.ZMQError:  # of a connection that is gone
            return False
        if key in self._allowed.names:
            self._keys[descriptor] = key
            return True
        self._end(descriptor, key)
        return False

    def counters(self) -> dict[str, int]:
        """Counters for the service heartbeat."""
        return {
            "clients_allowed": len(self._allowed.names),
            "bad_key_files": self._allowed.bad_files,
            "access_denied": self.denied,
            "access_denied_untold": self.notices.untold,
            "connections_cut": self.cut,
            "handshakes_failed": self.handshakes_failed,
        }

    def _count_failed(self) -> None:
        failed = sum(1 for monitor in self._monitors for _ in handshakes(monitor))
        if failed:
            self.handshakes_failed += failed
            reason = "no keys, another server's key, or no client"
            body = {"publisher": self._publisher_id, "address": "", "key": "", "reason": reason}
            self.notices.tell((reason,), "a client at unknown address", body)

    def _answer(self, frames: list[bytes]) -> list[bytes]:
        key = frames[-1] if len(frames) == _ZAP_FRAMES else b""
        public = z85.encode(key).decode() if len(key) == _KEY_BYTES else ""
        head = frames[:2] if len(frames) >= 2 else [b"1.0", b""]  # noqa: PLR2004 - version and id
        if public in self._allowed.names:
            return [*head, b"200", b"OK", public.encode(), b""]
        address = frames[3].decode(errors="replace") if len(frames) == _ZAP_FRAMES else ""
        self._deny(public, address, "unknown key")
        return [*head, b"400", b"this key is not allowed here", b"", b""]

    def _deny(self, public: str, address: str, reason: str) -> None:
        self.denied += 1
        key = fingerprint(public)
        body = {
            "publisher": self._publisher_id,
            "address": address,
            "key": key,
            "reason": reason,
        }
        where = address or "unknown address"
        self.notices.tell((reason, address, key), f"key {key} at {where}", body)

    def _end(self, descriptor: int, key: str) -> None:
        """Shut a connection down and drop what waits for it there."""
        self._keys.pop(descriptor, None)
        try:
            connection = tcp.socket(fileno=os.dup(descriptor))
        except OSError:  # closed long ago
            return
        with connection:
            try:
                # The number may be another file's by now: only connections of our ports are ended.
                ours = connection.getsockname()[1] in self._ports
                address = str(connection.getpeername()[0])
                if not ours or connection.type != tcp.SOCK_STREAM:
                    return
                connection.setsockopt(tcp.SOL_SOCKET, tcp.SO_LINGER, _RESET)
                connection.shutdown(tcp.SHUT_RDWR)
            except (OSError, IndexError):  # gone, listening, or not of the internet
                return
        self.cut += 1
        self._deny(key, address, "revoked")
