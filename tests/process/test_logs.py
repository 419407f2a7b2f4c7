"""The lines of a whole hub: in the stream, with the command they come of, and without secrets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import mdhub
from mdhub.host.ports import free_port_pair
from mdhub.host.stack import Host, HubPlan, Publisher
from mdhub.streams import open_log
from mdhub.streams.asking import Request, arbiter_of, ask
from mdhub.streams.errors import StreamsError
from mdhub.streams.port import Log
from mdhub.streams.topology import COMMANDS, EVENTS, LOGS
from mdhub.wire.codec import decode_command, decode_event, decode_log_line
from mdhub.wire.ops import LogLine
from tests.support.server import TestServer
from tests.support.wait import until

pytestmark = [pytest.mark.process, pytest.mark.timeout(90)]

CANARY = "c4nary-pw"
SOURCE = json.dumps({"name": "A", "sim": {"seed": 7, "ticks_per_s": 50.0}})
SERVICES = {"arbiter", "ingest", "monitor", "publisher"}


class LockedServer(TestServer):
    """A server that wants a password."""

    def __init__(self) -> None:
        super().__init__("single", "--requirepass", CANARY)

    @property
    def url(self) -> str:
        return f"unix://:{CANARY}@{self.embedded.socket}"


@dataclass(frozen=True)
class Hub:
    """A running hub, its server and what its services wrote on stderr."""

    host: Host
    server: LockedServer
    endpoint: str
    stderr: Path

    def log(self) -> Log:
        return open_log(self.server.url, service="cli")

    def lines(self) -> list[LogLine]:
        try:
            with closing(self.log()) as log:
                return [decode_log_line(fields[1]) for _, fields in log.entries(LOGS)]
        except StreamsError:  # killed by the test
            return []

    def written(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stderr.read_text().splitlines()]


@contextmanager
def running_hub(folder: Path) -> Iterator[Hub]:
    port, stderr = free_port_pair(), folder / "stderr"
    with LockedServer() as server, stderr.open("w", encoding="utf-8") as file:
        plan = HubPlan(
            folder, profile="single", publishers=(Publisher("A", port),), sources=(SOURCE,),
            url=server.url, standby=False,
        )  # fmt: skip
        host = Host(plan, stderr=file)
        try:
            host.start_server()
            host.start("arbiter", "publisher", "ingest", "monitor")
            yield Hub(host, server, f"tcp://127.0.0.1:{port}", stderr)
        finally:
            host.stop()


def mute(hub: Hub) -> str:
    """Mute the source as an operator does; return the id of the command."""
    with closing(hub.log()) as log:
        request = Request(arbiter_of(0), "mute", {"source": "A", "reason": "stale"})
        (answer,) = ask(log, [request], issuer="cli", timeout_s=10)
        assert answer is not None and answer.ok
        commands = [decode_command(fields[1]) for _, fields in log.entries(COMMANDS)]
    (command,) = [each for each in commands if each.action == "mute"]
    return command.id


def test_the_lines_of_a_hub(tmp_path: Path) -> None:
    """Every service's are in the stream; a killed server delays them, and no password shows."""
    with running_hub(tmp_path) as hub:
        expected = {"leading", "following", "source_started"}
        until(lambda: expected <= {line.event for line in hub.lines()}, "lines of the start")

        with mdhub.connect(hub.endpoint) as strategy:
            next(strategy.ticks("*", start="snapshot"))
        command = mute(hub)
        until(lambda: command in {line.correlation_id for line in hub.lines()}, "its line")
        with closing(hub.log()) as log:
            events = [decode_event(fields[1]) for _, fields in log.entries(EVENTS)]
        (done,) = [each for each in events if each.correlation_id == command]
        (line,) = [each for each in hub.lines() if each.correlation_id == command]
        assert (done.kind, line.event, line.service) == ("command.done", "command_done", "arbiter")
        assert [each["event"] for each in hub.written() if each.get("correlation_id")] != []

        hub.server.kill_and_restart()
        away = "log_unavailable"
        until(lambda: away in {line.event for line in hub.lines()}, "the lines of the outage")
        until(lambda: {line.service for line in hub.lines()} >= SERVICES, "a line of each service")
        lines = hub.lines()

    # On stderr nobody speaks around the logger: each line is JSON, the stream's are among them.
    written = hub.written()
    assert {(line.service, line.event) for line in lines} <= {
        (line["service"], line["event"]) for line in written
    }
    everything = hub.stderr.read_text() + str(events) + str(lines)
    assert CANARY not in everything
