"""What a benchmark run leaves behind: plain structs, kept as JSON."""

from __future__ import annotations

import statistics

import msgspec

SCHEMA = 1


class BenchError(Exception):
    """A run gave no result; the message says what was found and what to do."""


class Value(msgspec.Struct, frozen=True):
    """One number of a stage, measured several times."""

    name: str
    unit: str
    rounds: list[float]

    @property
    def median(self) -> float:
        return statistics.median(self.rounds)


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One end-to-end run of one side. Latencies in ms, all of ticks after the warm-up."""

    side: str
    round: int
    x: float | None = None
    """Where the run stands on the axis of its row, e.g. the number of shards."""
    clients: int = 1
    asked_per_s: float
    """Distinct ticks asked of each source."""
    asked_s: float
    """How long the market was to be played."""
    played_s: float
    """From the first to the last receive time at the sources: longer if sources were late."""
    ticks: int
    """Ticks every client took after the warm-up, added up."""
    ticks_per_s: float
    """Distinct, by receive time at the source; the market's pace is not the same each second."""
    p50_ms: float
    p99_ms: float
    p999_ms: float
    max_ms: float
    growth_ms_per_s: float
    """How fast the median latency rose during the run: a growing backlog."""
    hops: dict[str, list[float]]
    """Hop -> p50 and p99 in ms; only where messages carry stamps."""
    cpu_s: dict[str, float]
    """Process -> CPU seconds per million distinct ticks."""
    rss_mb: dict[str, float]
    samples: str
    """File of the ticks that the numbers above were computed from."""


class RowResult(msgspec.Struct, frozen=True, kw_only=True):
    """Everything one row measured."""

    name: str
    title: str
    took_s: float = 0.0
    axis: str = ""
    values: list[Value] = []
    runs: list[Run] = []
    skipped: dict[str, str] = {}
    """Side -> why it could not be measured."""


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """Where it was measured."""

    id: str
    """Eight letters made of the facts below; no name of the machine."""
    cpu: str
    cores: int
    memory_gb: float
    kernel: str
    os: str
    python: str


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """One call of `make bench`."""

    schema: int = SCHEMA
    when: str
    machine: Machine
    versions: dict[str, str]
    commit: str
    command: str
    quick: bool
    seconds: float
    rounds: int
    rows: list[RowResult]

    def row(self, name: str) -> RowResult | None:
        return next((row for row in self.rows if row.name == name), None)
