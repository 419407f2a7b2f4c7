"""Where an iteration begins: replay joins live with no hole and no repeat."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec
import pytest

import mdhub
from mdhub.sdk.plan import Start
from mdhub.streams.memory import MemoryServer
from mdhub.wire.requests import ErrorReply, FindReply
from tests.integration.clean_writer import CleanWriter
from tests.integration.running import RawClient, RunningPublisher, free_port, until

RB, CU, IF = "rb2610.SHFE", "cu2610.SHFE", "IF2609.CFFEX"


@pytest.fixture
def writer() -> CleanWriter:
    writer = CleanWriter(MemoryServer())
    writer.lead()
    writer.tick(RB, CU, IF)
    return writer


@pytest.fixture
def publisher(writer: CleanWriter) -> Iterator[RunningPublisher]:
    with RunningPublisher(writer.server, free_port(), ring=2_000) as publisher:
        yield publisher


def truth(writer: CleanWriter, after_n: int, names: tuple[str, ...] = ()) -> list[int]:
    return [n for name, n in writer.truth if n > after_n and (not names or name in names)]


def numbers(
    writer: CleanWriter, hub: mdhub.Hub, start: Start, patterns: tuple[str, ...]
) -> list[int]:
    """N of everything from `start` to the newest tick, while the market runs for a while."""
    stop = threading.Event()

    def market() -> None:
        until(lambda: hub._stream is not None)
        for _ in range(300):
            writer.tick(RB, CU, IF)
            stop.wait(0.001)
        writer.tick(RB)
        stop.set()

    thread = threading.Thread(target=market)
    thread.start()
    got: list[int] = []
    for delivery in hub.deliveries(*patterns, start=start, idle_s=5):
        got.append(delivery.n)
        if stop.is_set() and delivery.n == writer.n:
            break
    thread.join()
    return got


@pytest.mark.parametrize("patterns", [("*",), (RB, "I?2609.CFFEX")])
@pytest.mark.parametrize("start", ["session", "time", "position"])
def test_replay_joins_live_without_hole_or_repeat(
    writer: CleanWriter, publisher: RunningPublisher, start: str, patterns: tuple[str, ...]
) -> None:
    """More than one answer, from the stream and from memory, into a market that runs."""
    writer.tick(*[RB, CU] * 10)
    begin_n = writer.n
    begin: Start = "session"
    if start == "session":
        writer.trading_day += 1
    else:
        time.sleep(0.002)  # ids count in milliseconds
        begin = datetime.now(UTC) if start == "time" else (writer.epoch, begin_n)
        time.sleep(0.002)
    for _ in range(6):
        writer.tick(*[RB, CU, IF] * 300)
    names = () if patterns == ("*",) else (RB, IF)
    with mdhub.connect(publisher.endpoint) as hub:
        assert numbers(writer, hub, begin, patterns) == truth(writer, begin_n, names)
        assert not hub.gaps
        assert hub.statistics.replayed > 3_000


def test_a_strategy_goes_on_where_it_was(writer: CleanWriter, publisher: RunningPublisher) -> None:
    """`Delivery.position` is a start, also behind an epoch that was cut back since."""
    for _ in range(5):
        writer.tick(RB)
    until(lambda: publisher.fanout.shards[0].n == writer.n)
    with mdhub.connect(publisher.endpoint) as hub:
        (*_, last) = hub.deliveries("*", start=(writer.epoch, 0), idle_s=0.2)
        assert last.n == writer.n
        resume_n = writer.n - 2
        writer.forget_after(resume_n)
        writer.server.restart()
        until(lambda: publisher.fanout.source.reconnects == 2)
        writer.lead(resume_after_n=resume_n)
        writer.tick(CU)
        until(lambda: publisher.fanout.shards[0].n == writer.n)
        changes: list[mdhub.EpochChange] = []
        hub.on_epoch = changes.append
        got = list(hub.deliveries("*", start=last.position, idle_s=0.3))
        assert [(d.epoch, d.n) for d in got] == [(writer.epoch, writer.n)]
        assert changes == [mdhub.EpochChange(0, 1, 2, resume_n, last.n)]


def test_a_time_to_come_is_live(writer: CleanWriter, publisher: RunningPublisher) -> None:
    """Nothing is replayed."""
    with mdhub.connect(publisher.endpoint) as hub:
        begin = datetime(2100, 1, 1, tzinfo=UTC)
        assert list(hub.ticks("*", start=begin, idle_s=0.2)) == []


@pytest.mark.parametrize("start", ["session", "time", "position"])
def test_what_is_kept_no_more_is_refused_with_what_is(
    writer: CleanWriter, publisher: RunningPublisher, start: str
) -> None:
    """The error is typed, and names where a replay can begin."""
    writer.tick(*[RB] * 100)
    with writer.server.lock:
        held = writer.server.streams["clean", 0]
        held[:] = held[50:]
    begins: dict[str, Start] = {
        "session": "session", "time": datetime(2020, 1, 1, tzinfo=UTC), "position": (1, 10),
    }  # fmt: skip
    with (
        RunningPublisher(writer.server, free_port()) as late,
        mdhub.connect(late.endpoint) as hub,
        pytest.raises(mdhub.StartUnavailable, match=r"\(1, 50\)"),
    ):
        list(hub.ticks("*", start=begins[start], idle_s=1))


def test_find_answers_clients_without_our_sdk(
    writer: CleanWriter, publisher: RunningPublisher
) -> None:
    """Session, a time and a time to come; what is none of them is malformed."""
    begin_n = writer.n
    writer.trading_day += 1
    writer.tick(RB)
    until(lambda: publisher.fanout.shards[0].n == writer.n)
    with RawClient(publisher.endpoint) as client:
        for at, n in (("session", begin_n), (0, 0), (2**62, writer.n)):
            client.send([1, 5, "find", 0, at])
            reply = msgspec.msgpack.decode(client.receive()[0], type=FindReply)
            assert (reply.status, reply.epoch, reply.n) == ("ok", 1, n)
        client.send([1, 5, "find", 0, "noon"])
        refusal = msgspec.msgpack.decode(client.receive()[0], type=ErrorReply)
        assert refusal.code == "malformed"
