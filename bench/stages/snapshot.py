"""Snapshots of the arbiter's state with 25,000 contracts: pause, duration, size."""

from __future__ import annotations

import time

from bench.model import Value
from bench.settings import Settings
from bench.stages.raw_log import synthetic_log
from mdhub.streams.memory import MemoryServer
from mdhub.streams.port import FIRST_ID, LeadRequest, Log
from mdhub_arbiter.decide import decide
from mdhub_arbiter.snapshots import Snapshotter
from mdhub_arbiter.state import State

CONTRACTS = 25_000
MARKET_RATE = 40_000.0
RAW_PER_CONTRACT = 6
"""So many raw ticks, on average, that next to all contracts have traded."""


def snapshot(settings: Settings) -> list[Value]:
    """How long one step holds the arbiter; the server is in memory, so this is our own cost."""
    contracts = settings.contracts(CONTRACTS)
    state = _state(contracts)
    log = MemoryServer().log("arbiter")
    log.take(0, LeadRequest(0, FIRST_ID, 1, b"lead"))
    taken = [_take(state, log, number) for number in range(1, settings.rounds + 1)]
    manifest = log.manifests(0)[0]
    chunks = [log.load_chunk(0, snapshot=manifest.raw, part=part) for part in manifest.parts()]
    return [
        Value("contracts", "", [float(len(state.instruments))]),
        Value("longest pause", "ms", [longest_ms for longest_ms, _ in taken]),
        Value("whole", "ms", [whole_ms for _, whole_ms in taken]),
        Value("size", "MB", [sum(len(chunk or b"") for chunk in chunks) / 1e6]),
    ]


def _state(contracts: int) -> State:
    state = State()
    rate = MARKET_RATE * contracts / CONTRACTS
    for entry_id, fields in synthetic_log(contracts * RAW_PER_CONTRACT, rate, contracts):
        decide(state, entry_id, fields)
    return state


def _take(state: State, log: Log, number: int) -> tuple[float, float]:
    """Longest step and whole duration, ms."""
    snapshotter = Snapshotter(log, shard=0, token=1)
    steps = []
    began_s = time.perf_counter()
    snapshotter.begin(state, raw=b"%d-0" % number, wall_ns=0)
    steps.append(time.perf_counter() - began_s)
    while snapshotter.busy:
        step_s = time.perf_counter()
        snapshotter.step()
        steps.append(time.perf_counter() - step_s)
    return max(steps) * 1e3, (time.perf_counter() - began_s) * 1e3
