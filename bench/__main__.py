"""`make bench` = `python -m bench`: measure, keep samples and results, say where they are."""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from bench.catalogue import CATALOGUE, Row
from bench.environment import bench_python
from bench.machine import commit, machine, versions
from bench.measure import Measurer, planned_s
from bench.model import BenchError, Results
from bench.profile import SERVICES, SUFFIX, Wish, profile
from bench.report import IMAGES, write_report
from bench.results import FOLDER, differences, load, save
from bench.settings import Settings
from bench.tables import chains_table, stages_table, targets_table

COMMANDS = ("run", "list", "report", "plot", "recompute", "profile")
QUICK_S = 0.8
EXAMPLES = """commands:
  run         measure (the default)
  list        the rows, and how long each takes
  report      write the measured part of docs/performance.md, and the figures
  plot        the figures alone
  recompute   compute every latency of a results file again from its samples
  profile     where one service spends its time under load

examples:
  make bench                                          everything, about an hour: see `list`
  make bench ARGS="--only chain-1000 price-*"         some rows; * stands for anything
  make bench ARGS="--quick"                           does every row run? (numbers say nothing)
  make bench ARGS="list"
  python -m bench --only peers-* --rounds 5 --json > peers.json
  python -m bench report bench/results/2026-11-21-1a2b3c4d
  python -m bench profile --service arbiter --rate 10000 --seconds 20

Let nothing else run meanwhile: a hub on one host uses every core there is.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Do what was asked. Exit codes: 0 done, 1 something could not be measured, 2 wrong use."""
    words = list(sys.argv[1:] if argv is None else argv)
    command = words.pop(0) if words and words[0] in COMMANDS else "run"
    work = {
        "run": _run, "list": _list, "report": _report, "plot": _plot,
        "recompute": _recompute, "profile": _profile,
    }  # fmt: skip
    try:
        return work[command](words)
    except BenchError as error:
        sys.stderr.write(f"bench: {error}\n")
        return 1


