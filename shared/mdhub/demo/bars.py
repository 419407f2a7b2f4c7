"""Progress of long work on stderr; nothing where stderr is no terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, Self, TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

__all__ = ["Bars"]

STEP: Final = 5_000
"""Items between two looks at the bar: what it costs must not show."""

T = TypeVar("T")


class Bars:
    """Context manager: counts what iterators give, a line each; the lines vanish at the end."""

    def __init__(self, console: Console | None = None) -> None:
        console = console or Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:,.0f}"),
            TimeElapsedColumn(),
            console=console, transient=True, disable=not console.is_terminal,
        )  # fmt: skip

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def over(self, items: Iterable[T], words: str, *, total: int | None = None) -> Iterator[T]:
        """The same items; without a total the bar only shows that work goes on."""
        task = self._progress.add_task(words, total=total)
        number = 0
        for number, item in enumerate(items, start=1):
            if number % STEP == 0:
                self._progress.update(task, completed=number)
            yield item
        self._progress.update(task, completed=number, total=number)
