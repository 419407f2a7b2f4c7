"""A table of the newest rows, on a terminal."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, TypeVar

from rich.live import Live
from rich.markup import escape
from rich.table import Table

__all__ = ["TABLE_ROWS", "scrolling_table"]

TABLE_ROWS: Final = 40

T = TypeVar("T")


@contextmanager
def scrolling_table(
    cells: Callable[[T], Sequence[str]], columns: Sequence[str]
) -> Iterator[Callable[[T], None]]:
    """Make what keeps the newest rows in a table on the screen."""
    rows: deque[Sequence[str]] = deque(maxlen=TABLE_ROWS)
    with Live(refresh_per_second=4) as live:

        def write(row: T) -> None:
            rows.append(cells(row))
            table = Table(*columns, expand=True)
            for each in rows:
                table.add_row(*map(escape, each))
            live.update(table)

        yield write
