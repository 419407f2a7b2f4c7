"""A log that is away is said once, and once that it is back: not at every attempt."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Protocol

__all__ = ["Outage"]


class _Says(Protocol):
    def info(self, event: str, /, **fields: Any) -> None: ...
    def warning(self, event: str, /, **fields: Any) -> None: ...


class Outage:
    """Call `away` at every failed attempt and `back` at every success; it speaks at changes.

    While it lasts each further cause (no answer, then loading, then no leader) is said once too,
    with what the server's state means and the way out, where the error knows them.
    """

    def __init__(self, logger: _Says, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._logger = logger
        self._monotonic = monotonic
        self._since_s = 0.0
        self._said: set[str] = set()
        self._attempts = 0
        self._counts: Counter[str] = Counter()

    @property
    def lasts(self) -> bool:
        """Whether the log is away now."""
        return self._attempts > 0

    def away(self, error: Exception) -> None:
        """An attempt failed."""
        if not self._attempts:
            self._since_s = self._monotonic()
            self._counts["outages"] += 1
        self._attempts += 1
        state: str = getattr(error, "state", "")
        cause = type(error).__name__
        kind = f"{cause} {state}"
        if kind in self._said:
            return
        self._said.add(kind)
        fields = {"cause": cause, "reason": str(error)}
        if state:
            self._counts[f"outage:{state}"] += 1
            meaning, way_out = getattr(error, "meaning", ""), getattr(error, "way_out", "")
            fields |= {"state": state, "meaning": meaning, "way_out": way_out}
        self._logger.warning("log_unavailable", **fields)

    def back(self) -> None:
        """The log answers."""
        if not self._attempts:
            return
        away_s = round(self._monotonic() - self._since_s, 1)
        self._logger.info("log_back", away_s=away_s, attempts=self._attempts)
        self._said.clear()
        self._attempts = 0

    def counters(self) -> dict[str, int]:
        """How often the log was away, and in which states: for the heartbeat."""
        return dict(self._counts)
