"""A strategy that does not keep up: what it has declared happens, to it alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import zmq

import mdhub
from mdhub.streams.memory import MemoryServer
from mdhub.wire.codec import decode_heartbeat, decode_live_header
from mdhub_publisher import sockets
from tests.integration.clean_writer import CleanWriter
from tests.integration.running import RunningPublisher, free_port, until

Context = zmq.Context[zmq.Socket[bytes]]

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


def begun(hub: mdhub.Hub) -> None:
    """Wait until the iteration under way has joined."""
    until(lambda: hub._stream is not None and hub._stream.joined)


def test_conflation_delivers_the_newest_and_counts_the_rest(
    writer: CleanWriter, publisher: RunningPublisher
) -> None:
    """Delivered and left out make all there was; quality is told all the same."""
    with mdhub.connect(publisher.endpoint) as hub:
        told: list[str] = []
        hub.on_quality = lambda _name, quality, _cause: told.append(quality)
        joined_n = writer.n

        def market() -> None:
            begun(hub)
            for i in range(60):
                writer.tick(*[RB, CU] * 50)
                if i % 20 == 0:
                    writer.quality(RB, f"mark {i}")
            writer.tick(CU)

        thread = threading.Thread(target=market)
        thread.start()
        got: list[mdhub.Delivery] = []
        busy = threading.Event()
        for delivery in hub.deliveries("*", slow="conflate", idle_s=5):
            got.append(delivery)
            if delivery.n == writer.n and not thread.is_alive():
                break
            busy.wait(0.02)  # the strategy's own work
        thread.join()
        last = {d.tick.vt_symbol: d.n for d in got}
        truth = [(name, n) for name, n in writer.truth if n > joined_n]
        assert last == {name: max(n for nm, n in truth if nm == name) for name in (RB, CU)}
        assert len(got) < len(truth) / 4
        assert len(got) + sum(d.skipped for d in got) == len(truth)
        assert hub.statistics.skipped == sum(d.skipped for d in got)
        assert told == ["mark 0", "mark 20", "mark 40"]
        assert not hub.gaps


def test_who_asked_to_be_disconnected_is_told_how_far_behind(
    writer: CleanWriter, publisher: RunningPublisher
) -> None:
    """Better no tick than a late one: the iteration ends with TooSlow."""
    with mdhub.connect(publisher.endpoint) as hub:

        def market() -> None:
            begun(hub)
            for _ in range(20):
                writer.tick(*[RB] * 500)

        thread = threading.Thread(target=market)
        thread.start()
        ticks = hub.ticks("*", slow="disconnect", too_slow_s=0.3, idle_s=20)
        busy = threading.Event()
        with pytest.raises(mdhub.TooSlow, match="has been behind") as raised:
            all(not busy.wait(0.01) for _ in ticks)
        thread.join()
        assert raised.value.behind_s > 0.3
        assert raised.value.waiting > 1_000


def test_a_strategy_that_keeps_up_is_not_too_slow(
    writer: CleanWriter, publisher: RunningPublisher
) -> None:
    """A pause that is made good at once, and a market that never rests, are no reason."""
    with mdhub.connect(publisher.endpoint) as hub:
        stop = threading.Event()

        def market() -> None:
            begun(hub)
            while not stop.is_set():
                writer.tick(RB)
                stop.wait(0.002)

        thread = threading.Thread(target=market)
        thread.start()
        try:
            ticks = hub.ticks("*", slow="disconnect", too_slow_s=0.2)
            for got, _ in enumerate(ticks):
                if got == 20:
                    threading.Event().wait(0.15)
                if got == 300:
                    break
        finally:
            stop.set()
            thread.join()


def test_a_policy_that_is_none_is_refused(publisher: RunningPublisher) -> None:
    """The error names the three that are."""
    with mdhub.connect(publisher.endpoint) as hub:
        with pytest.raises(ValueError, match="'all', 'conflate' or 'disconnect'"):
            hub.ticks("*", slow="drop")  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="too_slow_s"):
            hub.ticks("*", slow="disconnect", too_slow_s=0)


def test_a_client_that_does_not_read_delays_nobody(
    writer: CleanWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twenty others get everything in order; its queue is bounded, the rest is dropped for it."""
    make, count = sockets._socket, 4_000

    def small(context: Context, kind: int, *, hwm: int) -> zmq.Socket[bytes]:
        socket = make(context, kind, hwm=min(hwm, 1_000))
        socket.setsockopt(zmq.SNDBUF, 8_192)
        return socket

    monkeypatch.setattr(sockets, "_socket", small)
    with RunningPublisher(writer.server, free_port()) as publisher, _context() as context:
        sleeper = _subscriber(context, publisher.endpoint, inbox=100)
        others = [_subscriber(context, publisher.endpoint, inbox=0) for _ in range(20)]
        until(lambda: all(each.poll(0) for each in [sleeper, *others]))  # heartbeats: joined
        first_n = writer.n + 1
        seen: list[list[int]] = [[] for _ in others]
        for _ in range(count // 500):
            writer.tick(*[RB] * 500)
            for each, numbers in zip(others, seen, strict=True):
                _take(each, numbers, writer.n)
        assert all(numbers == list(range(first_n, writer.n + 1)) for numbers in seen)
        late: list[int] = []
        told_n = 0
        while told_n < writer.n:  # a heartbeat of after all that: nothing else is left for it
            _, header, payload = sleeper.recv_multipart()
            n = decode_live_header(header).n
            told_n = decode_heartbeat(payload).n if n is None else 0
            late += [n] if n is not None and n >= first_n else []
        assert 0 < len(late) < count


@contextmanager
def _context() -> Iterator[Context]:
    context: Context = zmq.Context()
    try:
        yield context
    finally:
        context.destroy(linger=0)


def _subscriber(context: Context, endpoint: str, *, inbox: int) -> zmq.Socket[bytes]:
    socket = context.socket(zmq.SUB)
    socket.setsockopt(zmq.RCVHWM, inbox)
    if inbox:
        socket.setsockopt(zmq.RCVBUF, 8_192)
    socket.setsockopt(zmq.SUBSCRIBE, b"")
    socket.connect(endpoint)
    return socket


def _take(socket: zmq.Socket[bytes], numbers: list[int], to_n: int) -> None:
    while not numbers or numbers[-1] < to_n:
        assert socket.poll(10_000), "a client that reads has to wait"
        n = decode_live_header(socket.recv_multipart()[1]).n
        numbers += [] if n is None else [n]
