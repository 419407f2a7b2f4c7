"""Small charts as SVG paths, drawn by the server. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

__all__ = ["HEIGHT", "WIDTH", "Sparkline", "sparkline", "thin"]

WIDTH: Final = 120
HEIGHT: Final = 28
POINTS: Final = 180
"""Of a small chart: 15 minutes in steps of five seconds."""
_PAD: Final = 2
_FLAT: Final = 0.25
"""Of the height: where a line without any change runs, unless it is zero all along."""


class Sparkline(NamedTuple):
    """Paths in a box of WIDTH x HEIGHT; empty paths = nothing is known."""

    line: str
    area: str
    low: float
    high: float
    last: float | None


def thin(points: Sequence[float | None]) -> list[float | None]:
    """At most so many points as a small chart can show: the highest of each step."""
    step = -(-len(points) // POINTS) or 1
    chunks = [points[at : at + step] for at in range(0, len(points), step)]
    return [max((p for p in chunk if p is not None), default=None) for chunk in chunks]


def sparkline(points: Sequence[float | None], *, ceiling: float | None = None) -> Sparkline:
    """Draw points from left to right on an axis from 0; None is a hole.

    `ceiling`: the top of the axis, where several lines share it.
    """
    known = [point for point in points if point is not None]
    if not known:
        return Sparkline("", "", 0.0, 0.0, None)
    low, high = min(known), max(known)
    base = min(low, 0.0)
    runs = _runs(points, base, (high if ceiling is None else max(high, ceiling)) - base)
    line = "".join("M" + "L".join(f"{x:g} {y:g}" for x, y in run) for run in runs)
    area = "".join(
        f"M{run[0][0]:g} {HEIGHT}L" + "L".join(f"{x:g} {y:g}" for x, y in run)
        + f"L{run[-1][0]:g} {HEIGHT}Z"
        for run in runs
    )  # fmt: skip
    return Sparkline(line, area, low, high, points[-1])


def _runs(
    points: Sequence[float | None], base: float, span: float
) -> list[list[tuple[float, float]]]:
    step = WIDTH / max(1, len(points) - 1)
    runs: list[list[tuple[float, float]]] = [[]]
    for index, point in enumerate(points):
        if point is None:
            runs.append([])
            continue
        share = (point - base) / span if span else _FLAT * bool(point)
        y = HEIGHT - _PAD - share * (HEIGHT - 2 * _PAD)
        runs[-1].append((round(index * step, 1), round(y, 1)))
    # A lone point is a dot as wide as the line.
    return [run if len(run) > 1 else [run[0], (run[0][0] + 0.5, run[0][1])] for run in runs if run]
