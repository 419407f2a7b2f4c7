"""What a tracker asks for, what it is answered, and its bounds. Pure."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Limits", "Tails", "Want"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one tracker."""

    waiting: int = 200_000
    patience_ns: int = 5_000_000_000
    """A hole that no publisher fills for so long, while one is reachable, is given up."""
    retry_ns: int = 100_000_000
    go_on_ns: int = 10_000_000
    """After an answer that has filled a part: the hole was found while it still grew."""
    names_per_want: int = 1_000


@dataclass(frozen=True, slots=True)
class Want:
    """A replay to ask for."""

    shard: int
    epoch: int
    after_n: int
    patterns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tails:
    """An answer to `tails`, of all patterns together (asked in parts, so as of several n)."""

    epoch: int
    first_n: int
    """Oldest n of the parts: complete up to here."""
    last_n: int
    """Newest n of the parts; 0 = no part yet."""
    rows: list[tuple[str, int, str]]

    def plus(self, now_n: int, rows: list[tuple[str, int, str]]) -> Tails:
        """Add the answer to one part."""
        first_n = min(self.first_n, now_n) if self.last_n else now_n
        return Tails(self.epoch, first_n, max(self.last_n, now_n), self.rows + rows)
