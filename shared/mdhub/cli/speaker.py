"""Says on a terminal what services write into their logs when the server is away."""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["Speaker"]


class Speaker:
    """What an `Outage` tells, in words on stderr."""

    def __init__(self, command: str) -> None:
        self._command = command

    def warning(self, _event: str, /, **fields: Any) -> None:
        state, meaning, way_out = (fields.get(name) for name in ("state", "meaning", "way_out"))
        words = f"SERVER {state}: {meaning}. {way_out}" if state else "SERVER"
        self._say(f"{words} ({fields['reason']})")

    def info(self, _event: str, /, **fields: Any) -> None:
        self._say(f"the server is back after {fields['away_s']:g} s")

    def _say(self, words: str) -> None:
        print(f"mdhub {self._command}: {words}", file=sys.stderr, flush=True)
