"""`mdhub arbitrate`: recordings through the rule book, without a hub."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec

from mdhub.calendar import Calendar
from mdhub.runtime.errors import ServiceError
from mdhub.wire.entries import Verdict
from mdhub_arbiter.contracts import read_contracts
from mdhub_arbiter.offline.arrivals import TickFiles
from mdhub_arbiter.offline.desk import Desk, Outcome
from mdhub_arbiter.offline.given import given_by
from mdhub_arbiter.offline.lines import MALFORMED, Line, Lines
from mdhub_arbiter.offline.markers import marker_lines
from mdhub_arbiter.offline.summary import Summary, Tally, shown
from mdhub_arbiter.progress import Bar
from mdhub_arbiter.settings import Wanted

__all__ = ["arbitrate", "main"]

EXAMPLE: Final = """Input: CSV (plain, .gz, .zst) with CTP field names, rows in order of arrival.
Two more columns are understood: Source (else the file's name is the source) and ReceiveTime (ns
since 1970, UTC). With it rows go to the rules just as they stand; without it the dates are the
true days and rows arrive at their exchange time. Several files are merged by arrival.

Exit codes: 0 all rows decided, 1 a file cannot be read, 2 wrong options or configuration.

Example: mdhub arbitrate 20261120.csv.zst --contracts contracts.csv --only reject,late | head
Example: mdhub arbitrate yesterday.csv.zst --config hub.toml --unknown hold --summary-only --json
"""
BATCH: Final = 2_000
VERDICTS: Final = (*(str(verdict) for verdict in Verdict), MALFORMED)
NO_RECEIVE_TIME: Final = (
    "clock faults of sources, and how far a stamp may be ahead of the receiving clock (time_ahead "
    "speaks only against stamps that the next rows do not reach): there is no ReceiveTime"
)

_to_json: Final = msgspec.json.Encoder().encode


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; what it returns is the exit code. Raises MdhubError."""
    options = _parser().parse_args(argv)
    with _output(options) as out:
        summary = arbitrate(options, write=out.write)
    text = _to_json(summary).decode() if options.json else shown(summary)
    print(text, file=sys.stdout if options.summary_only else sys.stderr)
    return 0


def arbitrate(options: argparse.Namespace, *, write: Callable[[bytes], object]) -> Summary:
    """Decide every row of the files; lines go to `write`. Raises MarketError."""
    given = given_by(options)
    contracts = read_contracts(given.contracts) if given.contracts else []
    exchanges = {row.symbol: row.exchange for row in contracts}
    calendar = Calendar.load(given.calendar)
    desk = Desk(Wanted(given.settings, contracts, calendar))
    tally = Tally()
    names = [path.name for path in options.files]
    lines = Lines(names, repaired=options.repaired)
    began_s = time.monotonic()
    deciding_s = 0.0
    with TickFiles(options.files, exchanges) as files:
        bar = Bar()
        arrivals = files.arrivals()
        while batch := list(islice(arrivals, BATCH)):
            before_s = time.perf_counter()
            outcomes = desk.fold(batch)
            deciding_s += time.perf_counter() - before_s
            _write(outcomes, lines, tally, options=options, write=write)
            if bar.due:
                bar.show(files.fraction_read(), f"{tally.rows:,} rows")
        _write(desk.finish(), lines, tally, options=options, write=write)
        bar.end()
        timed = files.has_receive_time
    seconds = time.monotonic() - began_s
    return Summary(
        files=names,
        rows=tally.rows,
        counts=tally.counts(),
        released=tally.released,
        instruments=tally.instruments,
        malformed_examples=tally.malformed_examples,
        seconds=round(seconds, 3),
        decide_rows_per_s=round(tally.rows / deciding_s) if deciding_s else 0,
        decide_entries_per_s=round(desk.entries / deciding_s) if deciding_s else 0,
        rows_per_s=round(tally.rows / seconds) if seconds else 0,
        contracts=_use_of_contracts(len(exchanges), given.contracts),
        config=str(options.config) if options.config else "not given",
        calendar=f"{given.calendar or 'as shipped'}, digest {calendar.digest}",
        rules=given.settings,
        clock="by ReceiveTime" if timed else "by exchange time: there is no ReceiveTime",
        rules_off=[] if timed else [NO_RECEIVE_TIME],
    )


def _write(
    outcomes: list[Outcome],
    lines: Lines,
    tally: Tally,
    *,
    options: argparse.Namespace,
    write: Callable[[bytes], object],
) -> None:
    shown_lines: list[Line | dict[str, Any]] = []
    for outcome in outcomes:
        for line in lines.of(outcome):
            tally.add(line)
            if not options.only or line.verdict in options.only:
                shown_lines.append(line)
        if options.markers:
            shown_lines += marker_lines(outcome)
    if shown_lines and not options.summary_only:
        write(b"\n".join(map(_to_json, shown_lines)) + b"\n")


def _use_of_contracts(known: int, file: Path | None) -> str:
    if not known:
        return "no table given; the exchange is told by the symbol, the grid of prices is not known"
    return f"{known:,} of {file} given to the rules"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mdhub arbitrate",
        description="Run the arbiter's rules over recordings; one JSON line per row on stdout, "
        "a summary on stderr.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", metavar="FILE", nargs="+", type=Path, help="recording")
    parser.add_argument("--contracts", type=Path, metavar="FILE", help="contract table (CSV)")
    parser.add_argument(
        "--calendar", type=Path, metavar="FILE", help="override file of the trading calendar"
    )
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="hub.toml: its rules, contract table and calendar; options override it",
    )
    parser.add_argument(
        "--rules", type=int, metavar="VERSION", help="version of the rules (default: the newest)"
    )
    parser.add_argument(
        "--mode", choices=["race", "priority"], help="of all exchanges (default: race)"
    )
    parser.add_argument(
        "--unknown",
        choices=["flag", "hold"],
        help="ticks of contracts that the table of their exchange lacks (default: flag)",
    )
    parser.add_argument(
        "--preference",
        type=lambda text: text.split(","),
        metavar="SOURCES",
        help="mode priority: sources, the active one first, such as A,B",
    )
    parser.add_argument(
        "--only", type=_verdicts, metavar="VERDICTS", help="such as reject,late: only these lines"
    )
    parser.add_argument(
        "--markers", action="store_true", help="also lines of quality, phase and end of session"
    )
    parser.add_argument(
        "--repaired", action="store_true", help="show the clean tick where a value was repaired"
    )
    parser.add_argument("--output", type=Path, metavar="FILE", help="lines go here, not to stdout")
    parser.add_argument(
        "--summary-only", action="store_true", help="no lines; the summary goes to stdout"
    )
    parser.add_argument("--json", action="store_true", help="summary as one JSON object")
    return parser


def _verdicts(text: str) -> frozenset[str]:
    chosen = frozenset(text.split(","))
    unknown = sorted(chosen - set(VERDICTS))
    if unknown:
        raise argparse.ArgumentTypeError(
            f"found {', '.join(unknown)}, expected some of {', '.join(VERDICTS)}"
        )
    return chosen


@contextmanager
def _output(options: argparse.Namespace) -> Iterator[BinaryIO]:
    if options.output is None:
        try:
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            # Whoever read has seen enough. Python would complain once more at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(0)
        return
    try:
        with options.output.open("wb") as file:
            yield file
    except OSError as error:
        raise ServiceError(f"{options.output} cannot be written: {error.strerror}") from error
