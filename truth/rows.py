"""Recordings, row by row: every row offline and through the real chain (`python -m truth.rows`).

Writes the section "Recordings, row by row" of docs/truth.md; `section` returns its text, for a
report that holds more. Times and days are told here by the file alone, not by the arbiter.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import zstandard

from mdhub.market.dates import MS_NS, SECOND_NS, midnight_ns
from truth.chain import Fates, through_the_chain

__all__ = ["FileResult", "examine", "main", "recordings", "section", "with_section"]

ROOT: Final = Path(__file__).resolve().parents[1]
REPORT: Final = ROOT / "docs" / "truth.md"
HEADING: Final = "## Recordings, row by row"
VERDICTS: Final = (
    "accept", "settlement", "duplicate", "late", "hold", "reject", "malformed",
)  # fmt: skip
ACCEPTED: Final = ("accept", "settlement")
CLOSE: Final = "duplicate: the last row of a session, pushed twice"
SILENCE: Final = "duplicate: the row before a silence of the whole feed, pushed again after it"
REPEAT: Final = "duplicate: the row before, pushed again"
EARLY: Final = "reject: out_of_session"
AFTER: Final = "accepted: after the close"
REDATED: Final = "accepted: under another trading day or time than the file's"
AUCTION: Final = "accepted: the minute before an opening (auction)"
JUDGEMENT: Final = {
    CLOSE: "A trader agrees: it says nothing new (domain: 386 of the 463 repeats of that day).",
    SILENCE: "A trader agrees: the front pushes its last snapshot on re-subscription, with its old "
    "time (75 of the 463).",
    REPEAT: "A trader agrees: it equals the row before in every cell (2 of the 463 have no known "
    "cause; one of these contracts is in the file).",
    EARLY: "A trader agrees: yesterday's close with volume 0 and an empty book, stamped hours "
    "before the open, when no session ran.",
    REDATED: "No: the file's own date is the true one.",
    AFTER: "A trader wants those that bring close and settlement prices. Those that bring nothing "
    "new carry a new time and do no harm.",
    AUCTION: "A trader wants it: it is the opening price.",
}
"""What to think of each group. Groups without a word have not been looked at by eye."""
SESSION_BREAK_S: Final = 15 * 60
SILENCE_S: Final = 60
EXAMPLES: Final = 3


@dataclass
class FileResult:
    """One file by both ways."""

    name: str
    rows: int
    offline: Counter[tuple[str, str]]
    by_instrument: Counter[tuple[str, str, str]]
    chain: Fates
    groups: dict[str, list[str]] = field(default_factory=dict)
    """Rows worth a look, as text, by group."""

    @property
    def agrees(self) -> bool:
        """Both ways gave every contract the same verdicts, and every row had one."""
        of_offline = {k: v for k, v in self.by_instrument.items() if k[1] not in _NOT_WRITTEN}
        # A released row has two lines, and is counted as released besides.
        counted = sum(self.offline.values()) - 2 * self.of("released")
        return (
            of_offline == dict(self.chain.fates)
            and self.of("duplicate") == self.chain.duplicates
            and self.of("malformed") == self.chain.malformed
            and self.rows == self.chain.rows == counted
        )

    def of(self, verdict: str) -> int:
        return sum(count for (name, _), count in self.offline.items() if name == verdict)


_NOT_WRITTEN: Final = frozenset({"duplicate", "malformed", "released"})


def recordings() -> list[Path]:
    """Tick files of the recordings folder; empty where there is none."""
    folder = Path(os.environ.get("MDHUB_RECORDINGS", ROOT / "../shared/data/recordings"))
    return [path for path in sorted(folder.glob("*.csv.zst")) if "contracts" not in path.name]


def examine(file: Path) -> FileResult:
    """Run one file both ways."""
    command = [sys.executable, "-m", "mdhub.cli.app", "arbitrate", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    rows = _cells(file)
    offline: Counter[tuple[str, str]] = Counter()
    by_instrument: Counter[tuple[str, str, str]] = Counter()
    groups: dict[str, list[str]] = {}
    neighbours = _Neighbours(rows)
    for text in done.stdout.splitlines():
        line = json.loads(text)
        verdict, reason = line["verdict"], line["reason"] or ""
        if verdict == "malformed":
            reason = ""
        offline[verdict, reason] += 1
        by_instrument[line["instrument"], verdict, reason] += 1
        if "released_by" in line:
            offline["released", ""] += 1
            continue
        row = rows[line["row"] - 1]
        shown = _shown(line["instrument"], row)
        group = _group(verdict, reason, neighbours, line["row"] - 1)
        if group:
            groups.setdefault(group, []).append(shown)
        if verdict in ACCEPTED and (line["trading_day"], line["ts_ns"]) != _true_time(row):
            groups.setdefault(REDATED, []).append(f"{shown} as of {line['trading_day']}")
    name = file.name.partition(".")[0]
    chain = through_the_chain(file)
    return FileResult(name, len(rows), offline, by_instrument, chain, groups)


def _cells(file: Path) -> list[dict[str, str]]:
    with file.open("rb") as packed:
        text = io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(packed), "utf-8")
        return list(csv.DictReader(text))


class _Neighbours:
    """For each row the next one of its contract."""

    def __init__(self, rows: list[dict[str, str]]) -> None:
        self.rows = rows
        self._next: list[int | None] = [None] * len(rows)
        coming: dict[str, int] = {}
        for place in reversed(range(len(rows))):
            symbol = rows[place]["InstrumentID"]
            self._next[place] = coming.get(symbol)
            coming[symbol] = place

    def silence_s(self, place: int) -> int | None:
        """Seconds to the contract's next row; None if it is the last, or of another day."""
        after = self._next[place]
        if after is None or self.rows[after]["ActionDay"] != self.rows[place]["ActionDay"]:
            return None
        return _second(self.rows[after]) - _second(self.rows[place])


