"""What is usual for a contract is learned, bounded and kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdhub.wire.codec import DecodeError, encode
from mdhub_monitor.learn import BREAK_MS, FULL, Habit, decode_habits, encode_habits

gaps = st.lists(st.integers(-10, 2 * BREAK_MS), max_size=300)


@given(gaps)
def test_the_usual_gap_is_near_the_longest_of_few(found: list[int]) -> None:
    """With fewer than a thousand gaps none was longer, and the bound is at most half above."""
    habit = Habit()
    for gap_ms in found:
        habit.learn(gap_ms)
    learned = [gap for gap in found if 0 < gap < BREAK_MS]
    assert habit.total == len(learned)
    if learned:
        assert max(learned) <= habit.usual_ms() <= max(1.5 * max(learned), 2)


def test_one_gap_in_a_thousand_is_not_usual() -> None:
    """Three pauses of a minute among four thousand gaps of half a second."""
    habit = Habit()
    for i in range(4_000):
        habit.learn(60_000 if i % 1_400 == 1_399 else 500)
    assert habit.usual_ms() < 1_000


@given(st.integers(0, 3 * FULL))
def test_a_habit_is_bounded_and_follows_its_contract(amount: int) -> None:
    """Counts stay below the bound; what was long ago fades."""
    habit = Habit()
    for _ in range(amount):
        habit.learn(500)
    assert habit.total < FULL


def test_what_was_learned_is_kept() -> None:
    """Over a restart of the monitor."""
    habit = Habit()
    for _ in range(4_000):
        habit.learn(1_500)
    kept = decode_habits(encode_habits({"rb2701": habit, "empty": Habit()}))
    assert set(kept) == {"rb2701"}
    assert kept["rb2701"].usual_ms() == habit.usual_ms()
    assert kept["rb2701"].settled


@pytest.mark.parametrize("data", [b"", b"\xc1", encode({"a": [-1]}), encode({"a": [1] * 99})])
def test_a_damaged_file_is_refused(data: bytes) -> None:
    """It is never half believed."""
    with pytest.raises(DecodeError):
        decode_habits(data)


def test_an_opening_does_not_settle_a_habit() -> None:
    """A hundred quick gaps are known beside others, and not believed alone."""
    habit = Habit()
    for _ in range(150):
        habit.learn(500)
    assert habit.known
    assert not habit.settled
