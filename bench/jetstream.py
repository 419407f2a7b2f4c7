"""The peer NATS JetStream: a stream on disk, acknowledged publishing, an ordered push consumer.

`python -m bench.jetstream publish|client ...`, run by the interpreter of .venv-bench. Ticks are the
hub's own bytes.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from pathlib import Path
from typing import Any

import nats
from nats.js.api import StorageType

from bench.load import clean_tick, schedule
from bench.recorder import Recorder
from mdhub.runtime.service import begin
from mdhub.wire.codec import decode_clean_tick, encode

STREAM, SUBJECT = "ticks", "tick.all"
WINDOW = 4_000
"""Publishes not yet acknowledged, at most."""


def main() -> None:
    """Be the publisher or the subscriber."""
    parser = argparse.ArgumentParser()
    parser.add_argument("role", choices=["publish", "client"])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--rate", type=float, default=1000.0)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--start-ns", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("samples"))
    options = parser.parse_args()
    asyncio.run(_publish(options) if options.role == "publish" else _follow(options))


async def _publish(options: argparse.Namespace) -> None:
    stop = begin()
    connection = await nats.connect(_address(options.port))
    stream = connection.jetstream(publish_async_max_pending=WINDOW)
    for due_ns, snapshot in schedule(options.rate, options.seconds, options.start_ns):
        # Also when late: the client library sends while we sleep.
        await asyncio.sleep(max(0.0, (due_ns - time.time_ns()) / 1e9))
        if stop.is_set():
            break
        await stream.publish_async(SUBJECT, encode(clean_tick(snapshot, "A", time.time_ns())))
    await stream.publish_async_completed()
    await connection.drain()


async def _follow(options: argparse.Namespace) -> None:
    recorder = Recorder(options.out)
    connection = await nats.connect(_address(options.port))
    stream = connection.jetstream()
    await stream.add_stream(name=STREAM, subjects=[SUBJECT], storage=StorageType.FILE)

    async def on_tick(message: Any) -> None:
        tick = decode_clean_tick(message.data)
        recorder.note(tick.recv_ns, time.time_ns(), 0, 0, 0)

    await stream.subscribe(SUBJECT, cb=on_tick, ordered_consumer=True)
    recorder.ready()
    await asyncio.to_thread(recorder.ended.wait)
    recorder.write()
    await connection.close()


def _address(port: int) -> str:
    return f"nats://127.0.0.1:{port}"


if __name__ == "__main__":
    main()
