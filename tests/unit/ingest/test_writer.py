"""The writer brings every tick of its source into raw once, whatever happens to the log."""

from __future__ import annotations

import math
import time
from typing import Any, cast

import msgspec
import pytest

from mdhub.market.snapshot import NO_VALUE
from mdhub.runtime.heartbeat import decode_beat
from mdhub.streams.errors import Unusable
from mdhub.streams.memory import MemoryServer
from mdhub.streams.port import Log
from mdhub.streams.topology import EVENTS, RAW
from mdhub.wire.codec import decode_control, encode
from mdhub.wire.entries import ControlKind, LostRange
from mdhub.wire.ticks import SCHEMA_VERSION, RawTick
from mdhub.wire.topics import shard_of
from mdhub_ingest.outbox import Outbox
from mdhub_ingest.writer import BATCH
from tests.support.wait import until
from tests.unit.ingest.builders import Desk


def test_ticks_come_into_raw_as_they_were_taken() -> None:
    """Stamped, numbered from 1, in order, with the source's own fields."""
    desk = Desk()
    made = desk.emit(5)
    desk.flush()
    ticks = desk.ticks()

    assert [tick.seq for tick in ticks] == [1, 2, 3, 4, 5]
    assert [tick.symbol for tick in ticks] == [snapshot.symbol for snapshot in made]
    assert {(tick.source, tick.session) for tick in ticks} == {("A", 1)}


def test_fields_of_a_gateway_become_the_bytes_of_a_tick() -> None:
    """Without a RawTick in between: the same bytes as with one, whatever a front may send."""
    desk = Desk()
    fields: tuple[Any, ...] = (
        "rb2610", "", "20261123", "20261120", "21:03:17", 62, 1.5, 7, math.inf, None, NO_VALUE,
        *[math.nan] * 10, [[1.0, 2]] * 5, [],
    )  # fmt: skip

    desk.writer.take(77, fields)
    desk.flush()

    (_, entry), *_ = (each for each in desk.server.log("arbiter").entries(RAW, shard=0, count=9)
                      if each[1][0] == b"t")  # fmt: skip
    assert entry[1] == encode(RawTick(SCHEMA_VERSION, "A", 1, 1, 77, *fields))


def test_a_closed_writer_takes_no_more() -> None:
    """A gateway's threads go on while its process ends; the end must not wait for them."""
    desk = Desk()
    desk.emit(2)
    desk.writer.close()
    desk.emit(3)
    desk.flush()
    assert desk.seqs() == [1, 2]


def test_each_shard_has_its_own_numbers() -> None:
    """A symbol always goes to one shard, and seq has no hole within it."""
    desk = Desk(shards=3)
    desk.emit(60)
    desk.flush()

    for shard in range(3):
        assert {shard_of(tick.symbol, 3) for tick in desk.ticks(shard)} == {shard}
        assert desk.seqs(shard) == list(range(1, len(desk.seqs(shard)) + 1))


@pytest.mark.parametrize("executed", [False, True], ids=["refused", "reply lost"])
@pytest.mark.parametrize("nth", [1, 2, 3])
def test_an_unknown_outcome_neither_loses_nor_doubles(nth: int, executed: bool) -> None:  # noqa: FBT001 - a parameter
    """After a lost connection the log is asked what it has, and gets the rest."""
    desk = Desk()
    desk.emit(BATCH * 3)
    desk.faults.fail(nth=nth, name="raw_append", executed=executed)
    desk.flush()

    assert not desk.faults.pending
    assert desk.seqs() == list(range(1, BATCH * 3 + 1))


@pytest.mark.parametrize(("executed", "resent"), [(False, BATCH), (True, 0)])
def test_what_is_sent_again_is_counted(executed: bool, resent: int) -> None:  # noqa: FBT001 - a parameter
    """Not what the log turned out to have; each append shows once in the histogram of delays."""
    desk = Desk()
    desk.emit(BATCH * 3)
    desk.faults.fail(nth=2, name="raw_append", executed=executed)
    desk.flush()

    assert decode_beat(desk.server.beats["ingest:A"]).counters["resent"] == resent
    assert desk.writer.delays.buckets()[-1][1] == (2 if executed else 3)
    assert desk.writer.delays.sum_ns > 0


