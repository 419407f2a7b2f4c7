"""Writes the measured part of docs/performance.md from a results file: `python -m bench report`."""

from __future__ import annotations

import re
from pathlib import Path

from bench import tables
from bench.environment import ROOT
from bench.model import BenchError, Results, RowResult
from bench.results import NAME, load
from bench.targets import ELSEWHERE

DOCS = ROOT / "docs/performance.md"
IMAGES = ROOT / "docs/img"
BEGIN, END = "<!-- measured: {} -->", "<!-- end of measured -->"
NOTHING = "nothing stored"
_BLOCK = re.compile(r"<!-- measured: (.+?) -->\n.*?<!-- end of measured -->", re.DOTALL)


def write_report(file: Path) -> Path:
    """Put a results file into the docs. Raises BenchError."""
    path = (file / NAME if file.is_dir() else file).resolve()
    if not path.is_relative_to(ROOT):
        raise BenchError(f"{path} is not in this repository: the docs would name a lost file")
    results = load(path)
    if results.quick:
        raise BenchError(f"{path} is of a quick run, whose numbers say nothing; measure in full")
    DOCS.write_text(placed(DOCS.read_text(encoding="utf-8"), path), encoding="utf-8")
    return DOCS


def stored_in(text: str) -> Path | None:
    """Results file that the docs name; None before the first stored run."""
    found = _BLOCK.search(text)
    if found is None:
        raise BenchError(f"{DOCS.name} has no block {BEGIN!r} ... {END!r}")
    return None if found[1] == NOTHING else ROOT / found[1]


def placed(text: str, path: Path | None) -> str:
    """The docs with the measured part made anew; prose around it stays."""
    stored_in(text)
    name = NOTHING if path is None else path.relative_to(ROOT).as_posix()
    body = _nothing() if path is None else render(load(path), path.parent.relative_to(ROOT))
    block = f"{BEGIN.format(name)}\n\n{body}\n\n{END}"
    return _BLOCK.sub(lambda _: block, text)


def render(results: Results, folder: Path) -> str:
    """Everything that was measured, as Markdown."""
    chains = [row for row in results.rows if row.runs and not row.name.startswith("sustained")]
    plain = [row for row in chains if not row.name.startswith("price-")]
    sections = {
        "Targets": f"{tables.targets_table(results)}\n\n{ELSEWHERE}",
        "Where and how": _where(results, folder),
        "End to end": tables.chains_table(plain),
        "What each thing costs (2 x 1,000 ticks/s)": tables.prices_table(_of(chains, "price-")),
        "Highest sustained load": tables.searches_table(results),
        "Peers: what each side does not do": tables.lacks_table(),
        "Where the time goes": tables.hops_table(_of(plain, "chain-")),
        "CPU, us per distinct tick": tables.cpu_table(chains),
        "Stages": tables.stages_table(results),
        "Growth": "\n".join(_image(row) for row in _of(plain, "grow-")),
        "Not measured": tables.skipped_list(results),
    }
    return "\n\n".join(f"## {head}\n\n{body}" for head, body in sections.items() if body)


def image_name(row: RowResult) -> str:
    """File name of a growth row's figure."""
    return f"bench-{row.name}.svg"


def _of(rows: list[RowResult], prefix: str) -> list[RowResult]:
    return [row for row in rows if row.name.startswith(prefix)]


def _image(row: RowResult) -> str:
    return f"![{row.title}: latency and CPU](img/{image_name(row)})"


def _where(results: Results, folder: Path) -> str:
    m, name = results.machine, folder.as_posix()
    versions = ", ".join(f"{name} {text}" for name, text in results.versions.items())
    measured = f"- {results.when}, commit `{results.commit}`, `{results.command}`"
    rounds = f"- {results.rounds} rounds of {results.seconds:g} s, sides alternating"
    place = (
        f"- machine `{m.id}`: {m.cores} x {m.cpu}, {m.memory_gb:g} GB, {m.os} {m.kernel}, "
        f"Python {m.python}"
    )
    kept = (
        f"- results and samples: `{name}/`; `python -m bench recompute {name}` computes every "
        "latency again"
    )
    return "\n".join([measured, rounds, place, f"- {versions}", kept])


def _nothing() -> str:
    return (
        "No run is stored yet. `make bench` measures, "
        "`python -m bench report bench/results/<run>` writes this part."
    )
