"""Events and log lines of the hub, live, on sockets of their own: ticks never wait for them.

Both publishers of a pair send the same; an entry is told once, known by its id among the newest
10,000. Nothing is replayed: what was said while nobody listened stands in the log (`mdhub tail`).
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeVar

import zmq

from mdhub.sdk.connection import Endpoint
from mdhub.sdk.errors import HubClosed
from mdhub.sdk.keys import ClientKeys
from mdhub.wire.codec import DecodeError, decode_live_header

__all__ = ["HWM", "REMEMBERED", "follow"]

HWM: Final = 10_000
"""Messages kept for a listener that is busy; later ones are lost to it."""
REMEMBERED: Final = 10_000
POLL_MS: Final = 50
_FRAMES: Final = 3
_OPTIONS: Final = (
    (zmq.LINGER, 0),
    (zmq.RCVHWM, HWM),
    (zmq.HEARTBEAT_IVL, 500),
    (zmq.HEARTBEAT_TIMEOUT, 1_500),
    (zmq.RECONNECT_IVL, 50),
    (zmq.RECONNECT_IVL_MAX, 1_000),
)

T = TypeVar("T")


def follow(
    endpoints: Sequence[Endpoint],
    prefixes: Sequence[bytes],
    decode: Callable[[bytes], T],
    *,
    keys: ClientKeys | None,
    closed: Callable[[], bool],
    idle_s: float | None = None,
) -> Iterator[T]:
    """Yield what is published under the topic prefixes from now on.

    Ends after `idle_s` without anything; raises HubClosed within 50 ms once `closed()` is true.
    """
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    try:
        sockets = [_socket(context, endpoint, prefixes, keys) for endpoint in endpoints]
        poller = zmq.Poller()
        for socket in sockets:
            poller.register(socket, zmq.POLLIN)
        yield from _heard(poller, decode, closed, idle_s)
    finally:
        context.destroy(linger=0)


def _heard(
    poller: zmq.Poller, decode: Callable[[bytes], T], closed: Callable[[], bool],
    idle_s: float | None,
) -> Iterator[T]:  # fmt: skip
    known: OrderedDict[str, None] = OrderedDict()
    last_s = time.monotonic()
    while idle_s is None or time.monotonic() - last_s <= idle_s:
        if closed():
            raise HubClosed("this hub was closed; connect again")
        for socket, _ in poller.poll(POLL_MS):
            frames = socket.recv_multipart()
            try:
                told = decode(frames[2]) if _is_news(frames, known) else None
            except DecodeError:  # of a release to come, or no publisher at all
                continue
            if told is not None:
                yield told
                last_s = time.monotonic()


def _is_news(frames: Sequence[bytes], known: OrderedDict[str, None]) -> bool:
    if len(frames) != _FRAMES:
        return False
    entry_id = decode_live_header(frames[1]).id or ""
    if entry_id in known:
        return False
    known[entry_id] = None
    if len(known) > REMEMBERED:
        known.popitem(last=False)
    return True


def _socket(
    context: zmq.Context[zmq.Socket[bytes]],
    endpoint: Endpoint,
    prefixes: Sequence[bytes],
    keys: ClientKeys | None,
) -> zmq.Socket[bytes]:
    socket = context.socket(zmq.SUB)
    for option, value in _OPTIONS:
        socket.setsockopt(option, value)
    if endpoint.host.startswith("["):
        socket.setsockopt(zmq.IPV6, 1)
    if keys is not None:
        keys.put_on(socket)
    for prefix in prefixes:
        socket.setsockopt(zmq.SUBSCRIBE, prefix)
    socket.connect(endpoint.live)
    return socket
