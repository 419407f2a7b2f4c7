"""`mdhub health` asked of a hub that gets sicker: its exit codes, and what it says to do."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mdhub.health.model import HealthReport, decode_health
from mdhub.host.ports import free_port_pair
from mdhub.host.stack import Host, HubPlan, Publisher
from mdhub.runtime.heartbeat import decode_beat
from mdhub.streams.asking import Request, arbiter_of, ask
from mdhub.streams.port import Log
from tests.support.server import TestServer
from tests.support.wait import until

pytestmark = [pytest.mark.process, pytest.mark.timeout(240)]

MARKET = {"seed": 20261121, "ticks_per_s": 300.0}
LIMIT_S = 60.0
"""An answer comes, whatever hangs; how soon depends on who else has the machine."""


class Sick:
    """A hub, and what `mdhub health` says of it."""

    def __init__(self, host: Host, log: Log, server: TestServer) -> None:
        self.host = host
        self.log = log
        self.server = server
        self._environment = {**os.environ, "MDHUB_REDIS_URL": server.url}

    def is_whole(self) -> bool:
        """Whether the monitor has seen both sources and the publisher at work."""
        payload = self.log.health()
        report = decode_health(payload) if payload else HealthReport()
        ticking = {each.name for each in report.sources if each.ticks_per_s}
        return ticking == {"A", "B"} and "publisher:A" in {s.instance for s in report.services}

    def muted(self) -> set[str]:
        payload = self.log.health()
        return {s.name for s in decode_health(payload).sources if s.muted} if payload else set()

    def health(self, *options: str) -> tuple[int, str]:
        """As cron would."""
        done = subprocess.run(
            [sys.executable, "-m", "mdhub.cli.app", "health", *options], capture_output=True,
            text=True, check=False, timeout=LIMIT_S, env=self._environment,
        )  # fmt: skip
        assert "Traceback" not in done.stderr
        return done.returncode, done.stdout

    def says(self, *keys: str, code: int) -> dict[str, Any]:
        """Wait until these ills are found; then what health says, in words and by its code."""
        until(lambda: set(keys) <= self._found(), f"the monitor to find {keys}", timeout_s=40)
        exit_code, text = self.health("--json")
        said: dict[str, Any] = json.loads(text)
        assert (exit_code, said["exit_code"]) == (code, code), text
        hints = {each["key"]: (each["hint"], each["hint_zh"]) for each in said["findings"]}
        assert all(all(hints[key]) for key in keys), text
        return said

    def _found(self) -> set[str]:
        payload = self.log.health()
        return {each.key for each in decode_health(payload).findings} if payload else set()

    def tell(self, action: str, source: str) -> None:
        request = Request(arbiter_of(0), action, {"source": source, "reason": "a test"})
        (answer,) = ask(self.log, [request], issuer="test", timeout_s=10)
        assert answer is not None and answer.ok

    def kill(self, instance: str, number: int = signal.SIGKILL) -> None:
        os.kill(decode_beat(self.log.beats()[instance]).pid, number)


@pytest.fixture
def sick() -> Iterator[Sick]:
    sources = tuple(json.dumps({"name": name, "sim": MARKET}) for name in ("A", "B"))
    with tempfile.TemporaryDirectory(prefix="mdhub-health-") as name, TestServer() as server:
        publishers = (Publisher("A", free_port_pair()),)
        plan = HubPlan(
            Path(name), profile="fast", publishers=publishers, sources=sources, url=server.url
        )
        host = Host(plan)
        try:
            host.start_server()
            host.start("arbiter", "monitor", "publisher", "ingest")
            log = host.open_log()
            hub = Sick(host, log, server)
            until(hub.is_whole, "a whole hub", timeout_s=40)
            yield hub
            log.close()
        finally:
            host.stop()


def test_each_ill_is_named_with_its_exit_code_and_what_to_do(sick: Sick) -> None:
    """Muted, stopped, gone, and a server that stands still: never without an answer."""
    assert sick.says(code=0)["verdict"] == "ok"

    sick.tell("mute", "A")
    until(lambda: "A" in sick.muted(), "A to be muted", timeout_s=20)
    assert sick.says(code=0)["report"]["sources"][0]["muted"], "an operator's wish is no ill"
    assert "已静音" in sick.health("--lang", "zh")[1]
    sick.tell("unmute", "A")

    sick.kill("supervisor:A")  # its source ends with it, and says so
    sick.says("service_down:supervisor:A", code=2)

    sick.kill("publisher:A")
    sick.says("service_down:publisher:A", code=2)
    assert sick.health("--nagios")[1].startswith("MDHUB CRITICAL - service_down:")

    sick.server.signal(signal.SIGSTOP)
    try:
        code, line = sick.health("--nagios")
    finally:
        sick.server.signal(signal.SIGCONT)
    assert (code, "(server_away)" in line) == (2, True), line
