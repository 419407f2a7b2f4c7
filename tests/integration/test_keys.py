"""Keys on the wire: who gets in, who learns what, and who is thrown out."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import mdhub
from mdhub.sdk.keys import KeyPair, fingerprint, new_pair, read_pair, read_public
from mdhub.streams.memory import MemoryServer
from mdhub.streams.topology import EVENTS
from mdhub.wire.codec import decode_event
from mdhub.wire.ops import Event, EventKind
from tests.integration.clean_writer import CleanWriter
from tests.integration.keyed import KeyedPublisher, Keys, follow
from tests.integration.running import Strategy, free_port, until

RB, CU = "rb2610.SHFE", "cu2610.SHFE"


@pytest.fixture
def writer() -> CleanWriter:
    writer = CleanWriter(MemoryServer())
    writer.lead()
    writer.tick(RB, CU)
    return writer


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path / "keys")


@pytest.fixture
def publisher(writer: CleanWriter, keys: Keys) -> Iterator[KeyedPublisher]:
    with KeyedPublisher(writer.server, free_port(), keys) as publisher:
        yield publisher


def refused(publisher: KeyedPublisher, **options: object) -> mdhub.AccessDenied:
    with pytest.raises(mdhub.AccessDenied) as found:
        mdhub.connect(publisher.endpoint, timeout_s=3, **options)  # type: ignore[arg-type]
    return found.value


def test_a_client_with_an_allowed_key_follows(
    writer: CleanWriter, publisher: KeyedPublisher, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its files may be named by variables; live messages and requests are both served."""
    key = keys.new("ann")
    until(lambda: publisher.lines_of("clients_allowed")[-1]["clients"] == 1)
    monkeypatch.setenv("MDHUB_SERVER_KEY", str(keys.server))
    monkeypatch.setenv("MDHUB_CLIENT_KEY", str(key))
    with Strategy(mdhub.connect(publisher.endpoint), "*", start="snapshot") as strategy:
        until(lambda: strategy.joined)
        writer.tick(RB)
        strategy.wait(writer.n)


def test_an_unknown_key_is_told_so(publisher: KeyedPublisher, keys: Keys) -> None:
    """At once, with its fingerprint; the operator sees one event with the same one."""
    stranger = new_pair()
    started_s = time.monotonic()
    error = refused(publisher, server_key=keys.server, key=stranger)
    assert time.monotonic() - started_s < 2
    assert [refusal.cause for refusal in error.refusals] == ["key"]
    assert fingerprint(stranger.public) in str(error) and "mdhub keys allow" in str(error)
    (line,) = publisher.lines_of("access_denied")
    assert (line["key"], line["address"]) == (fingerprint(stranger.public), "127.0.0.1")
    assert publisher.fanout.counters()["access_denied"] >= 1


def test_a_client_without_keys_is_told_that_keys_are_wanted(publisher: KeyedPublisher) -> None:
    """Whether ZeroMQ saw the other mechanism or only that the connection ended."""
    error = refused(publisher)
    assert {refusal.cause for refusal in error.refusals} <= {"keys_wanted", "broken_off"}
    assert "server_key=" in str(error)
    until(lambda: publisher.fanout.counters()["handshakes_failed"])
    assert len(publisher.lines_of("access_denied")) == 1


def test_a_wrong_server_key_is_told(publisher: KeyedPublisher, keys: Keys) -> None:
    """With the fingerprint that was expected."""
    key, wrong = keys.new("ann"), new_pair().public
    error = refused(publisher, server_key=wrong, key=key)
    assert [refusal.cause for refusal in error.refusals] == ["broken_off"]
    assert fingerprint(wrong) in str(error)
    until(lambda: publisher.fanout.counters()["handshakes_failed"])


def test_keys_at_a_publisher_without_any_are_told(writer: CleanWriter, keys: Keys) -> None:
    """Nobody believes to be encrypted who is not."""
    with KeyedPublisher(writer.server, free_port(), None) as plain:
        error = refused(plain, server_key=keys.server, key=keys.new("ann"))
    assert {refusal.cause for refusal in error.refusals} <= {"no_keys", "broken_off"}


