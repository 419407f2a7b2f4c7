"""Rows G: a source that hangs, crashes again and again, writes garbage, stands still or is late."""

from __future__ import annotations

import json
import os
import signal
import time
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any, Final

from msgspec import structs

from mdhub.drill.crew import sources
from mdhub.drill.garbage import garbage, large, usable
from mdhub.drill.intruder import Intruder, arbiter_counters, starts
from mdhub.drill.port import Drill, Layout
from mdhub.drill.rig import Rig
from mdhub.drill.stale import Marked, expected_marks, quality_marks
from mdhub.drill.view import entries
from mdhub.runtime.keeper import ChildSpec
from mdhub.streams.topology import CLEAN, RAW
from mdhub.wire.codec import decode_clean_tick
from mdhub.wire.ticks import RawTick

__all__ = ["DRILLS"]

FIRST: Final = "A"
THIRD: Final = "C"
BROKEN: Final = "G"
DETECT_S: Final = 5.5
"""5 s without a sign of life, and a look every 0.05 s (mdhub_ingest.app)."""
HANGS: Final = "hang_after_s=2-2"
CRASHES: Final = "crash_after_s=0-0"
CRASHING_S: Final = 12.0
MOST_STARTS: Final = 10
"""In that time: pauses double, from 0.05 s at least; without a back-off there were 25."""
GARBAGE: Final = 100_000
LONG_GARBAGE: Final = 1_000_000
BATCH: Final = 200
PER_S: Final = 4_000
LARGE_EVERY: Final = 5_000
TEMPLATES: Final = 400
COUNTED_S: Final = 120.0
VERDICTS: Final = ("accepted", "duplicate", "late", "rejected", "held")
FREEZES: Final = "freeze_every_s=1-1,freeze_s=3600-3600,calm_s=0"
FROZEN_S: Final = 37.0
"""30 s alone, and 5 s until the next look."""
SINGLE_SOURCE: Final = "single_source"
EXACT_NS: Final = 100_000_000
LATE_S: Final = 8.0
LONG_LATE_S: Final = 600.0
LATER_S: Final = 6.0
"""Of late ticks."""


def _source(rig: Rig, misbehave: str) -> int:
    """Let the first source misbehave from now on: with a new supervisor. Return the process."""
    child, instance = rig.crew.named("ingest")[0], f"ingest:{FIRST}"
    before, spec = rig.beat_pid(instance), rig.crew.children[child].spec
    rig.crew.stop(child)
    rig.crew.want(_supervising(rig, spec, FIRST, misbehave))
    rig.crew.converge()
    rig.wait_replaced(instance, before)
    return rig.beat_pid(instance)


def _third_source(rig: Rig, misbehave: str) -> str:
    """Start one more source with a supervisor of its own; return the supervisor's name."""
    spec = rig.crew.children[rig.crew.named("ingest")[0]].spec
    third = replace(_supervising(rig, spec, THIRD, misbehave), name=f"ingest {THIRD}")
    rig.crew.want(third)
    rig.crew.converge()
    return third.name


def _supervising(rig: Rig, spec: ChildSpec, name: str, misbehave: str) -> ChildSpec:
    """A supervisor like that one, of one source alone."""
    words, kept = list(spec.command(1)), list[str]()
    while words:
        word = words.pop(0)
        if word in {"--source", "--only"}:
            words.pop(0)
        else:
            kept.append(word)
    first = sources(rig.options.seed, rig.drill.layout.ticks_per_s)[0]
    described = json.dumps({**first, "name": name, "misbehave": misbehave})
    command = [*kept, "--source", described]
    return replace(spec, command=lambda _: command)


# -- G1: hangs


def _hang(rig: Rig, random: Random) -> None:
    rig.wait(random.uniform(0.05, 0.35))
    instance = f"ingest:{FIRST}"
    pid = rig.beat_pid(instance)
    rig.fault(f"SIGSTOP the process of source {FIRST}")
    stopped_ns = time.time_ns()
    os.kill(pid, signal.SIGSTOP)
    _claim_detected(rig, "stopped", pid, stopped_ns)
    rig.wait_replaced(instance, pid)
    pid = _source(rig, HANGS)
    rig.fault(f"the main loop of source {FIRST} stands still, its other threads go on")
    _claim_detected(rig, "hanging", pid, None)
    _source(rig, "")
    rig.wait(1.0)


