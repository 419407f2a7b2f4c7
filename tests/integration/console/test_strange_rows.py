"""Rows that another release wrote, or wrote wrongly, cost no page."""

from __future__ import annotations

from typing import Any

import pytest

from mdhub.streams.memory import MemoryServer
from mdhub.streams.topology import COMMANDS, EVENTS
from mdhub.wire.codec import encode
from mdhub.wire.ops import Command, Event, EventKind
from mdhub_console.live.fill import take
from tests.support.console import client_of, make_parts
from tests.support.console_scene import NOW_NS, live_of, troubled

PAGES = (
    "/", "/timeline", "/sources", "/sources/CTP-A", "/schedule", "/alerts", "/system", "/logs",
    "/api/events", "/api/commands", "/api/schedule", "/api/leadership", "/api/status",
)  # fmt: skip
STRANGE: tuple[Any, ...] = (None, "text", 7, [1], {}, {"a": None}, {1: {2: [3]}}, {"error": {}})
ACTIONS = ("restart", "hold", "holiday", "alerts.silence", "prefer", "failover", "test", "unknown")
NAMES = ("change", "key", "facts", "done", "fields", "result")


def events() -> list[Event]:
    """Of every kind, and of one that is not there, with what nobody expects in them."""
    kinds = [*map(str, EventKind), "of_tomorrow"]
    bodies: list[dict[str, Any]] = [{}, *({name: each} for name in NAMES for each in STRANGE[-3:])]
    return [
        Event(1, f"{kind}-{n}", NOW_NS, "x", kind, "CTP-A", "strange", "", body)
        for n, body in enumerate(bodies)
        for kind in kinds
    ]


def orders() -> tuple[list[Command], list[Event]]:
    """Each action, failed with each strange result."""
    sent, answered = [], []
    for action in ACTIONS:
        for n, result in enumerate(STRANGE):
            name, body = f"{action}-{n}", {"ok": False, "result": result}
            target = "source:CTP-A" if n % 2 else "account:CTP-A"
            sent.append(Command(1, name, NOW_NS, "ann", target, action, {action: result}, NOW_NS))
            answered.append(
                Event(1, name, NOW_NS, "x", EventKind.COMMAND_DONE, "", "info", name, body)
            )
    return sent, answered


@pytest.mark.timeout(120)
def test_no_page_fails_over_a_row_that_nobody_expects() -> None:
    """Some at a time, so that each is among the few that a page shows."""
    server = MemoryServer()
    live = live_of(troubled())
    sent, answered = orders()
    rows = [(COMMANDS, encode(each)) for each in sent]
    rows += [(EVENTS, encode(each)) for each in (*answered, *events())]
    failed: set[tuple[str, bytes]] = set()
    with client_of(make_parts(server, live=live)) as client:
        for first in range(0, len(rows), 60):
            for stream, payload in rows[first : first + 60]:
                entry = server.log("cli" if stream == COMMANDS else "arbiter").append(
                    stream, payload
                )
                take(live.view, stream, 0, [(entry, [b"1", payload])])
            for page in PAGES:
                if client.get(page).status_code >= 500:
                    failed.add((page, rows[first][1]))
    assert failed == set()
