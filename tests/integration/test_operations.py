"""Events and log lines reach strategies live, and never stand in the way of ticks."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from uuid import uuid4

import pytest
import zmq

import mdhub
from mdhub.sdk.errors import HubClosed
from mdhub.streams.memory import MemoryServer
from mdhub.streams.topology import EVENTS, LOGS
from mdhub.wire.codec import decode_live_header, decode_log_line, encode
from mdhub.wire.ops import Event, LogLine
from mdhub_publisher.operations import BATCH, FULL_IN_A_ROW
from tests.integration.clean_writer import CleanWriter
from tests.integration.running import RunningPublisher, Strategy, free_port, until


@pytest.fixture
def writer() -> CleanWriter:
    writer = CleanWriter(MemoryServer())
    writer.lead()
    writer.tick("rb2610.SHFE")
    return writer


@pytest.fixture
def publisher(writer: CleanWriter) -> Iterator[RunningPublisher]:
    with RunningPublisher(writer.server, free_port()) as publisher:
        yield publisher


class Told(threading.Thread):
    """Keeps what a hub's iterator gives, until the hub is closed."""

    def __init__(self, told: Iterator[Any]) -> None:
        super().__init__(daemon=True)
        self.got: list[Any] = []
        self._told = told
        self.start()

    def run(self) -> None:
        with suppress(HubClosed):
            for each in self._told:
                self.got.append(each)


def event(kind: str, subject: str = "A") -> bytes:
    body = {"change": "down"}
    return encode(Event(1, uuid4().hex, 5, "monitor", kind, subject, "warning", "c1", body))


def line(level: str, service: str, name: str) -> bytes:
    return encode(LogLine(1, 7, level, service, name, "c1", {"instance": "A"}))


def said(writer: CleanWriter, stream: Any, payload: bytes) -> None:
    writer.server.log("monitor").append(stream, payload)


def listening(writer: CleanWriter, told: Told, stream: Any, payload: bytes) -> None:
    """Say something until it is heard: a subscription takes its time, and nothing is repeated."""

    def heard() -> bool:
        said(writer, stream, payload)
        return bool(told.got)

    until(heard)


def test_a_strategy_hears_events_and_lines_of_its_choice(
    writer: CleanWriter, publisher: RunningPublisher
) -> None:
    """By kind and by level; what the streams hold comes as it stands there."""
    with mdhub.connect(publisher.endpoint) as hub:
        status, logs = Told(hub.status("leadership")), Told(hub.logs("warning"))
        listening(writer, status, EVENTS, event("leadership", "first"))
        listening(writer, logs, LOGS, line("error", "ingest", "first"))
        for kind in ("heartbeat", "leadership"):
            said(writer, EVENTS, event(kind, "last"))
        for level in ("info", "warning"):
            said(writer, LOGS, line(level, "arbiter", "last"))
        until(lambda: status.got[-1].subject == logs.got[-1].event == "last")

    assert {each.kind for each in status.got} == {"leadership"}
    assert {each.level for each in logs.got} == {"error", "warning"}
    assert status.got[-1].correlation_id == "c1"
    assert logs.got[-1] == decode_log_line(line("warning", "arbiter", "last"))


def test_two_publishers_tell_the_same_once(
    writer: CleanWriter, publisher: RunningPublisher
) -> None:
    """An entry has one id, whoever sends it."""
    with (
        RunningPublisher(writer.server, free_port(), name="B") as second,
        mdhub.connect(publisher.endpoint, second.endpoint) as hub,
    ):
        told = Told(hub.status())
        listening(writer, told, EVENTS, event("source", "first"))
        for number in range(200):
            said(writer, EVENTS, event("source", str(number)))
        both = (publisher.fanout.operations, second.fanout.operations)
        until(lambda: all(each.sent[EVENTS] >= 200 for each in both))
        until(lambda: "199" in [each.subject for each in told.got])
        numbers = [each.subject for each in told.got if each.subject != "first"]
        assert sorted(numbers, key=int) == [str(number) for number in range(200)]


def test_what_was_said_before_is_not_told(writer: CleanWriter) -> None:
    """Live only: who wants the past reads the log."""
    for number in range(300):
        said(writer, EVENTS, event("source", f"old {number}"))
    with (
        RunningPublisher(writer.server, free_port()) as publisher,
        mdhub.connect(publisher.endpoint) as hub,
    ):
        told = Told(hub.status())
        listening(writer, told, EVENTS, event("source", "new"))
        assert {each.subject for each in told.got} == {"new"}


def test_a_flood_of_lines_neither_delays_ticks_nor_piles_up(
    writer: CleanWriter, publisher: RunningPublisher
) -> None:
    """The publisher skips to the newest line; every tick arrives meanwhile, in order."""
    operations = publisher.fanout.operations
    with mdhub.connect(publisher.endpoint) as hub, Strategy(hub, "*") as strategy:
        until(lambda: strategy.joined)
        told = Told(hub.logs("debug"))
        listening(writer, told, LOGS, line("debug", "ingest", "first"))
        flood = [line("debug", "ingest", f"loop {i}") for i in range(100)]
        for i in range(20 * FULL_IN_A_ROW * BATCH):
            said(writer, LOGS, flood[i % 100])
            if i % 1_000 == 0:
                writer.tick("rb2610.SHFE")
        strategy.wait(writer.n)
        until(lambda: operations.skips)
        assert operations.sent[LOGS] < 20 * FULL_IN_A_ROW * BATCH
        assert not strategy.gaps


def test_what_is_no_event_or_would_forge_a_topic_is_counted(
    writer: CleanWriter, publisher: RunningPublisher
) -> None:
    """Whoever may write to the streams cannot speak under a tick's topic or break the feed."""
    operations = publisher.fanout.operations
    until(lambda: operations._readers)
    bad = [b"", b"\xc1", encode([1]), event("tick.SHFE.rb2610.\n"), event(""), event("x" * 65)]
    for payload in bad:
        said(writer, EVENTS, payload)
    said(writer, LOGS, line("info", "a b", "forged"))
    until(lambda: operations.unreadable == len(bad) + 1)
    assert operations.sent[EVENTS] == 0


def test_a_lost_server_is_found_again(writer: CleanWriter, publisher: RunningPublisher) -> None:
    """Both readers are opened anew; the ticks' own recovery is not disturbed."""
    with mdhub.connect(publisher.endpoint) as hub:
        told = Told(hub.status())
        listening(writer, told, EVENTS, event("source", "before"))
        writer.server.restart()
        writer.lead()
        told.got.clear()
        listening(writer, told, EVENTS, event("source", "after"))
        assert told.got[-1].subject == "after"


def test_frames_on_the_wire_are_as_the_contract_says(
    writer: CleanWriter, publisher: RunningPublisher
) -> None:
    """Topic, a header with nothing but the entry's id, the payload as in the stream."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    try:
        socket = context.socket(zmq.SUB)
        socket.setsockopt(zmq.SUBSCRIBE, b"status.command.")
        socket.connect(publisher.endpoint)
        payload = event("command.done")

        def heard() -> int:
            said(writer, EVENTS, payload)
            return socket.poll(20)

        until(heard)
        topic, head, body = socket.recv_multipart()
    finally:
        context.destroy(linger=0)
    header = decode_live_header(head)
    assert (topic, body) == (b"status.command.done.", payload)
    assert header.id is not None and "-" in header.id
    assert (header.shard, header.epoch, header.n, header.k, header.arb_ns) == (
        0,
        0,
        None,
        None,
        None,
    )
