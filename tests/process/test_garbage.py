"""Garbage in every stream and hash that others can write to, under a real running hub.

Written by hand, behind the functions' back, as a broken writer would.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

import mdhub
from mdhub.host.ports import free_port_pair
from mdhub.host.stack import Host, HubPlan, Publisher
from mdhub.runtime.heartbeat import Beat, decode_beat
from mdhub.streams.client import Link
from mdhub.streams.ids import clean_id
from mdhub.streams.port import Entry, Log
from mdhub.streams.topology import CLEAN, COMMANDS, EVENTS, RAW, REJECTED, Keys, Stream
from mdhub.wire.codec import (
    DecodeError,
    decode_event,
    decode_rejected_header,
    encode,
)
from mdhub.wire.ops import Command, Event, EventKind
from mdhub.wire.ticks import CHINA_TIME
from tests.integration.running import Strategy
from tests.support.garbage import bad_entries, broken_payload, fuzzed_entry
from tests.support.recompute import assert_clean_is_f_of_raw
from tests.support.wait import until

pytestmark = [pytest.mark.process, pytest.mark.timeout(120)]

SEED = int(os.environ.get("MDHUB_TEST_SEED", time.time_ns() % 1_000_000))
FUZZED = 400
KEYS = Keys()
BARE = {name: value for name, value in os.environ.items() if not name.startswith("MDHUB_")}


@dataclass
class Hub:
    """A running hub with one honest source, and a hand that writes past the functions."""

    host: Host
    endpoint: str
    log: Log
    hand: Link

    def add(self, stream: Stream, fields: list[bytes]) -> bytes:
        new_id: bytes = self.hand.call("XADD", KEYS.stream(stream), "*", *fields)
        return new_id

    def beats(self) -> dict[str, Beat]:
        found = {}
        for name, payload in self.log.beats().items():
            try:
                found[name] = decode_beat(payload)
            except DecodeError:
                continue
        return found

    def pids(self) -> dict[str, int]:
        services = ("arbiter:A", "publisher:A", "monitor:A", "ingest:A")
        beats = self.beats()
        return {name: beats[name].pid for name in services if name in beats}

    def events(self, kind: str) -> list[Event]:
        return [event for event in map(_event, self._all(EVENTS)) if event and event.kind == kind]

    def _all(self, stream: Stream) -> list[Entry]:
        return self.log.entries(stream, count=100_000)

    def wait_folded(self) -> None:
        """Wait until everything that is in raw now has been decided."""
        newest = self.log.entries(RAW, count=1, newest_first=True)[0][0]
        until(lambda: self.log.positions(0).raw >= newest, "raw to be decided")

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "mdhub.cli.app", *arguments],
            env={**BARE, "MDHUB_REDIS_URL": self.host.url},
            capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip


def _event(entry: Entry) -> Event | None:
    try:
        return decode_event(entry[1][1])
    except DecodeError:
        return None


@contextmanager
def hub() -> Iterator[Hub]:
    source = json.dumps({"name": "A", "sim": {"seed": 7, "ticks_per_s": 300}})
    port = free_port_pair()
    with tempfile.TemporaryDirectory(prefix="mdhub-garbage-") as folder:
        plan = HubPlan(
            folder=Path(folder) / "data",
            profile="fast",
            publishers=(Publisher("A", port),),
            sources=(source,),
        )
        host = Host(plan)
        try:
            host.start_server()
            host.start("arbiter", "publisher", "monitor", "ingest")
            with closing(host.open_log()) as log, closing(Link(host.url, name="hand")) as hand:
                running = Hub(host, f"tcp://127.0.0.1:{port}", log, hand)
                until(lambda: len(running.pids()) == 4, "every service to say that it lives")
                until(lambda: log.positions(0).n > 100, "ticks")
                yield running
        finally:
            host.stop()


@pytest.fixture(scope="module")
def running() -> Iterator[Hub]:
    with hub() as started:
        yield started


@pytest.fixture(autouse=True)
def unharmed(running: Hub) -> Iterator[None]:
    """Whatever a test did: no service was replaced, ticks flow, clean is what raw says."""
    before, n = running.pids(), running.log.positions(0).n
    yield
    with mdhub.connect(running.endpoint, timeout_s=20) as client, Strategy(client) as strategy:
        until(lambda: len(strategy.got) > 50, f"ticks to flow on (seed {SEED})")
    running.host.keeper.converge()
    assert running.pids() == before, f"seed {SEED}"
    assert running.log.positions(0).n > n
    assert_clean_is_f_of_raw(running.log)


def moment_of(log: Log) -> str:
    market = datetime.fromtimestamp(log.positions(0).market_ns / 1e9, CHINA_TIME)
    return market.strftime("%H:%M:%S")


def test_every_bad_entry_of_raw_is_rejected_with_its_reason(running: Hub) -> None:
    """The reason is stable, and stands in `rejected` under the id that follows from raw's."""
    bad = bad_entries(moment_of(running.log))
    ids = [running.add(RAW, each.fields) for each in bad]
    running.wait_folded()

    def reason(raw_id: bytes) -> str:
        found = running.log.entries(REJECTED, first=clean_id(raw_id, 0), last=clean_id(raw_id, 0))
        return decode_rejected_header(found[0][1][1]).reason if found else "not rejected"

    found = {each.name: reason(raw_id) for each, raw_id in zip(bad, ids, strict=True)}
    assert found == {each.name: each.reason for each in bad}, f"seed {SEED}"


