"""Results on disk, judged, and as the docs show them."""

from __future__ import annotations

import csv
from pathlib import Path

import msgspec
import pytest

from bench import report
from bench.catalogue import CATALOGUE, FLOOR, HUB, Comparison
from bench.measure import numbers_of, sustained
from bench.model import BenchError, Machine, Results, RowResult, Run, Value
from bench.report import placed, render, stored_in, write_report
from bench.results import differences, load, save
from bench.samples import Samples, write_csv
from bench.tables import prices_table, targets_table
from bench.targets import TARGETS, findings, highest_sustained

BLOCK = (
    "before\n\n<!-- measured: nothing stored -->\n\nwhat stood there\n\n"
    "<!-- end of measured -->\n\nafter\n"
)


def run(side: str = HUB, *, p50_ms: float = 0.5, asked: float = 1_000, **more: object) -> Run:
    base = Run(
        side=side, round=1, asked_per_s=asked, asked_s=15.0, played_s=15.0,
        ticks=1_000, ticks_per_s=asked, p50_ms=p50_ms, p99_ms=2.0, p999_ms=3.0, max_ms=4.0,
        growth_ms_per_s=0.0, hops={},
        cpu_s={"server": 60.0, "arbiter 0": 40.0}, rss_mb={}, samples="samples/x.csv.zst",
    )  # fmt: skip
    return msgspec.structs.replace(base, **more)


def results(*rows: RowResult, quick: bool = False) -> Results:
    here = Machine(
        id="0" * 8, cpu="c", cores=2, memory_gb=8.0, kernel="6", os="Linux", python="3.11.7"
    )
    return Results(
        when="2026-01-01 00:00 UTC", machine=here, versions={"mdhub": "0"}, commit="abc",
        command="python -m bench", quick=quick, seconds=15.0, rounds=1, rows=list(rows),
    )  # fmt: skip


def chain(hub_ms: float, floor_ms: float) -> RowResult:
    runs = [run(p50_ms=hub_ms), run(FLOOR, p50_ms=floor_ms)]
    return RowResult(name="chain-1000", title="2 x 1,000", runs=runs)


def search(*runs: Run) -> RowResult:
    return RowResult(name="sustained", title="search", axis="ticks/s", runs=list(runs))


def verdict(row: RowResult, what: str) -> bool | None:
    found = {target.what: finding for target, finding in findings(results(row))}
    chosen = found[next(name for name in found if name.startswith(what))]
    assert chosen is not None
    return chosen.met


def test_docs_show_the_stored_run() -> None:
    """The measured part of docs/performance.md is what its results file gives, to the letter."""
    text = report.DOCS.read_text(encoding="utf-8")
    assert placed(text, stored_in(text)) == text


def test_stored_run_follows_from_its_samples() -> None:
    """Each number of the run that the docs show can be computed from its samples."""
    stored = stored_in(report.DOCS.read_text(encoding="utf-8"))
    if stored is None:
        pytest.skip("no run is stored yet")
    assert differences(load(stored), stored.parent) == []


def test_figures_of_the_stored_run_are_there() -> None:
    """The docs point to no figure that is missing."""
    text = report.DOCS.read_text(encoding="utf-8")
    names = [line.partition("](")[2].rstrip(")") for line in text.splitlines() if "](img/" in line]
    assert [name for name in names if not (report.DOCS.parent / name).is_file()] == []


def test_report_keeps_prose_and_replaces_what_was_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Words around the marks stay; between them stands the new run, and its file."""
    monkeypatch.setattr(report, "ROOT", tmp_path)
    monkeypatch.setattr(report, "DOCS", tmp_path / "performance.md")
    (tmp_path / "performance.md").write_text(BLOCK)
    path = save(results(chain(0.7, 0.5)), tmp_path / "run")
    text = write_report(path.parent).read_text()
    assert text.startswith("before\n") and text.endswith("\n\nafter\n")
    assert "what stood there" not in text and "<!-- measured: run/results.json -->" in text
    assert placed(text, path) == text


def test_quick_runs_never_reach_the_docs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers of a fraction of a second are refused, with the reason."""
    monkeypatch.setattr(report, "ROOT", tmp_path)
    path = save(results(chain(0.7, 0.5), quick=True), tmp_path / "run")
    with pytest.raises(BenchError, match="quick"):
        write_report(path)


def test_docs_without_the_marks_are_refused() -> None:
    """A page that lost its marks is not silently overwritten."""
    with pytest.raises(BenchError, match="no block"):
        placed("just words", None)


@pytest.mark.parametrize(
    ("hub_ms", "floor_ms", "met"), [(0.7, 0.5, True), (0.7, 0.4, False), (0.9, 0.9, False)]
)
def test_median_must_be_low_and_near_the_floor(
    hub_ms: float, floor_ms: float, *, met: bool
) -> None:
    """Both halves of the first target count."""
    assert verdict(chain(hub_ms, floor_ms), "gateway callback") is met


def test_a_target_that_was_not_measured_is_said_so() -> None:
    """No row, no number: the table says it, once for each target."""
    assert targets_table(results()).count("not measured") == len(TARGETS)


