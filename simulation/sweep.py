"""Many seeds, over several processes."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any, Final

from simulation.mutants import MUTANTS
from simulation.run import Outcome, run_seed

__all__ = ["Sweep", "sweep"]

PART: Final = 25
"""Seeds given to a process at a time."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """What came of some seeds."""

    seeds: int = 0
    faults: int = 0
    ticks: int = 0
    delivered: int = 0
    virtual_ms: int = 0
    cpu_s: float = 0.0
    failures: list[Outcome] = field(default_factory=list)

    def plus(self, other: Sweep) -> Sweep:
        """Both together."""
        return Sweep(
            self.seeds + other.seeds,
            self.faults + other.faults,
            self.ticks + other.ticks,
            self.delivered + other.delivered,
            self.virtual_ms + other.virtual_ms,
            self.cpu_s + other.cpu_s,
            self.failures + other.failures,
        )

    def facts(self) -> dict[str, Any]:
        """All counts, for machines."""
        names = ("seeds", "faults", "ticks", "delivered", "virtual_ms", "cpu_s")
        return {name: getattr(self, name) for name in names}

    def sentence(self) -> str:
        """All counts, for people."""
        return (
            f"{self.seeds} seeds, {len(self.failures)} failed; {self.faults} faults, "
            f"{self.ticks} snapshots made, {self.delivered} entries delivered, "
            f"{self.virtual_ms / 1000:.0f} s simulated; "
            f"{self.seeds / max(self.cpu_s, 1e-9):.0f} seeds per CPU second"
        )


def run_part(first: int, count: int, mutant: str, *, stop: bool) -> Sweep:
    """Run some seeds, here."""
    broken = next((m.apply for m in MUTANTS if m.name == mutant), nullcontext)
    begun_s = time.process_time()
    total = Sweep()
    gc.disable()  # once for all of them is enough
    for seed in range(first, first + count):
        done = run_seed(seed, mutant=broken)
        failures = [done] if done.failure else []
        total = total.plus(
            Sweep(1, done.faults, done.ticks, done.delivered, done.virtual_ms, 0.0, failures)
        )
        if stop and failures:
            break
    gc.enable()
    gc.collect()
    return total.plus(Sweep(cpu_s=time.process_time() - begun_s))


def sweep(
    first: int, seeds: int, *, workers: int, mutant: str = "", stop: bool = False
) -> Iterator[Sweep]:
    """Yield parts as they are done, in order of their seeds; `stop`: none after a failure."""
    parts = [
        (start, min(PART, first + seeds - start)) for start in range(first, first + seeds, PART)
    ]
    if workers <= 1:
        for start, count in parts:
            done = run_part(start, count, mutant, stop=stop)
            yield done
            if stop and done.failures:
                return
        return
    with ProcessPoolExecutor(workers) as pool:
        waiting: list[Future[Sweep]] = []
        rest = iter(parts)
        try:
            while True:
                while len(waiting) < 2 * workers and (part := next(rest, None)) is not None:
                    waiting.append(pool.submit(run_part, *part, mutant, stop=stop))
                if not waiting:
                    return
                done = waiting.pop(0).result()
                yield done
                if stop and done.failures:
                    return
        finally:
            pool.shutdown(cancel_futures=True)
