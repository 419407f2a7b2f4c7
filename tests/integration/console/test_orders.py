"""Orders: sent as commands, followed to the one result."""

from __future__ import annotations

import time
from typing import Any

import pytest

from mdhub.health.model import HealthReport, SourceFacts, encode_health
from mdhub.streams.memory import MemoryLog, MemoryServer
from mdhub.streams.topology import COMMANDS
from mdhub.wire.codec import decode_command, encode
from mdhub.wire.ops import Command, Event, EventKind
from mdhub_console.identity.model import Role
from mdhub_console.parts import Parts
from tests.support.console import Console, client_of, make_parts
from tests.support.wait import until


class Hub:
    """Two sources over two shards, and somebody who answers commands."""

    def __init__(self) -> None:
        self.server = MemoryServer()
        self.log: MemoryLog = self.server.log("arbiter")
        self.log.claim_shards(2)
        facts = [
            SourceFacts(name="A", state="live", age_ms=1, win_rate=0.61, rank=1, confirmed=5),
            SourceFacts(name="B", state="live", age_ms=1, win_rate=0.39, rank=2, confirmed=5),
        ]
        report = HealthReport(ts_ns=time.time_ns(), monitor="m", session="day", sources=facts)
        self.log.save_health(encode_health(report))
        self.parts: Parts = make_parts(self.server)

    def commands(self) -> list[Command]:
        return [decode_command(fields[1]) for _, fields in self.log.entries(COMMANDS)]

    def answer(self, command: Command, *, ok: bool, result: dict[str, Any]) -> None:
        body = {"ok": ok, "result": result}
        event = Event(
            1, "i", time.time_ns(), "ingest", EventKind.COMMAND_DONE, command.target, "info",
            command.id, body,
        )  # fmt: skip
        assert self.log.command_done(command.id, encode(event))


@pytest.fixture
def hub() -> Hub:
    return Hub()


def posted(client: Console, path: str, body: dict[str, Any] | None = None) -> Any:
    answer = client.post(path, json=body or {})
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == answer.json()["location"]
    return answer.json()


def ready(hub: Hub) -> None:
    until(lambda: hub.parts.live.view.report, "the first look")


def test_an_order_has_a_life_that_ends_with_its_result(hub: Hub) -> None:
    """Sent by whom; then done, with the answer of the hub."""
    with client_of(hub.parts, Role.OPERATOR) as client:
        ready(hub)
        sent = posted(client, "/api/sources/A/restart", {"reason": "slow", "force": True})
        assert client.get(sent["location"]).json()["state"] == "sent"
        (command,) = hub.commands()
        hub.answer(command, ok=True, result={"source": "A"})
        until(lambda: client.get(sent["location"]).json()["state"] == "done", "the result")
        life = client.get(sent["location"]).json()["commands"][0]

    assert (command.issuer, command.target, command.action) == ("operator", "source:A", "restart")
    assert command.args == {"reason": "slow", "force": True}
    assert (life["by"], life["result"], life["took_ms"] >= 0) == ("ingest", {"source": "A"}, True)


def test_a_word_to_the_arbiters_goes_to_every_shard(hub: Hub) -> None:
    """One order; it fails if one shard refuses."""
    with client_of(hub.parts, Role.OPERATOR) as client:
        ready(hub)
        sent = posted(client, "/api/sources/B/mute")
        first, second = hub.commands()
        hub.answer(first, ok=True, result={})
        hub.answer(second, ok=False, result={"error": "no"})
        until(lambda: client.get(sent["location"]).json()["state"] == "failed", "the result")

    assert {first.target, second.target} == {"arbiter:0", "arbiter:1"}


def test_what_does_not_exist_gets_no_command(hub: Hub) -> None:
    """Unknown sources, actions, alerts, shards, fields."""
    with client_of(hub.parts, Role.ADMIN) as client:
        ready(hub)
        answers = [
            client.post("/api/sources/Z/restart", json={}).status_code,
            client.post("/api/sources/A/explode", json={}).status_code,
            client.post("/api/accounts/Z/stop", json={}).status_code,
            client.post("/api/failover", json={"shard": 7}).status_code,
            client.post("/api/failover", json={}).status_code,
            client.post("/api/failover", json={"shard": 0, "when": "now"}).status_code,
            client.post("/api/sources/prefer", json={"source": "Z"}).status_code,
            client.post("/api/sources/prefer", json={}).status_code,
            client.get("/api/commands/nobody").status_code,
        ]

    assert answers == [404, 400, 404, 400, 409, 400, 404, 409, 404]
    assert hub.commands() == []


@pytest.mark.parametrize(
    ("path", "body", "target", "action"),
    [
        ("/api/failover", {"shard": 1, "dry_run": True}, "arbiter:1", "failover"),
        ("/api/schedule/holiday", {"day": 20261124}, "schedule", "holiday"),
        ("/api/schedule/clear", {}, "schedule", "clear"),
        ("/api/alerts/gap:A/ack", {}, "monitor", "alerts.ack"),
        ("/api/accounts/A/stop", {}, "source:A", "stop"),
    ],
)
def test_each_order_reaches_who_shall_obey(
    hub: Hub, path: str, body: dict[str, Any], target: str, action: str
) -> None:
    """By target and action, as docs/schedule.md and docs/alerts.md have them."""
    with client_of(hub.parts, Role.OPERATOR) as client:
        ready(hub)
        posted(client, path, body)

    (command,) = hub.commands()
    assert (command.target, command.action) == (target, action)


def test_a_dry_run_says_what_covers_and_sends_nothing(hub: Hub) -> None:
    """From the newest health report."""
    with client_of(hub.parts, Role.VIEWER) as client:
        ready(hub)
        told = client.get("/api/sources/A/foretell?action=restart").json()

    assert told["covered_by"] == ["B"]
    assert told["sentences"][-1] == "expected gap: none"
    assert "61.0 %" in told["sentences"][1]
    assert hub.commands() == []


@pytest.mark.parametrize(
    "path",
    ["/api/sources/A/restart", "/api/failover", "/api/schedule/clear", "/api/sources/prefer"],
)
def test_who_may_only_look_orders_nothing(hub: Hub, path: str) -> None:
    """Neither a viewer nor somebody without a session."""
    with client_of(hub.parts, Role.VIEWER) as client:
        assert client.post(path, json={}).status_code == 403
    with client_of(make_parts(hub.server), None) as client:
        assert client.post(path, json={}).status_code in {401, 403}
    assert hub.commands() == []
