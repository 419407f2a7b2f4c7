"""The thread that feeds the view, over the twin and over a real server."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import msgspec
import structlog

from mdhub.streams import open_log
from mdhub.streams.memory import MemoryServer
from mdhub.streams.port import Log
from mdhub.streams.topology import EVENTS, LOGS
from mdhub.wire.codec import encode
from mdhub.wire.ops import Event, LogLine
from mdhub_console.live.tail import Tailer
from mdhub_console.live.view import View
from tests.support.server import TestServer
from tests.support.wait import until


@contextmanager
def tailing(connect: Callable[[], Log]) -> Iterator[View]:
    view = View()
    tailer = Tailer(connect, view, logger=structlog.get_logger())
    tailer.start()
    try:
        yield view
    finally:
        tailer.stop()


def line(number: int) -> bytes:
    return encode(LogLine(1, time.time_ns(), "info", "arbiter", f"e{number}", "", {"n": number}))


def event(number: int) -> bytes:
    return encode(Event(1, "i", time.time_ns(), "x", "leadership", f"{number}", "info", "", {}))


def numbers(view: View) -> list[int]:
    with view.held():
        rows = view.windows["logs"].newest_rows(100_000)
    return [msgspec.json.decode(row.json)["fields"]["n"] for row in rows]


def test_a_fresh_view_holds_what_the_log_has_and_follows(server_url: str, prefix: str) -> None:
    """The newest entries first, then each one that comes, once and in order."""
    connect = partial(open_log, server_url, service="console", prefix=prefix)
    log = connect()
    for number in range(2_500):
        log.append(LOGS, line(number))
    with tailing(connect) as view:
        until(lambda: view.connection.live, "the first fill")
        assert numbers(view) == list(range(2_500))
        for number in range(2_500, 3_100):
            log.append(LOGS, line(number))
        until(lambda: len(numbers(view)) == 3_100, "the lines that came later")
        assert numbers(view) == list(range(3_100))
    log.close()


def test_a_server_that_dies_leaves_no_hole() -> None:
    """The view says since when it is away; then it goes on behind its cursor."""
    with TestServer("single") as server:
        connect = partial(open_log, server.url, service="console")
        log = connect()
        log.append(LOGS, line(0))
        with tailing(connect) as view:
            until(lambda: numbers(view) == [0], "the first line")
            server.signal(9)
            until(lambda: not view.connection.live, "the outage")
            away = view.connection
            assert away.sentence
            log.close()
            server.kill_and_restart()
            log = connect()
            for number in range(1, 50):
                log.append(LOGS, line(number))
            until(lambda: len(numbers(view)) == 50, "the lines behind the outage")
            assert numbers(view) == list(range(50))
            assert view.connection.live
            assert not view.holes
        log.close()


def test_what_was_trimmed_during_an_outage_is_named() -> None:
    """The range between what was read and what is left."""
    server = MemoryServer()
    log = server.log("cli")
    first = log.append(EVENTS, event(0))
    gate = {"open": True}

    def connect() -> Log:
        if not gate["open"]:
            raise OSError("closed for the test")
        return server.log("console")

    with tailing(connect) as view:
        until(lambda: len(view.windows["events"]) == 1, "the first event")
        gate["open"] = False
        server.restart()
        until(lambda: not view.connection.live, "the outage")
        log = server.log("cli")
        last = b""
        for number in range(1, 10):
            last = log.append(EVENTS, event(number))
        server.drop(("events", 0), last)
        gate["open"] = True
        until(lambda: view.holes, "the hole")
        (hole,) = view.holes
        assert (hole.stream, hole.after, hole.before) == ("events", first.decode(), last.decode())


def test_an_error_that_nobody_expected_ends_no_reading() -> None:
    """The page says that it reads nothing and why; the thread tries again."""
    server, broken = MemoryServer(), [True]

    def connect() -> Log:
        if broken:
            raise KeyError(broken.pop())
        return server.log("console")

    with tailing(connect) as view:
        until(lambda: view.connection.live, "the second attempt")
    assert not broken
