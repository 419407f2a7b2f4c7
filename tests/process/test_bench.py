"""Every row of the benchmarks runs. Its numbers mean nothing here and are not looked at."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.catalogue import CATALOGUE, NATS, VNPY, Row, Stage
from bench.environment import bench_python, nats_server
from bench.measure import Measurer
from bench.model import BenchError, RowResult
from bench.results import differences
from bench.samples import read_csv
from bench.settings import Settings
from bench.standin import gateways
from tests.unit.bench.test_report import results

pytestmark = [pytest.mark.process, pytest.mark.timeout(90)]

QUICK = Settings(seconds=0.8, rounds=1, quick=True, may_install=False)
TRIES = 3


def absent() -> set[str]:
    """Peers that are not on this machine: their rows must say so."""
    try:
        bench_python(may_install=False)
    except BenchError:
        return {VNPY, NATS}
    try:
        nats_server(may_install=False)
    except BenchError:
        return {NATS}
    return set()


def gateway_reason() -> dict[str, str]:
    """What the row `gateway` says where it cannot be measured."""
    try:
        gateways()
    except BenchError as reason:
        return {"gateway": str(reason)}
    return {}


def measured(row: Row, folder: Path) -> tuple[RowResult, Path]:
    """The result and its folder; a side that saw no tick in its moment has another try."""
    for attempt in range(TRIES):
        at = folder / str(attempt)
        at.mkdir()
        (result,) = Measurer(QUICK, at, [row]).all()
        if isinstance(row, Stage) or set(result.skipped) <= absent():
            break
        print(f"try {attempt}: {result.skipped}")  # noqa: T201 - why there was another
    return result, at


@pytest.mark.parametrize("row", CATALOGUE, ids=lambda row: str(row.name))
def test_row_runs(row: Row, tmp_path: Path) -> None:
    """A row measures all it promises; a peer that is not installed gives a reason, no number."""
    result, tmp_path = measured(row, tmp_path)
    if isinstance(row, Stage):
        assert result.skipped == (gateway_reason() if row.name == "gateway" else {})
        assert bool(result.values) is not bool(result.skipped)
        assert all(number > 0 for value in result.values for number in value.rounds)
        return
    sides = {side.name for side in row.sides(QUICK)}
    assert set(result.skipped) == sides & absent()
    assert {run.side for run in result.runs} == sides - absent()
    assert all(read_csv(tmp_path / run.samples).ticks for run in result.runs)
    assert differences(results(result), tmp_path) == []
