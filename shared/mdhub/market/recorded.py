"""Recordings: CSV files with CTP field names (plain, .gz or .zst), read as a market.

A file carries true natural and trading days; snapshots carry them as fronts would have sent them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterator
from datetime import date
from operator import attrgetter
from pathlib import Path
from typing import Final, NamedTuple

from mdhub.market.dates import SECOND_NS
from mdhub.market.errors import MarketError
from mdhub.market.lines import LINE_MAX, Lines, open_lines, open_text
from mdhub.market.redate import Redate
from mdhub.market.rows import Layout, Row, cells_of
from mdhub.market.skips import FileReport, MalformedRowError
from mdhub.market.snapshot import Snapshot

__all__ = ["Recording", "open_text", "recorded_snapshots"]

_SECOND_ROWS_MAX: Final = 10_000
"""Look-ahead bound; rows of one second beyond it are spread as a group of their own."""
_STEP: Final = 1_000
"""Rows between two words to `alive`."""


class _Timed(NamedTuple):
    made_ns: int
    row: Row


_by_made: Final = attrgetter("made_ns")


class Recording:
    """One file. `report` tells of the last reading: rows, what was skipped, where it broke off.

    One reading at a time; memory is bounded by the rows of one second. `alive` is called now and
    then while rows are read, also while nothing is delivered.
    """

    def __init__(self, path: Path | str, *, alive: Callable[[], object] = lambda: None) -> None:
        self.path: Final = Path(path)
        self.report = FileReport(self.path)
        self.first_day: date | None = None
        """Trading day of the first row, as recorded."""
        self.last_day: date | None = None
        """Latest trading day the last reading has seen, as recorded."""
        self._alive = alive

    def snapshots(
        self, from_ns: int | None = None, *, redate: Redate | None = None
    ) -> Generator[Snapshot]:
        """Yield the file's snapshots made at or after `from_ns`, in order of `made_ns`.

        A row whose stamp is older than its neighbours' (pushed again after a re-subscription) is
        made when its neighbours are. CZCE stamps whole seconds: its rows of one second are spread
        evenly over it. Rows before `from_ns` are passed over, which still costs some us each.
        With `redate` days are moved, and `from_ns` means moved time. What cannot be read is
        counted in `report`; a file that breaks off is played up to there.
        Raises MarketError if the file cannot be opened or lacks a needed column.
        """
        self.report = FileReport(self.path)
        self.first_day = self.last_day = None
        since_ns, reached_ns = from_ns or 0, 0
        with open_lines(self.path) as lines:
            layout = Layout(_header(lines, self.path), self.path, redate)
            for second in _seconds(self._rows(lines, layout)):
                if second[0].exchange_ns + SECOND_NS <= since_ns:
                    continue
                for timed in _spread(second, reached_ns):
                    reached_ns = timed.made_ns
                    if reached_ns >= since_ns:
                        yield from self._snapshot(timed, layout)

    def start_ns(self) -> int:
        """Return when the first snapshot was made. Raises MarketError if the file has none."""
        reading = Recording(self.path, alive=self._alive)
        first = next(reading.snapshots(), None)
        if first is None:
            raise MarketError(f"{self.path} has no snapshot{_why(reading.report)}")
        return first.made_ns

    def _rows(self, lines: Lines, layout: Layout) -> Iterator[Row]:
        last: dict[str, list[str]] = {}
        for line in lines:
            if lines.number % _STEP == 0:
                self._alive()
            try:
                cells = cells_of(line)
                if cells is None:
                    continue
                symbol = layout.symbol(cells)
                row = layout.row(lines.number, cells, last=last.get(symbol))
            except MalformedRowError as error:
                self.report.skip(lines.number, error)
            else:
                self.report.rows += 1
                last[symbol] = cells
                self._note(row.days.recorded)
                yield row
        if lines.cut is not None:
            self.report.cut = f"broke off after line {lines.number}: {lines.cut}"

    def _note(self, day: date) -> None:
        if self.first_day is None or self.last_day is None:
            self.first_day = self.last_day = day
        elif day > self.last_day:
            self.last_day = day

    def _snapshot(self, timed: _Timed, layout: Layout) -> Iterator[Snapshot]:
        try:
            snapshot = layout.snapshot(timed.row, timed.made_ns)
        except MalformedRowError as error:
            self.report.rows -= 1
            self.report.skip(timed.row.line, error)
        else:
            yield snapshot


def recorded_snapshots(path: Path | str, *, from_ns: int | None = None) -> Iterator[Snapshot]:
    """Yield the snapshots of a file; see `Recording.snapshots`."""
    return Recording(path).snapshots(from_ns)


def _header(lines: Lines, path: Path) -> list[str]:
    first = next(lines, b"")
    if lines.cut is not None:
        raise MarketError(f"{path} cannot be read: {lines.cut}")
    if len(first) > LINE_MAX:
        raise MarketError(
            f"{path} begins with a line of more than {LINE_MAX} bytes, expected column names"
        )
    return first.decode("utf-8-sig", errors="replace").rstrip("\r\n").split(",")


def _why(report: FileReport) -> str:
    if not report.bad:
        return ", expected at least one row"
    skipped = ", ".join(f"{kind} {count}" for kind, count in report.skipped.items())
    parts = [f"rows skipped: {skipped}" if skipped else "", report.cut or ""]
    examples = [str(example) for example in report.examples[:1]]
    return ": " + "; ".join(filter(None, [*parts, *examples]))


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
