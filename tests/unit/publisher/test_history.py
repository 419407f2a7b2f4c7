"""Where what a publisher has sent and what the log says now part."""

from __future__ import annotations

import pytest

from mdhub_publisher.history import parted_n

History = list[tuple[int, int]]


@pytest.mark.parametrize(
    ("before", "after", "parts"),
    [
        pytest.param([], [(10, 0)], [0], id="nothing was sent: everything is new"),
        pytest.param([(10, 0), (20, 7)], [(10, 0), (20, 7)], [], id="the same"),
        pytest.param([(10, 0)], [(10, 0), (20, 7)], [7], id="a later epoch"),
        pytest.param([(10, 0), (20, 7)], [(10, 0), (30, 5)], [7, 5], id="ours was cut off"),
        pytest.param([(10, 0), (30, 7)], [(10, 0), (20, 5)], [7, 5], id="by an earlier one"),
        pytest.param(
            [(10, 0), (40, 7)], [(10, 0), (20, 5), (30, 9)], [7, 5, 9], id="and by two of them"
        ),
        pytest.param([(10, 0)], [(20, 3)], [0], id="nothing in common"),
        pytest.param(
            [(10, 0), (20, 7), (30, 9)], [(20, 7), (30, 9), (40, 11)], [11], id="the oldest left"
        ),
    ],
)
def test_histories_part_after_the_last_epoch_of_both(
    before: History, after: History, parts: list[int]
) -> None:
    """Whatever the order of their numbers: a server's clock may be behind the one before."""
    assert parted_n(before, after) == parts
