"""A progress bar on a terminal, nothing elsewhere. For the commands of the arbiter."""

from __future__ import annotations

import sys
import time
from typing import Final

__all__ = ["Bar"]

EVERY_S: Final = 0.2
WIDTH: Final = 30
LINE: Final = 76


class Bar:
    """One line on stderr, drawn at most five times a second."""

    def __init__(self) -> None:
        self._visible = sys.stderr.isatty()
        self._due_s = 0.0

    @property
    def due(self) -> bool:
        """Whether it is worth finding out how far things are."""
        return self._visible and time.monotonic() >= self._due_s

    def show(self, done: float, text: str) -> None:
        """Draw: `done` from 0 to 1."""
        self._due_s = time.monotonic() + EVERY_S
        bar = ("#" * int(min(1.0, done) * WIDTH)).ljust(WIDTH, ".")
        self._write(f"[{bar}] {min(1.0, done):4.0%}  {text}"[:LINE].ljust(LINE))

    def end(self) -> None:
        """Leave the line empty."""
        if self._visible:
            self._write(" " * LINE + "\r")

    def _write(self, text: str) -> None:
        sys.stderr.write("\r" + text)
        sys.stderr.flush()
