"""Held ticks: suspect, kept aside, and how a hold ends. Sources: the design, section 5.

1. Another source sends the same snapshot: that copy is accepted, it confirms.
2. `AGREEING` ticks of one source, or its ticks of `PATIENCE_NS` of log time, agree with each other
   and break no hard rule: all of them are accepted, flagged UNCONFIRMED, and become the reference.
   A single tick agrees with nobody: it is only released by time if its source stands alone.
3. The contract goes on without it: what is not newer than the mark is given up.
4. After the mark has moved a held tick may fit: then it is accepted as it is.

A held tick never moves the mark, and one true jump never freezes a contract.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from mdhub.wire.codec import marker
from mdhub.wire.entries import MarkerKind, QualityMark, Verdict
from mdhub.wire.ticks import CleanTick, Flag
from mdhub_arbiter.identity import matches, move
from mdhub_arbiter.instrument import NOTHING_WAIVED, Held, Instrument, Sighting
from mdhub_arbiter.outputs import MAX_OUTPUTS, accept, mark, refuse
from mdhub_arbiter.state import State
from mdhub_arbiter.suspicion import TIME_AHEAD, TIME_BEHIND, WAIVABLE, suspicion

__all__ = [
    "AGREEING",
    "KEPT",
    "PATIENCE_NS",
    "UNCONFIRMED",
    "expire",
    "hold",
    "reconsider",
    "waived_now",
]

AGREEING: Final = 3
PATIENCE_NS: Final = 2_000_000_000
ALONE_NS: Final = 60_000_000_000
"""A source stands alone if no other one delivered the contract for so long (log time)."""
KEPT: Final = 16
"""Held ticks per contract; the oldest gives way (and stays refused)."""
UNCONFIRMED: Final = "unconfirmed"
_OF_TIME: Final = frozenset({TIME_AHEAD, TIME_BEHIND})


def waived_now(seen: Instrument, day: int) -> frozenset[str]:
    """Rules that do not speak about this contract on this trading day."""
    if seen.waived_day == day:
        return seen.waived
    if seen.waived_day:
        seen.waived, seen.waived_day = NOTHING_WAIVED, 0
    return NOTHING_WAIVED


def hold(state: State, seen: Instrument, reason: str, sight: Sighting, tick: CleanTick) -> bool:
    """Keep a suspect tick aside. True = it confirms another source's: accept it now."""
    for held in seen.held:
        first = held.sighting
        if first.ts_ns != sight.ts_ns or not matches(first.identity, sight.identity):
            continue
        if held.sighting.source != sight.source:
            _waive(seen, reason, sight.day)
            return True
        state.source(sight.source).duplicate += 1
        return False
    counts = state.source(sight.source)
    counts.held += 1
    refuse(state, Verdict.HOLD, reason, sight.source)
    own = [held for held in seen.held if held.sighting.source == sight.source]
    if own and not _agrees(seen, own[-1], sight, tick):
        seen.held = [held for held in seen.held if held.sighting.source != sight.source]
        own = []
    seen.held.append(Held(state.about, reason, state.log_ns, sight, tick))
    del seen.held[:-KEPT]
    state.holding[seen.symbol] = None
    if len(own) + 1 >= AGREEING:
        _release(state, seen, sight.source)
    return False


def reconsider(state: State, seen: Instrument, source: str) -> None:
    """After a tick of `source` was accepted: give up what it contradicts, accept what fits now."""
    left: list[Held] = []
    for held in seen.held:
        sight = held.sighting
        if sight.ts_ns <= seen.mark_ns or held.reason in _OF_TIME or sight.source == source:
            continue
        if suspicion(seen, seen.ref, held.tick, waived_now(seen, sight.day)) is None:
            _take(state, seen, held, 0)
        else:
            left.append(held)
    _keep(state, seen, left)


def expire(state: State) -> None:
    """At a clock entry: accept what nobody contradicted in time."""
    for symbol in list(state.holding):
        if len(state.outputs) > MAX_OUTPUTS - 2 * KEPT:
            return  # the rest at the next clock entry
        seen = state.instruments[symbol]
        first = seen.held[0]
        if state.log_ns - first.since_ns < PATIENCE_NS:
            continue
        if seen.generation != state.generation:
            state.preserve(seen)
        source = first.sighting.source
        if _may_stand(state, seen, source):
            _release(state, seen, source)


def _may_stand(state: State, seen: Instrument, source: str) -> bool:
    own = [held for held in seen.held if held.sighting.source == source]
    if len(own) > 1:
        return True
    others = (at_ns for name, at_ns in seen.seen.items() if name != source)
    alone = all(state.log_ns - at_ns > ALONE_NS for at_ns in others)
    return alone and own[0].reason not in _OF_TIME


def _agrees(seen: Instrument, before: Held, sight: Sighting, tick: CleanTick) -> bool:
    """A source's next tick goes on from its held one."""
    first = before.sighting
    if sight.session != first.session or sight.ts_ns < first.ts_ns or sight.day != first.day:
        return False
    waived = waived_now(seen, sight.day) | {before.reason}
    return sight.volume >= first.volume and suspicion(seen, before.tick, tick, waived) is None


def _release(state: State, seen: Instrument, source: str) -> None:
    """Accept a source's held ticks in their order, unconfirmed; say so by a marker."""
    own = [held for held in seen.held if held.sighting.source == source]
    for held in own:
        _waive(seen, held.reason, held.sighting.day)
        _take(state, seen, held, Flag.UNCONFIRMED)
    body = QualityMark(seen.symbol, seen.exchange, UNCONFIRMED, own[0].reason)
    mark(state, marker(MarkerKind.QUALITY, state.log_ns, body), instrument=seen)
    left = [held for held in seen.held if held.sighting.ts_ns > seen.mark_ns]
    _keep(state, seen, left)


def _take(state: State, seen: Instrument, held: Held, flag: int) -> None:
    tick = replace(held.tick, flags=held.tick.flags | flag) if flag else held.tick
    move(seen, held.sighting)
    seen.ref, seen.raw, seen.lower = tick, None, 0
    state.source(held.sighting.source).accepted += 1
    accept(state, seen, tick, held.about)


def _waive(seen: Instrument, reason: str, day: int) -> None:
    if reason in WAIVABLE:
        seen.waived = waived_now(seen, day) | {reason}
        seen.waived_day = day


def _keep(state: State, seen: Instrument, left: list[Held]) -> None:
    seen.held = left
    if not left:
        state.holding.pop(seen.symbol, None)