def _parser(command: str, description: str) -> argparse.ArgumentParser:
    return argparse.ArgumentParser(
        prog=f"python -m bench {command}".strip(), description=description, epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip


def _measure_options(command: str, description: str) -> argparse.ArgumentParser:
    parser = _parser(command, description)
    parser.add_argument("--only", nargs="+", metavar="ROW", default=["*"], help="rows to measure")
    parser.add_argument("--quick", action="store_true", help="a fraction of a second each")
    parser.add_argument("--rounds", type=int, help="alternations of the sides (default 3, quick 1)")
    parser.add_argument(
        "--seconds", type=float, help=f"of each end-to-end run (default 15, quick {QUICK_S:g})"
    )
    return parser


def _settings(options: argparse.Namespace) -> Settings:
    quick: bool = options.quick
    settings = Settings(
        seconds=options.seconds or (QUICK_S if quick else 15.0),
        rounds=options.rounds or (1 if quick else 3),
        quick=quick,
    )
    if settings.seconds < 0.5 or settings.rounds < 1:
        raise BenchError("expected --seconds of at least 0.5 and --rounds of at least 1")
    return settings


def _rows(patterns: Sequence[str]) -> list[Row]:
    rows = [row for row in CATALOGUE if any(Path(row.name).match(p) for p in patterns)]
    if not rows:
        known = ", ".join(row.name for row in CATALOGUE)
        raise BenchError(f"--only {' '.join(patterns)} fits no row; the rows are {known}")
    return rows


def _run(words: list[str]) -> int:
    parser = _measure_options("", "Measure the hub, its bare floor, its peers and its parts.")
    parser.add_argument("--json", action="store_true", help="print the results as JSON")
    parser.add_argument("--keep", type=Path, help="folder (default bench/results/<date>-<machine>)")
    options = parser.parse_args(words)
    settings, rows = _settings(options), _rows(options.only)
    here, now = machine(), datetime.now(UTC)
    suffix = "-quick" if settings.quick else ""
    folder = options.keep or FOLDER / f"{now:%Y-%m-%dT%H%M}-{here.id}{suffix}"
    began_at = commit()
    measured = Measurer(settings, folder, rows).all()
    results = Results(
        when=f"{now:%Y-%m-%d %H:%M} UTC", machine=here, versions=versions(), commit=began_at,
        command=shlex.join(["python", "-m", "bench", *words]), quick=settings.quick,
        seconds=settings.seconds, rounds=settings.rounds, rows=measured,
    )  # fmt: skip
    path = save(results, folder)
    if options.json:
        sys.stdout.write(msgspec.json.encode(results).decode() + "\n")
    else:
        _show(results)
    sys.stderr.write(f"bench: kept in {path}\n")
    return 1 if any(row.skipped for row in measured) else 0


def _show(results: Results) -> None:
    chains = [row for row in results.rows if row.runs]
    parts = [targets_table(results)]
    parts += [stages_table(results)] if any(row.values for row in results.rows) else []
    parts += [chains_table(chains)] if chains else []
    sys.stdout.write("\n\n".join(parts) + "\n")


def _list(words: list[str]) -> int:
    options = _measure_options("list", "List the rows and how long they take.").parse_args(words)
    settings, rows = _settings(options), _rows(options.only)
    for row in rows:
        minutes = planned_s(row, settings) / 60
        sys.stdout.write(f"{row.name:<16} {minutes:6.1f} min  {row.title}\n")
    total = sum(planned_s(row, settings) for row in rows) / 60
    sys.stdout.write(f"{'all':<16} {total:6.1f} min\n")
    return 0


def _report(words: list[str]) -> int:
    parser = _parser("report", "Write docs/performance.md and docs/img/ from a results file.")
    parser.add_argument("file", type=Path, help="results.json or its folder")
    options = parser.parse_args(words)
    sys.stderr.write(f"bench: wrote {write_report(options.file)}\n")
    return _draw(options.file, IMAGES)


def _plot(words: list[str]) -> int:
    parser = _parser("plot", "Draw the growth rows as SVG.")
    parser.add_argument("file", type=Path, help="results.json or its folder")
    parser.add_argument("--to", type=Path, default=IMAGES, help="folder (default docs/img)")
    options = parser.parse_args(words)
    return _draw(options.file, options.to)


def _draw(file: Path, folder: Path) -> int:
    load(file)
    command = [str(bench_python()), "-m", "bench.plots", str(file), str(folder)]
    return subprocess.run(command, check=False).returncode


def _recompute(words: list[str]) -> int:
    parser = _parser("recompute", "Compute latencies again from the kept samples, and compare.")
    parser.add_argument("file", type=Path, help="results.json or its folder")
    options = parser.parse_args(words)
    results = load(options.file)
    folder = options.file if options.file.is_dir() else options.file.parent
    found = differences(results, folder)
    runs = sum(len(row.runs) for row in results.rows)
    sys.stdout.write("\n".join([*found, f"{runs} runs, {len(found)} differences"]) + "\n")
    return 1 if found else 0


def _profile(words: list[str]) -> int:
    parser = _parser("profile", "Record one service under load with py-spy.")
    parser.add_argument("--service", choices=SERVICES, default="arbiter")
    parser.add_argument("--seconds", type=float, default=10.0, help="to record (default 10)")
    parser.add_argument("--rate", type=float, default=5_000.0, help="distinct ticks/s")
    parser.add_argument("--format", choices=sorted(SUFFIX), default="flamegraph")
    parser.add_argument("--native", action="store_true", help="frames of extensions too")
    parser.add_argument("--out", type=Path, help="file (default profile-<service>.svg or .json)")
    options = parser.parse_args(words)
    out = options.out or Path(f"profile-{options.service}.{SUFFIX[options.format]}")
    wish = Wish(options.service, options.seconds, options.rate, options.format, out, options.native)
    sys.stdout.write(f"{profile(wish)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
