"""Why entries were missed, and what two publishers are worth, over real sockets."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
import zmq

import mdhub
from mdhub import Cause, Outcome
from mdhub.sdk import connection
from mdhub.streams.memory import MemoryServer
from mdhub_publisher import sockets
from tests.integration.clean_writer import CleanWriter
from tests.integration.running import RunningPublisher, Strategy, free_port, until
from tests.support.link_proxy import LinkProxy

RB, CU = "rb2610.SHFE", "cu2610.SHFE"


@pytest.fixture
def writer() -> CleanWriter:
    writer = CleanWriter(MemoryServer())
    writer.lead()
    writer.tick(RB, CU)
    return writer


@pytest.fixture
def publisher(writer: CleanWriter) -> Iterator[RunningPublisher]:
    with RunningPublisher(writer.server, free_port()) as publisher:
        yield publisher


def follow(*endpoints: str, patterns: tuple[str, ...] = ("*",)) -> Strategy:
    strategy = Strategy(mdhub.connect(*endpoints), *patterns)
    until(lambda: strategy.joined)
    return strategy


def port_of(publisher: RunningPublisher) -> int:
    return int(publisher.endpoint.rpartition(":")[2])


def told(strategy: Strategy) -> list[tuple[Cause, Outcome]]:
    return [(gap.cause, gap.outcome) for gap in strategy.hub.gaps]


def after(writer: CleanWriter, n: int) -> list[int]:
    return [tick_n for _, tick_n in writer.truth if tick_n > n]


@pytest.mark.parametrize("patterns", [("*",), (RB, CU)])
def test_what_a_cut_connection_loses_is_laid_to_the_network(
    writer: CleanWriter, publisher: RunningPublisher, patterns: tuple[str, ...]
) -> None:
    """The same run of the publisher answers afterwards; all is replayed, in order."""
    with (
        LinkProxy(free_port(), port_of(publisher)) as proxy,
        follow(proxy.endpoint, patterns=patterns) as strategy,
    ):
        joined_n = writer.n
        writer.tick(RB, CU)
        strategy.wait(writer.n)
        proxy.cut()
        for _ in range(50):
            writer.tick(RB, CU)
        proxy.mend()
        mended_s = time.monotonic()
        until(lambda: len(strategy.got) == len(after(writer, joined_n)))
        assert time.monotonic() - mended_s < 3
        assert sorted(strategy.numbers) == after(writer, joined_n)
        assert set(told(strategy)) == {(Cause.NETWORK, Outcome.RECOVERED)}
        assert {gap[2:] for gap in strategy.gaps} == {("network", True)}
        assert strategy.hub.statistics.gap_ns > 0


def test_a_half_open_connection_is_noticed_and_replaced(
    writer: CleanWriter, publisher: RunningPublisher
) -> None:
    """Nothing comes and nothing ends it: 1.5 s without a heartbeat are enough."""
    with (
        LinkProxy(free_port(), port_of(publisher)) as proxy,
        follow(proxy.endpoint) as strategy,
    ):
        joined_n = writer.n
        writer.tick(RB)
        strategy.wait(writer.n)
        stalls: list[mdhub.Stall] = []
        strategy.hub.on_stall = stalls.append
        first = strategy.hub._links[0].sub
        frozen_s = time.monotonic()
        proxy.freeze()
        writer.tick(*[RB] * 50)
        until(lambda: stalls)
        until(lambda: strategy.hub._links[0].sub is not first)
        assert time.monotonic() - frozen_s < 4
        assert stalls[0].cause == "silent"
        proxy.mend()
        writer.tick(RB)
        strategy.wait(writer.n)
        assert strategy.numbers == after(writer, joined_n)
        assert set(told(strategy)) == {(Cause.NETWORK, Outcome.RECOVERED)}


@pytest.mark.parametrize("patterns", [("*",), (RB, CU)])
def test_what_was_written_while_a_publisher_was_away_is_laid_to_it(
    writer: CleanWriter, patterns: tuple[str, ...]
) -> None:
    """The one that answers at the address is of another run."""
    port = free_port()
    first = RunningPublisher(writer.server, port)
    strategy = follow(first.endpoint, patterns=patterns)
    try:
        joined_n = writer.n
        writer.tick(RB, CU)
        strategy.wait(writer.n)
        first.stop()
        writer.tick(RB, CU)
        with RunningPublisher(writer.server, port):
            until(lambda: len(strategy.got) == len(after(writer, joined_n)))
            assert set(told(strategy)) == {(Cause.PUBLISHER, Outcome.RECOVERED)}
            strategy.end()
    finally:
        strategy.hub.close()


def test_what_a_cut_of_the_log_holds_up_is_laid_to_the_epoch(
    writer: CleanWriter, publisher: RunningPublisher
) -> None:
    """Messages of an epoch that was not announced yet wait for `hello`, and are then replayed."""
    with follow(publisher.endpoint) as strategy:
        for _ in range(5):
            writer.tick(RB)
        strategy.wait(writer.n)
        resume_n = writer.n - 2
        writer.forget_after(resume_n)
        writer.server.restart()
        until(lambda: publisher.fanout.source.reconnects == 2)
        writer.lead(resume_after_n=resume_n)
        writer.tick(RB, CU)
        until(lambda: strategy.got[-1].n == writer.n and strategy.got[-1].epoch == writer.epoch)
        assert set(told(strategy)) == {(Cause.EPOCH, Outcome.RECOVERED)}


def test_what_a_strategy_does_not_fetch_is_its_own_doing(
    writer: CleanWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both queues overran while it was busy; what they lost is replayed all the same."""
    monkeypatch.setattr(connection, "LIVE_HWM", 100)
    make = connection.Link._live_socket

    def small(link: connection.Link) -> zmq.Socket[bytes]:
        socket = make(link)
        socket.setsockopt(zmq.RCVBUF, 8_192)
        return socket

    monkeypatch.setattr(connection.Link, "_live_socket", small)
    monkeypatch.setattr(sockets, "LIVE_HWM", 100)
    with RunningPublisher(writer.server, free_port(), ring=100_000) as publisher:
        hub = mdhub.connect(publisher.endpoint)
        with hub:
            deliveries = hub.deliveries("*", idle_s=5)
            writer_n = writer.n
            got: list[int] = []
            for delivery in _with_ticks(deliveries, writer):
                got.append(delivery.n)
                if len(got) == 1:
                    for _ in range(40):
                        writer.tick(*[RB] * 1_000)
                    until(lambda: publisher.fanout.shards[0].n == writer.n)
                    time.sleep(1.1)  # the strategy is busy: that is what is tested
                if delivery.n == writer.n:
                    break
            assert got == [n for n in after(writer, writer_n) if n >= got[0]]
            assert {(gap.cause, gap.outcome) for gap in hub.gaps} == {
                (Cause.SLOW_READER, Outcome.RECOVERED)
            }


