"""`mdhub up` and `mdhub tail` as a user runs them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mdhub.host.ports import free_port_pair
from mdhub.runtime.heartbeat import decode_beat
from mdhub.streams import open_log
from mdhub.streams.errors import StreamsError
from mdhub.streams.port import Log
from mdhub.streams.topology import EVENTS
from mdhub.wire.codec import decode_event
from mdhub.wire.ops import Event, EventKind
from tests.support.wait import until

pytestmark = [pytest.mark.process, pytest.mark.timeout(90)]

MDHUB = [sys.executable, "-m", "mdhub.cli.app"]
INSTANCES = {"arbiter:A", "arbiter:B", "publisher:A", "monitor:A", "ingest:A", "ingest:B"}


@dataclass
class Running:
    """A hub started by `mdhub up`."""

    endpoint: str
    log: Log

    def pid(self, instance: str) -> int:
        beat = self.log.beats().get(instance)
        return decode_beat(beat).pid if beat else 0

    def wait_replaced(self, instance: str, pid: int) -> None:
        until(lambda: self.pid(instance) not in (0, pid), f"{instance} to be replaced")

    def tail(self, *options: str) -> list[dict[str, Any]]:
        done = subprocess.run(
            [*MDHUB, "tail", "--endpoint", self.endpoint, "--json", *options],
            capture_output=True, text=True, timeout=40, check=True,
        )  # fmt: skip
        return [json.loads(line) for line in done.stdout.splitlines()]

    def events(self, kind: str) -> list[Event]:
        entries = self.log.entries(EVENTS, count=5_000)
        return [e for e in (decode_event(fields[1]) for _, fields in entries) if e.kind == kind]


@contextmanager
def hub(folder: Path) -> Iterator[Running]:
    port = free_port_pair()
    up = subprocess.Popen(
        [*MDHUB, "up", "--data", str(folder), "--port", str(port)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        log = wait_log(f"unix://{folder.resolve() / 'redis.sock'}")
        until(lambda: log.beats().keys() >= INSTANCES, "every service to say that it lives")
        yield Running(f"tcp://127.0.0.1:{port}", log)
        log.close()
        up.send_signal(signal.SIGINT)
        assert up.wait(10) == 0
    finally:
        up.kill()
        up.wait()


def wait_log(url: str) -> Log:
    opened: list[Log] = []

    def opens() -> bool:
        try:
            opened.append(open_log(url, service="cli"))
        except StreamsError:
            return False
        return True

    until(opens, "the server of the hub")
    return opened[0]


def test_what_dies_is_started_again_and_the_feed_goes_on(tmp_path: Path) -> None:
    """Each service killed with SIGKILL comes back under `mdhub up`; ticks keep their numbers."""
    with hub(tmp_path) as running:
        before = {name: running.pid(name) for name in INSTANCES}
        for name, pid in before.items():
            os.kill(pid, signal.SIGKILL)
            running.wait_replaced(name, pid)

        ticks = running.tail("--no-snapshot", "--count", "20")

        assert len(ticks) == 20
        assert {"symbol", "exchange", "last", "volume", "ts"} <= ticks[0].keys()


def test_the_monitor_writes_what_it_sees_into_events(tmp_path: Path) -> None:
    """Heartbeats of every service, the rate of each source, who came up, who leads."""
    with hub(tmp_path) as running:
        until(lambda: len(running.events(EventKind.SOURCE_RATE)) >= 4, "rates of both sources")

        assert {e.subject for e in running.events(EventKind.HEARTBEAT)} >= INSTANCES
        rates = {e.subject: e.body["ticks_per_s"] for e in running.events(EventKind.SOURCE_RATE)}
        assert rates.keys() == {"A", "B"}
        assert min(rates.values()) > 10
        assert {e.subject for e in running.events(EventKind.SERVICE)} >= INSTANCES
        assert running.events(EventKind.LEADERSHIP)[0].body["token"] == 1
