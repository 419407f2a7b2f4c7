"""What a process shows over HTTP, and what it takes to be alive and ready."""

from __future__ import annotations

import argparse
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from mdhub.metrics.histogram import Histogram
from mdhub.metrics.sample import Sample
from mdhub.runtime.health_http import HealthServer, exposition
from mdhub.runtime.metrics import (
    ALIVE_S,
    FRESH_S,
    Address,
    Board,
    add_metrics_option,
    serve_metrics,
)


class Time:
    """A clock that is set."""

    s = 100.0

    def __call__(self) -> float:
        return self.s


class Lines:
    """Keeps what is logged."""

    def __init__(self) -> None:
        self.said: list[tuple[str, dict[str, Any]]] = []

    def error(self, event: str, /, **fields: Any) -> None:
        self.said.append((event, fields))


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def board(time: Time) -> Board:
    return Board("arbiter:A", monotonic=time)


@pytest.fixture
def server(board: Board) -> Iterator[HealthServer]:
    histogram = Histogram()
    histogram.observe(3_000_000)
    more = (Sample("mdhub_source_log_seconds", ('a "name"\n',), histogram),)
    serving = HealthServer(Address("127.0.0.1", 0), board, lambda: more)
    yield serving
    serving.close()


def get(server: HealthServer, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=5) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_metrics_are_rendered_for_prometheus(board: Board, server: HealthServer) -> None:
    """Counters of the heartbeat, histograms, and memory of the process; labels are escaped."""
    board.say("leading", {"n": 5, "accepted:A": 2})
    status, text = get(server, "/metrics")
    assert status == 200
    assert 'mdhub_arbiter_n{member="arbiter:A"} 5.0' in text
    assert (
        'mdhub_arbiter_verdicts_total{member="arbiter:A",source="A",verdict="accepted"} 2.0' in text
    )
    assert 'mdhub_source_log_seconds_bucket{le="0.005",source="a \\"name\\"\\n"} 1.0' in text
    assert "mdhub_source_log_seconds_sum" in text
    assert "process_resident_memory_bytes" in text


def test_who_has_not_begun_is_alive_and_not_ready(server: HealthServer) -> None:
    """Nobody restarts a process because it starts."""
    assert get(server, "/healthz") == (200, "arbiter:A: ok\n")
    assert get(server, "/readyz") == (503, "arbiter:A: state is starting\n")


@pytest.mark.parametrize("state", ["leading", "standby", "ok", "running", "watching"])
def test_who_works_is_ready_as_long_as_it_says_so(
    board: Board, server: HealthServer, time: Time, state: str
) -> None:
    """What was said too long ago counts no more: the log is away, or the loop stands still."""
    board.say(state, {})
    assert get(server, "/readyz")[0] == 200
    time.s += FRESH_S + 1
    assert get(server, "/readyz") == (
        503, f"arbiter:A: state was {state} 4 s ago; nothing was said since\n",
    )  # fmt: skip


@pytest.mark.parametrize("state", ["stalled", "holding", "ineligible", "waiting", "ended"])
def test_who_cannot_work_is_not_ready(board: Board, server: HealthServer, state: str) -> None:
    """It says which state it is in."""
    board.say(state, {})
    assert get(server, "/readyz") == (503, f"arbiter:A: state is {state}\n")
    assert get(server, "/healthz")[0] == 200


def test_a_loop_that_stands_still_is_dead(board: Board, server: HealthServer, time: Time) -> None:
    """Until it comes round again."""
    time.s += ALIVE_S + 1
    assert get(server, "/healthz") == (
        503, "arbiter:A: the main loop has stood still for 61 s\n",
    )  # fmt: skip
    board.round()
    assert get(server, "/healthz")[0] == 200


def test_a_loop_may_have_a_sign_of_life_of_its_own(board: Board, server: HealthServer) -> None:
    """A source's pulse counts in place of the board's rounds."""
    board.follow(lambda: ALIVE_S + 3)
    board.round()
    assert get(server, "/healthz")[1].endswith("stood still for 63 s\n")


def test_other_paths_are_told_what_there_is(server: HealthServer) -> None:
    """404, and the three paths."""
    assert get(server, "/") == (404, "expected /metrics, /healthz or /readyz\n")


def test_a_client_that_says_nothing_keeps_nobody_out(board: Board, server: HealthServer) -> None:
    """It is left after 2 s, and one that goes away in the middle does no harm."""
    with socket.create_connection(("127.0.0.1", server.port)):
        assert get(server, "/healthz")[0] == 200
    gone = socket.create_connection(("127.0.0.1", server.port))
    gone.send(b"GET /metrics HTTP/1.0\r\n")
    gone.close()
    assert get(server, "/healthz")[0] == 200


def test_a_port_that_is_taken_stops_nobody(board: Board, server: HealthServer) -> None:
    """Ticks matter more: an ERROR line, and the process works without."""
    lines = Lines()
    serve_metrics(Address("127.0.0.1", server.port), board, lines).close()
    assert [event for event, _ in lines.said] == ["no_metrics"]
    assert f"127.0.0.1:{server.port}" in lines.said[0][1]["reason"]


@pytest.mark.parametrize(
    ("text", "address"),
    [("9464", ("127.0.0.1", 9464)), ("0.0.0.0:9464", ("0.0.0.0", 9464)), ("0", ("127.0.0.1", 0))],  # noqa: S104
)
def test_the_option_takes_a_port_and_perhaps_an_address(
    text: str, address: tuple[str, int]
) -> None:
    """Loopback unless an address is given."""
    parser = argparse.ArgumentParser()
    add_metrics_option(parser)
    assert parser.parse_args(["--metrics", text]).metrics == address
    assert parser.parse_args([]).metrics.port == 0


@pytest.mark.parametrize("text", ["", "x", "70000", "127.0.0.1:", "-1"])
def test_the_option_refuses_what_is_no_port(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With what it expected."""
    parser = argparse.ArgumentParser()
    add_metrics_option(parser)
    with pytest.raises(SystemExit):
        parser.parse_args([f"--metrics={text}"])
    assert "expected such as 9464" in capsys.readouterr().err


def test_nothing_is_opened_without_a_port(board: Board) -> None:
    """Port 0 is nowhere, not any port."""
    lines = Lines()
    serve_metrics(Address(), board, lines).close()
    assert lines.said == []


def test_samples_of_one_metric_are_one_family() -> None:
    """However they are mixed: Prometheus refuses a metric that begins twice."""
    mixed = [
        Sample("mdhub_counts", ("m", "a"), 1),
        Sample("mdhub_ready", ("m",), 1),
        Sample("mdhub_counts", ("m", "b"), 2),
    ]
    assert exposition(lambda: mixed).decode().count("# TYPE mdhub_counts gauge") == 1