def _with_ticks(
    deliveries: Iterator[mdhub.Delivery], writer: CleanWriter
) -> Iterator[mdhub.Delivery]:
    """Begin the market a moment after the iteration has begun."""
    timer = threading.Timer(0.5, writer.tick, (RB,))
    timer.start()
    yield from deliveries
    timer.join()


def test_a_publisher_that_lags_is_turned_away_from(writer: CleanWriter) -> None:
    """It cannot fill a hole; the other one is asked, long before the hole is given up."""
    with (
        RunningPublisher(writer.server, free_port(), name="A") as lagging,
        RunningPublisher(writer.server, free_port(), name="B") as other,
        follow(lagging.endpoint, other.endpoint) as strategy,
    ):
        joined_n = writer.n
        lagging.fanout._publish = lambda *_: None  # type: ignore[method-assign]
        other.lose = {joined_n + 2}
        for _ in range(3):
            writer.tick(RB)
        strategy.wait(writer.n)
        assert strategy.numbers == after(writer, joined_n)
        assert [gap.outcome for gap in strategy.hub.gaps] == [Outcome.RECOVERED]
        assert strategy.hub.gaps[0].open_ns < 2_000_000_000


def test_a_publisher_left_behind_in_an_old_epoch_does_no_harm(writer: CleanWriter) -> None:
    """What it still says of the withdrawn log is passed over."""
    with (
        RunningPublisher(writer.server, free_port(), name="A") as stale,
        RunningPublisher(writer.server, free_port(), name="B") as other,
        follow(stale.endpoint, other.endpoint) as strategy,
    ):
        changes: list[mdhub.EpochChange] = []
        strategy.hub.on_epoch = changes.append
        for _ in range(5):
            writer.tick(RB)
        strategy.wait(writer.n)
        until(lambda: stale.fanout.shards[0].n == writer.n)
        stale.fanout.source.advance = lambda now_ns: None  # type: ignore[method-assign]  # noqa: ARG005
        resume_n = writer.n - 2
        writer.forget_after(resume_n)
        writer.server.restart()
        until(lambda: other.fanout.source.reconnects == 2)
        writer.lead(resume_after_n=resume_n)
        other.lose = set(range(resume_n + 2, resume_n + 30, 3))
        for _ in range(30):
            writer.tick(RB)
        until(lambda: strategy.got[-1].n == writer.n and strategy.got[-1].epoch == writer.epoch)
        assert stale.fanout.shards[0].epoch == 1
        new = [d.n for d in strategy.got if d.epoch == writer.epoch]
        assert new == [n for n in after(writer, resume_n + 1) if n > resume_n][-30:]
        assert len(changes) == 1
        assert not strategy.hub.statistics.unrecovered