def test_a_source_whose_log_is_away_is_not_ready() -> None:
    """Its waiting ticks show all the same, and it is ready again once the log takes them."""
    desk = Desk(led=False)
    with desk.running():
        desk.emit(5)
        until(lambda: desk.writer.board.not_ready() == "state is waiting", "the board to say so")
        shown = {sample.name: sample.value for sample in desk.writer.board.samples()}
        assert shown["mdhub_source_waiting"] == 5
        desk.lead()
        until(lambda: not desk.writer.board.not_ready(), "it to be ready")


@pytest.mark.parametrize("name", ["writer_position", "beat"])
def test_any_other_call_may_fail_too(name: str) -> None:
    """The writer starts over whatever it was doing."""
    desk = Desk()
    desk.emit(10)
    desk.faults.fail(name=name)
    desk.flush()
    assert desk.seqs() == list(range(1, 11))


def test_without_a_leader_ticks_wait() -> None:
    """A server that nobody leads refuses; nothing is lost until it is led."""
    desk = Desk(led=False)
    with desk.running():
        desk.emit(5)
        until(lambda: desk.writer._reconnects > 1, "the writer to be refused")
        assert desk.writer.waiting == 5
        desk.lead()
        desk.wait_written()
    assert desk.seqs() == [1, 2, 3, 4, 5]


def test_a_restarted_server_gets_what_it_lacks() -> None:
    """Another incarnation, led anew: the writer goes on from its position."""
    desk = Desk()
    with desk.running():
        desk.emit(5)
        desk.wait_written()
        desk.server.restart()
        desk.emit(5)
        desk.lead()
        desk.wait_written()
    assert desk.seqs() == list(range(1, 11))


def test_a_log_that_was_cut_back_is_filled_again() -> None:
    """A server that lost everything gets the last ten seconds again."""
    desk = Desk()
    with desk.running():
        desk.emit(5)
        desk.wait_written()
        lost = desk.server
        desk.server = MemoryServer()
        desk.lead()
        lost.restart()
        desk.emit(1)
        until(lambda: len(desk.seqs()) == 6, "the new server to have all ticks")
    assert desk.seqs() == [1, 2, 3, 4, 5, 6]


def test_what_the_buffer_could_not_hold_is_declared() -> None:
    """The log gets a `lost` entry naming the range, then what is left."""
    desk = Desk()
    desk.writer._outboxes = [Outbox(max_kept=4)]
    desk.emit(10)
    desk.flush()
    _, (kind, payload) = desk.server.log("cli").entries(RAW)[1]
    entry = decode_control(payload)
    lost = msgspec.msgpack.decode(entry.body, type=LostRange)

    assert (kind, entry.kind, entry.writer) == (b"c", ControlKind.LOST, "A")
    assert (lost.first_seq, lost.last_seq) == (1, 6)
    assert desk.seqs() == [6, 7, 8, 9, 10]


def test_a_superseded_writer_stops_and_says_so() -> None:
    """A newer run of the same source has written: this one is a leftover."""
    desk = Desk()
    newer = desk.new_writer(session=2)
    desk.emit(2)
    desk.flush()
    desk.writer, old = newer, desk.writer
    desk.emit(3)
    desk.flush()
    desk.writer = old
    desk.emit(1)
    desk.flush()

    assert old.superseded
    assert not newer.superseded
    assert [(tick.session, tick.seq) for tick in desk.ticks()] == [
        (1, 1), (1, 2), (2, 1), (2, 2), (2, 3),
    ]  # fmt: skip
    assert "superseded" in desk.said.getvalue()


