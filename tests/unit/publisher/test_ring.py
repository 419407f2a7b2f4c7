"""The replay ring keeps the newest entries, within its bounds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mdhub_publisher.ring import Ring
from tests.unit.publisher.entries import clean, tick_entry


@given(steps=st.lists(st.integers(1, 3), max_size=60), size=st.integers(1, 8))
def test_the_newest_entries_are_found_by_n(steps: list[int], size: int) -> None:
    """Whatever holes n has, the ring holds what fits in its range, and nothing else."""
    ring, n, put = Ring(max_entries=size), 0, []
    for step in steps:
        n += step
        put.append(n)
        ring.put(clean(tick_entry(n)))
    held = [i for i in range(n + 2) if ring.get(i) is not None]
    assert held == [i for i in put if i > n - size]
    assert ring.dropped == len(put) - len(held)
    if put:
        assert ring.first_n <= held[0]
        assert ring.last_n == n


def test_bytes_bound_the_ring_too() -> None:
    """The oldest entries go when the payloads get too many; the newest always stays."""
    ring = Ring(max_entries=100, max_bytes=1_500)
    for n in range(1, 21):
        ring.put(clean(tick_entry(n)))
    assert 15 < ring.first_n <= 20
    assert ring.get(20) is not None
    assert ring.dropped == ring.first_n - 1
