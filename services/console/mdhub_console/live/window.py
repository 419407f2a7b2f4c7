"""The newest rows of one stream within bounds of number and bytes. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from typing import NamedTuple

from mdhub.streams.ids import id_less, id_parts
from mdhub.streams.port import FIRST_ID
from mdhub_console.live.rows import Row

__all__ = ["Slice", "Window"]


class Slice(NamedTuple):
    """Rows behind a place, and where the next one begins."""

    rows: list[Row]
    place: int
    """Of the newest row looked at: go on from here."""
    skipped: int
    """Rows between the old place and the first one looked at."""


class Window:
    """Rows have places: 1, 2, 3, ... in the order they came; the oldest fall out.

    A place costs nothing to keep, so whoever is slow holds a number and no rows.
    """

    def __init__(self, *, most: int, most_bytes: int) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._rows: list[Row] = []
        self._start = 0
        """Index of the oldest row that is held; what is before it is cut away now and then."""
        self._first = 1
        """Place of `_rows[0]`."""
        self.bytes = 0
        self.fallen = 0
        """Rows that fell out."""
        self.gone = FIRST_ID
        """Id up to which rows are not held: they fell out, or were never read."""

    def __len__(self) -> int:
        return len(self._rows) - self._start

    @property
    def newest(self) -> int:
        """Place of the newest row; one less than the first if there is none."""
        return self._first + len(self._rows) - 1

    @property
    def oldest(self) -> int:
        """Place of the oldest row that is held."""
        return self._first + self._start

    def add(self, rows: Iterable[Row]) -> None:
        """Append rows in order; the oldest make room."""
        for row in rows:
            self._rows.append(row)
            self.bytes += row.size
        while len(self) > self._most or (self.bytes > self._most_bytes and len(self) > 1):
            self.bytes -= self._rows[self._start].size
            self.gone = self._rows[self._start].id
            self._start += 1
            self.fallen += 1
        if self._start > self._most // 2 + 64:
            del self._rows[: self._start]
            self._first += self._start
            self._start = 0

    def behind(
        self,
        place: int,
        *,
        scan: int,
        at_most: int,
        passes: Callable[[Row], bool] | None = None,
    ) -> Slice:
        """Rows behind a place that pass. Who is more than `scan` rows behind skips the oldest.

        Returns `at_most` rows: call again with the new place.
        """
        begin = max(place + 1, self.oldest, self.newest + 1 - scan)
        skipped = begin - place - 1
        at = begin - self._first
        if passes is None:
            rows = self._rows[at : at + at_most]
            return Slice(rows, begin + len(rows) - 1, skipped)
        found: list[Row] = []
        while at < len(self._rows) and len(found) < at_most:
            if passes(self._rows[at]):
                found.append(self._rows[at])
            at += 1
        return Slice(found, self._first + at - 1, skipped)

    def rows(self) -> list[Row]:
        """All that are held, oldest first: a copy to look at without holding anybody up."""
        return self._rows[self._start :]

    def newest_rows(self, count: int, *, passes: Callable[[Row], bool] | None = None) -> list[Row]:
        """The newest rows that pass, oldest first."""
        found: list[Row] = []
        for at in range(len(self._rows) - 1, self._start - 1, -1):
            if len(found) == count:
                break
            if passes is None or passes(self._rows[at]):
                found.append(self._rows[at])
        return found[::-1]

    def place_of(self, entry_id: bytes) -> tuple[int, bool]:
        """Place of the newest row up to an id, and whether all rows behind it are held."""
        held = bisect_right(self._rows, id_parts(entry_id), lo=self._start, key=_parts)
        return self._first + held - 1, not id_less(entry_id, self.gone)

    def id_at(self, place: int) -> bytes:
        """Id of the row at a place, or of the newest one before it that is held."""
        at = min(place - self._first, len(self._rows) - 1)
        return self._rows[at].id if self._rows and at >= self._start else FIRST_ID


def _parts(row: Row) -> tuple[int, int]:
    return id_parts(row.id)
