"""Real processes: a publisher killed, a strategy stopped, and the cause that is told."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import mdhub
from mdhub import Cause, Outcome
from mdhub.demo.market import SimDemo
from mdhub.host.ports import free_port_pair
from mdhub.host.stack import Host, HubPlan, Publisher
from mdhub.streams.memory import MemoryServer
from tests.integration.clean_writer import CleanWriter
from tests.integration.running import RunningPublisher, Strategy, free_port
from tests.support.wait import until

pytestmark = [pytest.mark.process, pytest.mark.timeout(90)]

CLIENT = """
import json, sys
import mdhub

with mdhub.connect(sys.argv[1]) as hub:
    for d in hub.deliveries("*"):
        gaps = [[gap.cause, gap.outcome] for gap in hub.gaps]
        print(json.dumps([d.n, gaps]), flush=True)
"""


@pytest.fixture
def hub() -> Iterator[tuple[Host, list[str]]]:
    """A hub with a market of 500 ticks/s and two publishers."""
    with tempfile.TemporaryDirectory(prefix="mdhub-repair-") as folder:
        plan = HubPlan(
            folder=Path(folder),
            profile="fast",
            publishers=(Publisher("A", free_port_pair()), Publisher("B", free_port_pair())),
            sources=(json.dumps(SimDemo(20261121, 500.0, 60.0).sources()[0]),),
        )
        host = Host(plan)
        try:
            host.start_server()
            host.start("arbiter", "publisher")
            host.start("ingest")
            yield host, [f"tcp://127.0.0.1:{each.port}" for each in plan.publishers]
        finally:
            host.stop()


def test_a_killed_publisher_costs_a_client_of_two_nothing(
    hub: tuple[Host, list[str]],
) -> None:
    """Who follows only the one that was killed gets all of it later, and is told why."""
    host, (first, second) = hub
    with (
        Strategy(mdhub.connect(first, second), "*") as both,
        Strategy(mdhub.connect(first), "*") as one,
    ):
        until(lambda: min(len(both.got), len(one.got)) > 300, "ticks")
        child = host.keeper.kill("publisher A")
        assert child is not None
        killed_n = both.got[-1].n
        until(lambda: both.got[-1].n > killed_n + 200, "ticks after the kill")

        def back() -> bool:
            host.keeper.converge()
            return one.got[-1].n > killed_n + 200 and bool(one.hub.gaps)

        until(back, "the publisher to be replaced, and what was missed told behind it")
        for strategy in (both, one):
            numbers = strategy.numbers
            assert numbers == sorted(set(numbers))
            assert not strategy.hub.statistics.unrecovered
        common = [n for n in one.numbers if n >= both.numbers[0]]
        assert common == [n for n in both.numbers if common[0] <= n <= common[-1]]
        assert not both.hub.gaps
        assert {(gap.cause, gap.outcome) for gap in one.hub.gaps} == {
            (Cause.PUBLISHER, Outcome.RECOVERED)
        }


def test_a_stopped_strategy_repairs_itself_and_is_told_that_it_was_slow() -> None:
    """SIGSTOP for longer than the publisher waits; after SIGCONT all is there, in order."""
    writer = CleanWriter(MemoryServer())
    writer.lead()
    ended = threading.Event()

    def market() -> None:
        while not ended.wait(0.01):
            writer.tick(*["rb2610.SHFE"] * 20)

    with RunningPublisher(writer.server, free_port(), ring=100_000) as publisher:
        client = subprocess.Popen(
            [sys.executable, "-c", CLIENT, publisher.endpoint], stdout=subprocess.PIPE, text=True
        )
        thread = threading.Thread(target=market)
        thread.start()
        try:
            assert client.stdout is not None
            lines = iter(client.stdout)
            numbers = [json.loads(next(lines))[0]]
            os.kill(client.pid, signal.SIGSTOP)
            stopped_n = writer.n
            disconnected = threading.Event()
            disconnected.wait(2.5)  # heartbeats of the connection go unanswered meanwhile
            os.kill(client.pid, signal.SIGCONT)
            resumed_n = writer.n
            gaps: list[list[str]] = []
            while numbers[-1] < resumed_n + 1_000:
                n, gaps = json.loads(next(lines))
                numbers.append(n)
        finally:
            ended.set()
            client.kill()
            client.communicate()
            thread.join()
        assert resumed_n > stopped_n + 1_000
        assert numbers == list(range(numbers[0], numbers[-1] + 1))
        assert [list(gap) for gap in {tuple(gap) for gap in gaps}] == [["slow_reader", "recovered"]]
