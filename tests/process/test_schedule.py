"""A supervisor follows the trading day of an accelerated market, with real processes."""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from mdhub.host.stack import Host, HubPlan
from mdhub.runtime.heartbeat import Beat, decode_beat
from mdhub.streams.asking import Answer, Request, ask
from mdhub.streams.port import Log
from mdhub.streams.topology import EVENTS
from mdhub.wire.codec import decode_event
from mdhub.wire.ops import Event
from mdhub.wire.ticks import CHINA_TIME
from tests.support.wait import until

pytestmark = [pytest.mark.process, pytest.mark.timeout(90)]

SIM = {"seed": 7, "sessions": "full", "rate": 60.0}
RUN = "sim-7-full-120-0"
"""The simulation's own name of its market time: it goes on from where the test has put it."""


class Hub:
    """A hub whose market time the test moves."""

    def __init__(self, host: Host, log: Log, folder: Path) -> None:
        self.host = host
        self.log = log
        self.folder = folder

    def ask(self, target: str, action: str, **args: Any) -> Answer:
        (answer,) = ask(self.log, [Request(target, action, args)], issuer="test", timeout_s=10,
                        going=self.converge)  # fmt: skip
        assert answer is not None, f"no answer to {action} of {target}"
        return answer

    def converge(self) -> bool:
        self.host.keeper.converge()
        return True

    def set_market(self, text: str) -> None:
        moment = datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=CHINA_TIME)
        market_ns = int(moment.timestamp()) * 1_000_000_000
        answer = self.ask("arbiter", "market_clock", market_ns=market_ns, rate=60.0, run=RUN)
        assert answer.ok and answer.result["market_ns"] == market_ns, answer

    def beat(self, name: str) -> Beat | None:
        self.converge()
        payload = self.log.beats().get(name)
        return None if payload is None else decode_beat(payload)

    def counter(self, name: str) -> int | None:
        beat = self.beat("supervisor:A")
        return None if beat is None else beat.counters[name]

    def pid(self) -> int:
        """Process of the source; 0 = it has said that it has ended, or nothing yet."""
        beat = self.beat("ingest:A")
        return 0 if beat is None or beat.state == "ended" else beat.pid

    def events(self, kind: str) -> list[Event]:
        found = (decode_event(fields[1]) for _, fields in self.log.entries(EVENTS, count=10_000))
        return [event for event in found if event.kind == kind]

    def changes(self, kind: str) -> list[str]:
        return [str(event.body.get("change")) for event in self.events(kind)]


@contextmanager
def running_hub() -> Iterator[Hub]:
    with tempfile.TemporaryDirectory(prefix="mdhub-schedule-") as name:
        folder = Path(name)
        touch = "import os, sys; open(sys.argv[1] + '/' + os.environ['MDHUB_TRADING_DAY'], 'w')"
        schedule = {
            "groups": {"days": {"windows": ["08:30-15:50"]}},
            "archive": [sys.executable, "-c", touch, name],
        }
        source = {"name": "A", "schedule": "days", "sim": SIM}
        plan = HubPlan(
            folder, profile="fast", sources=(json.dumps(source),), schedule=json.dumps(schedule)
        )
        host = Host(plan)
        try:
            host.start_server()
            host.start("arbiter")
            host.wait_leader()
            log = host.open_log()
            try:
                yield Hub(host, log, folder)
            finally:
                log.close()
        finally:
            host.stop()


def test_a_source_follows_the_trading_day_of_an_accelerated_market() -> None:
    """It starts and stops, makes up for a start that was missed, is restarted by command."""
    with running_hub() as hub:
        hub.set_market("2026-09-23 08:29:00")
        hub.host.start("ingest")
        until(lambda: hub.counter("wanted:A") == 0, "the supervisor to wait for the window")
        until(
            lambda: hub.pid() and hub.counter("running:A"), "the source to be started", timeout_s=10
        )
        assert hub.changes("session")[0] == "opens"

        hub.set_market("2026-09-23 15:51:00")
        until(lambda: hub.counter("running:A") == 0 and not hub.pid(), "the stop", timeout_s=10)
        until(lambda: "archived" in hub.changes("schedule"), "the archive", timeout_s=10)
        assert (hub.folder / "20260923").exists()
        assert hub.changes("session") == ["opens", "opened", "closing", "closed"]
        refused = hub.ask("source:A", "restart", reason="too early")
        assert not refused.ok and "closed" in refused.result["error"]

        supervisor = hub.host.keeper.children["ingest"].process
        assert supervisor is not None
        supervisor.send_signal(signal.SIGSTOP)
        hub.set_market("2026-09-24 10:00:00")
        os.kill(supervisor.pid, signal.SIGKILL)
        until(hub.pid, "the start that was missed", timeout_s=10)

        first = hub.pid()
        restarted = hub.ask("source:A", "restart", reason="a test")
        assert restarted.ok and restarted.result["killed_pid"] == first
        until(lambda: hub.pid() == restarted.result["pid"], "the new process", timeout_s=10)
        assert not Path(f"/proc/{first}").exists()
        unknown = hub.ask("source:NOBODY", "restart")
        assert not unknown.ok and "supervisors say that they have A" in unknown.result["error"]
        assert len(hub.events("command.done")) == len(
            {e.subject for e in hub.events("command.done")}
        )
