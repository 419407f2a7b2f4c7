"""What costs something is done once, however many ask."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Barrier

import pytest

from mdhub_console.kept import Newest


def test_what_is_made_for_a_mark_is_made_once() -> None:
    """Eight tabs ask at once for the same news: it is drawn for the first of them."""
    newest: Newest[int] = Newest()
    made, together = count(1), Barrier(8)

    def ask(_: int) -> int:
        together.wait()
        return newest.get("en", "news", lambda: next(made))

    with ThreadPoolExecutor(8) as tabs:
        assert set(tabs.map(ask, range(8))) == {1}


def test_another_mark_or_name_is_made_anew() -> None:
    """And what was before is not kept: a name has one value."""
    newest: Newest[int] = Newest()
    made = count(1)
    asked = [("en", 1), ("en", 1), ("zh", 1), ("en", 2), ("en", 1)]
    assert [newest.get(*each, lambda: next(made)) for each in asked] == [1, 1, 2, 3, 4]


def test_what_was_raised_is_not_kept() -> None:
    """The next one who asks tries again."""
    newest: Newest[int] = Newest()
    values = iter([0, 1])
    with pytest.raises(ZeroDivisionError):
        newest.get("en", 1, lambda: 1 // next(values))
    assert newest.get("en", 1, lambda: 1 // next(values)) == 1
