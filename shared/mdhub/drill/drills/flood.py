"""Row X2: a service that floods its log lines."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from math import ceil
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

from mdhub.drill.evidence import Evidence
from mdhub.drill.port import Claim, Drill
from mdhub.drill.receipts import read_receipts
from mdhub.drill.rig import Rig
from mdhub.runtime.keeper import ChildSpec

__all__ = ["DRILLS"]

ROUNDS: Final = 3
WINDOW_S: Final = 4.0
LINES_PER_S: Final = 50_000
MOST_SLOWER: Final = 1.10
MOST_KB_PER_S: Final = 100.0
WINDOWS: Final = "windows"


class Window(NamedTuple):
    """A time (monotonic ns) with or without the flood."""

    loud: bool
    from_ns: int
    to_ns: int


def _flood(rig: Rig, random: Random) -> None:
    """Quiet and loud in turn, so that whatever else the machine does hits both alike."""
    log_file = rig.folder / "services.log"
    windows: list[Window] = []
    said = written = 0
    for number in range(rig.options.rounds or ROUNDS):
        windows.append(_window(rig, loud=False))
        name, count = f"flooder {number}", rig.folder / f"flood-{number}.count"
        size = log_file.stat().st_size
        rig.fault(f"a service says {LINES_PER_S} lines/s for {WINDOW_S:g} s")
        rig.crew.want(_flooder(rig, name, count))
        rig.until(lambda: log_file.stat().st_size > size, "the flood to begin")  # noqa: B023
        windows.append(_window(rig, loud=True))
        rig.crew.stop(name)
        said += int(count.read_text())
        written += log_file.stat().st_size - size
        rig.wait(random.uniform(0.1, 0.3))
    rig.figures[WINDOWS] = windows
    loud_s = sum(w.to_ns - w.from_ns for w in windows if w.loud) / 1e9
    rig.figures |= {"lines_said": said, "lines_per_s": round(said / loud_s), "written": written}
    kb = written / loud_s / 1000
    rig.claim(f"{kb:.0f} kB/s written, at most {MOST_KB_PER_S:g}", held=kb <= MOST_KB_PER_S)


def _window(rig: Rig, *, loud: bool) -> Window:
    began_ns = time.monotonic_ns()
    rig.wait(rig.options.seconds or WINDOW_S)
    return Window(loud, began_ns, time.monotonic_ns())


def _flooder(rig: Rig, name: str, count: Path) -> ChildSpec:
    command = [
        sys.executable, "-m", "mdhub.drill.flooder",
        "--lines-per-s", str(LINES_PER_S), "--count", str(count),
    ]  # fmt: skip
    return ChildSpec(name, lambda _: command, stderr=rig.stderr)


def _slower(evidence: Evidence) -> Iterable[Claim]:
    windows: Sequence[Window] = evidence.figures.pop(WINDOWS)
    quiet, loud = (
        _p99_ms(evidence.clients["client"], [w for w in windows if w.loud is kind])
        for kind in (False, True)
    )
    evidence.figures |= {"quiet_p99_ms": quiet, "loud_p99_ms": loud}
    words = f"p99 of a tick's way {loud:.2f} ms in the flood, {quiet:.2f} ms without it"
    return [Claim(f"{words}, at most +10 %", loud <= quiet * MOST_SLOWER)]


def _p99_ms(receipts: Path, windows: Sequence[Window]) -> float:
    """99th percentile from arrival at the hub to the strategy, in some windows."""
    ways = sorted(_ways_ns(receipts, windows))
    with suppress(IndexError):
        return round(ways[ceil(len(ways) * 0.99) - 1] / 1e6, 3)
    return float("inf")


def _ways_ns(receipts: Path, windows: Sequence[Window]) -> Iterator[int]:
    ahead_ns = time.time_ns() - time.monotonic_ns()
    for receipt in read_receipts(receipts):
        if receipt.is_tick and any(w.from_ns <= receipt.at_ns < w.to_ns for w in windows):
            yield receipt.at_ns + ahead_ns - receipt.tick().recv_ns


DRILLS: Final = [
    Drill(
        id="X2",
        title="log flood",
        fault="a service says 50,000 log lines a second, three times for 4 s",
        criterion="p99 of a tick's way at most +10 %; <= 100 kB/s written",
        run=_flood,
        check=_slower,
    ),
]
