"""Runs several things beside each other, each for a limited time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

__all__ = ["beside"]

Result = TypeVar("Result")


def beside(tasks: Sequence[Callable[[], Result]], limit_s: float) -> list[Result | None]:
    """Results in order; None for what has not ended in time, which is left behind.

    Tasks must not raise. Threads are daemons: what hangs (a resolver, a disk) hinders no exit.
    """
    results: dict[int, Result] = {}

    def run(number: int) -> None:
        results[number] = tasks[number]()

    threads = [
        threading.Thread(target=run, args=(number,), name=f"beside-{number}", daemon=True)
        for number in range(len(tasks))
    ]
    end_s = time.monotonic() + limit_s
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, end_s - time.monotonic()))
    return [results.get(number) for number in range(len(tasks))]
