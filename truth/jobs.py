"""What is measured: one job per stream and corpus; each generates, has judged and scores."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from truth.corpus import Corpus, read_labels, write_corpus
from truth.feeds import FEEDS, Delivery, Feed, deliver
from truth.holds import holds
from truth.inject import inject
from truth.judge import COMMAND, arbitrate, read_lines
from truth.outages import Outage, with_frozen_feed, with_gaps, with_silence, with_stuck_feed
from truth.repeats import night_replay
from truth.score import Score, score
from truth.simulated import simulated, simulated_day
from truth.stream import Stream, contract_table, read_recordings, recordings_folder
from truth.traps import traps

__all__ = ["LAGS", "Job", "Result", "Size", "full_jobs", "make", "mutant_jobs", "quick_jobs", "run"]

RECORDED: Final = {
    "market2017": ("20171113-market.csv.zst",),
    "ru1901": ("ru1901_20181008.csv.zst", "ru1901_20181009.csv.zst"),
    "AP010": ("AP010_20200803.csv.zst", "AP010_20200804.csv.zst"),
    "IF2101": ("IF2101_20210104.csv.zst", "IF2101_20210105.csv.zst"),
}
_NIGHTS: Final = ("market2017", "ru1901")
_WHOLE_DAY: Final = ("clean", "mixed", "replay")
_LAG_CONTRACTS: Final = "MA801 SR801 TA809 SR801C6200 rb1801 m1801 IF1711"
LAGS: Final[dict[str, tuple[float, float]]] = {
    "5 ms": (5, 5),
    "50 ms": (50, 50),
    "300 ms": (300, 300),
    "1-800 ms": (1, 800),
}
_PAIR: Final = (Feed("A", (1, 3)), Feed("B", (5, 50), differs=True))

Rows = tuple[list[Delivery], tuple[Feed, ...], list[Outage]]


@dataclass(frozen=True)
class Size:
    """How much is generated."""

    seed: int = 1
    each: int = 200
    """Anomalies of a kind per stream; half as many where it has one contract."""
    sim_s: int = 1_500
    sim_rate: float = 90.0
    trap_rows: int = 200
    hold_contracts: int = 10
    outages: int = 60


@dataclass(frozen=True)
class Job:
    """One corpus of one stream."""

    stream: str
    corpus: str

    @property
    def name(self) -> str:
        return f"{self.stream} / {self.corpus}"


@dataclass(frozen=True)
class Result:
    """What a job found."""

    job: Job
    score: Score
    rows: int
    seconds: float


_PAIRED: Final = {"silent": with_silence, "stuck": with_stuck_feed}
_PAIRED_S: Final = 700
_PAIRED_RATE: Final = 30.0
_TOLD: Final = tuple(Job("pair", corpus) for corpus in _PAIRED)
_SCRIPTED: Final = (Job("trap", "all"), Job("hold", "one feed"), Job("hold", "two feeds"))


def full_jobs(*, recordings: bool) -> list[Job]:
    """Everything, the longest first."""
    streams = [*(RECORDED if recordings else ()), "sim"]
    jobs = [Job(s, c) for c in ("mixed", "clean", "gaps", "frozen") for s in streams]
    jobs.append(Job("bare", "mixed"))
    jobs += [Job("night", corpus) for corpus in _WHOLE_DAY]
    if recordings:
        jobs += [Job(stream, "replay") for stream in _NIGHTS]
        jobs += [Job("lag2017", f"lag {lag}") for lag in LAGS]
    jobs += [Job("sim", f"lag {lag}") for lag in LAGS]
    jobs.sort(key=lambda job: job.stream != "market2017")
    return [*jobs, *_TOLD, *_SCRIPTED]


def quick_jobs() -> list[Job]:
    """A little of everything that needs no file."""
    sim = ["mixed", "clean", "gaps", "frozen"]
    night = (Job("night", corpus) for corpus in _WHOLE_DAY)
    return [*(Job("sim", corpus) for corpus in sim), *night, *_TOLD, *_SCRIPTED]


def mutant_jobs() -> list[Job]:
    """What mutants are judged by."""
    return [Job("sim", "mixed"), Job("bare", "mixed"), Job("sim", "clean"), *_TOLD, *_SCRIPTED]


def run(job: Job, size: Size, folder: Path, command: tuple[str, ...] = COMMAND) -> Result:
    """Generate, have judged, score; the files are removed. Raises JudgeError."""
    began_s = time.monotonic()
    corpus = make(job, size, folder)
    verdicts = arbitrate(corpus, command=command)
    result = score(read_labels(corpus.labels), read_lines(verdicts), outages=corpus.outages)
    with corpus.labels.open("rb") as labels:
        rows = sum(1 for _ in labels)
    for path in (corpus.rows, corpus.labels, corpus.contracts, verdicts):
        path.unlink()
    return Result(job, result, rows, time.monotonic() - began_s)


def make(job: Job, size: Size, folder: Path) -> Corpus:
    """Generate one corpus on disk."""
    stream = _stream(job, size)
    rows, feeds, outages = _rows(job, stream, size)
    name = "".join(letter if letter.isalnum() else "-" for letter in job.corpus)
    return write_corpus(folder, name, stream, rows, feeds, outages=outages)


def _stream(job: Job, size: Size) -> Stream:
    if job.stream == "trap":
        return traps(each=size.trap_rows, seed=size.seed)
    if job.stream == "hold":
        return holds(contracts=size.hold_contracts, seed=size.seed)
    if job.stream in {"sim", "bare"}:
        bare = job.stream == "bare"
        return simulated(seed=size.seed, traded_s=size.sim_s, ticks_per_s=size.sim_rate, bare=bare)
    if job.stream == "pair":
        return simulated(seed=size.seed, traded_s=_PAIRED_S, ticks_per_s=_PAIRED_RATE)
    if job.stream == "night":
        traded_s = size.sim_s // 4
        return simulated_day(seed=size.seed, traded_s=traded_s, ticks_per_s=size.sim_rate)
    folder = recordings_folder()
    contracts = contract_table(folder / "contracts.csv.zst")
    if job.stream == "lag2017":
        paths = [folder / name for name in RECORDED["market2017"]]
        return read_recordings(job.stream, paths, contracts, only=_LAG_CONTRACTS)
    return read_recordings(job.stream, [folder / n for n in RECORDED[job.stream]], contracts)


def _rows(job: Job, stream: Stream, size: Size) -> Rows:
    if job.stream == "trap":
        return deliver(stream, _PAIR, size.seed), _PAIR, []
    if job.stream == "hold":
        feeds = _PAIR[:1] if job.corpus == "one feed" else _PAIR
        return deliver(stream, feeds, size.seed), feeds, []
    if job.corpus in _PAIRED:
        rows, outages = _PAIRED[job.corpus](stream, deliver(stream, _PAIR, size.seed))
        return rows, _PAIR, outages
    if job.corpus.startswith("lag "):
        lag = LAGS[job.corpus.removeprefix("lag ")]
        feeds = (Feed("A", (1, 1), loss=0.01), Feed("B", lag, loss=0.01, differs=True))
        return deliver(stream, feeds, size.seed), feeds, []
    deliveries = deliver(stream, FEEDS, size.seed)
    rows, outages = _CORPORA[job.corpus](stream, deliveries, size)
    return rows, FEEDS, outages


def _clean(
    _stream: Stream, deliveries: list[Delivery], _size: Size
) -> tuple[list[Delivery], list[Outage]]:
    return deliveries, []


def _mixed(
    stream: Stream, deliveries: list[Delivery], size: Size
) -> tuple[list[Delivery], list[Outage]]:
    # Two days of one contract have room for half as many, 4 s apart.
    each = size.each if len(stream.contracts) > 1 else size.each // 2
    return inject(stream, deliveries, FEEDS, each=each, seed=size.seed), []


def _replayed(
    stream: Stream, deliveries: list[Delivery], _size: Size
) -> tuple[list[Delivery], list[Outage]]:
    rows = [*deliveries, *night_replay(stream, deliveries)]
    return sorted(rows, key=lambda delivery: delivery.arrive_ns), []


def _failing(
    fail: Callable[..., tuple[list[Delivery], list[Outage]]],
    stream: Stream,
    deliveries: list[Delivery],
    size: Size,
) -> tuple[list[Delivery], list[Outage]]:
    return fail(stream, deliveries, amount=size.outages, seed=size.seed)


def _frozen(
    stream: Stream, deliveries: list[Delivery], size: Size
) -> tuple[list[Delivery], list[Outage]]:
    """No outage is scored: what a frozen feed repeats is the anomaly."""
    rows, _ = with_frozen_feed(stream, deliveries, amount=size.outages, seed=size.seed)
    return rows, []


_CORPORA: Final[
    dict[str, Callable[[Stream, list[Delivery], Size], tuple[list[Delivery], list[Outage]]]]
] = {
    "clean": _clean,
    "mixed": _mixed,
    "replay": _replayed,
    "gaps": partial(_failing, with_gaps),
    "frozen": _frozen,
}


def missing_recordings() -> Iterator[str]:
    """Yield the recordings that are not there."""
    folder = recordings_folder()
    names = ("contracts.csv.zst", *(name for names in RECORDED.values() for name in names))
    yield from (name for name in names if not (folder / name).is_file())