def test_one_of_two_publishers_that_lets_us_in_is_enough(
    writer: CleanWriter, publisher: KeyedPublisher, keys: Keys, caplog: pytest.LogCaptureFixture
) -> None:
    """The other is told, not fatal."""
    key = keys.new("ann")
    other = Keys(keys.folder.parent / "other")
    with KeyedPublisher(writer.server, free_port(), other) as second:
        until(lambda: publisher.lines_of("clients_allowed")[-1]["clients"] == 1)
        with (
            caplog.at_level(logging.WARNING, "mdhub"),
            mdhub.connect(
                publisher.endpoint, second.endpoint, server_key=keys.server, key=key
            ) as hub,
        ):
            ticks = hub.ticks("*", start="snapshot", idle_s=1.0)
            assert {tick.vt_symbol for tick in ticks} == {RB, CU}
    assert any(second.endpoint in record.getMessage() for record in caplog.records)


def test_a_revoked_client_is_out_and_nobody_else_notices(
    writer: CleanWriter, publisher: KeyedPublisher, keys: Keys
) -> None:
    """While the market runs: the revoked one gets nothing within 2 s, the others lose nothing.

    Allowed again it goes on by itself, with what it missed.
    """
    ann, bob = keys.new("ann"), keys.new("bob")
    until(lambda: publisher.lines_of("clients_allowed")[-1]["clients"] == 2)
    stop = threading.Event()

    def run() -> None:
        while not stop.wait(0.002):
            writer.tick(RB, CU)

    first_n = writer.n
    market = threading.Thread(target=run)
    with follow(publisher, keys, ann) as revoked, follow(publisher, keys, bob) as other:
        market.start()
        try:
            until(lambda: revoked.got and other.got)
            keys.revoke("ann")
            revoked_s = time.monotonic()
            until(lambda: revoked.access)
            out_s = time.monotonic() - revoked_s
            last_n = revoked.got[-1].n
            until(lambda: other.got[-1].n > last_n + 200)
            assert revoked.got[-1].n == last_n
            assert out_s < 2
            assert (revoked.access[0].granted, revoked.access[0].cause) == (False, "key")
            assert publisher.fanout.counters()["connections_cut"] == 2
            assert publisher.lines_of("access_denied")[0]["reason"] == "revoked"

            keys.allow("ann")
            until(lambda: revoked.got[-1].n > last_n + 500)
            until(lambda: revoked.access[-1].granted)
        finally:
            stop.set()
            market.join()
        for strategy in (revoked, other):
            strategy.wait(writer.n)
        truth = [n for _, n in writer.truth if n > first_n]
        assert other.numbers == truth[-len(other.numbers) :]
        assert revoked.numbers == truth[-len(revoked.numbers) :]
        assert (other.gaps, other.access) == ([], [])
        assert not revoked.hub.statistics.unrecovered


def test_denials_are_events_and_no_secret_is_told_anywhere(
    writer: CleanWriter, publisher: KeyedPublisher, keys: Keys, capsys: pytest.CaptureFixture[str]
) -> None:
    """Logs, events, errors and reprs hold fingerprints; the pair of a client stays with it."""
    ann = keys.new("ann")
    pair = read_pair(ann)
    error = refused(publisher, server_key=keys.server, key=new_pair())
    until(lambda: denials(writer))
    (event, *_) = denials(writer)
    assert event.body["reason"] == "unknown key"
    told = [publisher.logged.getvalue(), str(error), repr(error), repr(pair), str(pair)]
    told += [capsys.readouterr().out, str(event), repr(publisher.fanout.access)]
    for secret in (*keys.secrets(), pair.secret):
        assert len(secret) == 40
        assert not any(secret in text for text in told)


def denials(writer: CleanWriter) -> list[Event]:
    entries = writer.server.log("cli").entries(EVENTS)
    events = [decode_event(fields[1]) for _, fields in entries]
    return [event for event in events if event.kind == EventKind.ACCESS_DENIED]


def test_a_pair_that_is_given_as_such_works(
    writer: CleanWriter, publisher: KeyedPublisher, keys: Keys
) -> None:
    """So keys may come from wherever a strategy keeps its secrets."""
    read = read_pair(keys.new("ann"))
    until(lambda: publisher.lines_of("clients_allowed")[-1]["clients"] == 1)
    pair = KeyPair(read.public, read.secret)
    with mdhub.connect(publisher.endpoint, server_key=read_public(keys.server), key=pair) as hub:
        assert hub.info is not None
