"""`make truth`: prove the arbiter's rules on labelled anomalies; write docs/truth.md.

    make truth                              everything, on the recordings and the simulator
    make truth ARGS="--quick"               a little of everything, in seconds, no report kept
    make truth ARGS="--only mixed"          corpora whose name has this word
    make truth ARGS="--seed 7 --json t.json"

Recordings are looked for in MDHUB_RECORDINGS (default ../shared/data/recordings).
Exit code: 0 measured (a missed target is in the report), 1 the command failed, 3 --strict and a
target was missed.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from datetime import UTC, datetime
from pathlib import Path

from truth.jobs import (
    Job,
    Result,
    Size,
    full_jobs,
    missing_recordings,
    mutant_jobs,
    quick_jobs,
    run,
)
from truth.judge import COMMAND, JudgeError
from truth.mutants import Fate, run_mutants
from truth.report import Findings, as_json, as_markdown

DOCS = Path(__file__).parents[1] / "docs"
QUICK = Size(each=5, sim_s=40, trap_rows=20, hold_contracts=3, outages=4)
FOR_MUTANTS = Size(each=40, sim_s=240, trap_rows=20, hold_contracts=3)


def main() -> int:
    """Run what was asked for."""
    options = _parser().parse_args()
    try:
        return _prove(options)
    except JudgeError as error:
        sys.stderr.write(f"truth: {error}\n")
        return 1


def _prove(options: argparse.Namespace) -> int:
    missing = list(missing_recordings())
    skipped = f"skipped, no {', '.join(missing)} (set MDHUB_RECORDINGS)" if missing else ""
    if options.quick:
        skipped = "skipped by --quick"
    size = QUICK if options.quick else Size()
    size = Size(**{**vars(size), "seed": options.seed})
    jobs = quick_jobs() if options.quick else full_jobs(recordings=not skipped)
    jobs = [job for job in jobs if options.only in job.name]
    command = tuple(shlex.split(options.judge)) if options.judge else COMMAND
    if skipped:
        _say(f"recordings: {skipped}")
    with tempfile.TemporaryDirectory(prefix="truth-", dir=options.scratch) as folder:
        results = list(_results(jobs, size, Path(folder), command, options.workers))
        fates = [] if options.quick or options.only else _mutants(options, Path(folder), command)
    results.sort(key=lambda result: jobs.index(result.job))
    findings = Findings(
        "make truth" + (f' ARGS="{shlex.join(sys.argv[1:])}"' if sys.argv[1:] else ""),
        f"{datetime.now(UTC):%Y-%m-%d}",
        options.seed,
        results,
        fates,
        skipped,
    )
    return _report(findings, options)


def _results(
    jobs: list[Job], size: Size, folder: Path, command: tuple[str, ...], workers: int
) -> Iterator[Result]:
    with ProcessPoolExecutor(workers) as pool:
        asked = [pool.submit(run, job, size, folder, command) for job in jobs]
        try:
            for number, done in enumerate(as_completed(asked), start=1):
                result = done.result()
                text = f"{result.rows:,} rows, {result.seconds:.1f} s"
                _say(f"{number}/{len(jobs)} {result.job.name}: {text}")
                yield result
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _mutants(options: argparse.Namespace, folder: Path, command: tuple[str, ...]) -> list[Fate]:
    size = Size(**{**vars(FOR_MUTANTS), "seed": options.seed})
    return list(run_mutants(mutant_jobs(), size, folder, command=command, say=_say))


def _report(findings: Findings, options: argparse.Namespace) -> int:
    found = findings.checks()
    for check in found:
        if not check["met"] and not options.only:
            _say(f"missed: {check['name']}: {check['found']}, wanted {check['wanted']}")
    met = sum(1 for check in found if check["met"])
    _say(f"{met} of {len(found)} targets met")
    if options.json:
        options.json.write_text(json.dumps(as_json(findings), indent=1) + "\n", encoding="utf-8")
    page = options.report or (None if options.quick or options.only else DOCS / "truth.md")
    if page:
        so_far = page.read_text(encoding="utf-8") if page.is_file() else ""
        page.write_text(as_markdown(findings, so_far), encoding="utf-8")
        _say(f"written: {page}")
    return 3 if options.strict and met < len(found) else 0


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make truth", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="small corpora, simulator only")
    parser.add_argument("--only", default="", metavar="WORD", help="corpora with this in the name")
    parser.add_argument("--seed", type=int, default=1, help="default: 1")
    parser.add_argument("--judge", metavar="COMMAND", help="default: mdhub arbitrate")
    parser.add_argument("--workers", type=int, default=2, help="processes, default: 2")
    parser.add_argument("--scratch", type=Path, help="folder for corpora, up to 1 GB")
    parser.add_argument("--json", type=Path, metavar="FILE", help="all counts, for machines")
    parser.add_argument("--report", type=Path, metavar="FILE", help="default: docs/truth.md")
    parser.add_argument("--strict", action="store_true", help="exit code 3 if a target is missed")
    return parser


if __name__ == "__main__":
    sys.exit(main())