def test_a_source_says_how_it_is_and_that_it_ended() -> None:
    """Its heartbeat carries counters, the source's own too; the last one says `ended`."""
    desk = Desk()
    with desk.running():
        desk.emit(3)
        until(lambda: "ingest:A" in desk.server.beats, "a heartbeat")
        assert decode_beat(desk.server.beats["ingest:A"]).state == "running"
    beat = decode_beat(desk.server.beats["ingest:A"])

    assert (beat.service, beat.state) == ("ingest", "ended")
    zero = dict.fromkeys(("waiting", "dropped", "resent", "reconnects"), 0)
    assert beat.counters == {"taken": 3, **zero, "own": 7}


def test_an_outage_is_logged_once() -> None:
    """A line when the log goes away, not one per attempt."""
    desk = Desk(led=False)
    with desk.running():
        desk.emit(1)
        until(lambda: desk.writer._reconnects > 3, "several attempts")
        desk.lead()
        desk.wait_written()
    assert desk.said.getvalue().count("log_unavailable") == 1


def test_a_backlog_starves_neither_the_other_shards_nor_the_heartbeat(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One batch per shard and turn: each shard gets its share, and the source its sign of life."""
    monkeypatch.setattr("mdhub_ingest.writer.BEAT_EVERY_S", 0.0)
    desk = Desk(shards=2)
    desk.emit(BATCH * 8)
    calls: list[object] = []
    real = desk.connect

    def connect() -> Log:
        log = real()
        return cast("Log", Overheard(log, calls))

    desk.writer._connect = connect
    desk.flush()

    assert len(desk.ticks(0)) + len(desk.ticks(1)) == BATCH * 8
    assert calls[:6] == [0, 1, "beat", 0, 1, "beat"]


class Overheard:
    """A log that notes the shard of each append, and each heartbeat."""

    def __init__(self, log: Log, calls: list[object]) -> None:
        self._log = log
        self._calls = calls

    def raw_append(self, shard: int, **fields: Any) -> int:
        self._calls.append(shard)
        return self._log.raw_append(shard, **fields)

    def beat(self, instance: str, payload: bytes) -> None:
        self._calls.append("beat")
        self._log.beat(instance, payload)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)


def test_a_log_that_became_unusable_is_waited_for() -> None:
    """A password changed in the middle of a run: said once with the way out, nothing is lost."""
    desk = Desk()
    desk.emit(1)
    connect, refusals = desk.writer._connect, iter([Unusable("login", "wrong password")] * 3)

    def refused_thrice() -> Log:
        for refusal in refusals:
            raise refusal
        return connect()

    desk.writer._connect = refused_thrice
    desk.flush()
    assert desk.said.getvalue().count("wrong password") == 1
    assert "user and password" in desk.said.getvalue()
    assert desk.said.getvalue().count("log_back") == 1
    assert desk.writer.waiting == 0


def test_an_event_is_written_once() -> None:
    """What happened to a source stands in events, beside its ticks."""
    desk = Desk()
    desk.writer.announce(b"gone")
    for _ in range(2):
        desk.emit(1)
        desk.flush()
    written = [fields[1] for _, fields in desk.server.log("cli").entries(EVENTS, count=10)]
    assert written == [b"gone"]


def test_a_source_that_stands_still_has_no_heartbeat() -> None:
    """The writer goes on, but says nothing of a main loop that gives no sign."""
    desk = Desk()
    desk.alive = False
    with desk.running():
        desk.emit(5)
        desk.wait_written()
        assert desk.server.log("cli").beats() == {}
        desk.alive = True
        until(lambda: desk.server.log("cli").beats(), "the heartbeat")


def test_a_clock_that_is_set_throws_nothing_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kept is what came in the last 10 s, whatever the wall clock says: it may be wanted again."""
    desk = Desk()
    desk.emit(5)
    now_ns = time.time_ns()
    monkeypatch.setattr("time.time_ns", lambda: now_ns + 60_000_000_000)
    desk.flush()

    desk.server.streams.clear()
    desk.server.shards.clear()
    desk.lead()
    desk.flush()
    desk.emit(1)
    desk.flush()

    assert desk.seqs() == [1, 2, 3, 4, 5, 6]
