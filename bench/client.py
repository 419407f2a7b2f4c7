"""The strategy of a benchmark: takes every tick and notes its latency.

`python -m bench.client --out FILE --kind hub|floor|rpc ENDPOINT`. The file holds int64 pairs
(receive time at the gateway, latency), both in ns.
"""

from __future__ import annotations

import argparse
import threading
import time
from array import array
from collections.abc import Iterator
from pathlib import Path

import zmq

import mdhub
from mdhub.runtime.service import begin
from mdhub.wire.codec import decode_clean_tick


def main() -> None:
    """Follow until SIGTERM, then write the samples."""
    parser = argparse.ArgumentParser()
    parser.add_argument("endpoint")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--kind", choices=["hub", "floor"], required=True)
    options = parser.parse_args()
    stop = begin()
    samples = array("q")
    print("ready", flush=True)
    follow = _hub if options.kind == "hub" else _floor
    for recv_ns in follow(options.endpoint, stop):
        samples.append(recv_ns)
        samples.append(time.time_ns() - recv_ns)
    with options.out.open("wb") as file:
        samples.tofile(file)


def _hub(endpoint: str, stop: threading.Event) -> Iterator[int]:
    with mdhub.connect(endpoint) as hub:

        def end() -> None:
            stop.wait()
            hub.stop()

        threading.Thread(target=end, daemon=True).start()
        for tick in hub.ticks("*"):
            yield tick.recv_ns


def _floor(endpoint: str, stop: threading.Event) -> Iterator[int]:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    socket = context.socket(zmq.SUB)
    socket.setsockopt(zmq.RCVHWM, 1_000_000)
    socket.connect(endpoint)
    socket.setsockopt(zmq.SUBSCRIBE, b"")
    while not stop.is_set():
        if not socket.poll(50):
            continue
        while True:
            try:
                frames = socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                break
            yield decode_clean_tick(frames[2]).recv_ns


if __name__ == "__main__":
    main()
