"""Lines go to the stream behind the caller's back, bounded, and what is missing is said."""

from __future__ import annotations

import io
import json
import logging
import sys
import threading
import time
import tracemalloc
import warnings
from collections.abc import Iterator

import pytest

from mdhub.runtime.log_shipping import QUEUE_LINES, Shipper, shipped
from mdhub.runtime.logging import Logger, correlated
from mdhub.streams.errors import NotReady, ServerError, UnknownOutcome
from mdhub.streams.memory import MemoryLog, MemoryServer
from mdhub.streams.topology import LOGS
from mdhub.wire.codec import decode_log_line
from mdhub.wire.ops import LogLine
from tests.support.wait import until


class Server:
    """A server that can be away, hang or refuse a line."""

    def __init__(self) -> None:
        self.memory = MemoryServer()
        self.away = False
        self.full = False
        self.refuses = b"no line has this"
        self.answers = threading.Event()
        self.answers.set()
        self.asked = 0

    def log(self) -> MemoryLog:
        self.answers.wait(30)
        if self.away:
            raise UnknownOutcome("no answer")
        log = self.memory.log("ingest")
        really = log.append

        def append(stream: object, payload: bytes) -> bytes:
            self.asked += 1
            self.answers.wait(30)
            if self.away:
                raise UnknownOutcome("no answer")
            if self.full:
                raise NotReady("oom", "full")
            if self.refuses in payload:
                raise ServerError("no")
            return really(LOGS, payload)

        log.append = append  # type: ignore[method-assign]
        return log

    def lines(self) -> list[LogLine]:
        entries = self.memory.log("cli").entries(LOGS, count=100_000)
        return [decode_log_line(fields[1]) for _, fields in entries]

    def events(self) -> list[str]:
        return [line.event for line in self.lines()]


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of a service waits for its last lines, however busy the machine is."""
    monkeypatch.setattr("mdhub.runtime.log_shipping.LAST_S", 20.0)


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.answers.set()


@pytest.fixture
def logger() -> Logger:
    return Logger("ingest", "A", io.StringIO())


def written(logger: Logger) -> list[dict[str, object]]:
    stream = logger._log._logger.stream
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_in_the_stream_as_on_stderr(server: Server, logger: Logger) -> None:
    """With level, service, instance, fields, and the command it comes of."""
    with shipped(logger, server.log, LOGS), correlated("c1"):
        logger.warning("source_died", exit_code=-9, source="A")
    (line,) = server.lines()
    (shown,) = written(logger)
    fields = {"instance": "A", "exit_code": -9, "source": "A"}
    assert line == LogLine(
        1, int(str(shown["ts_ns"])), "warning", "ingest", "source_died", "c1", fields
    )


def test_who_logs_never_waits_for_a_server_that_hangs(
    server: Server, logger: Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does the end of the service, beyond half a second."""
    monkeypatch.setattr("mdhub.runtime.log_shipping.LAST_S", 0.5)
    server.answers.clear()
    with shipped(logger, server.log, LOGS):
        began_s = time.monotonic()
        for i in range(2_000):
            logger.error("log_unavailable", attempt=i)
        logged_s = time.monotonic() - began_s
        ended_s = time.monotonic()
    assert logged_s < 10.0  # the server hangs for 30 s
    assert time.monotonic() - ended_s < 10.0


def test_lines_of_an_outage_come_when_the_server_is_back(server: Server, logger: Logger) -> None:
    """In their order, each once, also where the server was full."""
    with shipped(logger, server.log, LOGS) as shipper:
        server.away = True
        for i in range(3):
            name = f"away {i}"
            logger.warning(name)
        until(lambda: shipper._backoff.attempts >= 2, "attempts while away")
        server.away, server.full = False, True
        logger.warning("full")
        until(lambda: server.asked >= 4, "attempts while full")
        server.full = False
        until(lambda: len(server.lines()) == 4, "the lines")
    assert server.events() == ["away 0", "away 1", "away 2", "full"]
    assert shipper.dropped == 0


