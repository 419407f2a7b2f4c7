"""The strategy of a benchmark: takes every tick and notes its times.

`python -m bench.client --kind hub|quiet|floor --out FILE ENDPOINT`. `quiet` notes nothing: it is
there to be weighed.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import zmq

import mdhub
from bench.recorder import Recorder
from mdhub.wire.codec import decode_clean_tick


def main() -> None:
    """Follow until SIGTERM, then write the samples."""
    parser = argparse.ArgumentParser()
    parser.add_argument("endpoint")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--kind", choices=["hub", "quiet", "floor"], required=True)
    options = parser.parse_args()
    recorder = Recorder(options.out)
    {"hub": _hub, "quiet": _quiet, "floor": _floor}[options.kind](options.endpoint, recorder)
    recorder.write()


def _hub(endpoint: str, recorder: Recorder) -> None:
    note, time_ns = recorder.note, time.time_ns
    with mdhub.connect(endpoint) as hub:
        recorder.ready(hub.stop)
        for delivery in hub.deliveries("*"):
            taken_ns = time_ns()
            raw_ms = int(delivery.id.partition("-")[0])
            note(delivery.tick.recv_ns, taken_ns, raw_ms, delivery.arb_ns, delivery.pub_ns)


def _quiet(endpoint: str, recorder: Recorder) -> None:
    with mdhub.connect(endpoint) as hub:
        recorder.ready(hub.stop)
        for _ in hub.ticks("*", start="snapshot"):
            pass


def _floor(endpoint: str, recorder: Recorder) -> None:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    socket = context.socket(zmq.SUB)
    socket.setsockopt(zmq.RCVHWM, 1_000_000)
    socket.connect(endpoint)
    socket.setsockopt(zmq.SUBSCRIBE, b"")
    recorder.ready()
    while not recorder.ended.is_set():
        if not socket.poll(50):
            continue
        while True:
            try:
                frames = socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                break
            tick = decode_clean_tick(frames[2])
            recorder.note(tick.recv_ns, time.time_ns(), 0, 0, 0)


if __name__ == "__main__":
    main()
