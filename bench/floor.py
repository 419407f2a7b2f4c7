"""The bare floor: the same hops, server, rates, batches and waits as the hub, without its logic.

`python -m bench.floor produce|move|publish`: sources that append ready ticks, a mover that copies
raw to clean (every second entry, as of two copies one is taken), a publisher that sends each entry
as three frames. No functions, no decisions, no numbering, no repair, no heartbeats.
"""

from __future__ import annotations

import argparse
import os
import threading
import time
from collections import deque

import zmq

from bench.load import clean_tick, paced
from mdhub.runtime.service import begin, redis_url
from mdhub.streams.client import Link
from mdhub.streams.redis_tail import RedisTail
from mdhub.wire.codec import encode

RAW, CLEAN = "floor:raw", "floor:clean"
READ = 1_000


def main() -> None:
    """Be one of the hops."""
    parser = argparse.ArgumentParser()
    parser.add_argument("role", choices=["produce", "move", "publish"])
    parser.add_argument("--name", default="A")
    parser.add_argument("--rate", type=float, default=1000.0)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--start-ns", type=int, default=0)
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    {"produce": _produce, "move": _move, "publish": _publish}[options.role](options)


def _produce(options: argparse.Namespace) -> None:
    """One source: the main thread stamps and enqueues on time, a second one appends."""
    stop, done = begin(), threading.Event()
    waiting: deque[bytes] = deque()
    arrived = threading.Event()
    writer = threading.Thread(target=_append, args=(waiting, arrived, done))
    writer.start()
    for snapshot in paced(options.rate, options.seconds, options.start_ns, stop):
        waiting.append(encode(clean_tick(snapshot, options.name, time.time_ns())))
        arrived.set()
    done.set()
    writer.join()


def _append(waiting: deque[bytes], arrived: threading.Event, done: threading.Event) -> None:
    link = Link(redis_url(), name="floor")
    while not (done.is_set() and not waiting):
        arrived.wait(0.1)
        arrived.clear()
        while waiting:
            batch = [waiting.popleft() for _ in range(min(len(waiting), 500))]
            for payload in batch:
                link.send("XADD", RAW, "*", "t", payload)
            for _ in batch:
                link.receive()


def _move(_options: argparse.Namespace) -> None:
    stop = begin()
    link = Link(redis_url(), name="floor")
    tail = RedisTail(redis_url(), name="floor", key=RAW, after=b"0-0")
    odd = False
    while not stop.is_set():
        chosen = []
        for _, fields in tail.read(block_ms=100, count=READ):
            odd = not odd
            if odd:
                chosen.append(fields[1])
        for payload in chosen:
            link.send("XADD", CLEAN, "*", "h", b"header", "t", payload)
        for _ in chosen:
            link.receive()


def _publish(options: argparse.Namespace) -> None:
    stop = begin()
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    socket = context.socket(zmq.XPUB)
    socket.setsockopt(zmq.SNDHWM, 1_000_000)
    socket.bind(f"tcp://127.0.0.1:{options.port}")
    tail = RedisTail(redis_url(), name="floor", key=CLEAN, after=b"0-0")
    while not stop.is_set():
        for _, fields in tail.read(block_ms=100, count=READ):
            socket.send_multipart([b"tick.", fields[1], fields[3]])
    os._exit(0)


if __name__ == "__main__":
    main()
