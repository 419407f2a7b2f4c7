"""The monitor on a running hub: a frozen source is found, marked, asked to restart, up again."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mdhub.health.model import HealthReport, decode_health
from mdhub.host.ports import free_port_pair
from mdhub.host.stack import Host, HubPlan, Publisher
from mdhub.streams.port import Log
from mdhub.streams.topology import COMMANDS, EVENTS, RAW
from mdhub.wire.codec import decode_command, decode_control, decode_event, decoder
from mdhub.wire.entries import ControlKind, SourceVerdict
from mdhub.wire.ops import Command, Event, EventKind
from tests.support.wait import until

pytestmark = [pytest.mark.process, pytest.mark.timeout(90)]

MARKET = {"seed": 20261121, "ticks_per_s": 300.0}
_verdict = decoder(SourceVerdict)


@contextmanager
def running_hub(misbehave: str) -> Iterator[Log]:
    sources = (
        json.dumps({"name": "A", "sim": MARKET, "misbehave": misbehave}),
        json.dumps({"name": "B", "sim": MARKET}),
    )
    with tempfile.TemporaryDirectory(prefix="mdhub-monitor-") as name:
        publishers = (Publisher("A", free_port_pair()),)
        plan = HubPlan(Path(name), profile="fast", publishers=publishers, sources=sources)
        host = Host(plan)
        try:
            host.start_server()
            host.start("arbiter", "monitor", "ingest")
            log = host.open_log()
            yield log
            log.close()
        finally:
            host.stop()


def findings(log: Log, key: str) -> list[Event]:
    events = [decode_event(fields[1]) for _, fields in log.entries(EVENTS, count=20_000)]
    return [e for e in events if e.kind == EventKind.FINDING and e.subject == key]


def commands(log: Log) -> list[Command]:
    found = [decode_command(fields[1]) for _, fields in log.entries(COMMANDS, count=1_000)]
    return [command for command in found if command.action == "restart"]


def verdicts(log: Log) -> list[tuple[str, str]]:
    controls = [
        decode_control(fields[1])
        for _, fields in log.entries(RAW, count=200_000)
        if fields[0] == b"c"
    ]
    bodies = [_verdict(c.body) for c in controls if c.kind == ControlKind.VERDICT]
    return [(body.source, body.verdict) for body in bodies]


def report(log: Log) -> HealthReport | None:
    payload = log.health()
    return decode_health(payload) if payload else None


def test_a_frozen_source_is_marked_down_restarted_and_up_again() -> None:
    """It pushes old snapshots for eleven seconds; the other source goes on."""
    with running_hub("calm_s=1,stuck_every_s=6,stuck_s=11,seed=3") as log:
        until(lambda: findings(log, "source_frozen:A"), "the frozen source", timeout_s=25)
        began = findings(log, "source_frozen:A")[0]
        assert began.body["change"] == "began"
        assert began.body["facts"]["canaries"] >= 2
        until(lambda: ("A", "down") in verdicts(log), "the verdict in raw", timeout_s=5)
        until(lambda: commands(log), "the command to restart it", timeout_s=15)
        command = commands(log)[0]
        assert (command.target, command.issuer) == ("source:A", "monitor:A")

        until(lambda: ("A", "up") in verdicts(log), "the source to be up again", timeout_s=40)
        until(
            lambda: findings(log, "source_frozen:A")[-1].body["change"] == "ended",
            "the finding to end",
        )
        now = report(log)
        assert now is not None
        assert {source.name for source in now.sources} == {"A", "B"}
        assert not findings(log, "source_frozen:B")
        assert not findings(log, "source_silent:B")
