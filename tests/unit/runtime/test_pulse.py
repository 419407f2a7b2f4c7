"""A child whose main loop stands still is killed and replaced; others are let alone."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator

import pytest

from mdhub.runtime.keeper import AWAY_S, ChildSpec, ChildState
from mdhub.runtime.pulse import PULSE_VARIABLE, Pulse, PulseReader
from tests.support.wait import until
from tests.unit.runtime.test_keeper import Clock, Desk

pytestmark = pytest.mark.process

BEATS_ONCE = """
import os, time
os.write(int(os.environ["MDHUB_PULSE_FD"]), b".")
time.sleep(600)
"""
NEVER_BEATS = "import time; time.sleep(600)"


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = Desk()
    yield desk
    desk.keeper.stop()


def child(desk: Desk, program: str) -> ChildState:
    command = [sys.executable, "-c", program]
    spec = ChildSpec("child", lambda _: command, hung_after_s=5.0, first_pulse_s=20.0)
    state = desk.keeper.want(spec)
    desk.start(state)
    return state


def wait_beat(state: ChildState, clock: Clock) -> None:
    pulse = state.pulse
    assert pulse is not None
    until(lambda: pulse.silent_s(clock.now_s) == 0, "the first beat")


def pass_time(desk: Desk, seconds: float) -> None:
    """Turn by turn, as a keeper that is at work."""
    for _ in range(round(seconds / 0.5)):
        desk.clock.now_s += 0.5
        desk.keeper.converge()


def test_a_child_without_a_pulse_is_killed_and_replaced(desk: Desk) -> None:
    """SIGKILL after the time agreed; the keeper knows why it died."""
    state = child(desk, BEATS_ONCE)
    wait_beat(state, desk.clock)
    pass_time(desk, 4.5)
    assert (state.hung, state.process is None) == (0, False)
    pass_time(desk, 1.0)
    desk.wait_exit(state)
    assert (state.hung, state.died_hung, desk.exits) == (1, True, [-signal.SIGKILL])
    desk.start(state)
    assert (state.died_hung, state.starts) == (False, 2)


def test_the_first_beat_may_take_longer(desk: Desk) -> None:
    """A child that still starts has no main loop yet."""
    state = child(desk, NEVER_BEATS)
    pass_time(desk, 19.5)
    assert state.hung == 0
    pass_time(desk, 1.0)
    assert state.hung == 1


def test_a_keeper_that_was_away_judges_nobody_for_it(desk: Desk) -> None:
    """What it could not see it does not hold against the child."""
    state = child(desk, BEATS_ONCE)
    wait_beat(state, desk.clock)
    desk.keeper.converge()
    desk.clock.now_s += 60 * AWAY_S
    desk.keeper.converge()
    assert state.hung == 0
    pass_time(desk, 5.5)
    assert state.hung == 1


def test_a_child_that_keeps_hanging_is_given_up(desk: Desk) -> None:
    """Being killed for a still pulse is a failure like any other."""
    command = [sys.executable, "-c", NEVER_BEATS]
    spec = ChildSpec(
        "child", lambda _: command, hung_after_s=2.0, first_pulse_s=2.0, give_up_after=2
    )
    state = desk.keeper.want(spec)
    for _ in range(2):
        desk.start(state)
        pass_time(desk, 2.5)
        desk.wait_exit(state)
    assert (state.quarantined, state.hung) == (True, 2)


def test_beats_reach_the_parent_and_never_block() -> None:
    """However many, and also when nobody reads or the parent is gone."""
    clock = Clock()
    reader = PulseReader(clock.now_s)
    os.set_blocking(reader.child_end, False)
    pulse = Pulse(os.dup(reader.child_end), monotonic=clock)
    reader.close_child_end()
    assert reader.silent_s(clock.now_s + 7) == 7
    for _ in range(100_000):
        clock.now_s += 0.3
        pulse.beat()
    assert pulse.silent_s() == 0
    assert reader.silent_s(clock.now_s) == 0
    reader.close()
    clock.now_s += 1
    pulse.beat()
    clock.now_s += 3
    assert pulse.silent_s() == 3


def test_pulse_is_asked_for_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Grandchildren do not inherit it; without a parent beats go nowhere."""
    reader = PulseReader(0.0)
    monkeypatch.setenv(PULSE_VARIABLE, str(os.dup(reader.child_end)))
    pulse = Pulse.of_environment()
    assert PULSE_VARIABLE not in os.environ

    def heard() -> bool:
        pulse.beat()
        return reader.silent_s(1.0) == 0

    until(heard, "the beat")
    reader.close()
    Pulse.of_environment().beat()
