"""Constants of the real code turned so that what is rare in a day happens in a second.

As in FoundationDB's BUGGIFY: small buffers, short intervals, small reads. A seed chooses some.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from types import ModuleType
from typing import Any

import mdhub_arbiter.leader
import mdhub_arbiter.quality
import mdhub_arbiter.recovery
import mdhub_arbiter.retention
import mdhub_arbiter.snapshots
import mdhub_arbiter.standby
import mdhub_ingest.writer
import mdhub_publisher.history
import mdhub_publisher.source
from mdhub.streams.budgets import Budget
from mdhub.streams.topology import CLEAN, RAW, REJECTED
from simulation.world import START_WALL_NS, World

__all__ = ["turned"]

MEGABYTE = 1 << 20


class _Time:
    """Takes the place of the module `time` in modules that have no injected clock."""

    def __init__(self, world: World) -> None:
        self._world = world

    def time_ns(self) -> int:
        running = self._world.running
        return running.host.wall_ns() if running is not None else START_WALL_NS

    def monotonic_ns(self) -> int:
        return self._world.now_ns

    def monotonic(self) -> float:
        return self._world.now_ns / 1e9


def _chosen(random: Random) -> list[tuple[ModuleType, str, Any]]:
    keep_ms = random.choice((300, 1_000))
    long = Budget(3_600_000, 512 * MEGABYTE)
    return [
        (mdhub_arbiter.leader, "SNAPSHOT_EVERY_S", random.choice((0.15, 0.4, 1.0))),
        (mdhub_arbiter.leader, "READ_COUNT", random.choice((1, 3, 128))),
        (mdhub_arbiter.standby, "READ_COUNT", random.choice((2, 2_000))),
        (mdhub_arbiter.recovery, "READ_COUNT", random.choice((3, 2_000))),
        (mdhub_arbiter.snapshots, "SLICE", random.choice((1, 200))),
        (mdhub_arbiter.snapshots, "CHUNK", random.choice((1, 500))),
        (mdhub_arbiter.retention, "EVERY_S", random.choice((0.15, 0.5))),
        (
            mdhub_arbiter.retention,
            "RETENTION",
            {RAW.name: Budget(keep_ms, 512 * MEGABYTE), CLEAN.name: long, REJECTED.name: long},
        ),
        (mdhub_arbiter.quality, "MAYBE_STALE_NS", 200_000_000),
        (mdhub_arbiter.quality, "DELIVERY_NS", 50_000_000),
        (mdhub_arbiter.quality, "LEARNED_TICKS", 3),
        (mdhub_arbiter.quality, "ALONE_NS", 500_000_000),
        (mdhub_ingest.writer, "BATCH", random.choice((1, 5, 500))),
        (mdhub_publisher.source, "BATCH_ENTRIES", random.choice((2, 1_000))),
        (mdhub_publisher.history, "CHUNK_ENTRIES", random.choice((3, 200))),
    ]


@contextmanager
def turned(world: World) -> Iterator[None]:
    """Turn the constants for one run."""
    chosen = [*_chosen(world.random), (mdhub_ingest.writer, "time", _Time(world))]
    before = [(module, name, getattr(module, name)) for module, name, _ in chosen]
    try:
        for module, name, value in chosen:
            setattr(module, name, value)
        yield
    finally:
        for module, name, value in before:
            setattr(module, name, value)
