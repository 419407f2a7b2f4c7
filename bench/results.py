"""Results on disk: `results.json`, the same as `results.csv`, and the samples beside them."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import msgspec

from bench.measure import numbers_of
from bench.model import SCHEMA, BenchError, Results
from bench.samples import read_csv

FOLDER = Path(__file__).parent / "results"
NAME = "results.json"
HEADER = ("row", "side", "x", "round", "measure", "value", "unit")


def save(results: Results, folder: Path) -> Path:
    """Write JSON and CSV; returns the JSON's path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / NAME
    path.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=1) + b"\n")
    with (folder / "results.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows(_flat(results))
    return path


def load(path: Path) -> Results:
    """Read results. Raises BenchError saying what is wrong with the file."""
    path = path / NAME if path.is_dir() else path
    try:
        results = msgspec.json.decode(path.read_bytes(), type=Results)
    except OSError as error:
        raise BenchError(f"{path} cannot be read ({error.strerror})") from error
    except msgspec.DecodeError as error:
        raise BenchError(f"{path} holds no results of `make bench`: {error}") from error
    if results.schema != SCHEMA:
        raise BenchError(f"{path} has schema {results.schema}, expected {SCHEMA}: measure again")
    return results


def differences(results: Results, folder: Path) -> list[str]:
    """Compute every run's numbers again from its samples; what does not agree."""
    found = []
    for row in results.rows:
        for run in row.runs:
            samples = read_csv(folder / run.samples)
            again = {**numbers_of(samples, run.clients), "hops": samples.hops_ms()}
            found += [
                f"{run.samples}: {name} is {getattr(run, name)}, its samples give {value}"
                for name, value in again.items()
                if getattr(run, name) != value
            ]
    return found


def _flat(results: Results) -> Iterator[tuple[object, ...]]:
    for row in results.rows:
        for value in row.values:
            for number, measured in enumerate(value.rounds, start=1):
                yield row.name, "", "", number, value.name, measured, value.unit
        for run in row.runs:
            at = (row.name, run.side, "" if run.x is None else run.x, run.round)
            yield *at, "ticks_per_s", run.ticks_per_s, "1/s"
            for name in ("p50", "p99", "p999", "max"):
                yield *at, name, getattr(run, f"{name}_ms"), "ms"
            yield *at, "growth", run.growth_ms_per_s, "ms/s"
            for hop, (p50_ms, p99_ms) in run.hops.items():
                yield *at, f"{hop}, p50", p50_ms, "ms"
                yield *at, f"{hop}, p99", p99_ms, "ms"
            for process, seconds in run.cpu_s.items():
                yield *at, f"CPU of {process}", seconds, "us/tick"
            for process, mb in run.rss_mb.items():
                yield *at, f"memory of {process}", mb, "MB"
