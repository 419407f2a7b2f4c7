"""A network that fails on order, and only as ordered."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress

import pytest

from mdhub.drill.tools.proxy import Proxy
from mdhub.drill.tools.proxy_process import ProxyProcess
from tests.support.wait import until


class Echo:
    """Answers each chunk with itself, and remembers what it heard."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.ended = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = ("127.0.0.1", int(self._listener.getsockname()[1]))
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._threads.append(threading.Thread(target=self._serve, args=(connection,)))
                self._threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            while data := connection.recv(65_536):
                self.heard.append(data)
                connection.sendall(data)
        self.ended += 1

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)


@pytest.fixture
def echo() -> Iterator[Echo]:
    with closing(Echo()) as echo:
        yield echo


@pytest.fixture
def proxy(echo: Echo) -> Iterator[Proxy]:
    with Proxy(echo.address, seed=7) as proxy:
        yield proxy


def client(proxy: Proxy) -> socket.socket:
    return socket.create_connection((proxy.host, proxy.port), timeout=5)


def ask(connection: socket.socket, data: bytes) -> bytes:
    """Send; return what comes back, nothing when the connection has ended."""
    try:
        connection.sendall(data)
        return connection.recv(65_536)
    except ConnectionError:
        return b""


def test_in_good_weather_everything_passes(proxy: Proxy) -> None:
    """Both ways, whole, in order; and the end of one side is the end of the other."""
    with client(proxy) as connection:
        assert [ask(connection, b"%d" % i) for i in range(50)] == [b"%d" % i for i in range(50)]
        big = b"x" * 3_000_000
        sending = threading.Thread(target=connection.sendall, args=(big,))
        sending.start()
        assert b"".join(iter_bytes(connection, len(big))) == big
        sending.join()


def iter_bytes(connection: socket.socket, wanted: int) -> Iterator[bytes]:
    while wanted > 0:
        data = connection.recv(65_536)
        assert data, "the connection ended early"
        wanted -= len(data)
        yield data


def test_a_client_that_goes_is_gone_for_the_server(proxy: Proxy, echo: Echo) -> None:
    """The end of a connection passes like what was sent before it."""
    with client(proxy) as connection:
        ask(connection, b"x")
    until(lambda: echo.ended == 1, "the server to see the end")


def test_a_lost_reply_was_a_call_that_happened(proxy: Proxy, echo: Echo) -> None:
    """The server has heard it; the client sees its connection end."""
    with client(proxy) as connection:
        proxy.lose_reply(nth=2)
        assert ask(connection, b"one") == b"one"
        assert ask(connection, b"two") == b""
    assert echo.heard == [b"one", b"two"]
    with client(proxy) as connection:
        assert ask(connection, b"three") == b"three"
    assert proxy.replies.lost == 1


def test_a_lost_request_never_happened(proxy: Proxy, echo: Echo) -> None:
    """The other direction: the server hears nothing."""
    with client(proxy) as connection:
        proxy.requests.lose_nth = 1
        assert ask(connection, b"one") == b""
    assert echo.heard == []


def test_a_share_of_replies_is_lost(proxy: Proxy) -> None:
    """About as many as said, by the seed."""
    proxy.replies.lose_share = 0.2
    answered = 0
    for _ in range(200):
        with client(proxy) as connection:
            answered += ask(connection, b"x") == b"x"
    assert proxy.replies.lost == 200 - answered
    assert 20 < proxy.replies.lost < 70


def test_a_delay_moves_chunks_and_does_not_space_them(proxy: Proxy) -> None:
    """Ten chunks sent at once arrive together, so much later."""
    proxy.replies.delay_s = 0.1
    with client(proxy) as connection:
        began_s = time.monotonic()
        for _ in range(10):
            connection.sendall(b"x" * 10)
        got = b"".join(iter_bytes(connection, 100))
        passed_s = time.monotonic() - began_s
    assert got == b"x" * 100
    assert 0.1 <= passed_s < 0.6


def test_a_frozen_connection_says_nothing_and_goes_on(proxy: Proxy, echo: Echo) -> None:
    """Neither answer nor end; what was sent meanwhile arrives when it thaws."""
    with client(proxy) as connection:
        assert ask(connection, b"one") == b"one"
        proxy.replies.frozen = True
        connection.sendall(b"two")
        until(lambda: echo.heard == [b"one", b"two"], "the call to be heard")
        connection.settimeout(0.1)
        with pytest.raises(TimeoutError):
            connection.recv(10)
        proxy.replies.frozen = False
        connection.settimeout(5)
        assert connection.recv(10) == b"two"


def test_a_cut_ends_all_connections_and_no_later_one(proxy: Proxy) -> None:
    """Who comes back is served."""
    with client(proxy) as one, client(proxy) as two:
        assert ask(one, b"x") == ask(two, b"x") == b"x"
        proxy.cut()
        assert ask(one, b"x") == ask(two, b"x") == b""
    with client(proxy) as again:
        assert ask(again, b"x") == b"x"
    assert proxy.connections == 3


def test_a_target_that_is_away_is_a_connection_that_ends(echo: Echo) -> None:
    """The proxy stays; as soon as the target is back it serves again."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = int(taken.getsockname()[1])
    with Proxy(("127.0.0.1", port)) as proxy, client(proxy) as connection:
        assert ask(connection, b"x") == b""


def test_a_proxy_in_a_process_obeys_and_counts(echo: Echo) -> None:
    """The same by orders through a pipe; it ends with us."""
    with ProxyProcess("{}:{}".format(*echo.address)) as proxy:
        where = ("127.0.0.1", proxy.port)
        with socket.create_connection(where, timeout=5) as connection:
            assert ask(connection, b"x") == b"x"
            assert proxy.tell(replies={"lose_nth": 1}) == {"lost": 0, "made": 1}
            assert ask(connection, b"x") == b""
        assert proxy.tell() == {"lost": 1, "made": 1}
        with socket.create_connection(where, timeout=5) as connection:
            assert ask(connection, b"x") == b"x"
            proxy.tell(cut=True)
            assert ask(connection, b"x") == b""
    assert proxy._process is not None and proxy._process.poll() == 0
