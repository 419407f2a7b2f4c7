"""A strategy and a publisher made for different contracts, over real sockets."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import msgpack
import pytest
from msgspec.structs import replace

import mdhub
from mdhub.sdk.events import SchemaMismatch
from mdhub.streams.memory import MemoryServer
from mdhub.streams.topology import EVENTS
from mdhub.wire import decode_event, schema_digest
from mdhub.wire.codec import decoder, encode
from mdhub.wire.ops import Event, EventKind, Severity
from mdhub.wire.requests import HelloReply
from mdhub_publisher import answers
from tests.integration.clean_writer import CleanWriter
from tests.integration.running import RawClient, RunningPublisher, Strategy, free_port, until

OTHER = "0123456789abcdef"


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


@pytest.fixture
def later_release(publisher: RunningPublisher, monkeypatch: pytest.MonkeyPatch) -> RunningPublisher:
    """The publisher answers `hello` as a release with other tables does."""
    monkeypatch.setattr(answers, "schema_digest", lambda: OTHER)
    monkeypatch.setattr(answers, "__version__", "9.9.9")
    return publisher


def ask(publisher: RunningPublisher, request: list[object]) -> list[object]:
    """A client in another language: a DEALER and MessagePack."""
    with RawClient(publisher.endpoint) as client:
        client.send(msgpack.packb(request))
        reply: list[object] = msgpack.unpackb(client.receive()[0])
    return reply


def mismatch_events(writer: CleanWriter) -> list[Event]:
    entries = writer.server.log("cli").entries(EVENTS)
    events = [decode_event(fields[1]) for _, fields in entries]
    return [event for event in events if event.kind == EventKind.SCHEMA_MISMATCH]


def test_equal_contracts_say_nothing(
    writer: CleanWriter, publisher: RunningPublisher, caplog: pytest.LogCaptureFixture
) -> None:
    """No warning, no event, also under strict."""
    with mdhub.connect(publisher.endpoint, schema="strict") as hub:
        assert hub.schema_mismatches == ()
        assert hub.info is not None and hub.info.release == mdhub.__version__
    until(lambda: writer.server.beats)

    assert publisher.fanout.mismatches.notices.seen == 0
    assert [record for record in caplog.records if record.name == "mdhub"] == []
    assert mismatch_events(writer) == []


def test_another_contract_is_warned_of_once(
    writer: CleanWriter, later_release: RunningPublisher, caplog: pytest.LogCaptureFixture
) -> None:
    """By default the strategy goes on; the warning names both sides."""
    with caplog.at_level(logging.WARNING, "mdhub"), mdhub.connect(later_release.endpoint) as hub:
        hub.hello()
        with Strategy(hub) as strategy:
            until(lambda: strategy.joined)
            writer.tick("rb2610.SHFE")
            strategy.wait(writer.n)
        (mismatch,) = hub.schema_mismatches

    (record,) = [record for record in caplog.records if record.name == "mdhub"]
    words = record.getMessage()
    assert all(part in words for part in (OTHER, "9.9.9", schema_digest(), mdhub.__version__))
    assert (mismatch.digest, mismatch.own_digest, mismatch.v) == (OTHER, schema_digest(), 1)


def test_strict_refuses_another_contract(later_release: RunningPublisher) -> None:
    """The error says both digests, both releases and what to do."""
    with pytest.raises(mdhub.SchemaError) as refused:
        mdhub.connect(later_release.endpoint, schema="strict")

    words = str(refused.value)
    assert all(part in words for part in (OTHER, "9.9.9", schema_digest(), mdhub.__version__))
    assert "install the same release" in words and "schema='warn'" in words
    assert refused.value.mismatch.endpoint == later_release.endpoint


def test_a_policy_that_is_none_is_refused() -> None:
    """A typing mistake must not switch the check off."""
    with pytest.raises(ValueError, match="expected 'warn' or 'strict'"):
        mdhub.connect("tcp://127.0.0.1:1", schema="stirct")  # type: ignore[arg-type]


def test_a_version_too_new_is_always_refused(
    later_release: RunningPublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What follows could not be read."""
    monkeypatch.setattr(answers, "SCHEMA_VERSION", 2)
    with pytest.raises(mdhub.SchemaError, match=r"v 2, mdhub 9\.9\.9.*cannot be read"):
        mdhub.connect(later_release.endpoint)


@pytest.mark.parametrize("schema", ["warn", "strict"])
def test_a_publisher_that_comes_later_is_judged_too(
    writer: CleanWriter, monkeypatch: pytest.MonkeyPatch, schema: str
) -> None:
    """Each publisher is greeted when it first lives: the second one of a pair, or a new one."""
    port = free_port()
    told: list[SchemaMismatch] = []

    def answer(*fields: Any) -> HelloReply:
        reply = HelloReply(*fields)
        return replace(reply, digest=OTHER) if reply.publisher_id == "B" else reply

    monkeypatch.setattr(answers, "HelloReply", answer)
    with RunningPublisher(writer.server, free_port()) as first:
        late = f"tcp://127.0.0.1:{port}"
        hub = mdhub.connect(first.endpoint, late, schema=schema)  # type: ignore[arg-type]
        hub.on_schema = told.append
        with Strategy(hub) as strategy:
            until(lambda: strategy.joined)
            with RunningPublisher(writer.server, port, name="B"):
                until(lambda: told or strategy.errors)
            errors = strategy.errors.copy()
            strategy.errors.clear()

    assert [mismatch.endpoint for mismatch in told] == ([late] if schema == "warn" else [])
    refused = [error for error in errors if isinstance(error, mdhub.SchemaError)]
    assert [error.mismatch.endpoint for error in refused] == ([late] if schema == "strict" else [])


def test_the_publisher_tells_operators_once(
    writer: CleanWriter, publisher: RunningPublisher
) -> None:
    """One event per client and digest, however often it asks; it names address and program."""
    for _ in range(3):
        ask(publisher, [1, 7, "hello", OTHER, "strategy.py (mdhub 0.0.9)"])
    ask(publisher, [1, 7, "hello", "another", "strategy.py (mdhub 0.0.9)"])
    until(lambda: len(mismatch_events(writer)) == 2)

    first, second = mismatch_events(writer)
    assert first.subject == "strategy.py (mdhub 0.0.9) at 127.0.0.1"
    assert (first.service, first.severity) == ("publisher", Severity.WARNING)
    assert (first.body["client_digest"], first.body["digest"]) == (OTHER, schema_digest())
    assert second.body["client_digest"] == "another"
    assert publisher.fanout.counters()["schema_mismatches"] == 2


@pytest.mark.parametrize(
    "request_", [[1, 7, "hello"], [1, 7], [1, 7, "hello", ""], [1, 7, "hello", "", "x", 5, None]]
)
def test_clients_that_tell_no_digest_are_served(
    publisher: RunningPublisher, request_: list[object]
) -> None:
    """Old clients, foreign ones, and those of a release with further fields."""
    reply = ask(publisher, request_)

    if len(request_) > 2:
        assert decoder(HelloReply)(msgpack.packb(reply)).digest == schema_digest()
    else:
        assert reply[2] == "error"
    assert publisher.fanout.mismatches.notices.seen == 0


def test_an_answer_of_an_old_publisher_is_read() -> None:
    """It does not tell its release."""
    reply = HelloReply(1, 7, "ok", OTHER, "A", [])
    old = msgpack.packb(msgpack.unpackb(encode(reply))[:6])

    assert decoder(HelloReply)(old) == replace(reply, release="")
