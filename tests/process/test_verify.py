"""`mdhub verify` beside a hub whose sources misbehave, and on a log that was tampered with."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mdhub.host.stack import Host, HubPlan
from mdhub.streams.client import Link
from mdhub.streams.topology import CLEAN, REJECTED, Keys
from mdhub.wire.codec import decode_clean_tick, encode
from tests.support.wait import until

pytestmark = [pytest.mark.process, pytest.mark.timeout(120)]

MARKET = {"seed": 20261121, "ticks_per_s": 500}
SOURCES = (
    {"name": "A", "sim": MARKET, "misbehave": "lose=0.02,repeat=0.02,corrupt=0.02,delay=0.02"},
    {"name": "B", "sim": MARKET, "misbehave": "lag_ms=5-30,corrupt=0.01,seed=2"},
)


@pytest.fixture
def hub() -> Iterator[Host]:
    with tempfile.TemporaryDirectory(prefix="mdhub-verify-") as name:
        sources = tuple(json.dumps(source) for source in SOURCES)
        host = Host(HubPlan(folder=Path(name), profile="fast", sources=sources))
        try:
            host.start_server()
            host.start("arbiter")
            host.wait_leader()
            host.start("ingest")
            log = host.open_log()
            until(lambda: log.positions(0).n > 1_000, "a thousand clean ticks")
            until(lambda: len(log.entries(REJECTED, count=11)) > 10, "ticks to be rejected")
            log.close()
            yield host
        finally:
            host.stop()


def verify(hub: Host, *options: str) -> tuple[int, Any]:
    folder = hub.url.removeprefix("unix://").removesuffix("/redis.sock")
    done = subprocess.run(
        [sys.executable, "-m", "mdhub.cli.app", "verify", "--data", folder, "--json", *options],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr


def tamper(hub: Host) -> str:
    """Write clean anew with another last price in its 500th tick; return that entry's id."""
    link, key = Link(hub.url, name="mdhub-test"), Keys().stream(CLEAN, 0)
    entries: list[tuple[bytes, list[bytes]]] = link.call("XRANGE", key, "-", "+")
    at = [i for i, (_, fields) in enumerate(entries) if fields[2] == b"t"][499]
    entry_id, fields = entries[at]
    tick = decode_clean_tick(fields[3])
    entries[at] = (entry_id, [*fields[:3], encode(msgspec.structs.replace(tick, last=1.25))])
    link.call("DEL", key)
    for changed_id, changed in entries:
        link.call("XADD", key, changed_id, *changed)
    link.close()
    return entry_id.decode()


def test_verify_tells_an_honest_log_from_one_that_was_changed(hub: Host) -> None:
    """While ticks flow: equal, nothing written. One price changed: that entry, and code 1."""
    link = Link(hub.url, name="mdhub-test")
    code, running = verify(hub)

    assert (code, running["equal"]) == (0, True), running
    assert running["clean"] > 1_000 and running["rejected"] > 10
    assert (running["trimmed_clean"], running["trimmed_rejected"]) == (0, 0)

    hub.keeper.stop("ingest")
    hub.keeper.stop("arbiter A")
    before = link.call("INFO", "persistence").partition(b"rdb_changes_since_last_save:")[2]
    assert verify(hub)[0] == 0
    after = link.call("INFO", "persistence").partition(b"rdb_changes_since_last_save:")[2]
    assert before.split()[0] == after.split()[0], "verify wrote something"
    link.close()

    changed_id = tamper(hub)
    code, found = verify(hub)
    assert (code, found["equal"]) == (1, False)
    assert (found["difference"]["stream"], found["difference"]["id"]) == ("clean", changed_id)
    (field,) = found["difference"]["fields"]
    assert (field["name"], field["in_log"]) == ("last", 1.25)


def test_verify_says_what_can_still_be_checked(hub: Host) -> None:
    """Raw without its beginning and no snapshot yet: code 2 and one sentence."""
    link = Link(hub.url, name="mdhub-test")
    key = b"mdhub:{s0}:raw"
    link.call("XDEL", key, link.call("XRANGE", key, "-", "+", "COUNT", 1)[0][0])
    link.close()

    code, said = verify(hub, "--from", "start")

    assert code == 2
    assert said.startswith("mdhub: shard 0: ")
    assert len(said.splitlines()) == 1
