"""Progress of long work."""

from __future__ import annotations

import io

from rich.console import Console

from mdhub.demo.bars import STEP, Bars


def test_items_pass_unchanged_and_a_pipe_stays_clean() -> None:
    """Where stderr is no terminal nothing is drawn."""
    drawn = io.StringIO()

    with Bars(Console(file=drawn)) as bars:
        passed = list(bars.over(range(STEP * 2 + 1), "counting"))

    assert passed == list(range(STEP * 2 + 1))
    assert drawn.getvalue().strip() == ""


def test_a_terminal_sees_what_is_counted() -> None:
    """With a total and without."""
    drawn = io.StringIO()

    with Bars(Console(file=drawn, force_terminal=True)) as bars:
        assert len(list(bars.over(range(STEP + 1), "counting", total=STEP + 1))) == STEP + 1
        assert list(bars.over([], "nothing")) == []

    assert "counting" in drawn.getvalue()