def test_hundreds_of_mutated_entries_of_raw_are_decided(running: Hub) -> None:
    """Accepted, dropped or rejected: each as the recomputation says."""
    random = Random(SEED)
    moment = moment_of(running.log)
    for _ in range(FUZZED):
        running.add(RAW, fuzzed_entry(random, moment))
    running.wait_folded()
    shown = running.command("tail", "--rejected", "--json", "--count", "5")
    assert (shown.returncode, len(shown.stdout.splitlines())) == (0, 5), (SEED, shown.stderr)


def test_garbage_in_commands_ends_nobody(running: Hub) -> None:
    """What can be understood gets exactly one result event, also when sent twice."""
    random = Random(SEED)
    now_ns = time.time_ns()

    def command(name: str, **other: Any) -> list[bytes]:
        cells = {"v": 1, "id": name, "ts_ns": now_ns, "issuer": "test", "target": "arbiter"}
        cells |= {"action": "market_clock", "args": {}, "expires_ns": now_ns + 60_000_000_000}
        return [b"c", encode(Command(**(cells | other)))]  # type: ignore[arg-type]

    words = {"market_ns": 1, "rate": 1.0, "run": "", "x": "y" * 1_000_000}
    odd = {"market_ns": -1, "rate": 1e308, "run": []}
    asked = {
        "no arguments": command("no arguments"),
        "odd arguments": command("odd arguments", args=odd),
        "long": command("long", args=words),
        "no such action": command("no such action", action="[/b]" * 100_000),
        "no such target": command("no such target", target="nobody"),
        "expired": command("expired", expires_ns=1),
    }
    for fields in asked.values():
        for _ in range(20):
            running.add(COMMANDS, [random.choice([b"c", b"x", b""]), broken_payload(random)])
        running.add(COMMANDS, fields)
        running.add(COMMANDS, fields)
    running.add(COMMANDS, command(""))
    running.add(COMMANDS, command("x" * 1_000_000))

    def answers() -> Counter[str]:
        done = running.events(EventKind.COMMAND_DONE)
        return Counter(event.correlation_id for event in done if event.correlation_id in asked)

    until(lambda: answers().keys() == asked.keys(), "an answer to each")
    until(
        lambda: running.beats()["arbiter:A"].counters.get("commands_unreadable", 0) >= 100,
        "what cannot be understood to be counted",
    )
    assert answers() == dict.fromkeys(asked, 1)


