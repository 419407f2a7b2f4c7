"""A hidden queue is told from old snapshots and from clocks that differ."""

from __future__ import annotations

from mdhub_ingest.gateways.backlog import HOLDS_S, LARGE_MS, Backlog


def run(backlog: Backlog, ages: list[tuple[float, int]]) -> list[bool]:
    said = [backlog.step(age_ms, now_s) for now_s, age_ms in ages]
    return [each for each in said if each is not None]


def growing(start_s: float, seconds: int) -> list[tuple[float, int]]:
    return [(start_s + i / 10, 100 * i) for i in range(seconds * 10)]


def test_it_comes_and_goes_once() -> None:
    """Grown over 20 s, gone for 20 s."""
    backlog = Backlog()
    ages = growing(0.0, 20) + [(20.0 + i / 10, 100) for i in range(200)]
    assert run(backlog, ages) == [True, False]


def test_snapshots_after_a_subscription_are_no_backlog() -> None:
    """Older than anything that could have waited since the last fresh tick."""
    backlog = Backlog()
    fresh = [(i / 10, 100) for i in range(50)]
    old = [(5.0 + i / 10, 9_000_000) for i in range(100)]
    assert run(backlog, fresh + old) == []


def test_a_clock_that_is_wrong_from_the_start_is_no_backlog() -> None:
    """It never was small."""
    assert run(Backlog(), [(i / 10, 3 * LARGE_MS) for i in range(500)]) == []


def test_a_moment_is_no_backlog() -> None:
    """It must hold."""
    backlog = Backlog()
    fresh = [(i / 10, 100) for i in range(100)]
    spike = [(10.0 + i / 10, LARGE_MS + 100) for i in range(int(HOLDS_S * 10) - 2)]
    assert run(backlog, [*fresh, *spike, (13.5, 100)]) == []


def test_turns_without_a_tick_say_nothing() -> None:
    """An old tick seen again does not grow older."""
    backlog = Backlog()
    assert backlog.step(None, 0.0) is None
