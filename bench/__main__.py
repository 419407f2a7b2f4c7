"""`make bench`: measure, print one table, keep raw samples and a dated summary.

    make bench                               everything, about five minutes
    make bench ARGS="stages"                 single stages, one minute
    make bench ARGS="chain --rounds 1"       end to end beside the bare floor

Let nothing else run meanwhile: there are two cores, and the chain uses both.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import stages
from bench.run import Load, Samples, run_floor, run_hub

RESULTS = Path(__file__).parent / "results"
SECONDS = 15.0

Row = tuple[str, dict[str, Any]]


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(
        prog="make bench", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("what", nargs="?", choices=["all", "stages", "chain"], default="all")
    parser.add_argument("--rounds", type=int, default=3, help="alternations hub / floor")
    parser.add_argument("--keep", type=Path, default=RESULTS, help="folder of the results")
    options = parser.parse_args()
    result: dict[str, Any] = {"when": datetime.now(UTC).isoformat(), "machine": _machine()}
    if options.what in {"all", "stages"}:
        result["stages"] = [list(row) for row in _shown(stages.run())]
    if options.what in {"all", "chain"}:
        result["chain"] = dict(_chain(options.rounds, options.keep))
    options.keep.mkdir(parents=True, exist_ok=True)
    path = options.keep / f"{datetime.now(UTC):%Y-%m-%d}-{options.what}.json"
    path.write_text(json.dumps(result, indent=1) + "\n")
    sys.stdout.write(f"kept in {path}\n")


def _machine() -> dict[str, Any]:
    return {"cores": os.cpu_count(), "python": platform.python_version(), "os": platform.system()}


def _shown(rows: list[stages.Row]) -> list[stages.Row]:
    for name, value, unit in rows:
        sys.stdout.write(f"{name:<40} {value:>14,.2f} {unit}\n")
    return rows


def _chain(rounds: int, keep: Path) -> Iterator[Row]:
    """End to end; hub and floor alternate, so that a slow minute hits both."""
    paced = Load(ticks_per_s=1_000, seconds=SECONDS)
    hub, floor = [], []
    for number in range(rounds):
        hub.append(_kept(run_hub(paced), keep, f"hub-1000-{number}"))
        floor.append(_kept(run_floor(paced), keep, f"floor-1000-{number}"))
    yield _show("hub, 2 x 1,000 ticks/s, fast", hub)
    yield _show("floor, the same", floor)
    for name, load in (
        ("hub, profile single", Load(ticks_per_s=1_000, seconds=SECONDS, profile="single")),
        ("hub, with monitor", Load(ticks_per_s=1_000, seconds=SECONDS, monitor=True)),
        ("hub, two publishers", Load(ticks_per_s=1_000, seconds=SECONDS, publishers=2)),
        ("hub, 2 x 5,000 ticks/s", Load(ticks_per_s=5_000, seconds=SECONDS)),
        ("hub, 2 x 10,000 ticks/s", Load(ticks_per_s=10_000, seconds=SECONDS)),
        ("hub, 2 x 20,000 ticks/s", Load(ticks_per_s=20_000, seconds=SECONDS)),
    ):
        yield _show(name, [run_hub(load)])


def _kept(samples: Samples, keep: Path, name: str) -> Samples:
    """Keep the latencies as they were measured (int64, ns)."""
    folder = keep / "samples"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{name}.i64").open("wb") as file:
        samples.latency_ns.tofile(file)
    return samples


def _show(name: str, runs: list[Samples]) -> Row:
    row = {
        "ticks_per_s": round(statistics.median(r.rate() for r in runs), 1),
        "p50_ms": round(statistics.median(r.percentile_ms(0.5) for r in runs), 3),
        "p99_ms": round(statistics.median(r.percentile_ms(0.99) for r in runs), 3),
        "p999_ms": round(statistics.median(r.percentile_ms(0.999) for r in runs), 3),
        "trend_ms": round(statistics.median(r.trend_ms() for r in runs), 3),
        "runs": len(runs),
    }
    words = "  ".join(f"{key} {value}" for key, value in row.items())
    sys.stdout.write(f"{name:<28} {words}\n")
    sys.stdout.flush()
    return name, row


if __name__ == "__main__":
    main()
