"""The anchored clock runs forward only."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from mdhub.runtime.clock import AnchoredClock

SECOND_NS = 1_000_000_000


class Host:
    """A host whose two clocks are set by hand."""

    def __init__(self) -> None:
        self.wall_ns = 1_700_000_000 * SECOND_NS
        self.monotonic_ns = 5

    def clock(self) -> AnchoredClock:
        return AnchoredClock(wall=lambda: self.wall_ns, monotonic=lambda: self.monotonic_ns)

    def passes(self, ns: int) -> None:
        self.wall_ns += ns
        self.monotonic_ns += ns


def test_it_starts_at_the_system_clock_and_runs_with_time() -> None:
    """Anchored when made."""
    host = Host()
    clock, start_ns = host.clock(), host.wall_ns
    host.passes(3 * SECOND_NS)
    assert clock.now_ns() == start_ns + 3 * SECOND_NS


def test_a_system_clock_set_back_moves_nothing() -> None:
    """Also not when the anchor is renewed."""
    host = Host()
    clock, start_ns = host.clock(), host.wall_ns
    host.wall_ns -= 3_600 * SECOND_NS
    assert clock.reanchor() == 0
    assert clock.now_ns() == start_ns


def test_a_system_clock_set_ahead_is_followed_on_request() -> None:
    """The jump is reported."""
    host = Host()
    clock, start_ns = host.clock(), host.wall_ns
    host.wall_ns += 7 * SECOND_NS
    assert clock.now_ns() == start_ns
    assert clock.reanchor() == 7 * SECOND_NS
    assert clock.now_ns() == start_ns + 7 * SECOND_NS


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(-(10**15), 10**15), st.integers(0, 10**12), st.booleans())))
def test_it_never_goes_back(steps: list[tuple[int, int, bool]]) -> None:
    """Whatever the system clock does, and whenever the anchor is renewed."""
    host = Host()
    clock = host.clock()
    seen_ns = clock.now_ns()
    for wall_step_ns, passed_ns, renew in steps:
        host.wall_ns += wall_step_ns
        host.passes(passed_ns)
        if renew:
            clock.reanchor()
        assert clock.now_ns() >= seen_ns
        seen_ns = clock.now_ns()


def test_it_follows_the_real_clocks() -> None:
    """By default it reads those of the host."""
    clock = AnchoredClock()
    first_ns = clock.now_ns()
    assert 0 <= clock.now_ns() - first_ns < 60 * SECOND_NS
