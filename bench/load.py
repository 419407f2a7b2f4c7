"""What is played through a chain, and the pace at which bare producers play it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from threading import Event
from typing import Literal

from mdhub.market.snapshot import Snapshot
from mdhub.market.synthetic import SyntheticMarket
from mdhub.wire.ticks import SCHEMA_VERSION, CleanTick

SEED = 7
START_IN_S = 1.0
"""From the start of the producers to the first tick: time to import and to connect."""


@dataclass(frozen=True)
class Load:
    """Two sources of one market, and what stands behind them."""

    ticks_per_s: float
    """Distinct ticks; each source delivers all of them."""
    seconds: float
    warm_up_s: float = 2.0
    profile: Literal["fast", "single"] = "fast"
    shards: int = 1
    publishers: int = 1
    clients: int = 1
    contracts: int | None = None
    """None = as the synthetic market wants, 60 or more."""
    monitor: bool = False
    standby: bool = False
    tabs: int | None = None
    """Tabs that are open on a console; None = no console runs."""
    keys: bool = False
    """Publishers and clients speak CURVE."""


def schedule(rate: float, seconds: float, start_ns: int) -> Iterator[tuple[int, Snapshot]]:
    """Yield the synthetic market: the wall time at which each snapshot is due, and itself.

    A process that came up late begins late: catching up would be another load.
    """
    market = SyntheticMarket(seed=SEED, ticks_per_s=rate)
    start_ns = max(start_ns, time.time_ns())
    for snapshot in market.snapshots():
        due_ns = snapshot.made_ns - market.start_ns
        if due_ns > seconds * 1e9:
            return
        yield start_ns + due_ns, snapshot


def paced(rate: float, seconds: float, start_ns: int, stop: Event) -> Iterator[Snapshot]:
    """Yield the synthetic market in real time from the wall time `start_ns` on."""
    for due_ns, snapshot in schedule(rate, seconds, start_ns):
        wait_ns = due_ns - time.time_ns()
        if wait_ns > 0:
            time.sleep(wait_ns / 1e9)
        if stop.is_set():
            return
        yield snapshot


def clean_tick(snapshot: Snapshot, source: str, recv_ns: int) -> CleanTick:
    """A ready tick, as chains without rules send it."""
    s = snapshot
    return CleanTick(
        SCHEMA_VERSION, s.symbol, s.exchange, s.day, s.exchange_ns, recv_ns, source, 0, s.last,
        s.volume, s.turnover, s.open_interest, s.open, s.high, s.low, None, None, s.pre_close,
        s.pre_settlement, s.pre_open_interest, s.limit_up, s.limit_down, s.average, s.bids, s.asks,
    )  # fmt: skip
