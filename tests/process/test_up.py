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

from mdhub.health.model import HealthReport, decode_health
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


def report(running: Running) -> HealthReport:
    payload = running.log.health()
    return decode_health(payload) if payload else HealthReport()


def rates(running: Running) -> dict[str, float]:
    """Ticks per second of each source, as the health report says."""
    return {each.name: each.ticks_per_s for each in report(running).sources}


@contextmanager
def hub(folder: Path, *options: str) -> Iterator[Running]:
    port = free_port_pair()
    up = subprocess.Popen(
        [*MDHUB, "up", "--data", str(folder), "--port", str(port), *options],
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
    """Who came up, who leads; nothing that comes every second."""
    with hub(tmp_path) as running:
        until(lambda: {"A", "B"} <= rates(running).keys(), "rates of both sources")
        until(lambda: min(rates(running).values()) > 10, "ticks of both")

        assert {e.subject for e in running.events(EventKind.SERVICE)} >= INSTANCES
        assert running.events(EventKind.LEADERSHIP)[0].body["token"] == 1

        quiet, until_ns = running.log.length(EVENTS), report(running).ts_ns + 3_000_000_000
        until(lambda: report(running).ts_ns > until_ns, "three more seconds")
        assert running.log.length(EVENTS) <= quiet + 1
