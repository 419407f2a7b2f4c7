"""Results as Markdown tables. Pure: the same results give the same text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from bench.catalogue import CATALOGUE, HUB, PEERS_LACK, Search, Stage
from bench.measure import sustained
from bench.model import Results, RowResult, Run
from bench.targets import findings, middle, side

VERDICT = {True: "met", False: "**missed**", None: "not judged"}
FIELDS = ("ticks_per_s", "p50_ms", "p99_ms", "p999_ms", "growth_ms_per_s")


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; empty without rows."""
    body = ["| " + " | ".join(row) + " |" for row in rows]
    head = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join(head + body) if body else ""


def targets_table(results: Results) -> str:
    """Target, measured, floor, ratio, verdict, how to reproduce."""
    rows = []
    for target, found in findings(results):
        again = f'`make bench ARGS="--only {target.row}"`'
        if found is None:
            measured = _not_measured(results.row(target.row))
            rows.append((target.what, target.wanted, measured, "", "", "", again))
        else:
            rows.append((target.what, target.wanted, found.measured, found.floor, found.ratio,
                         VERDICT[found.met], again))  # fmt: skip
    header = ("what", "target", "measured", "floor", "ratio", "verdict", "measure it again")
    return table(header, rows)


def _not_measured(row: RowResult | None) -> str:
    reason = next(iter(row.skipped.values()), "") if row is not None else ""
    return f"not measured: {' '.join(reason.split())}" if reason else "not measured"


def stages_table(results: Results) -> str:
    """Every value of every stage."""
    names = {row.name for row in CATALOGUE if isinstance(row, Stage)}
    rows = [
        (row.title, value.name, f"{value.median:,.2f} {value.unit}".strip(), _spread(value.rounds))
        for row in results.rows
        if row.name in names
        for value in row.values
    ]
    return table(("stage", "", "median", "least to most"), rows)


def chains_table(rows: Iterable[RowResult]) -> str:
    """End-to-end rows, one line per side: medians over the rounds."""
    lines = [
        (row.title, _label(row, name, x), *_numbers(runs))
        for row in rows
        for name, x, runs in groups(row)
    ]
    header = ("row", "side", "ticks/s", "p50 ms", "p99 ms", "p99.9 ms", "growth ms/s", "rounds")
    return table(header, lines)


def prices_table(rows: Iterable[RowResult]) -> str:
    """What one more thing costs: differences of runs that alternated."""
    lines = []
    for row in rows:
        for name in dict.fromkeys(run.side for run in row.runs if run.side != HUB):
            plain, dearer = side(row, HUB), side(row, name)
            cost = _cpu_total(dearer) - _cpu_total(plain)
            lines.append((name, *(_difference(plain, dearer, f) for f in ("p50_ms", "p99_ms")),
                          f"{cost:+.0f} us"))  # fmt: skip
    return table(("what", "p50 ms", "p99 ms", "CPU per tick, all processes"), lines)


def hops_table(rows: Iterable[RowResult]) -> str:
    """Where the time goes between callback and strategy."""
    lines = []
    for row in rows:
        for name, x, runs in groups(row):
            lines += [
                (
                    row.title,
                    _label(row, name, x),
                    hop,
                    *(f"{_hop(runs, hop, at):.2f}" for at in (0, 1)),
                )
                for hop in (runs[0].hops if runs else ())
            ]
    return table(("row", "side", "hop", "p50 ms", "p99 ms"), lines)


def cpu_table(rows: Iterable[RowResult]) -> str:
    """CPU seconds per million distinct ticks, which is us per tick."""
    lines = []
    for row in rows:
        for name, x, runs in groups(row):
            costs = cpu_of(runs)
            words = ", ".join(f"{process} {cost:.0f}" for process, cost in costs.items())
            lines.append((row.title, _label(row, name, x), f"{sum(costs.values()):.0f}", words))
    return table(("row", "side", "all", "by process"), lines)


def lacks_table() -> str:
    """What each side does not do."""
    return table(("side", "what it does not do"), PEERS_LACK.items())


def searches_table(results: Results) -> str:
    """The steps of each search and where it ended."""
    names = {row.name for row in CATALOGUE if isinstance(row, Search)}
    lines = [
        (run.side, f"{run.asked_per_s:,.0f}", f"{run.played_s / run.asked_s:.3f}",
         f"{run.p50_ms:.2f}", f"{run.p99_ms:.1f}", f"{run.growth_ms_per_s:+.2f}",
         "yes" if sustained(run) else "**no**")
        for row in results.rows if row.name in names for run in row.runs
    ]  # fmt: skip
    return table(
        ("side", "asked /s", "time needed / asked", "p50 ms", "p99 ms", "growth ms/s", "sustained"),
        lines,
    )


def skipped_list(results: Results) -> str:
    """What could not be measured, and why."""
    return "\n".join(
        f"- `{row.name}`, {what}: not measured: {' '.join(reason.split())}"
        for row in results.rows
        for what, reason in row.skipped.items()
    )


def groups(row: RowResult) -> Iterator[tuple[str, float | None, list[Run]]]:
    """Runs of a row by side and place on its axis, in the order they were run."""
    keys = dict.fromkeys((run.side, run.x) for run in row.runs)
    for name, x in keys:
        yield name, x, [run for run in row.runs if (run.side, run.x) == (name, x)]


def cpu_of(runs: list[Run]) -> dict[str, float]:
    """Mean over the rounds; what every process cost, clients together."""
    costs: dict[str, float] = {}
    for run in runs:
        for process, cost in run.cpu_s.items():
            name = "clients" if process.startswith("client") else process
            costs[name] = costs.get(name, 0.0) + cost / len(runs)
    return costs


def _cpu_total(runs: list[Run]) -> float:
    return sum(cpu_of(runs).values()) if runs else 0.0


def _numbers(runs: list[Run]) -> list[str]:
    shown = [f"{middle(runs, field):,.2f}" for field in FIELDS]
    return [f"{middle(runs, FIELDS[0]):,.0f}", *shown[1:], str(len(runs))]


def _difference(plain: list[Run], dearer: list[Run], field: str) -> str:
    was, now = middle(plain, field), middle(dearer, field)
    return f"{was:.2f} -> {now:.2f} ({now - was:+.2f})"


def _hop(runs: list[Run], hop: str, at: int) -> float:
    found = sorted(run.hops[hop][at] for run in runs)
    return found[len(found) // 2]


def _label(row: RowResult, name: str, x: float | None) -> str:
    return name if x is None else f"{name}, {row.axis} {x:,g}"


def _spread(rounds: list[float]) -> str:
    return "" if len(rounds) < 2 else f"{min(rounds):,.2f} to {max(rounds):,.2f}"
