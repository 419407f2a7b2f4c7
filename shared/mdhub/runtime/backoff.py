"""Pauses between attempts: doubling, with a ceiling and jitter."""

from __future__ import annotations

from random import Random

__all__ = ["Backoff"]


class Backoff:
    """`next_s` gives the next pause; `reset` after a success."""

    def __init__(
        self, *, first_s: float = 0.05, ceiling_s: float = 1.0, random: Random | None = None
    ) -> None:
        self._first_s = first_s
        self._ceiling_s = ceiling_s
        self._random = random or Random()
        self.attempts = 0

    def next_s(self) -> float:
        """Pause before the next attempt: half of it fixed, half of it jitter."""
        full_s = min(self._ceiling_s, self._first_s * 2.0 ** min(self.attempts, 30))
        self.attempts += 1
        return full_s * (0.5 + 0.5 * self._random.random())

    def reset(self) -> None:
        self.attempts = 0
