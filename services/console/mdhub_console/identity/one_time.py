"""A line in a file of mode 0600 that is good for a quarter of an hour, and for one taker.

The file is the truth: it outlives a restart, and another process may renew it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from mdhub.runtime.clock import Clock

__all__ = ["LIFE_S", "OneTimeFile"]

LIFE_S: Final = 900
_S_NS: Final = 1_000_000_000


class OneTimeFile:
    """Holds one word, or nothing."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self.path = path
        self._clock = clock

    def put(self, word: str) -> None:
        """Put a word in the place of the last one."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft = self.path.with_suffix(f".{os.getpid()}")
        draft.unlink(missing_ok=True)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(f"{self._clock.wall_ns()} {word}\n")
        draft.replace(self.path)

    def current(self) -> str | None:
        """Return the word that is good now, if there is one."""
        try:
            made_ns, word = self.path.read_text(encoding="ascii").split()
            age_ns = self._clock.wall_ns() - int(made_ns)
        except (OSError, ValueError):
            return None
        return word if 0 <= age_ns <= LIFE_S * _S_NS else None

    def take(self) -> bool:
        """Take the word away; False if somebody else was faster."""
        try:
            self.path.unlink()
        except FileNotFoundError:
            return False
        return True
