"""A supervisor of live sources asks once for real time on a log that once played a market."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest

from mdhub.runtime.logging import Logger
from mdhub.streams.errors import UnknownOutcome
from mdhub.streams.memory import MemoryServer
from mdhub.streams.port import FIRST_ID, Log
from mdhub.streams.topology import COMMANDS, EVENTS
from mdhub.wire.codec import decode_command, encode
from mdhub.wire.ops import Event, EventKind
from mdhub_ingest.schedule import live_clock
from mdhub_ingest.schedule.link import Reading
from mdhub_ingest.schedule.live_clock import LiveClock
from tests.support.wait import until

NOW_NS = 1_790_000_000_000_000_000
PLAYED = Reading(NOW_NS, NOW_NS - 86_400_000_000_000, NOW_NS)
LIVE = Reading(NOW_NS, NOW_NS, NOW_NS)
FRESH = Reading(0, 0, NOW_NS)


class Hub:
    """Arbiters of two shards that answer what is in `ok`, question by question."""

    def __init__(self, ok: list[bool]) -> None:
        self.server = MemoryServer()
        self.server.shard_count = 2
        self.asked: list[tuple[str, str]] = []
        self.said = io.StringIO()
        self.away = 0
        self.clock = LiveClock(self.connect, Logger("ingest", "A", self.said), issuer="ingest:A")
        self._ok = ok
        self._log = self.server.log("arbiter")
        self._tail = self._log.tail(COMMANDS, after=FIRST_ID)

    def connect(self) -> Log:
        if self.away:
            self.away -= 1
            raise UnknownOutcome("away")
        return self.server.log("ingest")

    def turn(self, reading: Reading | None, playing: list[bool]) -> bool:
        waits = self.clock.turn(reading, playing)
        for _, fields in self._tail.read(block_ms=1, count=10):
            command = decode_command(fields[1])
            self.asked.append((command.target, command.action))
            if not self._ok:
                continue
            body = {"ok": self._ok.pop(0), "result": {"error": "not now"}}
            event = Event(
                1, "e", 0, "arbiter", EventKind.COMMAND_DONE, command.id, "info", command.id, body
            )
            self._log.append(EVENTS, encode(event))
        return waits

    def settle(self) -> None:
        def settled() -> bool:
            self.turn(PLAYED, [False])
            return self.clock.settled

        until(settled, "the clock to be live")

    def close(self) -> None:
        self._tail.close()


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    monkeypatch.setattr("mdhub.runtime.backoff.Backoff.next_s", lambda _: 0.0)
    monkeypatch.setattr("mdhub.streams.asking._BLOCK_MS", 5)
    made = Hub([])
    yield made
    made.close()


def test_every_shard_is_asked_until_all_have_obeyed(hub: Hub) -> None:
    """The schedule waits meanwhile; a refusal is said once, an arbiter that is away not at all."""
    hub._ok += [True, False, False, True, True, True]
    hub.away = 1
    assert hub.turn(PLAYED, [False, False])
    hub.settle()
    assert hub.asked == [("arbiter:0", "market_live"), ("arbiter:1", "market_live")] * 3
    assert not hub.turn(PLAYED, [False]), "it is done: whoever moves the clock now may"
    said = hub.said.getvalue()
    assert (said.count("market_clock_not_live"), said.count("market_clock_live")) == (1, 1)


@pytest.mark.parametrize(
    ("reading", "playing"),
    [(LIVE, [False]), (FRESH, [False]), (PLAYED, [True]), (PLAYED, [False, True])],
    ids=["a live log", "a new log", "a market is played", "one of two plays"],
)
def test_where_nothing_is_to_be_done_nobody_is_asked(
    hub: Hub, reading: Reading, playing: list[bool]
) -> None:
    """Not later either: a clock that is moved after the start is somebody's trial."""
    assert not hub.turn(reading, playing)
    assert not hub.turn(PLAYED, [False])
    assert hub.clock.settled and hub.asked == []


def test_without_a_source_nothing_is_decided_yet(hub: Hub) -> None:
    """The first account of the store decides when it comes."""
    assert not hub.turn(None, [False])
    assert not hub.turn(PLAYED, [])
    assert not hub.clock.settled
    hub._ok += [True, True]
    assert hub.turn(PLAYED, [False])
    hub.settle()


def test_a_hub_without_arbiters_is_not_held_up_for_ever(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The schedule goes by the log's market time then, as ever, and the question stays."""
    monkeypatch.setattr(live_clock, "PATIENCE_S", 0.0)
    assert not hub.turn(PLAYED, [False])
    assert not hub.clock.settled
    hub._ok += [True, True]
    hub.settle()
