"""Row L1: one slow strategy among many."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from functools import partial
from random import Random
from statistics import median
from typing import Final

from mdhub.demo.progress import StrategyVoice
from mdhub.drill.evidence import Evidence
from mdhub.drill.port import Claim, Drill, Layout
from mdhub.drill.receipts import read_receipts
from mdhub.drill.rig import Rig
from mdhub.runtime.keeper import ChildSpec

__all__ = ["DRILLS"]

CLIENTS: Final = 20
RECORDED: Final = 1
TICKS_PER_S: Final = 200.0
SLOWNESS: Final = 10
BEFORE_S: Final = 8.0
SLOW_S: Final = 8.0
SLOW: Final = "slow reader"
SECOND_NS: Final = 1_000_000_000
WORSE: Final = 1.1
"""The others' p99 while one is slow, over that before."""


def _slow_reader(rig: Rig, random: Random) -> None:  # noqa: ARG001 - a row
    crowd = _readers(rig, "readers", CLIENTS - RECORDED - 1)
    slow = _readers(rig, SLOW, 1, delay_ms=SLOWNESS * 1_000 / TICKS_PER_S)
    for voice in (crowd, slow):
        rig.until(partial(_all_read, voice), "all readers to get ticks")
    rig.wait(1.0)
    rig.figures["before_ns"] = time.monotonic_ns()
    rig.wait(BEFORE_S)
    rig.fault(f"one of {CLIENTS} readers needs {SLOWNESS} times as long as it has for a tick")
    rig.figures["slow_ns"] = time.monotonic_ns()
    os.kill(rig.pid(SLOW), signal.SIGUSR1)
    rig.wait(SLOW_S)
    rig.figures["after_ns"] = time.monotonic_ns()
    rig.figures["told"] = slow.newest.get("words", "")
    told = slow.newest.get("told", 0)
    rig.claim(f"the slow one was told {told} times that it is too slow, expected 1", held=told == 1)
    rig.claim("no other was told so", held=crowd.newest.get("told", 0) == 0)


def _all_read(voice: StrategyVoice) -> bool:
    return bool(voice.newest.get("least", 0))


def _readers(rig: Rig, name: str, readers: int, *, delay_ms: float = 0.0) -> StrategyVoice:
    command = [
        sys.executable, "-m", "mdhub.drill.readers", *rig.endpoints(),
        "--readers", str(readers), "--delay-ms", str(delay_ms),
    ]  # fmt: skip
    state = rig.crew.want(ChildSpec(name, lambda _: command, stdout=subprocess.PIPE))
    rig.crew.converge()
    return StrategyVoice(state.output())


def _unaffected(evidence: Evidence) -> Iterable[Claim]:
    figures = evidence.figures
    before_ms = _p99_ms(evidence, figures["before_ns"], figures["slow_ns"])
    after_ms = _p99_ms(evidence, figures["slow_ns"], figures["after_ns"])
    ratio = after_ms / before_ms
    figures |= {"p99_before_ms": round(before_ms, 3), "p99_ms": round(after_ms, 3)}
    words = f"p99 of another {after_ms:.2f} ms against {before_ms:.2f} ms before, ratio {ratio:.2f}"
    yield Claim(f"{words}, at most {WORSE:g}", ratio <= WORSE)


def _p99_ms(evidence: Evidence, first_ns: int, last_ns: int) -> float:
    """99th percentile from the hub's receipt to the client's, in a span (monotonic).

    The median of those of each second: what else the machine does comes and goes.
    """
    ahead_ns = time.time_ns() - time.monotonic_ns()
    seconds: dict[int, list[int]] = {}
    for receipt in read_receipts(evidence.clients["client"]):
        if receipt.is_tick and first_ns <= receipt.at_ns < last_ns:
            age_ns = receipt.at_ns + ahead_ns - receipt.tick().recv_ns
            seconds.setdefault((receipt.at_ns - first_ns) // SECOND_NS, []).append(age_ns)
    each_ns = [sorted(ages)[int(len(ages) * 0.99)] for ages in seconds.values()]
    return median(each_ns) / 1e6 if each_ns else float("inf")


DRILLS: Final = [
    Drill(
        id="L1",
        title="a slow strategy",
        fault="one of 20 readers takes ten times as long for a tick as the market",
        criterion="it is told; p99 of the others at most 10 % worse",
        run=_slow_reader,
        layout=Layout(ticks_per_s=TICKS_PER_S, clients=RECORDED),
        check=_unaffected,
    ),
]
