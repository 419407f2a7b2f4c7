"""The report: scores as Markdown (docs/truth.md) and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from truth.anomalies import EXPECTED
from truth.jobs import Result
from truth.mutants import Fate
from truth.score import Score
from truth.targets import KIND_TARGET, NEEDS_FULL_ROWS, checks, share_lost

__all__ = ["Findings", "as_json", "as_markdown"]

RECORDINGS: Final = "## Recordings, row by row"
"""Heading of a section that another program writes into the same page: it is kept as it is."""

_TITLES: Final = {
    "A01": "exact repeat, same feed", "A02": "copy from another feed", "A03": "night replayed",
    "A04": "stale row on reconnect", "A05": "late or reordered", "A06": "wrong date",
    "A07": "clock ahead or behind", "A08": "malformed time", "A09": "no value in a price",
    "A10": "price not positive", "A11": "outside the limits", "A12": "wrong scale",
    "A13": "spike without volume", "A14": "off the price grid", "A15": "volume falls",
    "A16": "volume jumps or wraps", "A17": "turnover contradicts",
    "A18": "open/high/low contradict",
    "A19": "crossed book", "A20": "negative book size", "A21": "out of session",
    "A22": "unknown symbol or exchange", "A23": "limits or PreClose differ",
    "A24": "gap of one feed", "A25": "frozen feed",
    "A24 told": "one of two feeds silent, 90 s", "A25 told": "one of two feeds stuck, 90 s",
}  # fmt: skip


@dataclass
class Findings:
    """All that was found in a run."""

    command: str
    date: str
    seed: int
    results: list[Result]
    mutants: list[Fate] = field(default_factory=list)
    skipped: str = ""
    """Why the recordings were left out, if they were."""

    def of(self, *corpora: str, stream: str | None = None) -> Score:
        """Add up the scores of some corpora; `lag` stands for all lags."""
        whole = Score()
        for result in self.results:
            name = result.job.corpus.split(" ")[0] if stream is None else result.job.corpus
            if name in corpora and stream in {None, result.job.stream}:
                whole.merge(result.score)
        return whole

    def of_stream(self, *streams: str) -> Score:
        """Add up the scores of all corpora of some streams."""
        whole = Score()
        for result in self.results:
            if result.job.stream in streams:
                whole.merge(result.score)
        return whole

    def kinds(self) -> Score:
        """Everything with injected anomalies."""
        return self.of("mixed", "replay", "gaps", "frozen", "silent", "stuck")

    def checks(self) -> list[dict[str, Any]]:
        """Every target: name, found, wanted, met."""
        found = checks(
            self.kinds(), self.of("clean"), self.of_stream("trap"), self.of_stream("hold")
        )
        rows = [check._asdict() for check in found]
        if self.mutants:
            alive = sum(1 for fate in self.mutants if not fate.lowered)
            text = f"{alive} of {len(self.mutants)}"
            rows.append({"name": "mutants that lower no score", "found": text, "wanted": "0",
                         "met": alive == 0})  # fmt: skip
        return rows


def as_json(findings: Findings) -> dict[str, Any]:
    """Return everything counted, for machines."""
    return {
        "command": findings.command,
        "date": findings.date,
        "seed": findings.seed,
        "recordings": findings.skipped or "used",
        "checks": findings.checks(),
        "jobs": [
            {
                "stream": result.job.stream,
                "corpus": result.job.corpus,
                "rows": result.rows,
                "counts": [[*key, amount] for key, amount in sorted(result.score.counts.items())],
                "verdicts": [[*k, amount] for k, amount in sorted(result.score.reasons.items())],
                "recoveries": [list(recovery) for recovery in result.score.recoveries],
            }
            for result in findings.results
        ],
        "mutants": [
            {"name": fate.mutant.name, "lowered": list(fate.lowered)} for fate in findings.mutants
        ],
    }


def as_markdown(findings: Findings, page: str = "") -> str:
    """Return docs/truth.md; `page` is what it says so far."""
    parts = [
        _head(findings),
        _verdict(findings),
        _recorded(page),
        _corpus(findings),
        _collateral(findings),
        _traps(findings),
        _holds(findings),
        _qualities(findings),
        _identity(findings),
        _lag(findings),
        _mutants(findings),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(findings: Findings) -> str:
    rows = sum(result.rows for result in findings.results)
    recordings = f"Recordings: {findings.skipped}." if findings.skipped else ""
    return (
        "# Truth\n\n"
        f"Written by `{findings.command}` on {findings.date}, seed {findings.seed}: "
        f"{rows:,} rows in {len(findings.results)} corpora. {recordings}\n\n"
        "A generator makes labelled rows from clean streams, `mdhub arbitrate` judges them as a "
        "command, a scorer compares its lines with the labels. Generator and scorer (`truth/`) "
        "import nothing of the arbiter. No recording of two accounts exists: all second feeds "
        "are *derived* from one recording or from the simulator."
    )


def _verdict(findings: Findings) -> str:
    found = findings.checks()
    missed = [check for check in found if not check["met"]]
    lines = [f"## Targets\n\n{len(found) - len(missed)} of {len(found)} met."]
    if missed:
        table = [[c["name"], c["wanted"], c["found"]] for c in missed]
        lines.append("Missed:\n\n" + _table(["target", "wanted", "found"], table))
    return "\n\n".join(lines)


def _recorded(page: str) -> str:
    _, heading, rest = page.partition(f"{RECORDINGS}\n")
    body = rest.partition("\n## ")[0].strip() if heading else "Not measured yet."
    return f"{RECORDINGS}\n\n{body}"


def _corpus(findings: Findings) -> str:
    score = findings.kinds()
    exchanges = _exchanges(score, "injected")
    rows = [
        [kind, _TITLES[kind], EXPECTED.get(kind, "marker"), *_kind_cells(score, kind, exchanges)]
        for kind in sorted(KIND_TARGET)
    ]
    head = ["kind", "anomaly", "expected", "target", "injected", "caught", "", *exchanges]
    notes = [
        (
            "Anomalies sit on the first copy of a snapshot, so nothing of it had been accepted. "
            "Caught = not accepted, or accepted with the right repair. *blind* = injected while "
            "the contract stood still because of an earlier anomaly: not counted as caught."
        ),
        f"{', '.join(NEEDS_FULL_ROWS)}: not on the file of 2017, which lacks those fields.",
        (
            "A24: an injection is one outage (5-60 s) of one feed and one contract that moved on "
            "another; caught = every snapshot that arrived there was emitted."
        ),
        (
            "A24 told, A25 told: two feeds, one fails; caught = the contract has one marker "
            "`single_source` within 36 s, good within 36 s after its end, no other (contracts that "
            "move at least every 5 s)."
        ),
    ]
    if not score.values_shown:
        notes.append(
            "A09, A20: the judged command shows no values, so a repair is judged by its verdict: "
            "accepted or duplicate is right, refused is wrong."
        )
    return "## Corpus\n\n" + _table(head, rows) + "\n\n" + "\n".join(f"- {n}" for n in notes)


def _kind_cells(score: Score, kind: str, exchanges: Sequence[str]) -> Iterator[str]:
    target = KIND_TARGET[kind]
    injected, caught = score.total("injected", kind), score.total("caught", kind)
    blind = score.total("blind", kind)
    yield f"{target:.0%}"
    yield f"{injected:,}"
    yield _percent(caught, injected)
    yield f"{blind} blind" if blind else ""
    for exchange in exchanges:
        of = score.total("injected", kind, exchange)
        yield f"{score.total('caught', kind, exchange)}/{of}" if of else ""


def _collateral(findings: Findings) -> str:
    clean, mixed = findings.of("clean"), findings.of("mixed")
    rows = [
        ["clean streams", *_false_positives(clean)],
        ["good rows beside anomalies", *_false_positives(mixed)],
    ]
    table = _table(["rows", "number", "dropped", "held", "held %", "wrong date"], rows)
    outside = sorted(key for key in clean.counts if key.measure.startswith("outside "))
    fates = ", ".join(
        f"{clean.total(name)} {name.removeprefix('outside ')}"
        for name in dict.fromkeys(key.measure for key in outside)
    )
    refused = [
        [kind or "tick", reason, f"{amount:,}"]
        for (kind, reason), amount in clean.reasons.most_common()
        if kind in {"tick", "closing", "repeat"}
    ]
    parts = ["## False positives", table]
    if fates:
        parts.append(f"Clean rows outside any session (stale first rows, settlement): {fates}.")
    if refused:
        parts.append(_table(["clean rows refused", "verdict and reason", "number"], refused))
    return "\n\n".join(parts)


def _false_positives(score: Score) -> list[str]:
    rows, dropped, held, misdated = (
        score.total(measure, "") for measure in ("rows", "dropped", "held", "misdated")
    )
    return [f"{rows:,}", f"{dropped:,}", f"{held:,}", _percent(held, rows), f"{misdated:,}"]


def _traps(findings: Findings) -> str:
    score = findings.of_stream("trap")
    rows = [
        [kind.removeprefix("trap "), f"{score.total('rows', kind):,}",
         str(score.total("dropped", kind)), str(score.total("held", kind)),
         _reasons(score, kind)]
        for kind in sorted({key.kind for key in score.counts if key.kind.startswith("trap ")})
    ]  # fmt: skip
    return "## Traps\n\nRare but true rows; every one must pass.\n\n" + _table(
        ["trap", "rows", "dropped", "held", "refused as"], rows
    )


def _reasons(score: Score, kind: str) -> str:
    found = [(reason, amount) for (k, reason), amount in score.reasons.items() if k == kind]
    return ", ".join(f"{r} {n}" for r, n in sorted(found) if r.split()[0] in {"reject", "hold"})


def _holds(findings: Findings) -> str:
    rows = []
    for result in findings.results:
        if result.job.stream == "hold":
            rows += [
                _hold_row(kind, result.job.corpus, result.score)
                for kind in dict.fromkeys(r.kind for r in result.score.recoveries)
            ]
    return (
        "## Holds made permanent\n\nA true change that looks like an anomaly and never goes back; "
        "each contract must be accepted again within 3 s of market time.\n\n"
        + _table(["change", "feeds", "contracts", "slowest s", "never", "rows held"], sorted(rows))
    )


def _hold_row(kind: str, feeds: str, score: Score) -> list[str]:
    seconds = [r.seconds for r in score.recoveries if r.kind == kind]
    known = [s for s in seconds if s is not None]
    worst = f"{max(known):.2f}" if known else ""
    never = str(len(seconds) - len(known)) if len(known) < len(seconds) else ""
    held = str(score.total("held", kind))
    return [kind.removeprefix("hold "), feeds, str(len(seconds)), worst, never, held]


def _qualities(findings: Findings) -> str:
    """Markers where nothing was made to fail."""
    rows = []
    for result in findings.results:
        if result.job.corpus == "clean":
            counts = [
                f"{result.score.total(f'marked {q}'):,}"
                for q in ("maybe_stale", "stale", "gap", "single_source", "good")
            ]
            rows.append([result.job.stream, f"{result.rows:,}", *counts])
    return (
        "## Quality markers\n\nOn clean streams, three feeds: whatever is told of an instrument "
        "there is false, but for the outage of 2017-11-13 22:46:30-22:47:23 and what pieces of a "
        "day leave out (`night`; `sim` skips 11:25 to 11:30 and 13:30 to 13:35).\n\n"
        + _table(["stream", "rows", "maybe stale", "stale", "gap", "single", "good again"], rows)
    )


def _identity(findings: Findings) -> str:
    rows = []
    streams = dict.fromkeys(r.job.stream for r in findings.results if r.job.corpus == "clean")
    for stream in streams:
        score = findings.of("clean", stream=stream)
        exchanges = _exchanges(score, "snapshots")
        rows += [_identity_row(stream, exchange, score) for exchange in exchanges]
    return (
        "## Identity\n\nThree derived feeds, each losing 0.2-1 % at random and pushing rows again. "
        "Lost = a copy came before any later snapshot of its contract was emitted, and it never "
        "was.\n\n"
        + _table(
            ["stream", "exchange", "snapshots", "lost", "lost %", "twice", "backwards", "late"],
            rows,
        )
    )


def _identity_row(stream: str, exchange: str, score: Score) -> list[str]:
    counts = [
        score.total(measure, None, exchange)
        for measure in ("snapshots", "lost", "doubled", "backwards", "late")
    ]
    snapshots, lost, doubled, backwards, late = map(str, counts)
    lost_share = share_lost(score, exchange)
    return [stream, exchange, snapshots, lost, lost_share, doubled, backwards, late]


def _lag(findings: Findings) -> str:
    rows = []
    for result in findings.results:
        corpus = result.job.corpus
        if corpus.startswith("lag "):
            score = result.score
            for exchange in _exchanges(score, "snapshots"):
                of, late = (score.total(m, None, exchange) for m in ("snapshots", "late"))
                rows.append(
                    [result.job.stream, corpus.removeprefix("lag "), exchange, f"{of:,}",
                     str(late), _percent(late, of), share_lost(score, exchange),
                     str(score.total("doubled", None, exchange))]
                )  # fmt: skip
    return (
        "## Lag of the second feed\n\nTwo feeds lose 1 % each, independently. Late = the only copy "
        "came behind a later snapshot of its contract.\n\n"
        + _table(
            ["stream", "lag", "exchange", "snapshots", "late", "late %", "lost %", "twice"],
            sorted(rows),
        )
    )


def _mutants(findings: Findings) -> str:
    if not findings.mutants:
        return ""
    rows = [
        [fate.mutant.name, str(len(fate.lowered)), fate.lowered[0] if fate.lowered else "none"]
        for fate in findings.mutants
    ]
    return "## Mutants\n\nThe rules broken on purpose, one at a time.\n\n" + _table(
        ["mutant", "scores lower", "for example"], rows
    )


def _exchanges(score: Score, measure: str) -> list[str]:
    return sorted({key.exchange for key in score.counts if key.measure == measure})


def _percent(part: int, whole: int) -> str:
    return f"{part * 100_000 // whole / 1000:g} %" if whole else "-"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
