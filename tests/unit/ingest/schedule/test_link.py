"""The thread between schedule and log: nothing is lost, nothing said twice, nobody waits for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import pytest

from mdhub.runtime.heartbeat import beat_payload
from mdhub.runtime.logging import service_logger
from mdhub.streams.errors import NotReady, UnknownOutcome
from mdhub.streams.memory import MemoryServer
from mdhub.streams.port import Log
from mdhub.streams.topology import COMMANDS, EVENTS
from mdhub.wire.codec import decode_event, encode
from mdhub.wire.ops import Command
from mdhub.wire.ticks import SCHEMA_VERSION
from mdhub_ingest.schedule.events import result_event, schedule_event
from mdhub_ingest.schedule.link import WAITING_MAX, Claimed, Link, Once, Told
from tests.support.wait import until


class _Fillable:
    """A log that refuses to write while the desk's server is full."""

    def __init__(self, log: Log, desk: Desk) -> None:
        self._log = log
        self._desk = desk

    def __getattr__(self, name: str) -> Any:
        if self._desk.full and name in {"append", "beat", "command_done", "save_note"}:
            raise NotReady("oom", "full on purpose")
        return getattr(self._log, name)


class Desk:
    """A link to a log in memory that can be away."""

    def __init__(self) -> None:
        self.server = MemoryServer()
        self.away = 0
        self.full = False
        self.connections = 0
        self.link = Link(
            self.connect,
            after=b"0-0",
            logger=service_logger("ingest", "test"),
            beat=lambda last: (
                "supervisor:A",
                beat_payload("ingest", "supervisor:A", "ended" if last else "running", {}),
            ),
        )

    def connect(self) -> Log:
        if self.away:
            self.away -= 1
            raise UnknownOutcome("away on purpose")
        self.connections += 1
        return cast("Log", _Fillable(self.server.log("ingest"), self))

    def subjects(self) -> list[str]:
        entries = self.server.log("cli").entries(EVENTS)
        return [decode_event(fields[1]).subject for _, fields in entries]

    def command(self, target: str, identity: str) -> Command:
        now_ns = self.server.now_ms() * 1_000_000
        command = Command(SCHEMA_VERSION, identity, now_ns, "t", target, "x", {}, now_ns + 10**9)
        self.server.log("cli").append(COMMANDS, encode(command))
        return command


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = Desk()
    yield desk
    desk.link.close()


def event(subject: str) -> bytes:
    return schedule_event("schedule", subject, {}, wall_ns=1)


def test_an_event_under_a_key_is_written_once_and_the_first_is_told(desk: Desk) -> None:
    """After another key, or unless there is one; who claims hears of it."""
    link = desk.link
    link.say(Once("k", event("first"), claim=True))
    link.say(Once("k", event("second"), claim=True))
    link.say(Once("late", event("after"), after="k"))
    link.say(Once("never", event("after nothing"), after="nix"))
    link.say(Once("neither", event("unless"), unless="k"))
    link.say(event("plain"))
    link.start()
    until(lambda: desk.subjects() == ["first", "after", "plain"], "the events")
    assert list(link.heard) == [Claimed("k", True), Claimed("k", False)]


def test_a_log_that_is_away_is_waited_for(desk: Desk) -> None:
    """What was handed over meanwhile is written; the queue has a bound, and a count."""
    desk.away = 3
    for number in range(WAITING_MAX + 5):
        desk.link.say(event(str(number)))
    assert desk.link.dropped == 5
    desk.link.start()
    until(lambda: len(desk.subjects()) == WAITING_MAX, "the events")
    assert desk.subjects()[0] == "5"


def test_commands_to_sources_and_the_schedule_are_heard(desk: Desk) -> None:
    """Of those that were answered only what was obeyed: it may still hold."""
    log = desk.server.log("cli")
    desk.command("arbiter", "1")
    new, obeyed, refused = (desk.command(f"source:{name}", name) for name in "ABC")
    to_all = desk.command("schedule", "S")
    log.append(COMMANDS, b"\xc1")
    log.command_done(obeyed.id, result_event(obeyed, {}, ok=True, wall_ns=1))
    log.command_done(refused.id, result_event(refused, {}, ok=False, wall_ns=1))
    desk.link.start()
    until(lambda: len(desk.link.heard) == 3, "the commands")
    heard = [told for told in desk.link.heard if isinstance(told, Told)]
    assert [(told.command, told.answered) for told in heard] == [
        (new, False), (obeyed, True), (to_all, False),
    ]  # fmt: skip


def test_the_last_heartbeat_says_that_it_ended(desk: Desk) -> None:
    """So that nobody calls it lost."""
    desk.link.start()
    beats = desk.server.log("cli").beats
    until(lambda: b"running" in beats().get("supervisor:A", b""), "a heartbeat")
    desk.link.close()
    assert b"ended" in beats()["supervisor:A"]


def test_the_newest_note_stands_on_the_server(desk: Desk) -> None:
    """It is written once it is there, and again when another takes its place."""
    desk.link.note = ("schedule:A", b"one")
    desk.link.start()
    log = desk.server.log("cli")
    until(lambda: log.note("schedule:A") == b"one", what="the first note")
    desk.link.note = ("schedule:A", b"two")
    until(lambda: log.note("schedule:A") == b"two", what="the second note")


def test_a_full_server_is_read_on_over_the_same_connection(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Orders are heard; what it refused is written once it takes something again."""
    monkeypatch.setattr("mdhub_ingest.schedule.link.BEAT_EVERY_S", 0.0)
    desk.link.start()
    until(lambda: desk.server.log("cli").beats(), "a heartbeat")
    desk.full = True
    before = desk.connections
    desk.command("source:A", "1")
    until(lambda: desk.link.heard, "the order")
    refused_ns = desk.link.reading
    until(lambda: desk.link.reading != refused_ns, "the market's time")
    assert desk.connections == before
    desk.link.say(event("kept"))
    desk.full = False
    until(lambda: desk.subjects() == ["kept"], "the event")
    assert desk.connections == before
