"""Pauses grow to a ceiling, with jitter, and begin anew after a success."""

from __future__ import annotations

from itertools import pairwise
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from mdhub.runtime.backoff import Backoff


class Highest(Random):
    """Always draws the most."""

    def random(self) -> float:
        return 0.9999999


@settings(deadline=None)
@given(
    st.floats(0.001, 10.0), st.floats(0.001, 100.0), st.integers(0, 2_000), st.integers(0, 1 << 32)
)
def test_a_pause_is_within_bounds(
    first_s: float, ceiling_s: float, attempts: int, seed: int
) -> None:
    """At least half of what is due, never more than it, never more than the ceiling."""
    backoff = Backoff(first_s=first_s, ceiling_s=ceiling_s, random=Random(seed))
    backoff.attempts = attempts
    due_s = min(ceiling_s, first_s * 2.0 ** min(attempts, 30))
    assert due_s / 2 <= backoff.next_s() <= due_s
    assert backoff.attempts == attempts + 1


def test_pauses_double_up_to_the_ceiling() -> None:
    """Without jitter each is twice the one before."""
    backoff = Backoff(first_s=0.1, ceiling_s=1.0, random=Highest())
    pauses = [backoff.next_s() for _ in range(8)]
    assert all(a <= b <= 2.001 * a for a, b in pairwise(pauses))
    assert [round(pause, 3) for pause in pauses[:5]] == [0.1, 0.2, 0.4, 0.8, 1.0]
    assert max(pauses) <= 1.0


def test_a_success_begins_anew() -> None:
    """The next failure is the first again."""
    backoff = Backoff(first_s=0.1, ceiling_s=1.0, random=Highest())
    for _ in range(5):
        backoff.next_s()
    backoff.reset()
    assert backoff.next_s() <= 0.1
