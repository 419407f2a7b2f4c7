"""Tabs of the console as browsers hold them open: a stream each, and the page's live part on news.

`python -m bench.tabs --port PORT --tabs N`; the variable BENCH_COOKIE is somebody's session.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

__all__ = ["COOKIE_VARIABLE"]

COOKIE_VARIABLE: Final = "BENCH_COOKIE"
HOST: Final = "127.0.0.1"
STREAM: Final = "/events?topics=health,connection"
LIVE_PART: Final = "/overview/live"
NEWS: Final = b"event: health"


def main() -> int:
    """Hold the tabs open until SIGTERM; 1 = the console ended a stream or refused."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--tabs", type=int, required=True)
    options = parser.parse_args()
    os.nice(19)  # browsers run on other machines
    with suppress(OSError):
        Path("/proc/self/autogroup").write_text("19", encoding="ascii")
    try:
        asyncio.run(_hold(options.port, options.tabs))
    except ExceptionGroup as failed:
        sys.stderr.write(f"tabs: {failed.exceptions[0]!r}\n")
        return 1
    return 0


async def _hold(port: int, tabs: int) -> None:
    async with asyncio.TaskGroup() as group:
        for _ in range(tabs):
            group.create_task(_tab(port))


async def _tab(port: int) -> None:
    stream, writer = await _ask(port, STREAM)
    try:
        while True:
            line = await stream.readline()
            if not line:
                raise ConnectionError("the console ended a stream")
            if line.startswith(NEWS):
                await _look(port)
    finally:
        writer.close()


async def _look(port: int) -> None:
    """Fetch the live part, as htmx does: what comes meanwhile waits in the stream."""
    stream, writer = await _ask(port, LIVE_PART)
    try:
        await stream.read()
    finally:
        writer.close()


async def _ask(port: int, path: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    stream, writer = await asyncio.open_connection(HOST, port, limit=1 << 20)
    last = "" if path == STREAM else "Connection: close\r\n"
    head = (
        f"GET {path} HTTP/1.1\r\nHost: {HOST}:{port}\r\nCookie: {os.environ[COOKIE_VARIABLE]}\r\n"
    )
    writer.write(f"{head}{last}\r\n".encode())
    status = await stream.readuntil(b"\r\n")
    if b" 200 " not in status:
        raise ConnectionError(f"{path}: expected 200, the console said {status.decode().strip()}")
    return stream, writer


if __name__ == "__main__":
    sys.exit(main())
