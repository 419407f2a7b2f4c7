"""A log that is away is said once, and once that it is back: not at every attempt."""

from __future__ import annotations

import time
from collections.abc import Callable

from mdhub.runtime.logging import Logger

__all__ = ["Outage"]


class Outage:
    """Call `away` at every failed attempt and `back` at every success; it speaks at changes.

    While it lasts each further cause (no answer, then loading, then no leader) is said once too.
    """

    def __init__(self, logger: Logger, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._logger = logger
        self._monotonic = monotonic
        self._since_s = 0.0
        self._said: set[str] = set()
        self._attempts = 0

    def away(self, error: Exception) -> None:
        """An attempt failed."""
        if not self._attempts:
            self._since_s = self._monotonic()
        self._attempts += 1
        cause = type(error).__name__
        kind = f"{cause} {getattr(error, 'state', '')}"
        if kind not in self._said:
            self._said.add(kind)
            self._logger.warning("log_unavailable", cause=cause, reason=str(error))

    def back(self) -> None:
        """The log answers."""
        if not self._attempts:
            return
        away_s = round(self._monotonic() - self._since_s, 1)
        self._logger.info("log_back", away_s=away_s, attempts=self._attempts)
        self._said.clear()
        self._attempts = 0