def test_a_row_that_could_not_be_measured_says_why_beside_its_target() -> None:
    """Without gateways the target of their child tells what to do."""
    row = RowResult(name="gateway", title="Gateway child", skipped={"gateway": "make gateways"})
    assert "| not measured: make gateways |" in targets_table(results(row))


@pytest.mark.parametrize(
    ("rate", "cost_us", "met"), [(50_000, 20.0, True), (49_000, 10.0, False), (60_000, 21.0, False)]
)
def test_gateway_child_must_be_fast_and_cheap(rate: float, cost_us: float, *, met: bool) -> None:
    """Rate and CPU up to the enqueue both count; of CTP, not of another gateway."""
    values = [
        Value("SOPT child, ticks", "/s", [90_000]),
        Value("CTP child, ticks", "/s", [rate]),
        Value("CTP child, CPU per tick up to the enqueue", "us", [cost_us]),
    ]
    row = RowResult(name="gateway", title="Gateway child", values=values)
    assert verdict(row, "gateway child") is met


def test_late_sources_do_not_count_as_sustained() -> None:
    """A source that falls behind stamps late and hides latency: the load was not played."""
    assert sustained(run(asked=20_000))
    assert not sustained(run(asked=20_000, played_s=15.6))
    assert not sustained(run(asked=20_000, growth_ms_per_s=2.5))


def test_highest_sustained_load_is_the_last_that_held() -> None:
    """A load that grew a backlog does not count, however high."""
    row = search(run(asked=5_000), run(asked=20_000), run(asked=25_000, growth_ms_per_s=90.0))
    found = highest_sustained(row, HUB)
    assert found is not None and found.asked_per_s == 20_000
    assert verdict(row, "sustained") is True
    assert verdict(search(run(asked=20_000, p50_ms=6.0)), "sustained") is False


def test_price_is_the_difference_to_the_plain_hub() -> None:
    """What one more thing costs is told in latency and in CPU."""
    dearer = run("with monitor", p50_ms=0.75, cpu_s={"server": 60.0, "monitor": 55.0})
    row = RowResult(name="price-monitor", title="monitor", runs=[run(p50_ms=0.5), dearer])
    assert "0.50 -> 0.75 (+0.25)" in prices_table([row])
    assert "+15 us" in prices_table([row])


def test_reasons_stand_where_numbers_would() -> None:
    """What could not be measured is named with its reason in the docs."""
    row = RowResult(name="peers-1000", title="Peers", skipped={"vnpy RPC": "pip found\n nothing"})
    text = render(results(row), Path("bench/results/x"))
    assert "`peers-1000`, vnpy RPC: not measured: pip found nothing" in text


def test_results_survive_the_disk(tmp_path: Path) -> None:
    """JSON gives back what was measured; CSV has a line for every number."""
    stage = RowResult(name="codec", title="m", values=[Value("raw tick, decode", "us", [1.0, 2.0])])
    kept = results(stage, chain(0.7, 0.5))
    path = save(kept, tmp_path)
    assert load(path) == kept
    lines = list(csv.DictReader((tmp_path / "results.csv").read_text().splitlines()))
    assert [line["value"] for line in lines if line["row"] == "codec"] == ["1.0", "2.0"]
    assert {line["side"] for line in lines if line["measure"] == "p50"} == {HUB, FLOOR}


def test_changed_numbers_are_found(tmp_path: Path) -> None:
    """A number that its samples do not give is named."""
    samples = Samples([(at * 1_000, 500) for at in range(1_000)], 1_000)
    write_csv(samples, tmp_path / "samples/x.csv.zst")
    true = msgspec.structs.replace(run(), **numbers_of(samples, 1))
    row = RowResult(name="chain-1000", title="t", runs=[true])
    assert differences(results(row), tmp_path) == []
    false = RowResult(
        name="chain-1000", title="t", runs=[msgspec.structs.replace(true, p50_ms=0.1)]
    )
    assert differences(results(false), tmp_path) == [
        "samples/x.csv.zst: p50_ms is 0.1, its samples give 0.5"
    ]


@pytest.mark.parametrize("content", [b"{}", b"nonsense", b'{"schema": 1}'])
def test_other_files_are_no_results(tmp_path: Path, content: bytes) -> None:
    """A file of another kind is refused by name."""
    (tmp_path / "results.json").write_bytes(content)
    with pytest.raises(BenchError, match=r"results\.json"):
        load(tmp_path)


def test_every_target_has_its_row() -> None:
    """A target points to a row that exists, and names of rows are unique."""
    names = [row.name for row in CATALOGUE]
    assert len(names) == len(set(names))
    assert [target.row for target in TARGETS if target.row not in names] == []


def test_growth_rows_have_an_axis() -> None:
    """Each of them can be drawn."""
    grown = [row for row in CATALOGUE if row.name.startswith("grow-")]
    assert [row.name for row in grown if not (isinstance(row, Comparison) and row.axis)] == []
    assert len(grown) == 4
