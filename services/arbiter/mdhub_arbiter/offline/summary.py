"""What became of all rows: counts by verdict, reason and source, as a table or as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
from msgspec import UNSET

from mdhub_arbiter.offline.lines import Line
from mdhub_arbiter.settings import Settings

__all__ = ["Summary", "Tally", "shown"]

EXAMPLES_KEPT: Final = 10
SOURCES_SHOWN: Final = 8


class Count(msgspec.Struct, frozen=True):
    """Rows with one fate."""

    verdict: str
    reason: str | None
    source: str
    rows: int


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """A whole run. `rows` counts input; `released` rows have been counted as held as well."""

    files: list[str]
    rows: int
    counts: list[Count]
    released: int
    instruments: int
    malformed_examples: list[str]
    seconds: float
    decide_rows_per_s: float
    """Of the fold alone; reading and printing are not in it."""
    decide_entries_per_s: float
    """The same with the clock entries between the rows: ten a second of market time."""
    rows_per_s: float
    """Of the whole run."""
    contracts: str
    """What the contract table was used for."""
    config: str
    """The file that rules, contracts and calendar come from where no option says otherwise."""
    calendar: str
    """Its override file and digest."""
    rules: Settings
    """Settings of the rules that decided."""
    clock: str
    """What log time was made of."""
    rules_off: list[str]


class Tally:
    """Counts lines as they go by."""

    def __init__(self) -> None:
        self.rows = 0
        self.released = 0
        self.malformed_examples: list[str] = []
        self._counts: Counter[tuple[str, str | None, str]] = Counter()
        self._instruments: set[str] = set()

    def add(self, line: Line) -> None:
        reason = None if line.verdict == "malformed" else line.reason
        self._counts[line.verdict, reason, line.source] += 1
        if line.released_by is not UNSET:
            self.released += 1
            return
        self.rows += 1
        if line.n is not None:
            self._instruments.add(line.instrument)
        if line.verdict == "malformed" and len(self.malformed_examples) < EXAMPLES_KEPT:
            where = f"{line.file} " if line.file is not UNSET else ""
            self.malformed_examples.append(f"{where}row {line.row}: {line.reason}")

    @property
    def instruments(self) -> int:
        """Contracts with at least one accepted row."""
        return len(self._instruments)

    def counts(self) -> list[Count]:
        """In the order verdict, reason, source."""
        ordered = sorted(self._counts.items(), key=lambda item: (item[0][0], str(item[0][1])))
        return [Count(*key, rows) for key, rows in ordered]


def shown(summary: Summary) -> str:
    """The summary for people."""
    lines = [*_table(summary.counts), ""]
    lines.append(
        f"{summary.rows:,} rows of {', '.join(summary.files)}, "
        f"{summary.instruments:,} contracts, {summary.seconds:.1f} s"
    )
    if summary.released:
        lines.append(f"{summary.released:,} rows were held and then released (counted twice above)")
    lines += [f"malformed: {example}" for example in summary.malformed_examples]
    lines.append(
        f"decide: {summary.decide_rows_per_s:,.0f} rows/s (reading excluded; with the clock "
        f"entries between them {summary.decide_entries_per_s:,.0f} entries/s)"
    )
    lines.append(f"in all: {summary.rows_per_s:,.0f} rows/s")
    lines += [f"clock: {summary.clock}", f"contracts: {summary.contracts}"]
    lines += [f"rules: {_rules(summary.rules)}", f"calendar: {summary.calendar}"]
    lines += [f"configuration: {summary.config}"]
    lines += [f"off: {rule}" for rule in summary.rules_off]
    return "\n".join(lines)


def _rules(settings: Settings) -> str:
    modes = ", ".join(f"{name} {mode}" for name, mode in sorted(settings.modes.items()))
    preferred = f", preferring {', '.join(settings.preference)}" if settings.preference else ""
    unknown = f"unknown instruments: {settings.unknown_instrument}"
    return f"version {settings.version}, {modes or 'all exchanges race'}{preferred}, {unknown}"


def _table(counts: Sequence[Count]) -> list[str]:
    sources = _most_of(counts)
    kinds = list(dict.fromkeys((count.verdict, count.reason) for count in counts))
    cells = [["verdict", "reason", *sources, "all"]]
    for verdict, reason in kinds:
        of_kind = [c for c in counts if (c.verdict, c.reason) == (verdict, reason)]
        by_source = [sum(c.rows for c in of_kind if c.source == source) for source in sources]
        whole = sum(c.rows for c in of_kind)
        cells.append([verdict, reason or "", *(f"{rows:,}" for rows in [*by_source, whole])])
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if i < 2 else cell.rjust(width)  # noqa: PLR2004 - words, then numbers
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]


def _most_of(counts: Iterable[Count]) -> list[str]:
    """Sources that get a column: those with most rows."""
    rows: Counter[str] = Counter()
    for count in counts:
        rows[count.source] += count.rows
    chosen = [source for source, _ in rows.most_common(SOURCES_SHOWN)]
    return sorted(chosen) if len(rows) > 1 else []
