"""A source asks for the market clock until it is answered, and believes only its own answer."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from threading import Event, Thread
from typing import Any

import pytest

from mdhub.runtime.logging import Logger
from mdhub.streams.errors import UnknownOutcome, Unusable
from mdhub.streams.memory import MemoryServer
from mdhub.streams.port import FIRST_ID, Log
from mdhub.streams.topology import COMMANDS, EVENTS
from mdhub.wire.codec import decode_command, encode
from mdhub.wire.entries import MarketClock
from mdhub.wire.ops import Command, EventKind
from mdhub.wire.ops import Event as OpsEvent
from mdhub_ingest.market_clock import ClockRequests
from mdhub_ingest.sources.port import SourceError
from tests.support.faulty import Faults, faulty
from tests.support.wait import until

GOOD = {"market_ns": 5, "log_ns": 6, "rate": 60.0, "run": "this"}
Reply = Callable[[Command], list[bytes]]


def event(command: Command, body: dict[str, Any], *, kind: str = EventKind.COMMAND_DONE) -> bytes:
    return encode(OpsEvent(1, "e", 0, "arbiter", kind, command.id, "info", command.id, body))


def answer(command: Command, **fields: Any) -> bytes:
    return event(command, {"ok": True, "result": GOOD} | fields)


class Hub:
    """Answers commands from a thread of its own; each in the way given for it, in order."""

    def __init__(self) -> None:
        self.server = MemoryServer()
        self.faults = Faults()
        self.asked: list[Command] = []
        self.replies: list[Reply] = []
        self.said = io.StringIO()
        self.stop = Event()
        self._thread = Thread(target=self._serve)
        self._thread.start()

    def connect(self) -> Log:
        return faulty(self.server.log("ingest"), self.faults)

    def request(self) -> MarketClock:
        requests = ClockRequests(
            source="A",
            run="this",
            connect=self.connect,
            stop=self.stop,
            logger=Logger("ingest", "A", self.said),
        )
        return requests.request(1_000, 60.0)

    def _serve(self) -> None:
        log = self.server.log("arbiter")
        tail = log.tail(COMMANDS, after=FIRST_ID)
        while not self.stop.is_set():
            for _, fields in tail.read(block_ms=10, count=100):
                self.asked.append(decode_command(fields[1]))
                reply = self.replies.pop(0) if self.replies else _good
                for payload in reply(self.asked[-1]):
                    log.append(EVENTS, payload)
        tail.close()

    def close(self) -> None:
        self.stop.set()
        self._thread.join(10)


def _good(command: Command) -> list[bytes]:
    return [answer(command)]


@pytest.fixture
def hub() -> Iterator[Hub]:
    hub = Hub()
    yield hub
    hub.close()


def test_the_answer_is_the_clock_in_force(hub: Hub) -> None:
    """What the arbiter says counts, not what was asked for."""
    assert hub.request() == MarketClock(5, 6, 60.0, "this")
    (command,) = hub.asked
    assert (command.target, command.action, command.issuer) == (
        "arbiter:0",
        "market_clock",
        "ingest:A",
    )
    assert command.args == {"market_ns": 1_000, "rate": 60.0, "run": "this"}
    assert command.expires_ns > command.ts_ns


def test_every_shard_has_a_clock_and_the_slowest_counts(hub: Hub) -> None:
    """No tick shall come before its time in any shard."""
    slow = GOOD | {"log_ns": 9}
    hub.replies = [_good, lambda command: [answer(command, result=slow)]]
    hub.server.shard_count = 2
    assert hub.request() == MarketClock(5, 9, 60.0, "this")
    assert [command.target for command in hub.asked] == ["arbiter:0", "arbiter:1"]


def test_foreign_and_broken_events_are_passed_over(hub: Hub) -> None:
    """Events of others, also about this command, and poison in the stream harm nothing."""
    hub.replies = [
        lambda command: [
            b"\xc1",
            b"",
            event(command, {"seen": True}, kind="audit"),
            event(Command(1, "other", 0, "", "", "", {}, 0), {"ok": False}),
            answer(command),
        ]
    ]
    assert hub.request().market_ns == 5


def test_a_lost_connection_is_tried_again(hub: Hub) -> None:
    """A command whose fate is unknown is asked anew, under a new id."""
    hub.faults.fail(name="append", executed=True)
    assert hub.request().market_ns == 5
    until(lambda: len(hub.asked) == 2, "both commands to be seen")
    assert len({command.id for command in hub.asked}) == 2
    assert hub.said.getvalue().count("log_unavailable") == 1


def test_a_log_that_is_away_is_said_once_for_each_state(hub: Hub) -> None:
    """An operator sees why nothing comes; the source goes on when it comes."""
    errors = [UnknownOutcome("away"), UnknownOutcome("away"), Unusable("login", "wrong password")]

    usual = hub.connect

    def connect() -> Log:
        if errors:
            raise errors.pop(0)
        return usual()

    hub.connect = connect  # type: ignore[method-assign]
    assert hub.request().market_ns == 5
    assert hub.said.getvalue().count("log_unavailable") == 2
    assert hub.said.getvalue().count("log_back") == 1


@pytest.mark.parametrize(
    ("words", "body"),
    [
        ("rate was too high", {"ok": False, "result": {"error": "rate was too high"}}),
        ("refused", {"ok": False}),
        ("answer was", {"ok": True, "result": {"market_ns": "noon"}}),
        ("answer was", {"ok": True}),
    ],
)
def test_a_refusal_ends_the_source(hub: Hub, words: str, body: dict[str, Any]) -> None:
    """The reason is in the error."""
    hub.replies = [lambda command: [event(command, body)]]
    with pytest.raises(SourceError, match=words):
        hub.request()


def test_a_command_that_nobody_answers_is_asked_again(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While no arbiter leads the source waits and repeats its question."""
    monkeypatch.setattr("mdhub_ingest.market_clock.EXPIRES_S", 0.001)
    hub.replies = [lambda _: [], lambda _: []]
    monkeypatch.setattr("mdhub.streams.asking._BLOCK_MS", 20)
    assert hub.request().market_ns == 5
    assert len(hub.asked) >= 3


def test_a_source_that_is_told_to_stop_does_not_wait(hub: Hub) -> None:
    """Stopping ends the wait for an answer."""

    def stopping(_: Command) -> list[bytes]:
        hub.stop.set()
        return []

    hub.replies = [stopping]
    with pytest.raises(SourceError, match="stopped"):
        hub.request()
