"""Runs rows one after the other, each on a hub of its own; what comes out is the table."""

from __future__ import annotations

import contextlib
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any, Final

from mdhub.drill.evidence import Evidence
from mdhub.drill.judge import collect, judge
from mdhub.drill.port import Claim, Drill, Options
from mdhub.drill.rig import Rig
from mdhub.wire.errors import MdhubError

__all__ = ["FolderTaken", "Row", "check_keep", "run_drill"]

AFTER_S: Final = 1.0
"""The market ticks for so long after the last fault was over: no silence is cut short."""
QUIET_S: Final = 0.5
DRAIN_S: Final = 15.0
END_S: Final = 10.0
LOG_LINES: Final = 12

PASSED: Final = "pass"
FAILED: Final = "FAIL"
SKIPPED: Final = "skipped"


@dataclass(slots=True, kw_only=True)
class Row:
    """Result of one drill, as the table and `--json` show it."""

    id: str
    title: str
    fault: str
    criterion: str
    verdict: str
    """`pass`, `FAIL` or `skipped`."""
    seed: int
    lost: int = 0
    duplicated: int = 0
    disordered: int = 0
    false: int = 0
    clean_equals_raw: bool | None = None
    """None = it did not come to a comparison."""
    faults: int = 0
    made: int = 0
    received: int = 0
    raw: int = 0
    """Raw entries folded anew."""
    silence_p50_s: float | None = None
    silence_p99_s: float | None = None
    silence_max_s: float | None = None
    quiet_s: float | None = None
    """Longest silence before the first fault."""
    market_s: float | None = None
    """Longest interval of the market itself."""
    seconds: float = 0.0
    reasons: list[str] = field(default_factory=list)
    """Why it failed or was skipped."""
    claims: list[dict[str, Any]] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        return self.verdict == FAILED


class FolderTaken(MdhubError):
    """A hub must not start on the data of another run."""

    exit_code = 2


def check_keep(keep: Path | None, drills: Sequence[Drill]) -> None:
    """Raise FolderTaken if a folder to keep a row's files in is there already."""
    for drill in drills if keep is not None else ():
        if keep is not None and (keep / drill.id).exists():
            raise FolderTaken(f"--keep: {keep / drill.id} is there already; name a new folder")


def run_drill(
    drill: Drill, options: Options, *, keep: Path | None, say: Callable[[str], None]
) -> Row:
    """Run one row: hub, faults, judgement.

    A hub that does not do what is waited for is a FAIL, and so is a mistake of the row itself.
    """
    row = Row(
        id=drill.id, title=drill.title, fault=drill.fault, criterion=drill.criterion,
        verdict=FAILED, seed=options.seed,
    )  # fmt: skip
    missing = [need for need in drill.needs if not need.present()]
    if missing:
        row.verdict = SKIPPED
        row.reasons = [f"needs {need.name}: {need.how}" for need in missing]
        return row
    began_s = time.monotonic()
    with _folder(keep, drill) as folder:
        try:
            row = _run(drill, options, folder, row, say)
        except MdhubError as error:
            row.reasons = [error.sentence, *_tail(folder)]
        except Exception as error:  # noqa: BLE001 - the rows behind it are still to be run
            where = traceback.format_exc().splitlines()[-LOG_LINES:]
            row.reasons = [f"the drill itself failed: {error!r}", *where]
    return replace(row, seconds=round(time.monotonic() - began_s, 1))


def _run(drill: Drill, options: Options, folder: Path, row: Row, say: Callable[[str], None]) -> Row:
    random = Random(f"{options.seed}/{drill.id}")
    with (folder / "services.log").open("w") as stderr:
        with Rig(drill, options, folder, stderr=stderr, say=say) as rig:
            rig.wait(random.uniform(0.5, 1.0))
            drill.run(rig, random)
            rig.wait_live()
            rig.wait(AFTER_S)
            _end(rig)
            say("judging")
            evidence = collect(rig)
        return _filled(row, drill, evidence, rig.claims)


def _filled(row: Row, drill: Drill, evidence: Evidence, claims: list[Claim]) -> Row:
    verdict, silence = judge(drill, evidence, claims), evidence.silence
    return replace(
        row,
        verdict=FAILED if verdict.reasons else PASSED,
        lost=verdict.lost,
        duplicated=verdict.duplicated,
        disordered=verdict.disordered,
        false=verdict.false,
        clean_equals_raw=verdict.clean_equals_raw,
        faults=len(evidence.faults),
        made=sum(report.made for report in evidence.market.values()),
        received=sum(report.received for report in evidence.market.values()),
        raw=evidence.verified.raw,
        silence_p50_s=silence.percentile(0.5),
        silence_p99_s=silence.percentile(0.99),
        silence_max_s=silence.percentile(1.0),
        quiet_s=silence.quiet_s,
        market_s=silence.market_s,
        reasons=verdict.reasons,
        claims=[{"words": claim.words, "held": claim.held} for claim in verdict.claims],
        figures=verdict.figures,
    )


def _end(rig: Rig) -> None:
    """Sources end, the chain drains, clients say their last word."""
    rig.stop_market()
    still_since_s, seen = time.monotonic(), (-1, [-1])
    deadline_s = time.monotonic() + DRAIN_S
    while time.monotonic() - still_since_s < QUIET_S and time.monotonic() < deadline_s:
        now = (rig.n(), [rig.received(name) for name in rig.clients()])
        if now != seen:
            seen, still_since_s = now, time.monotonic()
        rig.turn()
    voices = dict(rig.crew.voices)
    rig.crew.stop(*rig.clients())
    for voice in voices.values():
        voice.wait_end(END_S)


@contextlib.contextmanager
def _folder(keep: Path | None, drill: Drill) -> Iterator[Path]:
    if keep is not None:
        folder = keep / drill.id
        folder.mkdir(parents=True)
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="mdhub-drill-") as name:
        yield Path(name)


def _tail(folder: Path) -> list[str]:
    log = folder / "services.log"
    return log.read_text(errors="replace").splitlines()[-LOG_LINES:] if log.exists() else []
