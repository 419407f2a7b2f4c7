"""A socket's door, over real connections: who refuses, who only keeps silent, who was lost."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from functools import partial

import pytest
import zmq

from mdhub.sdk.access import Answer, Change, Door
from mdhub.sdk.connection import Context, Link, parse_endpoint
from tests.integration.running import free_port, until


@pytest.fixture
def context() -> Iterator[Context]:
    context: Context = zmq.Context()
    yield context
    context.destroy(linger=0)


class Listener:
    """Takes connections, says nothing, and keeps them or ends them at once."""

    def __init__(self, *, keeps: bool) -> None:
        self.taken: list[socket.socket] = []
        self._keeps = keeps
        self._server = socket.create_server(("127.0.0.1", 0))
        self.address = f"tcp://127.0.0.1:{self._server.getsockname()[1]}"
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            self.taken.append(connection)
            if not self._keeps:
                connection.close()

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join()
        for connection in self.taken:
            connection.close()


@pytest.fixture
def sub(context: Context) -> Iterator[zmq.Socket[bytes]]:
    """Give each handshake 50 ms."""
    with context.socket(zmq.SUB) as sub:
        for option, value in ((zmq.HANDSHAKE_IVL, 50), (zmq.RECONNECT_IVL, 5), (zmq.LINGER, 0)):
            sub.setsockopt(option, value)
        yield sub


@pytest.mark.parametrize("keeps", [True, False])
def test_silence_is_no_refusal(sub: zmq.Socket[bytes], keeps: bool) -> None:  # noqa: FBT001
    """A publisher that is stopped lets its handshakes run out; one that refuses ends them."""
    listener = Listener(keeps=keeps)
    try:
        door = Door(sub, listener.address)

        def tried() -> bool:
            door.look(time.monotonic_ns())
            return len(listener.taken) > 5

        until(tried)
        assert door.look(time.monotonic_ns()) is (None if keeps else Answer.BROKEN_OFF)
        assert not door.connected
        assert door.changes() == []
        door.close()
    finally:
        listener.close()


def test_a_connection_is_made_lost_and_back(context: Context, sub: zmq.Socket[bytes]) -> None:
    """Each told once, in order, however often the monitor is read."""
    address = f"tcp://127.0.0.1:{free_port()}"
    door = Door(sub, address)
    found: list[Change] = []

    def heard(count: int) -> bool:
        door.listen(time.monotonic_ns())
        found.extend(door.changes())
        return len(found) >= count

    for run in (1, 2):
        with context.socket(zmq.XPUB) as publisher:
            publisher.bind(address)
            until(partial(heard, 2 * run - 1))
            assert door.connected
        until(partial(heard, 2 * run))
        assert not door.connected
    assert found == ["made", "lost", "back", "lost"]
    door.close()


def test_the_live_socket_has_no_heartbeats_of_zeromq(context: Context) -> None:
    """Libzmq aborts the process of a slow strategy that has them (decision 024)."""
    link = Link(context, parse_endpoint(f"tcp://127.0.0.1:{free_port()}"))
    link.subscribe((b"hb.",))
    assert link.sub.getsockopt(zmq.HEARTBEAT_IVL) == 0
    link.renew()
    assert link.sub.getsockopt(zmq.HEARTBEAT_IVL) == 0
    assert link.dealer.getsockopt(zmq.HEARTBEAT_IVL) == 500
    link.close()
