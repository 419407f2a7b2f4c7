"""Codec and `decide`: the pure parts, on one core."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from bench.model import Value
from bench.settings import Settings
from bench.stages.raw_log import payloads_of, recorded_log, synthetic_log
from bench.stages.timing import cost_us, rate
from mdhub.streams.port import Entry
from mdhub.wire.codec import decode_clean_tick, decode_raw_tick, encode
from mdhub_arbiter.decide import Clean, decide
from mdhub_arbiter.state import State

LOG_RATE = 2_000.0


def codec(settings: Settings) -> list[Value]:
    """Encode and decode raw and clean ticks."""
    entries = synthetic_log(settings.few(100_000), LOG_RATE)
    raw = payloads_of(entries)
    ticks = [decode_raw_tick(payload) for payload in raw]
    clean = [out.payload for out in _fold(entries) if isinstance(out, Clean) and out.field == b"t"]
    rounds = settings.rounds
    return [
        cost_us("raw tick, decode", lambda: _each(decode_raw_tick, raw), len(raw), rounds),
        cost_us("raw tick, encode", lambda: _each(encode, ticks), len(raw), rounds),
        cost_us("clean tick, decode", lambda: _each(decode_clean_tick, clean), len(clean), rounds),
        Value("raw tick, size", "bytes", [sum(map(len, raw)) / len(raw)]),
        Value("clean tick, size", "bytes", [sum(map(len, clean)) / len(clean)]),
    ]


def _each(work: Callable[[Any], object], things: Sequence[object]) -> None:
    """Do it to each and keep nothing: what is kept costs the collector, not the work."""
    for thing in things:
        work(thing)


def decide_alone(settings: Settings) -> list[Value]:
    """Fold a log in memory: the simulated market, and a recorded day where there is one."""
    entries = synthetic_log(settings.few(100_000), LOG_RATE)
    values = [rate("simulated", lambda: _run(entries), len(entries), settings.rounds)]
    recorded = recorded_log(settings.few(100_000))
    if recorded:
        values.append(rate("recorded", lambda: _run(recorded), len(recorded), settings.rounds))
    return values


def _run(entries: list[Entry]) -> None:
    state = State()
    for entry_id, fields in entries:
        decide(state, entry_id, fields)


def _fold(entries: list[Entry]) -> list[object]:
    state = State()
    return [out for entry_id, fields in entries for out in decide(state, entry_id, fields)]
