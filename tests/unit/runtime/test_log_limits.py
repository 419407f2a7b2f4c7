"""A flood of lines is bounded, and what was left out is said."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mdhub.runtime.log_limits import (
    BURST,
    EVENT_BURST,
    EVENT_PER_S,
    EVENTS,
    LINES_PER_S,
    LineLimits,
)


def test_one_event_in_a_loop_is_bounded_and_says_how_much_was_left_out() -> None:
    """A burst passes; then so many a second, the first with the count of those before it."""
    limits = LineLimits(0.0)
    passed = [limits.admit("loop", 0.0, error=False) for _ in range(EVENT_BURST + 1_000)]
    assert passed == [0] * EVENT_BURST + [None] * 1_000
    later = [limits.admit("loop", 1.0, error=False) for _ in range(1_000)]
    assert later == [1_000] + [0] * (EVENT_PER_S - 1) + [None] * (1_000 - EVENT_PER_S)


def test_an_event_in_a_loop_does_not_hide_the_others() -> None:
    """Each event has an allowance of its own."""
    limits = LineLimits(0.0)
    for _ in range(10_000):
        limits.admit("loop", 0.0, error=False)
    assert limits.admit("leading", 0.0, error=False) == 0


def test_many_events_together_are_bounded_too() -> None:
    """So is a loop that invents names, which are not remembered without end."""
    limits = LineLimits(0.0)
    passed = [limits.admit(f"event {i}", 0.0, error=False) for i in range(10_000)]
    assert sum(each is not None for each in passed) <= BURST
    assert len(limits._events) <= EVENTS + 2
    assert limits.admit("stopped", 0.0, error=True) is not None


def test_what_no_later_line_tells_of_is_told_once() -> None:
    """A flood that just ends is said all the same, when it has been quiet for a second."""
    limits = LineLimits(0.0)
    for _ in range(EVENT_BURST + 70):
        limits.admit("loop", 0.0, error=False)
    assert limits.untold(0.5) == {}
    assert limits.untold(1.0) == {"loop": 70}
    assert limits.untold(9.0) == {}


@given(
    st.lists(st.tuples(st.sampled_from("abcde"), st.floats(0, 0.2), st.booleans()), max_size=300)
)
def test_every_line_is_either_admitted_or_told_of(lines: list[tuple[str, float, bool]]) -> None:
    """Nothing is swallowed, and no more passes than the bounds allow."""
    limits, now_s, admitted, told = LineLimits(0.0), 0.0, 0, 0
    for name, pause_s, error in lines:
        for _ in range(20):
            left_out = limits.admit(name, now_s, error=error)
            admitted += left_out is not None
            told += left_out or 0
        now_s += pause_s
    told += sum(limits.untold(now_s + 10).values())
    assert admitted + told == 20 * len(lines)
    assert admitted <= 2 * (BURST + LINES_PER_S * now_s + 1)