def _claim_detected(rig: Rig, how: str, pid: int, since_ns: int | None) -> None:
    """Since the last tick, where it is not known when it began to stand still."""
    rig.until(lambda: not Path(f"/proc/{pid}").exists(), f"the {how} source to be killed")
    killed_ns = time.time_ns()
    found_s = (killed_ns - (since_ns or _last_tick_ns(rig))) / 1e9
    rig.figures[f"{how}_detected_s"] = round(found_s, 2)
    words = f"{how} source killed after {found_s:.2f} s, at most {DETECT_S:g} s"
    rig.claim(words, held=found_s <= DETECT_S)


def _last_tick_ns(rig: Rig) -> int:
    """When the first source took its newest tick."""
    with Intruder(rig, BROKEN) as intruder:
        depth = int(rig.drill.layout.ticks_per_s * (DETECT_S + 3))
        ticks = intruder.newest(depth)
    return next((tick.recv_ns for tick in ticks if tick.source == FIRST), 0)


# -- G2: crashes


def _crash_loop(rig: Rig, random: Random) -> None:
    rig.wait(random.uniform(0.05, 0.35))
    rig.fault(f"a third source ({THIRD}) ends as soon as it starts, again and again")
    third = _third_source(rig, CRASHES)
    seconds = rig.options.seconds or CRASHING_S
    rig.wait(seconds)
    rig.crew.stop(third)
    deaths = _deaths(rig.folder / "services.log")
    pauses_s = [round(later - earlier, 2) for earlier, later in zip(deaths, deaths[1:])]  # noqa: B905, RUF007
    rig.figures |= {"starts": len(deaths), "pauses_s": pauses_s}
    words = f"{len(deaths)} starts in {seconds:g} s, at most {MOST_STARTS}"
    rig.claim(words, held=0 < len(deaths) <= MOST_STARTS)


def _deaths(log_file: Path) -> list[float]:
    """When the supervisor said that the third source died, in seconds."""
    said = (_line(text) for text in log_file.read_text(errors="replace").splitlines())
    return [
        line["ts_ns"] / 1e9
        for line in said
        if line.get("event") == "source_died" and line.get("source") == THIRD
    ]


def _line(text: str) -> dict[str, Any]:
    try:
        line = json.loads(text)
    except ValueError:
        return {}
    return line if isinstance(line, dict) else {}


# -- G3: garbage


def _garbage(rig: Rig, random: Random) -> None:
    total = LONG_GARBAGE if rig.options.long else GARBAGE
    before, token, counted = starts(rig), rig.token(), _counted(rig)
    with Intruder(rig, BROKEN) as intruder:
        rig.fault(f"{total} entries of garbage from source {BROKEN}")
        began_s, templates = time.monotonic(), list[RawTick]()
        while intruder.written < total:
            templates = _templates(intruder) or templates
            intruder.append("t" * BATCH, [_piece(random, templates, i) for i in range(BATCH)])
            while intruder.written > (time.monotonic() - began_s) * PER_S:
                rig.turn()
    rig.until(
        lambda: _counted(rig) - counted >= intruder.written, "all garbage to be counted",
        timeout_s=COUNTED_S,
    )  # fmt: skip
    _claim_refused(rig, intruder.written, _counted(rig) - counted)
    taken = rig.token() - token
    again = [name for name, count in starts(rig).items() if count != before.get(name)]
    rig.claim(f"take-overs {taken}, expected 0", held=taken == 0)
    rig.claim(f"restarted by it: {', '.join(again) or 'nothing'}", held=not again)


def _templates(intruder: Intruder) -> list[RawTick]:
    mine = {"source": intruder.name, "session": intruder.session}
    return [structs.replace(tick, **mine) for tick in intruder.newest(TEMPLATES) if usable(tick)]


def _piece(random: Random, templates: list[RawTick], number: int) -> bytes:
    template = random.choice(templates)
    if number == 0 and random.random() < BATCH / LARGE_EVERY:
        return large(random, template)
    return garbage(random, template)


def _counted(rig: Rig) -> int:
    """Entries of the broken source that have got a verdict."""
    said = arbiter_counters(rig)
    known = sum(said.get(f"{verdict}:{BROKEN}", 0) for verdict in VERDICTS)
    return known + said.get("reason:undecodable", 0)


def _claim_refused(rig: Rig, written: int, counted: int) -> None:
    said = arbiter_counters(rig)
    reasons = {name: count for name, count in said.items() if name.startswith("reason:")}
    verdicts = {verdict: said.get(f"{verdict}:{BROKEN}", 0) for verdict in VERDICTS}
    rig.figures |= {"garbage": written, "reasons": reasons, "verdicts": verdicts}
    rig.claim(f"{counted} of {written} counted with a verdict", held=counted == written)
    words = f"{verdicts['accepted']} pieces of garbage in clean, expected 0"
    rig.claim(words, held=verdicts["accepted"] == 0)


