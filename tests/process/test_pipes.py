"""Output into pipes whose reader leaves, and the last word of a service that is stopped."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mdhub.host.ports import free_port_pair
from mdhub.runtime.heartbeat import Beat, decode_beat
from mdhub.streams import open_log
from mdhub.streams.port import Log
from mdhub.streams.topology import EVENTS
from mdhub.wire.codec import encode
from mdhub.wire.ops import Event
from tests.support.wait import until

pytestmark = [pytest.mark.process, pytest.mark.timeout(60)]

MDHUB = f"{shlex.quote(sys.executable)} -m mdhub.cli.app"


@pytest.fixture
def log(server_url: str, prefix: str) -> Iterator[Log]:
    log = open_log(server_url, service="monitor", prefix=prefix)
    yield log
    log.close()


def environment(server_url: str, prefix: str) -> dict[str, str]:
    bare = {name: value for name, value in os.environ.items() if not name.startswith("MDHUB_")}
    return bare | {
        "MDHUB_REDIS_URL": server_url,
        "MDHUB_HUB__PREFIX": prefix,
        "MDHUB_PARENT_PID": str(os.getpid()),
    }


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("schema", 0),
        ("config example", 0),
        ("config show", 0),
        ("tail --events", 0),
        ("tail --events --format csv", 0),
        ("tail --events --json --since 1h", 0),
        ("status", 1),
        ("status --json --watch", 0),
    ],
)
def test_a_reader_that_leaves_is_no_error(
    command: str, code: int, server_url: str, prefix: str, log: Log, tmp_path: Path
) -> None:
    """`| head -1` ends the command quietly, with the exit code of what it did until then."""
    for i in range(20):
        event = Event(1, f"{i}", time.time_ns(), "monitor", "service", "A", "info", "", {"i": i})
        log.append(EVENTS, encode(event))
    feed = subprocess.Popen(
        ["bash", "-c", f"{MDHUB} {command} | head -1; echo ${{PIPESTATUS[0]}}"],
        env=environment(server_url, prefix),
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    if command.startswith("tail"):
        # It notices at the next row, as every program does.
        until(lambda: feed.poll() is not None or not log.append(EVENTS, encode(event)), command)
    said, wrong = feed.communicate(timeout=30)

    assert said.splitlines()[-1] == str(code)
    assert len(said.splitlines()) == 2
    assert [line for line in wrong.splitlines() if not line.startswith("mdhub status: ")] == []


@pytest.mark.parametrize("service", ["monitor", "publisher"])
def test_a_service_that_is_stopped_says_so(
    service: str, server_url: str, prefix: str, log: Log
) -> None:
    """Its last heartbeat is `ended`: nobody misses it, as `mdhub status` would otherwise."""
    port = ["--port", str(free_port_pair())] if service == "publisher" else []
    process = subprocess.Popen(
        [sys.executable, "-m", "mdhub.cli.app", "run", service, "--prefix", prefix, *port],
        env=environment(server_url, prefix),
        stderr=subprocess.DEVNULL,
    )

    def beat() -> Beat | None:
        payload = log.beats().get(f"{service}:A")
        return None if payload is None else decode_beat(payload)

    until(lambda: beat() is not None, "its first heartbeat")
    process.send_signal(signal.SIGTERM)

    assert process.wait(10) == 0
    last = beat()
    assert last is not None and last.state == "ended"