def test_what_the_queue_cannot_hold_is_counted_and_said(server: Server, logger: Logger) -> None:
    """The beginning of a trouble is kept: it says why."""
    shipper = Shipper(logger, server.log, LOGS)
    head = {"ts_ns": 1, "level": "info", "service": "ingest", "instance": "A"}
    for i in range(QUEUE_LINES + 70):
        shipper.put({**head, "event": f"e{i}"})
    shipper.start()
    until(lambda: "lines_not_shipped" in server.events(), "the count")
    shipper.close()
    lines = server.lines()
    assert [lines[0].event, lines[QUEUE_LINES - 1].event] == ["e0", f"e{QUEUE_LINES - 1}"]
    assert len(lines) == QUEUE_LINES + 1
    assert lines[-1].fields["lines"] == shipper.dropped == 70


def test_a_line_that_the_server_refuses_does_not_hold_up_the_others(
    server: Server, logger: Logger
) -> None:
    """After some attempts it is left out, counted."""
    server.refuses = b"poison"
    with shipped(logger, server.log, LOGS) as shipper:
        logger.info("poison")
        logger.info("next")
        until(lambda: "next" in server.events(), "the next line")
        until(lambda: "lines_not_shipped" in server.events(), "the count")
    assert shipper.dropped == 1


def test_a_flood_costs_bounded_memory_and_is_said(server: Server, logger: Logger) -> None:
    """50,000 lines while the server is away: neither queue nor counts grow with them."""
    logger.info("first")
    server.away = True
    with shipped(logger, server.log, LOGS) as shipper:
        tracemalloc.start()
        for i in range(50_000):
            logger.warning("loop", reason="the same thing again", attempt=i)
        used_bytes, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert len(shipper._waiting) <= QUEUE_LINES
        assert used_bytes < 2_000_000
        server.away = False
        until(lambda: accounted(server) == 50_000, "every line to be accounted for")
    assert len(server.lines()) < 1_000


def accounted(server: Server) -> int:
    """Lines of the flood in the stream, and those it says were left out."""
    lines = [line for line in server.lines() if line.event in {"loop", "lines_left_out"}]
    told = [line.fields.get("left_out", 0) + line.fields.get("lines", 0) for line in lines]
    return int(sum(told)) + sum(line.event == "loop" for line in lines)


def test_a_huge_line_is_named_not_shipped_whole(server: Server, logger: Logger) -> None:
    """The stream is for people."""
    with shipped(logger, server.log, LOGS):
        logger.info("huge", **{f"f{i}": "x" * 2_000 for i in range(50)})
    (line,) = server.lines()
    assert line.fields["too_long_bytes"] > 16_384


def test_libraries_warnings_and_threads_speak_through_the_logger(
    server: Server, logger: Logger, capfd: pytest.CaptureFixture[str]
) -> None:
    """Nothing of theirs stands beside our lines; a format string that is wrong is told too."""
    with shipped(logger, server.log, LOGS):
        library = logging.getLogger("some.library")
        library.warning("slow: %d ms", 5)
        library.error("wrong: %d", "x")
        library.debug("not of interest")
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn("old way", DeprecationWarning, stacklevel=1)
        thread = threading.Thread(target=lambda: 1 // 0, name="worker")
        thread.start()
        thread.join()
    found = [(line.level, line.event) for line in server.lines()]
    assert found == [
        ("warning", "library"), ("error", "library"), ("warning", "library"), ("error", "crashed"),
    ]  # fmt: skip
    crash = server.lines()[-1].fields
    assert (crash["where"], crash["cause"]) == ("worker", "ZeroDivisionError")
    assert "1 // 0" in crash["trace"]
    assert "".join(capfd.readouterr()) == ""


def test_what_ends_a_service_is_its_last_line(
    server: Server, logger: Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the stream too, once, and the exception still ends it."""
    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)

    def fail() -> None:
        raise KeyError("n")

    with pytest.raises(KeyError) as found, shipped(logger, server.log, LOGS):
        fail()
    (line,) = server.lines()
    assert (line.event, line.level, line.fields["cause"]) == ("crashed", "error", "KeyError")
    stderr = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stderr)
    sys.excepthook(KeyError, found.value, None)
    assert stderr.getvalue() == ""
