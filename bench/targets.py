"""The targets, and what results say of them. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass

from bench.catalogue import FLOOR, HUB, TABS
from bench.measure import sustained
from bench.model import Results, RowResult, Run


@dataclass(frozen=True)
class Finding:
    """One target beside what was measured."""

    measured: str
    floor: str = ""
    ratio: str = ""
    met: bool | None = None
    """None: there is nothing to judge by."""


@dataclass(frozen=True)
class Target:
    """What is wanted, of which row."""

    what: str
    wanted: str
    row: str
    judge: Callable[[RowResult], Finding]


def findings(results: Results) -> list[tuple[Target, Finding | None]]:
    """Every target with its finding; None where the row was not measured."""
    found = []
    for target in TARGETS:
        row = results.row(target.row)
        usable = row is not None and (row.values or row.runs)
        found.append((target, target.judge(row) if row is not None and usable else None))
    return found


def side(row: RowResult, name: str, x: float | None = None) -> list[Run]:
    """Runs of one side of a row."""
    return [run for run in row.runs if run.side == name and x in (None, run.x)]


def middle(runs: list[Run], field: str) -> float:
    """Median over rounds; NaN if there was none."""
    return statistics.median(getattr(run, field) for run in runs) if runs else float("nan")


def ratio(row: RowResult, field: str, *, over: str = HUB, under: str = FLOOR) -> float:
    """Median over the rounds of hub / floor, each of one round: both saw the same minute."""
    pairs = zip(side(row, over), side(row, under), strict=False)
    found = [getattr(one, field) / getattr(other, field) for one, other in pairs]
    return statistics.median(found) if found else float("nan")


def highest_sustained(row: RowResult, name: str) -> Run | None:
    """The highest load that a side kept up with."""
    return max((run for run in side(row, name) if sustained(run)), default=None, key=_asked)


def _asked(run: Run) -> float:
    return run.asked_per_s


def _p50(row: RowResult) -> Finding:
    hub, times = middle(side(row, HUB), "p50_ms"), ratio(row, "p50_ms")
    return _beside(row, "p50_ms", met=hub <= 0.8 and times <= 1.5)


def _p99(row: RowResult) -> Finding:
    hub, times = middle(side(row, HUB), "p99_ms"), ratio(row, "p99_ms")
    return _beside(row, "p99_ms", met=hub <= 3.0 or times <= 2.0)


def _beside(row: RowResult, field: str, *, met: bool) -> Finding:
    hub, floor = middle(side(row, HUB), field), middle(side(row, FLOOR), field)
    return Finding(f"{hub:.2f} ms", f"{floor:.2f} ms", f"{ratio(row, field):.2f}", met)


def _sustained(row: RowResult) -> Finding:
    hub, floor = highest_sustained(row, HUB), highest_sustained(row, FLOOR)
    return Finding(
        _rate_of(hub), _rate_of(floor),
        f"{hub.asked_per_s / floor.asked_per_s:.2f}" if hub and floor else "",
        hub is not None and hub.asked_per_s >= 20_000 and hub.p50_ms <= 5.0,
    )  # fmt: skip


def _rate_of(run: Run | None) -> str:
    if run is None:
        return "not even the lowest step"
    return f"{run.asked_per_s:,.0f} distinct ticks/s, p50 {run.p50_ms:.2f} ms"


def _at_least(name: str, least: float, unit: str) -> Callable[[RowResult], Finding]:
    def judge(row: RowResult) -> Finding:
        value = next((v.median for v in row.values if v.name == name), float("nan"))
        return Finding(f"{value:,.0f} {unit}", met=value >= least)

    return judge


def _at_most(limits: dict[str, float], unit: str) -> Callable[[RowResult], Finding]:
    def judge(row: RowResult) -> Finding:
        values = {v.name: v.median for v in row.values if v.name in limits}
        met = values.keys() == limits.keys() and all(values[n] <= limits[n] for n in values)
        return Finding(", ".join(f"{n} {v:,.2f} {unit}" for n, v in values.items()), met=met)

    return judge


def _memory(row: RowResult) -> Finding:
    weighed = _at_most({"arbiter": 150.0, "SDK": 60.0}, "MB")(row)
    contracts = next((v.median for v in row.values if v.name == "contracts"), 0.0)
    enough = contracts >= 25_000
    words = f"{weighed.measured} ({contracts:,.0f} contracts)"
    return Finding(words, met=bool(weighed.met) if enough else None)


def _gateway(row: RowResult) -> Finding:
    values = {v.name: v.median for v in row.values}
    rate = values.get("CTP child, ticks", 0.0)
    cost = values.get("CTP child, CPU per tick up to the enqueue", float("nan"))
    return Finding(f"{rate:,.0f} ticks/s, {cost:.1f} us", met=rate >= 50_000 and cost <= 20.0)


def _tabs(row: RowResult) -> Finding:
    p50, p99 = (ratio(row, f"p{q}_ms", over=TABS, under=HUB) for q in (50, 99))
    words = ", ".join(f"p{q} {middle(side(row, TABS), f'p{q}_ms'):.2f} ms" for q in (50, 99))
    return Finding(words, ratio=f"{p50:.2f}, {p99:.2f}", met=max(p50, p99) <= 1.1)


def _writes(row: RowResult) -> Finding:
    values = {v.name: v.median for v in row.values}
    fast = [value for name, value in values.items() if name.endswith("fast")]
    words = ", ".join(f"{name} {value:,.0f}" for name, value in values.items())
    return Finding(words, met=bool(fast) and min(fast) >= 150_000)


TARGETS: tuple[Target, ...] = (
    Target("gateway callback to strategy, 2 sources x 1,000 ticks/s, p50",
           "<= 0.8 ms and <= 1.5 x floor", "chain-1000", _p50),
    Target("the same, p99", "<= 3 ms or <= 2 x floor", "chain-1000", _p99),
    Target("sustained, 2 sources, no growing backlog",
           ">= 20,000 distinct ticks/s, p50 <= 5 ms", "sustained", _sustained),
    Target("arbiter alone, one core, commit included, `fast`", ">= 100,000 raw ticks/s", "arbiter",
           _at_least("fast, one core", 100_000, "raw/s")),
    Target("gateway child, prepared ticks through the vnpy_ctp binding into raw",
           ">= 50,000 ticks/s, <= 20 us CPU per tick up to the enqueue", "gateway", _gateway),
    Target("function writes, batch 100, `fast`", ">= 150,000 entries/s", "functions", _writes),
    Target("cold start to first clean tick", "<= 3 s", "cold-start",
           _at_most({"to first clean tick": 3.0}, "s")),
    Target("gap of 5,000 messages repaired, p99", "<= 150 ms", "repair",
           _at_most({"ring, p99": 150.0, "stream, p99": 150.0}, "ms")),
    Target("200 open tabs of the console, 2 sources x 1,000 ticks/s: p50 and p99 beside no tab",
           "<= 1.1 x", "price-tabs", _tabs),
    Target("memory with 25,000 contracts", "arbiter <= 150 MB, SDK <= 60 MB", "memory", _memory),
)  # fmt: skip

ELSEWHERE = (
    "Silence at the client after a killed arbiter, publisher or server, and the labelled "
    "anomalies, are measured by other suites, not by this one."
)
