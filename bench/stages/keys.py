"""What CURVE costs: the same messages from an XPUB to a SUB, plain and with keys."""

from __future__ import annotations

import threading

import zmq

from bench.model import Value
from bench.settings import Settings
from bench.stages.timing import rate
from mdhub.sdk.keys import ClientKeys, KeyPair, new_pair

PAYLOAD = b"x" * 200
"""About a clean tick with one level of depth."""
FRAMES = [b"tick.SHFE.rb2610.", b"h" * 40, PAYLOAD]
HWM = 2_000_000
"""Nothing is dropped: what is measured is work, not loss."""


def keys(settings: Settings) -> list[Value]:
    """Messages per second over loopback, both ends in this process."""
    count = settings.few(200_000)
    server = new_pair()
    return [
        _throughput("plain", count, settings.rounds, None, server),
        _throughput("CURVE", count, settings.rounds, ClientKeys(server.public, new_pair()), server),
    ]


def _throughput(
    name: str, count: int, rounds: int, client: ClientKeys | None, server: KeyPair
) -> Value:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    xpub, sub = context.socket(zmq.XPUB), context.socket(zmq.SUB)
    xpub.setsockopt(zmq.SNDHWM, HWM)
    sub.setsockopt(zmq.RCVHWM, HWM)
    if client is not None:
        xpub.setsockopt(zmq.CURVE_SERVER, 1)
        xpub.setsockopt(zmq.CURVE_SECRETKEY, server.secret.encode())
        client.put_on(sub)
    sub.setsockopt(zmq.SUBSCRIBE, b"")
    try:
        sub.connect(f"tcp://127.0.0.1:{xpub.bind_to_random_port('tcp://127.0.0.1')}")
        xpub.recv()  # the subscription: from here nothing is missed
        return rate(name, lambda: _exchange(xpub, sub, count), count, rounds)
    finally:
        context.destroy(linger=0)


def _exchange(xpub: zmq.Socket[bytes], sub: zmq.Socket[bytes], count: int) -> None:
    def send() -> None:
        for _ in range(count):
            xpub.send_multipart(FRAMES)

    sender = threading.Thread(target=send)
    sender.start()
    for _ in range(count):
        sub.recv_multipart()
    sender.join()