def _group(verdict: str, reason: str, neighbours: _Neighbours, place: int) -> str:
    """Name the group of a row that is worth a look, empty for an ordinary accepted one."""
    row = neighbours.rows[place]
    if verdict == "duplicate":
        silence_s = neighbours.silence_s(place)
        if silence_s is None or silence_s >= SESSION_BREAK_S:
            return CLOSE
        return SILENCE if silence_s >= SILENCE_S else REPEAT
    if verdict not in ACCEPTED:
        return f"{verdict}: {reason}" if reason else verdict
    minute = _second(row) // 60
    if minute in {20 * 60 + 59, 8 * 60 + 59, 9 * 60 + 29, 9 * 60 + 14}:
        return AUCTION if _first_of_its_minute(row) else ""
    return AFTER if 15 * 60 < minute < 20 * 60 and not _is_bond_time(row, minute) else ""


def _first_of_its_minute(row: dict[str, str]) -> bool:
    return row["UpdateTime"].endswith(":00")


def _is_bond_time(row: dict[str, str], minute: int) -> bool:
    """Treasury futures trade to 15:15."""
    return row["InstrumentID"].startswith("T1") and minute <= 15 * 60 + 15


def _true_time(row: dict[str, str]) -> tuple[int, int]:
    """Trading day and exchange time (ns) as the file has them."""
    seconds = midnight_ns(row["ActionDay"]) // SECOND_NS + _second(row)
    return int(row["TradingDay"]), seconds * SECOND_NS + int(row["UpdateMillisec"]) * MS_NS


def _second(row: dict[str, str]) -> int:
    hour, minute, second = map(int, row["UpdateTime"].split(":"))
    return (hour * 60 + minute) * 60 + second


def _shown(instrument: str, row: dict[str, str]) -> str:
    """Name a row; prices of recordings are not ours to publish."""
    when = f"{row['UpdateTime']}.{int(row['UpdateMillisec']):03}"
    return f"{instrument} {row['ActionDay']} {when}"


def section(results: Sequence[FileResult]) -> str:
    """Text of the section, heading included."""
    rows = sum(result.rows for result in results)
    agree = [result for result in results if result.agrees]
    intro = (
        f"Each of the {rows:,} rows of {len(results)} recorded files went through "
        "`mdhub arbitrate` and through the real chain (recording source at full speed, server, "
        f"arbiter, clean log; one source). In {len(agree)} of {len(results)} files both gave the "
        "same verdicts and reasons contract by contract, and every row had exactly one. Files by "
        "name of `MDHUB_RECORDINGS` (see its README for their origin). There is no ReceiveTime in "
        "them, so rules against the receiving clock had nothing to say."
    )
    lines = [
        HEADING,
        "",
        "Written by `python -m truth.rows`; do not edit by hand.",
        "",
        intro,
        "",
        "| file | rows | " + " | ".join(VERDICTS) + " | chain |",
        "|---|" + "---:|" * (len(VERDICTS) + 1) + "---|",
    ]
    for result in results:
        counts = " | ".join(f"{result.of(verdict):,}" for verdict in VERDICTS)
        same = "the same" if result.agrees else "**DIFFERS**"
        lines.append(f"| {result.name} | {result.rows:,} | {counts} | {same} |")
    return "\n".join([*lines, "", *_groups(results)]) + "\n"


def _groups(results: Sequence[FileResult]) -> list[str]:
    merged: dict[str, list[str]] = {}
    for result in results:
        for group, rows in result.groups.items():
            merged.setdefault(group, []).extend(rows)
    lines = [
        "All rows that were not accepted, and accepted ones outside continuous trading:",
        "",
        "| group | rows | would a trader agree? | for example |",
        "|---|---:|---|---|",
    ]
    for group, rows in sorted(merged.items()):
        word = JUDGEMENT.get(group, "**not looked at yet**")
        examples = "; ".join(f"`{row}`" for row in rows[:EXAMPLES])
        lines.append(f"| {group} | {len(rows):,} | {word} | {examples} |")
    return lines


def with_section(report: str, text: str) -> str:
    """The report with the section put in the place of the old one, else at the end."""
    begin = report.find(HEADING)
    if begin < 0:
        return (report.rstrip() + "\n\n" if report.strip() else "") + text
    end = report.find("\n## ", begin)
    rest = "" if end < 0 else "\n" + report[end + 1 :]
    return report[:begin] + text + rest


def main(argv: Sequence[str] | None = None) -> int:
    """Run all files, write the report; exit code 1 if offline and chain differ, 2 no files."""
    parser = argparse.ArgumentParser(
        prog="python -m truth.rows",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="example:\n  MDHUB_RECORDINGS=~/ticks python -m truth.rows",
    )
    parser.add_argument("--print", action="store_true", help="to stdout, not into docs/truth.md")
    options = parser.parse_args(argv)
    files = recordings()
    if not files:
        sys.stderr.write("no recordings: set MDHUB_RECORDINGS to the folder that has them\n")
        return 2
    results = []
    for file in files:
        sys.stderr.write(f"{file.name}\n")
        results.append(examine(file))
    text = section(results)
    if options.print:
        sys.stdout.write(text)
    else:
        before = REPORT.read_text(encoding="utf-8") if REPORT.exists() else "# Truth\n"
        REPORT.write_text(with_section(before, text), encoding="utf-8")
    return 0 if all(result.agrees for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