# -- G4: stands still, or is late


def _freeze(rig: Rig, random: Random) -> None:
    rig.wait(random.uniform(0.05, 0.35))
    _source(rig, FREEZES)
    rig.fault(f"source {FIRST} delivers nothing any more, though all is well with its process")
    rig.wait(FROZEN_S)
    due = rig.ask(lambda log: expected_marks(entries(log, RAW)), dict[str, int]())
    marks = rig.ask(lambda log: list(quality_marks(entries(log, CLEAN))), list[Marked]())
    found: dict[str, int] = {}
    for mark in marks:
        if mark.quality == SINGLE_SOURCE:
            found.setdefault(mark.symbol, mark.log_ns)
    others = {mark.symbol for mark in marks if mark.quality not in {SINGLE_SOURCE, ""}}
    _claim_marked(rig, {s: ns for s, ns in due.items() if s not in others}, found)


def _claim_marked(rig: Rig, due: dict[str, int], found: dict[str, int]) -> None:
    off_ms = sorted(abs(found[s] - ns) / 1e6 for s, ns in due.items() if s in found)
    worst_ms = off_ms[-1] if off_ms else 0.0
    missing = sorted(set(due) - set(found))
    rig.figures |= {"instruments_due": len(due), "marked": len(found), "worst_ms": worst_ms}
    rig.claim(f"{len(off_ms)} of {len(due)} instruments marked", held=bool(due) and not missing)
    words = f"markers at most {worst_ms:.0f} ms off the log time when they are due, at most 100 ms"
    rig.claim(words, held=worst_ms * 1e6 <= EXACT_NS)


def _late(rig: Rig, random: Random) -> None:
    rig.wait(random.uniform(0.05, 0.35))
    late_s = LONG_LATE_S if rig.options.long else LATE_S
    _source(rig, f"lag_ms={late_s * 1000:g}-{late_s * 1000:g}")
    rig.fault(f"source {FIRST} comes {late_s:g} s late from now on")
    since_ns = time.time_ns()
    rig.wait(late_s + LATER_S)
    said = arbiter_counters(rig)
    won = rig.ask(lambda log: sum(_won(fields, since_ns) for _, fields in entries(log, CLEAN)), -1)
    rig.figures |= {
        name: said.get(f"{name}:{FIRST}", 0) for name in ("accepted", "duplicate", "late")
    }
    rig.claim(f"{won} late ticks taken from source {FIRST}, expected 0", held=won == 0)


def _won(fields: list[bytes], since_ns: int) -> bool:
    """Whether a clean entry is a tick that the first source delivered after that."""
    if fields[2] != b"t":
        return False
    tick = decode_clean_tick(fields[3])
    return tick.source == FIRST and tick.recv_ns > since_ns


DRILLS: Final = [
    Drill(
        id="G1",
        title="source hangs",
        fault="SIGSTOP a source's process; then one whose main loop stands still",
        criterion=f"killed by progress <= {DETECT_S:g} s; silence <= 0.2 s",
        run=_hang,
        silence_max_s=0.2,
    ),
    Drill(
        id="G2",
        title="source crashes again and again",
        fault="a third source that ends as soon as it starts, for 12 s (--seconds)",
        criterion=f"back-off: <= {MOST_STARTS} starts in 12 s; the others go on: silence <= 0.5 s",
        run=_crash_loop,
        silence_max_s=0.5,
    ),
    Drill(
        id="G3",
        title="garbage",
        fault="100,000 raw entries of garbage (--long: 1,000,000) from a third source",
        criterion="each counted with a verdict, 0 in clean, no restart; silence <= 0.5 s",
        run=_garbage,
        layout=Layout(maxmemory_mb=6_144),
        silence_max_s=0.5,
    ),
    Drill(
        id="G4",
        title="source frozen",
        fault="one of two sources delivers nothing for 37 s, though its process is well",
        criterion="instruments marked single_source at log time +- 100 ms; silence <= 0.2 s",
        run=_freeze,
        silence_max_s=0.2,
    ),
    Drill(
        id="G4b",
        title="source late",
        fault="one of two sources comes 8 s late (--long: 10 min)",
        criterion="nothing of it is taken; silence <= 0.2 s",
        run=_late,
        silence_max_s=0.2,
    ),
]