def test_garbage_in_events_and_heartbeats_ends_nobody(running: Hub) -> None:
    """Neither a service nor a command that reads them."""
    random = Random(SEED)
    for number in range(200):
        running.add(EVENTS, [random.choice([b"e", b""]), broken_payload(random)])
        if number < 50:
            name = random.choice([b"[/b]", b"\xff\xfe", b"ingest:[red]", b"", b"x" * 10_000])
            running.hand.call("HSET", KEYS.beats(), name, broken_payload(random))
    now_ns = time.time_ns()
    far = Event(1, "i", 1 << 62, "[/b]", "odd", "[/b]", "info", "", {"x": "[/b]"})
    running.add(EVENTS, [b"e", encode(far)])
    running.hand.call(
        "HSET", KEYS.beats(), "odd:[/b]", encode([1, now_ns, "odd", "[/b]", 1, "[/b]", {}])
    )
    running.hand.call("HSET", KEYS.cursors(0), b"clean:\xff", b"zzz", "raw:x", "5-x 1", "y", "")
    events = running.command("tail", "--events", "--kind", "odd", "--count", "1")
    status = running.command("status")
    as_json = json.loads(running.command("status", "--json").stdout)
    running.hand.call("DEL", KEYS.beats())
    until(lambda: len(running.pids()) == 4, "every service to say that it lives")

    assert (events.returncode, "odd [/b]" in events.stdout) == (0, True), events.stderr
    assert "Traceback" not in status.stderr
    assert "odd:[/b]" in status.stdout
    assert {source["name"] for source in as_json["sources"]} >= {"A"}


def test_a_second_source_of_the_same_name_is_refused(running: Hub) -> None:
    """It ends at once, naming host and pid of the first one, which goes on."""
    pid = running.pids()["ingest:A"]
    source = '{"name": "A", "sim": {"seed": 7}}'
    done = running.command("run", "ingest", "--source", source)
    refused = [event for event in running.events(EventKind.SOURCE) if event.subject == "A"]

    assert done.returncode == 3
    assert f"on host {socket.gethostname()} as pid {pid}" in done.stderr
    assert (refused[-1].body["change"], refused[-1].body["pid"]) == ("refused", pid)


def test_garbage_in_clean_is_passed_over(running: Hub) -> None:
    """By the publisher, also by one that starts, and by `mdhub tail`; it is counted."""
    source = running.pids()["ingest:A"]
    os.kill(source, signal.SIGSTOP)
    running.wait_folded()
    random, added = Random(SEED), []
    for _ in range(100):
        payloads = broken_payload(random), broken_payload(random)
        kind = random.choice([b"t", b"m", b"z"])
        added.append(running.add(CLEAN, [b"h", payloads[0], kind, payloads[1]]))
    added.append(running.add(CLEAN, [b"h", b"1"]))
    written = len(running.log.entries(CLEAN, count=100_000))
    os.kill(source, signal.SIGCONT)
    held = running.log.positions(0).n
    until(lambda: running.log.positions(0).n > held, "ticks after the garbage")
    until(
        lambda: running.beats()["publisher:A"].counters["undecodable"] >= 101,
        "the publisher to count it",
    )
    port = free_port_pair()
    with started("mdhub_publisher", "--id", "B", "--port", str(port), url=running.host.url):
        done = running.command("tail", "--endpoint", f"tcp://127.0.0.1:{port}", "--count", "20")

    assert written > 101
    assert len(done.stdout.splitlines()) == 20, done.stderr
    # What a stranger wrote would differ from f(raw): it is taken out again.
    for entry_id in added:
        running.hand.call("XDEL", KEYS.stream(CLEAN), entry_id)


@contextmanager
def started(*args: str, url: str) -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, "-m", *args],
        env={**BARE, "MDHUB_REDIS_URL": url, "MDHUB_PARENT_PID": str(os.getpid())},
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)
