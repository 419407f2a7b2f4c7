"""Fronts that go, come back, fall silent, flap or hang; processes that die. Ticks go on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Literal

import pytest

from tests.gateways.front.front import Front
from tests.gateways.front.market import future
from tests.gateways.harness import Installation
from tests.gateways.scenarios.following import MORNING, Steps, strategy
from tests.gateways.scenarios.hub import NewHub, RunningHub, Source
from tests.integration.running import Strategy

pytestmark = [pytest.mark.gateways, pytest.mark.process, pytest.mark.timeout(90)]

Playing = tuple[RunningHub, Front, Steps, Strategy]


@pytest.fixture
def playing(hub: NewHub) -> Iterator[Playing]:
    """A hub with one CTP source, whose first tick has reached a strategy."""
    with Front([future("rb2701", "SHFE")]) as front:
        source = Source(name="CTP1", front=front)
        running = hub(source)
        running.market(MORNING)
        running.ready(source)
        with strategy(running) as follower:
            steps = Steps(running, follower, front, "rb2701")
            steps.through()
            yield running, front, steps, follower


def test_a_dropped_front_comes_back_with_its_subscriptions(playing: Playing) -> None:
    """Each side lost in turn: told with its reason, logged in and subscribed anew, same process."""
    running, front, steps, _ = playing
    pid = running.pid("CTP1")
    for side, reason in (("md", 8193), ("td", 4097)):
        front.drop(side, reason)
        running.wait_change("CTP1", "connection_lost", side=side, code=reason)
        front.wait_request("ReqUserLogin", side, count=2)
    running.ready(Source(name="CTP1", front=front))
    steps.through()
    assert running.pid("CTP1") == pid


def test_crashed_processes_are_replaced(hub: NewHub) -> None:
    """The library ends the process, by signal or exit: others log in, and their ticks go on."""
    ways: dict[str, tuple[Literal["segv", "abort"] | int, int]] = {
        "SEGV": ("segv", -11),
        "ABORT": ("abort", -6),
        "EXIT": (7, 7),
    }
    with ExitStack() as stack:
        sources = [
            Source(name=name, front=stack.enter_context(Front([future(f"rb270{n}", "SHFE")])))
            for n, name in enumerate(ways, 1)
        ]
        running = hub(*sources)
        running.market(MORNING)
        running.ready(*sources)
        follower = stack.enter_context(strategy(running))
        steps = [
            Steps(running, follower, source.front, f"rb270{n}")
            for n, source in enumerate(sources, 1)
        ]
        for source, step in zip(sources, steps, strict=True):
            step.through()
            source.front.crash("md", ways[source.name][0])
        for source, step in zip(sources, steps, strict=True):
            told = running.wait_change(source.name, "replaced", within_s=30)
            assert told.body["after"] == f"exit code {ways[source.name][1]}"
            source.front.wait_hello("md", count=2)
            running.ready(source)
            step.through()


def test_a_library_that_hangs_is_killed_and_replaced(playing: Playing) -> None:
    """A request that never returns holds the GIL: the pulse stops, the supervisor acts."""
    running, front, steps, _ = playing
    pid = running.pid("CTP1")
    front.hang("md", 3600)
    front.drop("md", 4097)  # the login of the reconnection blocks
    running.wait_replaced("CTP1", pid)
    running.wait_change("CTP1", "replaced", after="hung")
    running.ready(Source(name="CTP1", front=front))
    steps.through()


def test_a_flapping_front_floods_nothing(hub: NewHub, installed: Installation) -> None:
    """A front that closes every connection: few events, few log lines, and ticks once it behaves.

    The older library makes 1,500 connections a second of it, the newer one waits a second.
    """
    source = "CTP1"
    with Front([future("rb2701", "SHFE")]) as front:
        front.flapping("md")
        running = hub(Source(name=source, front=front))

        if installed.name == "pinned":
            running.wait_change(source, "flapping")
        else:
            front.wait_hello("md", count=4)

        front.behave("md")
        running.ready(Source(name=source, front=front))
        assert len(running.changes(source)) < 20
        assert len(running.output().splitlines()) < 150
