"""Measure rows of the catalogue; samples are kept as they come."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bench.catalogue import Comparison, Row, Search, Side, Stage
from bench.chain.scene import Taken, run_chain
from bench.model import BenchError, RowResult, Run, Value
from bench.progress import CHAIN_OVERHEAD_S, Progress
from bench.samples import Samples, write_csv
from bench.settings import Settings
from mdhub.wire.errors import MdhubError

LATE = 1.03
"""A load counts as played in time if it took at most this share of the time it should take."""
GROWTH_MS_PER_S = 2.0
"""A backlog grows if the median latency rises faster than this."""
SAMPLES = "samples"
NOT_MEASURED = (BenchError, MdhubError, OSError)
"""A row that ends so is told as not measured; the others go on."""


class Measurer:
    """Measures rows one after the other into a folder."""

    def __init__(self, settings: Settings, folder: Path, rows: Sequence[Row]) -> None:
        self._settings = settings
        self._folder = folder
        self._rows = rows
        self._progress = Progress(sum(planned_s(row, settings) for row in rows))

    def all(self) -> list[RowResult]:
        """Measure everything; a row that cannot be measured says why."""
        return [self._row(number, row) for number, row in enumerate(self._rows, start=1)]

    def _row(self, number: int, row: Row) -> RowResult:
        began_s = time.monotonic()
        place = f"[{number}/{len(self._rows)}] {row.name}"
        match row:
            case Stage():
                result = self._stage(row, place)
            case Comparison():
                result = self._comparison(row, place)
            case Search():
                result = self._search(row, place)
        taken = RowResult(
            name=row.name, title=row.title, took_s=round(time.monotonic() - began_s, 1),
            axis=result.axis, values=result.values, runs=result.runs, skipped=result.skipped,
        )  # fmt: skip
        for side, reason in taken.skipped.items():
            self._progress.say(f"{side}: not measured: {reason}")
        return taken

    def _stage(self, row: Stage, place: str) -> RowResult:
        self._progress.begin(place)
        values: list[Value] = []
        skipped = {}
        try:
            values = row.measure(self._settings)
        except NOT_MEASURED as error:
            skipped[row.name] = str(error)
        self._progress.done(planned_s(row, self._settings))
        return RowResult(name=row.name, title=row.title, values=values, skipped=skipped)

    def _comparison(self, row: Comparison, place: str) -> RowResult:
        runs: list[Run] = []
        skipped: dict[str, str] = {}
        sides = row.sides(self._settings)
        for number in range(self._settings.rounds):
            for side in sides:
                words = f"{place}: {_words(side, row.axis)}"
                self._progress.begin(f"{words}, round {number + 1} of {self._settings.rounds}")
                if _words(side, row.axis) not in skipped:
                    try:
                        runs.append(self._run(row.name, side, number))
                    except NOT_MEASURED as error:
                        skipped[_words(side, row.axis)] = str(error)
                self._progress.done(side.load.seconds + CHAIN_OVERHEAD_S)
        return RowResult(name=row.name, title=row.title, axis=row.axis, runs=runs, skipped=skipped)

    def _search(self, row: Search, place: str) -> RowResult:
        """Every side climbs on, in turns, until it fails for the first time."""
        runs: list[Run] = []
        skipped: dict[str, str] = {}
        climbing = row.sides(self._settings)
        left_s = planned_s(row, self._settings)
        for rate in row.rates_of(self._settings):
            for side in list(climbing):
                self._progress.begin(f"{place}: {side.name}, {rate:,.0f} ticks/s")
                load = replace(side.load, ticks_per_s=rate)
                step = replace(side, load=load, x=rate)
                try:
                    run = self._run(row.name, step, 0)
                    runs.append(run)
                    up = sustained(run)
                except NOT_MEASURED as error:
                    skipped[f"{side.name}, {rate:,.0f} ticks/s"] = str(error)
                    up = False
                if not up:
                    climbing.remove(side)
                self._progress.done(load.seconds + CHAIN_OVERHEAD_S)
                left_s -= load.seconds + CHAIN_OVERHEAD_S
        self._progress.drop(left_s)
        return RowResult(name=row.name, title=row.title, axis=row.axis, runs=runs, skipped=skipped)

    def _run(self, row: str, side: Side, number: int) -> Run:
        taken = run_chain(side.chain(self._settings), side.load)
        at = "" if side.x is None else f"-{side.x:g}"
        name = f"{SAMPLES}/{row}-{side.name.replace(' ', '_')}{at}-{number + 1}.csv.zst"
        write_csv(taken.samples, self._folder / name)
        run = run_of(side, number, taken, name)
        self._progress.say(f"p50 {run.p50_ms:g} ms, p99 {run.p99_ms:g} ms")
        return run


def sustained(run: Run) -> bool:
    """Whether the load was played in time and nothing piled up."""
    in_time = run.played_s <= LATE * run.asked_s
    return in_time and run.growth_ms_per_s <= GROWTH_MS_PER_S


def run_of(side: Side, number: int, taken: Taken, name: str) -> Run:
    """Numbers of a run."""
    numbers = numbers_of(taken.samples, side.load.clients)
    return Run(
        side=side.name, round=number + 1, x=side.x,
        clients=side.load.clients, asked_per_s=side.load.ticks_per_s,
        asked_s=side.load.seconds,
        ticks=taken.samples.total, cpu_s=taken.cpu_s,
        rss_mb={name: round(mb, 1) for name, mb in taken.rss_mb.items()},
        samples=name, hops=taken.samples.hops_ms(), **numbers,
    )  # fmt: skip


def numbers_of(samples: Samples, clients: int) -> dict[str, float]:
    """Everything that follows from samples alone; `recompute` does it again."""
    span_s = samples.span_s
    return {
        "played_s": round(samples.ticks[-1][0] / 1e6, 3),
        "ticks_per_s": round(samples.total / clients / span_s, 1) if span_s else 0.0,
        "p50_ms": round(samples.percentile_ms(0.5), 3),
        "p99_ms": round(samples.percentile_ms(0.99), 3),
        "p999_ms": round(samples.percentile_ms(0.999), 3),
        "max_ms": round(samples.percentile_ms(1.0), 3),
        "growth_ms_per_s": round(samples.growth_ms_per_s(), 3),
    }


def planned_s(row: Row, settings: Settings) -> float:
    """About how long a row takes."""
    each_s = settings.seconds + CHAIN_OVERHEAD_S
    match row:
        case Stage():
            return row.full_s if settings.quick else row.full_s * settings.rounds + 2
        case Comparison():
            return len(row.sides(settings)) * settings.rounds * each_s
        case Search():
            return len(row.rates_of(settings)) * len(row.sides(settings)) * each_s


def _words(side: Side, axis: str) -> str:
    return side.name if side.x is None else f"{side.name}, {axis} {side.x:,g}"
