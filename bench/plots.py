"""Figures of the growth rows; run by the interpreter of .venv-bench, which has matplotlib.

`python -m bench.plots RESULTS FOLDER`. Grey and mid-tone colours on nothing, so that the figures
read on a light page and on a dark one.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

from bench.model import RowResult
from bench.report import image_name
from bench.results import load
from bench.tables import cpu_of, groups
from bench.targets import middle

INK = "#808890"
COLOURS = ("#2f81f7", "#d9822b", "#3fa45b", "#b45bcf", "#c94f4f", "#8c7a3d", "#4bb3b8", "#7b7fd9")
STYLE = {
    "svg.hashsalt": "mdhub", "svg.fonttype": "none", "font.size": 10, "text.color": INK,
    "axes.edgecolor": INK, "axes.labelcolor": INK, "xtick.color": INK, "ytick.color": INK,
    "grid.color": INK, "grid.alpha": 0.25, "axes.grid": True, "legend.frameon": False,
}  # fmt: skip


def main() -> None:
    """Draw every growth row of a results file."""
    file, folder = Path(sys.argv[1]), Path(sys.argv[2])
    mpl.use("svg")
    mpl.rcParams.update(STYLE)
    folder.mkdir(parents=True, exist_ok=True)
    for row in load(file).rows:
        if row.name.startswith("grow-") and row.runs:
            path = folder / image_name(row)
            draw(row, path)
            print(path)


def draw(row: RowResult, path: Path) -> None:
    """Left: p50 and p99 of each side. Right: CPU per tick of the hub's processes."""
    from matplotlib import pyplot as plt  # noqa: PLC0415 - after the backend is chosen

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    _latency(row, left)
    _cpu(row, right)
    figure.suptitle(row.title)
    figure.savefig(path, format="svg", transparent=True, metadata={"Date": None})
    plt.close(figure)


def _latency(row: RowResult, axes: Any) -> None:
    sides = dict.fromkeys(name for name, _, _ in groups(row))
    for name, colour in zip(sides, COLOURS, strict=False):
        points = [(x or 0.0, runs) for side, x, runs in groups(row) if side == name]
        at = [x for x, _ in points]
        for field, line in (("p50_ms", "-"), ("p99_ms", "--")):
            values = [middle(runs, field) for _, runs in points]
            label = f"{name}, {field[:3]}"
            axes.plot(at, values, line, marker="o", ms=4, color=colour, label=label)
    axes.set_yscale("log")
    axes.set_ylabel("latency, callback to strategy (ms)")
    _x_axis(row, axes)


def _cpu(row: RowResult, axes: Any) -> None:
    first = next(name for name, _, _ in groups(row))
    costs = [(x or 0.0, cpu_of(runs)) for name, x, runs in groups(row) if name == first]
    processes = dict.fromkeys(_kind(name) for _, cost in costs for name in cost)
    places = range(len(costs))
    bottom = [0.0] * len(costs)
    for kind, colour in zip(processes, COLOURS, strict=False):
        heights = [sum(c for n, c in cost.items() if _kind(n) == kind) for _, cost in costs]
        axes.bar(places, heights, 0.6, bottom=bottom, label=kind, color=colour)
        bottom = [below + height for below, height in zip(bottom, heights, strict=True)]
    axes.set_xticks(list(places), [f"{x:,g}" for x, _ in costs])
    axes.set_xlabel(row.axis)
    axes.set_ylabel(f"CPU per distinct tick, {first} (us)")
    axes.grid(visible=False, axis="x")
    axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))


def _kind(process: str) -> str:
    """`client 3` and `client 4` are one colour; so are the two sources."""
    return process.split(maxsplit=1)[0]


def _x_axis(row: RowResult, axes: Any) -> None:
    at = sorted({run.x for run in row.runs if run.x is not None})
    if len(at) > 1:
        axes.set_xscale("log")
    axes.set_xticks(at, [f"{x:,g}" for x in at])
    axes.minorticks_off()
    axes.set_xlabel(row.axis)
    axes.legend(fontsize=8)


if __name__ == "__main__":
    main()
