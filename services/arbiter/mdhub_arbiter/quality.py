"""How far each instrument can be trusted, and the phase of each product; told by markers in clean.

Driven by log and market time only. An instrument is looked at every `LOOK_EVERY_S`; while its
product trades continuously it is

* `maybe_stale` after `MAYBE_STALE` times, `stale` after `STALE` times its own longest usual pause
  (learned, decaying, at least 5 s and 30 s; one that usually rests for minutes is never stale),
* `gap` from the first tick after such a silence, if lots were traded in it: snapshots are missing,
* `single_source` if only one source has delivered it for `ALONE_NS`,
* good (empty) else.

A product's phases are one marker each, so a closed market is told once, not per instrument. When
the last product closes, `end_of_session` names the n that everybody must have.
"""

from __future__ import annotations

from typing import Final

from mdhub.calendar import OutsideCalendar, Phase
from mdhub.wire.codec import marker
from mdhub.wire.entries import EndOfSessionMark, MarkerKind, PhaseMark, QualityMark
from mdhub.wire.ticks import CleanTick
from mdhub_arbiter.instrument import Instrument
from mdhub_arbiter.outputs import MAX_OUTPUTS, mark
from mdhub_arbiter.state import State

__all__ = [
    "GAP",
    "GOOD",
    "MAYBE_STALE",
    "SILENT",
    "SINGLE_SOURCE",
    "STALE",
    "look",
    "pause",
    "resume",
]

GOOD: Final = ""
SINGLE_SOURCE: Final = "single_source"
MAYBE_STALE: Final = "maybe_stale"
STALE: Final = "stale"
GAP: Final = "gap"
SILENT: Final = frozenset({MAYBE_STALE, STALE})

SECOND_NS: Final = 1_000_000_000
ALONE_NS: Final = 30 * SECOND_NS
MAYBE_STALE_NS: Final = 5 * SECOND_NS
MAYBE_STALE_PAUSES: Final = 5
STALE_NS: Final = 30 * SECOND_NS
STALE_PAUSES: Final = 20
QUIET_NS: Final = 120 * SECOND_NS
"""An instrument with longer usual pauses is never called stale."""
BREAK_NS: Final = 600 * SECOND_NS
"""Longer pauses are breaks, not habits."""
NIGHT_NS: Final = 12 * 3_600 * SECOND_NS
"""A contract that traded on its last day and then rested so long has expired."""
DECAY: Final = 64
LEARNED_TICKS: Final = 20
"""Ticks before the habits of an instrument are known."""
DELIVERY_NS: Final = 2 * SECOND_NS
"""Time a tick may take to get here, as wall time."""


def look(state: State) -> None:
    """At a clock entry: phases that change, instruments whose turn it is."""
    now_s = state.log_ns // SECOND_NS
    if now_s == state.looked_s:
        return
    state.looked_s = now_s
    _look_at_phases(state)
    for second in sorted(second for second in state.turns if second <= now_s):
        symbols = state.turns.pop(second)
        for i, symbol in enumerate(sorted(symbols)):
            if len(state.outputs) >= MAX_OUTPUTS:
                state.turns[second] = symbols[i:]
                return
            _look_at(state, state.instruments[symbol])


def pause(seen: Instrument, pause_ns: int) -> None:
    """Learn from the time between two accepted ticks of one trading day."""
    if pause_ns < BREAK_NS:
        seen.pause_ns = max(pause_ns, seen.pause_ns - seen.pause_ns // DECAY)


def resume(state: State, seen: Instrument, tick: CleanTick) -> None:
    """Before the first tick after a silence: tell whether something is missing."""
    ref = seen.ref
    lots = 0 if ref is None else (tick.volume or 0) - (ref.volume or 0)
    if ref is None or lots <= 0 or ref.trading_day != tick.trading_day:
        return _tell(state, seen, GOOD, "")
    waited_s = (tick.ts_ns - ref.ts_ns) / SECOND_NS
    return _tell(state, seen, GAP, f"{waited_s:.1f} s, {lots} lots")


def _look_at(state: State, seen: Instrument) -> None:
    if seen.generation != state.generation:
        state.preserve(seen)
    state.take_turn(seen)
    phase, since_ns = state.phases.get(seen.product, ("", 0))
    if phase != Phase.CONTINUOUS or seen.ref is None or _is_over(state, seen):
        return
    quality, cause = _judged(state, seen, since_ns)
    if quality != seen.quality:
        _tell(state, seen, quality, cause)


def _is_over(state: State, seen: Instrument) -> bool:
    """Its last trading day has passed: it will be silent for ever."""
    expiry = seen.contract.expiry if seen.contract else 0
    rested = state.market_ns - seen.mark_ns > NIGHT_NS
    return bool(expiry) and seen.mark_day >= expiry and rested


def _judged(state: State, seen: Instrument, since_ns: int) -> tuple[str, str]:
    silent_ns = state.market_ns - max(seen.mark_ns, since_ns)
    silent_ns -= int(DELIVERY_NS * state.market_clock.rate)
    if seen.k >= LEARNED_TICKS and seen.pause_ns <= QUIET_NS:
        if silent_ns > max(STALE_NS, STALE_PAUSES * seen.pause_ns):
            return STALE, f"silent for {silent_ns // SECOND_NS} s"
        if silent_ns > max(MAYBE_STALE_NS, MAYBE_STALE_PAUSES * seen.pause_ns):
            return MAYBE_STALE, f"silent for {silent_ns // SECOND_NS} s"
    heard = [name for name, at_ns in seen.seen.items() if state.log_ns - at_ns <= ALONE_NS]
    if len(heard) > 1:
        return GOOD, ""
    if len(heard) == 1 and state.log_ns - seen.first_ns > ALONE_NS:
        return SINGLE_SOURCE, heard[0]
    # Nobody delivers it now, or it is new: what was known of it stays.
    return (seen.quality if seen.quality == SINGLE_SOURCE else GOOD), ""


def _tell(state: State, seen: Instrument, quality: str, cause: str) -> None:
    seen.quality = quality
    body = QualityMark(seen.symbol, seen.exchange, quality, cause)
    mark(state, marker(MarkerKind.QUALITY, state.log_ns, body), instrument=seen)


def _look_at_phases(state: State) -> None:
    was_open = _is_open(state)
    for name, (before, _) in state.phases.items():
        exchange, _, product = name.partition(".")
        try:
            phase = state.days.calendar.at(exchange, product, state.market_ns).phase
        except OutsideCalendar:
            continue  # told by the arbiter's horizon event, and by each rejected tick
        if phase != before:
            state.phases[name] = (phase, state.market_ns)
            body = PhaseMark(exchange, product, phase)
            mark(state, marker(MarkerKind.PHASE, state.log_ns, body))
    if was_open and not _is_open(state):
        body_of_end = EndOfSessionMark(state.n)
        mark(state, marker(MarkerKind.END_OF_SESSION, state.log_ns, body_of_end))


def _is_open(state: State) -> bool:
    return any(phase not in {Phase.CLOSED, ""} for phase, _ in state.phases.values())
