"""One seed, one run."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Final

from simulation.hub import Hub
from simulation.knobs import turned
from simulation.world import MS, START_NS, Violation, World

__all__ = ["Outcome", "run_seed"]

FAULTY_MS: Final = (300, 600, 1_200)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a seed; `failure` is empty if every invariant held."""

    seed: int
    failure: str
    profile: str
    faults: int
    ticks: int
    delivered: int
    virtual_ms: int
    trace: list[str] = field(default_factory=list)


def run_seed(
    seed: int,
    *,
    trace: bool = False,
    mutant: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> Outcome:
    """Run one seed to its end. The trace is kept if it failed or is asked for."""
    world = World(seed)
    failure, hub = "", None
    try:
        with turned(world), mutant():
            hub = Hub(world)
            hub.run(faulty_ns=world.random.choice(FAULTY_MS) * MS)
    except Violation as violation:
        failure = str(violation)
    except Exception as error:  # noqa: BLE001 - whatever the code under test raises is a finding
        last = traceback.extract_tb(error.__traceback__)[-1]
        failure = f"{type(error).__name__}: {error} (at {last.name}, line {last.lineno})"
    return Outcome(
        seed,
        failure,
        hub.profile if hub else "",
        world.faults,
        len(hub.market.made) if hub else 0,
        len(hub.client.view.rows) if hub and hub.client.view else 0,
        world.elapsed_ms,
        _lines(world) if failure or trace else [],
    )


def _lines(world: World) -> list[str]:
    return [f"{(at - START_NS) / MS:9.1f} ms  {who:<12} {what}" for at, who, what in world.trace]
