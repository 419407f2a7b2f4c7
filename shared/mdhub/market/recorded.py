"""Recordings: CSV files with CTP field names (plain, .gz or .zst), read as a market.

A file carries true natural and trading days; snapshots carry them as fronts would have sent them.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple, cast

import zstandard

from mdhub.market.dates import SECOND_NS
from mdhub.market.errors import MarketError
from mdhub.market.rows import Layout, MalformedRowError, Row
from mdhub.market.snapshot import Snapshot

if TYPE_CHECKING:
    from _csv import Reader

__all__ = ["Malformed", "Recording", "open_text", "recorded_snapshots"]

_EXAMPLES_KEPT: Final = 10
_SECOND_ROWS_MAX: Final = 10_000
"""Look-ahead bound; rows of one second beyond it are spread as a group of their own."""


class Malformed(NamedTuple):
    """A row that was skipped."""

    line: int
    reason: str


class _Timed(NamedTuple):
    made_ns: int
    row: Row


_by_made: Final = attrgetter("made_ns")


class Recording:
    """One file. `malformed` counts the rows the last reading skipped, `examples` has ten of them.

    One reading at a time; memory is bounded by the rows of one second.
    """

    def __init__(self, path: Path | str) -> None:
        self.path: Final = Path(path)
        self.malformed = 0
        self.examples: list[Malformed] = []

    def snapshots(self, from_ns: int | None = None) -> Iterator[Snapshot]:
        """Yield the file's snapshots made at or after `from_ns`, in order of `made_ns`.

        A row whose stamp is older than its neighbours' (pushed again after a re-subscription) is
        made when its neighbours are. CZCE stamps whole seconds: its rows of one second are spread
        evenly over it. Rows before `from_ns` are passed over, which still costs about 2 us each.
        Raises MarketError if the file cannot be read or lacks a needed column.
        """
        self.malformed, self.examples = 0, []
        since_ns, reached_ns = from_ns or 0, 0
        with open_text(self.path) as text:
            lines = csv.reader(text)
            layout = Layout(next(lines, []), self.path)
            for second in _seconds(self._rows(lines, layout)):
                if second[0].exchange_ns + SECOND_NS <= since_ns:
                    continue
                for timed in _spread(second, reached_ns):
                    reached_ns = timed.made_ns
                    if reached_ns >= since_ns:
                        yield from self._snapshot(timed, layout)

    def start_ns(self) -> int:
        """Return when the first snapshot was made. Raises MarketError if the file has none."""
        first = next(Recording(self.path).snapshots(), None)
        if first is None:
            raise MarketError(f"{self.path} has no snapshot, expected at least one row")
        return first.made_ns

    def _rows(self, lines: Reader, layout: Layout) -> Iterator[Row]:
        last: dict[str, list[str]] = {}
        while True:
            try:
                cells = next(lines)
                symbol = layout.symbol(cells)
                row = layout.row(lines.line_num, cells, last=last.get(symbol))
            except StopIteration:
                return
            except (csv.Error, MalformedRowError) as error:
                self._skip(lines.line_num, error)
            else:
                last[symbol] = cells
                yield row

    def _snapshot(self, timed: _Timed, layout: Layout) -> Iterator[Snapshot]:
        try:
            yield layout.snapshot(timed.row, timed.made_ns)
        except MalformedRowError as error:
            self._skip(timed.row.line, error)

    def _skip(self, line: int, reason: Exception) -> None:
        self.malformed += 1
        if len(self.examples) < _EXAMPLES_KEPT:
            self.examples.append(Malformed(line, str(reason)))


def recorded_snapshots(path: Path | str, *, from_ns: int | None = None) -> Iterator[Snapshot]:
    """Yield the snapshots of a file; see `Recording.snapshots`."""
    return Recording(path).snapshots(from_ns)


def _seconds(rows: Iterator[Row]) -> Iterator[list[Row]]:
    """Group rows by exchange second; a row with an older stamp stays with its neighbours."""
    second: list[Row] = []
    end_ns = 0
    for row in rows:
        if row.exchange_ns >= end_ns or len(second) >= _SECOND_ROWS_MAX:
            if second:
                yield second
            second = []
            end_ns = max(end_ns, (row.exchange_ns // SECOND_NS + 1) * SECOND_NS)
        second.append(row)
    if second:
        yield second


def _spread(second: list[Row], reached_ns: int) -> list[_Timed]:
    """Say when each row was made, at or after `reached_ns`; rows made together keep their order."""
    start_ns = max(row.exchange_ns for row in second) // SECOND_NS * SECOND_NS
    sizes = Counter(row.symbol for row in second if _shares_stamp(row, start_ns))
    places: Counter[str] = Counter()
    timed: list[_Timed] = []
    for row in second:
        if row.exchange_ns < start_ns:
            made_ns = timed[-1].made_ns if timed else reached_ns
        elif row.exchange == "CZCE":
            made_ns = start_ns + places[row.symbol] * SECOND_NS // sizes[row.symbol]
            places[row.symbol] += 1
        else:
            made_ns = row.exchange_ns
        timed.append(_Timed(max(made_ns, reached_ns), row))
    timed.sort(key=_by_made)
    return timed


def _shares_stamp(row: Row, start_ns: int) -> bool:
    return row.exchange == "CZCE" and row.exchange_ns >= start_ns


@contextmanager
def open_text(
    path: Path, *, opened: Callable[[BinaryIO], None] | None = None
) -> Iterator[io.TextIOWrapper]:
    """Open a recording by its suffix; what fails while it is read becomes a MarketError.

    `opened` gets the file itself: its `tell` says how much has been read.
    """
    try:
        with path.open("rb") as file, _decompressed(path, file) as content:
            if opened is not None:
                opened(file)
            yield io.TextIOWrapper(content, "utf-8-sig", errors="replace", newline="")
    except (OSError, EOFError, zstandard.ZstdError) as error:
        raise MarketError(f"{path} cannot be read: {error}") from error


def _decompressed(path: Path, file: BinaryIO) -> BinaryIO:
    if path.suffix == ".gz":
        return cast("BinaryIO", gzip.GzipFile(fileobj=file))
    if path.suffix == ".zst":
        return cast("BinaryIO", zstandard.ZstdDecompressor().stream_reader(file))
    return file
