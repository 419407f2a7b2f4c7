"""Keeps what was learned in a file, once a minute, so that a restart does not begin anew."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from mdhub.runtime.logging import Logger
from mdhub.wire.codec import DecodeError
from mdhub_monitor.facts import Facts
from mdhub_monitor.learn import Habit, decode_habits, encode_habits

__all__ = ["HabitFile"]

EVERY_S: Final = 60.0
MAX_BYTES: Final = 64_000_000


class HabitFile:
    """One file of one monitor. One that cannot be read is begun anew: that costs minutes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._due_s = time.monotonic() + EVERY_S
        self._failed = False

    def load(self) -> dict[str, Habit]:
        """What an earlier run has learned; empty if there is nothing one could read."""
        try:
            if self._path.stat().st_size > MAX_BYTES:
                return {}
            return decode_habits(self._path.read_bytes())
        except (OSError, DecodeError):
            return {}

    def due(self, facts: Facts, logger: Logger) -> None:
        """Save if it is time."""
        if time.monotonic() >= self._due_s:
            self._due_s = time.monotonic() + EVERY_S
            self.save(facts, logger)

    def save(self, facts: Facts, logger: Logger) -> None:
        """Write the file in one step; a failure is said once and tried again."""
        habits = {symbol: contract.habit for symbol, contract in facts.contracts.items()}
        kept = facts.kept | habits
        if not kept:
            return
        part = self._path.with_suffix(".part")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(encode_habits(kept))
            part.replace(self._path)
        except OSError as error:
            if not self._failed:
                logger.warning("habits_not_saved", file=str(self._path), reason=str(error))
            self._failed = True
            return
        self._failed = False
