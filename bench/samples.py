"""Samples of one run: a few whole numbers per tick, thinned to a bound, and what follows from them.

Kept as zstd-compressed CSV, one line per tick, in us; every number that is reported of a run is
computed from the kept samples, so anybody can compute it again.
"""

from __future__ import annotations

import statistics
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import zstandard

COLUMNS = ("recv_us", "latency_us", "raw_us", "decide_us", "publish_us", "client_us")
"""Receive time since the first tick, whole latency, and the four hops (empty if not stamped)."""
HOPS = {
    "source to arbiter": (2, 3),
    "of that, source to raw": (2,),
    "arbiter to publisher": (4,),
    "publisher to client": (5,),
}
"""Hop -> columns that add up to it. The raw id counts in whole ms, so the second is that coarse."""
KEPT = 20_000
WORDS = 5
"""int64 per tick in a client's file: received, raw id (ms), arbitrated, published, taken; ns."""

Tick = tuple[int, ...]


@dataclass(frozen=True)
class Samples:
    """Ticks of one run after its warm-up, in order of receive time, and how many there were."""

    ticks: Sequence[Tick]
    total: int

    def percentile_ms(self, share: float, columns: tuple[int, ...] = (1,)) -> float:
        ordered = sorted(sum(tick[at] for at in columns) for tick in self.ticks)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] / 1e3

    @property
    def stamped(self) -> bool:
        return len(self.ticks[0]) == len(COLUMNS)

    @property
    def span_s(self) -> float:
        return (self.ticks[-1][0] - self.ticks[0][0]) / 1e6

    def growth_ms_per_s(self) -> float:
        """Median latency of the last fifth minus that of the first, per second between them."""
        fifth = max(1, len(self.ticks) // 5)
        first, last = self.ticks[:fifth], self.ticks[-fifth:]
        between_s = (_median(last, 0) - _median(first, 0)) / 1e6
        rise_ms = (_median(last, 1) - _median(first, 1)) / 1e3
        return rise_ms / between_s if between_s > 0 else 0.0

    def hops_ms(self) -> dict[str, list[float]]:
        """p50 and p99 of each hop."""
        if not self.stamped:
            return {}
        return {
            hop: [round(self.percentile_ms(share, columns), 3) for share in (0.5, 0.99)]
            for hop, columns in HOPS.items()
        }


def taken_between(path: Path, begin_ns: int, end_ns: int) -> int:
    """Ticks that a client took in a stretch of wall time."""
    return sum(begin_ns <= taken < end_ns for taken in _flat(path)[WORDS - 1 :: WORDS])


def read_clients(paths: Sequence[Path], *, warm_up_s: float, kept: int = KEPT) -> Samples:
    """Join what the clients of one run noted. `total` 0 = nothing came."""
    rows: list[Tick] = []
    for path in paths:
        flat = _flat(path)
        rows += zip(*(flat[word::WORDS] for word in range(WORDS)), strict=True)
    if not rows:
        return Samples([], 0)
    rows.sort()
    first_ns = rows[0][0]
    after_ns = first_ns + int(warm_up_s * 1e9)
    rows = [row for row in rows if row[0] >= after_ns]
    chosen = _thinned(rows, kept)
    return Samples([_in_us(row, first_ns) for row in chosen], len(rows))


def _thinned(rows: list[Tick], kept: int) -> list[Tick]:
    """A random choice, in order: every n-th would fall into step with bursts."""
    if len(rows) <= kept:
        return rows
    return [rows[at] for at in sorted(Random(1).sample(range(len(rows)), kept))]


def _in_us(row: Tick, first_ns: int) -> Tick:
    recv_ns, raw_ms, arb_ns, pub_ns, taken_ns = row
    ends = ((recv_ns - first_ns) // 1000, (taken_ns - recv_ns) // 1000)
    if not arb_ns:
        return ends
    raw_ns = raw_ms * 1_000_000
    hops = (raw_ns - recv_ns, arb_ns - raw_ns, pub_ns - arb_ns, taken_ns - pub_ns)
    return (*ends, *(hop // 1000 for hop in hops))


def _flat(path: Path) -> array[int]:
    flat = array("q")
    flat.frombytes(path.read_bytes())
    return flat


def write_csv(samples: Samples, path: Path) -> None:
    """Keep the samples."""
    width = len(samples.ticks[0])
    lines = [",".join(COLUMNS[:width]), f"# {samples.total} ticks, {len(samples.ticks)} kept"]
    lines += [",".join(map(str, tick)) for tick in samples.ticks]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(zstandard.ZstdCompressor(level=15).compress("\n".join(lines).encode()))


def read_csv(path: Path) -> Samples:
    """Read kept samples."""
    lines = zstandard.ZstdDecompressor().decompress(path.read_bytes()).decode().splitlines()
    ticks = [tuple(map(int, line.split(","))) for line in lines[2:]]
    return Samples(ticks, int(lines[1].split()[1]))


def _median(ticks: Sequence[Tick], column: int) -> float:
    return statistics.median(tick[column] for tick in ticks)
