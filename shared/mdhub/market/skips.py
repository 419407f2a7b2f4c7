"""What was wrong with a tick file: rows that were skipped by kind, and where it broke off."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Final, NamedTuple

from mdhub.market.errors import MarketError

__all__ = ["EXAMPLES_KEPT", "FileReport", "MalformedRowError", "Skipped"]

EXAMPLES_KEPT: Final = 10


class MalformedRowError(MarketError):
    """One row that cannot be read; the reader counts it by its kind and goes on.

    Kinds: columns, symbol, time, date, number, encoding, nul, quotes, too_long, no_session,
    no_night, no_hours.
    """

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind: Final = kind


class Skipped(NamedTuple):
    """A row that was skipped."""

    file: str
    line: int
    kind: str
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.kind}: {self.reason}"


class FileReport:
    """One reading of one file."""

    def __init__(self, path: Path) -> None:
        self.path: Final = path
        self.rows = 0
        """Rows that were understood."""
        self.skipped: Final[Counter[str]] = Counter()
        """Rows that were not, by kind."""
        self.examples: Final[list[Skipped]] = []
        """The first ten of them."""
        self.cut: str | None = None
        """Where and why the file broke off; None = it was read to its end, or not that far."""

    @property
    def bad(self) -> bool:
        """Tell whether anything was wrong."""
        return bool(self.skipped) or self.cut is not None

    def skip(self, line: int, error: MalformedRowError) -> None:
        """Count a row."""
        self.skipped[error.kind] += 1
        if len(self.examples) < EXAMPLES_KEPT:
            self.examples.append(Skipped(self.path.name, line, error.kind, str(error)))
