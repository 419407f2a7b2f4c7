"""A server that refuses writes for some seconds under a running hub, and one that never will do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from typing import Any

import pytest

from mdhub.cli.hubs import HubAddress
from mdhub.cli.status.run import run_status
from mdhub.host.ports import free_port_pair
from mdhub.runtime.heartbeat import decode_beat
from mdhub.streams import open_log
from mdhub.streams.client import Link
from mdhub.streams.topology import EVENTS
from mdhub.wire.codec import encode
from mdhub.wire.ops import Event
from tests.process.test_kills import REPEATS, Stage, assert_nothing_wrong, stage
from tests.support.server import TestServer
from tests.support.wait import until

pytestmark = [pytest.mark.process, pytest.mark.timeout(120)]

WRITERS = {"arbiter:A", "ingest:A", "ingest:B", "publisher:A", "monitor:A"}
SECRET = "s3cretpw"

REFUSALS: dict[str, tuple[list[tuple[str, ...]], list[tuple[str, ...]]]] = {
    "oom": ([("CONFIG", "SET", "maxmemory", "1")], [("CONFIG", "SET", "maxmemory", "0")]),
    "readonly": ([("REPLICAOF", "127.0.0.1", "1")], [("REPLICAOF", "NO", "ONE")]),
    "noreplicas": (
        [("CONFIG", "SET", "min-replicas-to-write", "1")],
        [("CONFIG", "SET", "min-replicas-to-write", "0")],
    ),
}


class Said:
    """Log lines of all services, as they come."""

    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        self._capture = capture
        self.lines: list[dict[str, Any]] = []

    def of(self, event: str, **fields: str) -> Counter[str]:
        """How often each instance said it."""
        new = self._capture.readouterr().err.splitlines()
        self.lines += [json.loads(line) for line in new if line.startswith('{"ts_ns"')]
        chosen = (line for line in self.lines if line["event"] == event)
        chosen = (line for line in chosen if fields.items() <= line.items())
        return Counter(f"{line['service']}:{line['instance']}" for line in chosen)


def status(playing: Stage, capture: pytest.CaptureFixture[str]) -> dict[str, Any]:
    hub = HubAddress(playing.host.url, "mdhub:", 1, 3_000)
    capture.readouterr()
    run_status(hub, as_json=True, watch=False)
    found: dict[str, Any] = json.loads(capture.readouterr().out.splitlines()[-1])
    return found


@pytest.mark.parametrize("state", REFUSALS)
def test_a_server_that_refuses_for_a_while_costs_nothing(
    state: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Each service names the state once, waits, and says that it is over; no tick is missing."""
    refuse, heal = REFUSALS[state]
    said = Said(capfd)
    with stage(REPEATS, 8.0) as playing, closing(Link(playing.host.url, name="admin")) as admin:
        before = playing.log.leadership(0).epoch
        said.of("log_unavailable")
        for command in refuse:
            admin.call(*command)
        until(
            lambda: said.of("log_unavailable", state=state).keys() >= WRITERS,
            f"every service to name {state}",
        )
        held = playing.log.positions(0).n
        shown = status(playing, capfd)
        for command in heal:
            admin.call(*command)
        until(lambda: playing.log.positions(0).n > held, "ticks to be decided again")
        until(lambda: said.of("log_back").keys() >= WRITERS, "every service to say it is over")
        until(lambda: status(playing, capfd)["ok"], "all to be well")
        beats = {name: decode_beat(beat) for name, beat in playing.log.beats().items()}

        assert_nothing_wrong(playing.run_to_the_end(), playing.log)
        assert playing.log.leadership(0).epoch == before
    assert (shown["ok"], shown["server_state"]) == (False, state)
    assert len(shown["problems"]) == 1
    assert set(said.of("log_unavailable", state=state).values()) == {1}
    assert all(beats[name].counters[f"outage:{state}"] == 1 for name in WRITERS), beats


@pytest.mark.parametrize(
    "args",
    [
        ("mdhub_arbiter",),
        ("mdhub_monitor",),
        ("mdhub_publisher", "--port", "{port}"),
        ("mdhub_ingest", "--source", '{{"name": "A", "sim": {{"seed": 7}}}}'),
        ("mdhub_ingest.child", "--run", "1", "--spec", '{{"name": "A", "sim": {{"seed": 7}}}}'),
        ("mdhub.cli.app", "up", "--port", "{port}"),
    ],
    ids=lambda args: args[0],
)  # fmt: skip
@pytest.mark.parametrize("what", ["address", "login", "forbidden"])
def test_what_never_heals_ends_a_service_with_one_sentence(
    args: tuple[str, ...], what: str
) -> None:
    """Exit code 2, one line that says what to do, no password in it."""
    with TestServer() as server, closing(Link(server.url, name="admin")) as admin:
        rights = ["~*", "+@all", "-fcall", "-function", "-set"]
        admin.call("ACL", "SETUSER", "poor", "on", f">{SECRET}", *rights)
        url, words = {
            "address": (f"foo://:{SECRET}@host:1", "redis://host:port"),
            "login": (f"unix://:{SECRET}@{server.embedded.socket}", "user and password"),
            "forbidden": (f"unix://poor:{SECRET}@{server.embedded.socket}", "ACL SETUSER"),
        }[what]
        port = free_port_pair()
        done = subprocess.run(
            [sys.executable, "-m", *(arg.format(port=port) for arg in args)],
            env={**os.environ, "MDHUB_REDIS_URL": url},
            capture_output=True, text=True, check=False, timeout=30,
        )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert SECRET not in done.stderr + done.stdout
    if args[1:2] != ("up",):
        (line,) = done.stderr.splitlines()
        assert json.loads(line)["level"] == "error"
        assert words in line
    else:
        assert words in done.stderr


def test_a_tail_of_the_log_outlives_its_server() -> None:
    """It says that the server is gone and that it is back, and goes on behind what it has shown."""
    with TestServer("single") as server:
        with closing(open_log(server.url, service="cli")) as log:
            log.append(EVENTS, event("one"))
        tail = subprocess.Popen(
            [sys.executable, "-m", "mdhub.cli.app", "tail", "--events", "--json", "--count", "2"],
            env={**os.environ, "MDHUB_REDIS_URL": server.url},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert tail.stdout is not None and tail.stderr is not None
        assert json.loads(tail.stdout.readline())["subject"] == "one"
        server.kill_and_restart()
        with closing(open_log(server.url, service="cli")) as log:
            log.append(EVENTS, event("two"))
        shown, said = tail.communicate(timeout=20)
    assert json.loads(shown)["subject"] == "two"
    assert tail.returncode == 0
    first, last = said.splitlines()
    assert first.startswith("mdhub tail: SERVER unreachable: ")
    assert last.startswith("mdhub tail: the server is back after ")


def event(subject: str) -> bytes:
    return encode(Event(1, "i", time.time_ns(), "test", "test", subject, "info", "", {}))
