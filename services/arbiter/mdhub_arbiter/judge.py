# HOT: once per raw tick.
"""From a raw tick to its verdict. Order of the checks: docs/rules.md."""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace

from mdhub.calendar import Phase
from mdhub.market.products import exchange_of
from mdhub.wire.entries import Verdict
from mdhub.wire.ticks import SCHEMA_VERSION, CleanTick, Flag, RawTick
from mdhub_arbiter import identity as ident
from mdhub_arbiter.holds import hold, reconsider, waived_now
from mdhub_arbiter.instrument import Instrument, Sighting, Standby
from mdhub_arbiter.outputs import accept, refuse, reject
from mdhub_arbiter.priority import forget_old, overflow, stands_by, take_skipped
from mdhub_arbiter.quality import SILENT, pause, resume
from mdhub_arbiter.rules import (
    DBL_MAX,
    FLT_MAX,
    LOWEST,
    clean_levels,
    hard_fault,
    is_repaired,
    value,
)
from mdhub_arbiter.state import HOLDS_SINCE, State
from mdhub_arbiter.suspicion import (
    AFTER_THE_BELL,
    IN_AUCTION,
    TIME_AHEAD,
    TIME_BEHIND,
    UNKNOWN_INSTRUMENT,
    suspicion,
)
from mdhub_arbiter.timing import Moment, when

__all__ = ["MAX_SOURCES", "judge"]

_CONTINUOUS: Final = Phase.CONTINUOUS  # looked up through its class it costs 50 ns
SECOND_NS: Final = 1_000_000_000
CLOCK_FAULT_NS: Final = 2 * SECOND_NS
REPLAYED_NS: Final = 1_800 * SECOND_NS
"""More than any live feed lags behind, and than a file played unpaced (600 s); less than the night
is old in the morning."""
MAX_SOURCES: Final = 256
"""Names of sources the state keeps; a hub has a handful."""
REGRESS_TICKS: Final = 10
"""So many ticks in a row below the mark's volume, none of them falling: the exchange has corrected
the volume downwards."""


def judge(state: State, tick: RawTick, *, waited: bool) -> None:  # noqa: C901, PLR0912 - check by check
    """Put out what the tick at hand means. `waited` = a standby tick that need not wait again."""
    source = tick.source
    counts = state.sources.get(source)
    if counts is None:
        if len(state.sources) >= MAX_SOURCES:
            return reject(state, "too_many_sources", "")
        counts = state.source(source)
    counts.clock_faults += not -CLOCK_FAULT_NS < tick.recv_ns - state.log_ns < CLOCK_FAULT_NS
    if source in state.policy.muted:
        return reject(state, "source_muted", source)
    seen = state.instruments.get(tick.symbol) or _instrument(state, tick.symbol)
    if seen is None:
        return reject(state, "unknown_symbol", source)
    if tick.exchange and tick.exchange != seen.exchange:
        return reject(state, "wrong_exchange", source)
    moment = when(state, seen, tick)
    if isinstance(moment, str):
        return reject(state, moment, source)
    ts_ns = moment[0]
    if seen.generation != state.generation:
        state.preserve(seen)
    if ts_ns >= seen.mark_ns:
        seen.seen[source] = state.log_ns
    if ts_ns == seen.mark_ns and seen.raw is not None and ident.is_copy(tick, seen.raw):
        counts.duplicate += 1  # plain copies are half of raw
        return None
    sight = Sighting(
        ts_ns, moment[1], tick.volume or 0, ident.identity_of(tick), ident.closing_of(tick), source,
        tick.session,
    )  # fmt: skip
    found = ident.compare(seen, sight)
    if found is ident.DUPLICATE:
        counts.duplicate += 1
        return None
    fault = hard_fault(tick, last=sight.identity[1], outright=seen.outright)
    if fault is not None:
        return reject(state, fault, source)
    if found is ident.NEW and ts_ns == seen.mark_ns and state.market_ns - ts_ns > REPLAYED_NS:
        found = ident.LATE  # CZCE: a second long past is replayed, it is no book that came back
    if found is ident.NEW:
        return _new(state, seen, sight, tick, moment, waited=waited)
    return _not_new(state, seen, sight, tick, found, moment[3])


def _new(
    state: State,
    seen: Instrument,
    sight: Sighting,
    tick: RawTick,
    moment: Moment,
    *,
    waited: bool,
) -> None:
    _, _, phase, flags = moment
    unlisted = seen.contract is None and seen.exchange in state.tables
    clean = _clean(tick, seen, sight, flags | Flag.UNKNOWN_INSTRUMENT if unlisted else flags)
    ahead = sight.ts_ns - state.market_ns > state.ahead_ns
    if state.policy.rules < HOLDS_SINCE:
        if ahead:
            return reject(state, TIME_AHEAD, sight.source)
        return _accept(state, seen, sight, clean, tick)
    if not waited and stands_by(state, seen.exchange, sight.source):
        return _stand_by(state, seen, sight)
    if seen.standby and not waited and (skipped := take_skipped(state, seen, sight.ts_ns)):
        return _fill_first(state, skipped)
    if unlisted and state.policy.unknown == "hold":
        state.source(sight.source).held += 1
        return refuse(state, Verdict.HOLD, UNKNOWN_INSTRUMENT, sight.source)
    waived = waived_now(seen, sight.day)
    reason: str | None = None
    if ahead and TIME_AHEAD not in waived:
        reason = TIME_AHEAD
    elif phase is _CONTINUOUS:
        reason = suspicion(seen, seen.ref, clean, waived)
    else:
        waived |= IN_AUCTION if phase is Phase.AUCTION else AFTER_THE_BELL
        reason = suspicion(seen, seen.ref, clean, waived)
    if reason is None or hold(state, seen, reason, sight, clean):
        _accept(state, seen, sight, clean, tick)
    return None


def _accept(
    state: State, seen: Instrument, sight: Sighting, clean: CleanTick, tick: RawTick
) -> None:
    if seen.quality in SILENT:
        resume(state, seen, clean)
    if sight.day == seen.mark_day:
        pause(seen, sight.ts_ns - seen.mark_ns)
    ident.move(seen, sight)
    seen.ref = clean
    seen.raw = None if seen.exchange == "CZCE" else tick
    seen.lower = 0
    state.sources[sight.source].accepted += 1
    accept(state, seen, clean, state.about)
    if seen.held:
        reconsider(state, seen, sight.source)
    if seen.standby:
        forget_old(state, seen)


def _not_new(
    state: State, seen: Instrument, sight: Sighting, tick: RawTick, found: str, flags: int
) -> None:
    if found is ident.SETTLEMENT:
        clean = _clean(tick, seen, sight, flags | Flag.SETTLEMENT)
        seen.ref = clean
        seen.raw = None if seen.exchange == "CZCE" else tick
        seen.closing = ident.merged_closing(seen, sight)
        state.source(sight.source).accepted += 1
        return accept(state, seen, clean, state.about)
    if found is ident.VOLUME_REGRESS:
        return _regress(state, seen, sight, tick, flags)
    if found is ident.LATE:
        if _behind(state, seen, sight):
            clean = _clean(tick, seen, sight, flags)
            if hold(state, seen, TIME_BEHIND, sight, clean):
                _accept(state, seen, sight, clean, tick)
            return None
        state.source(sight.source).late += 1
        return refuse(state, Verdict.LATE, found, sight.source)
    return reject(state, found, sight.source)


def _behind(state: State, seen: Instrument, sight: Sighting) -> bool:
    """An older time, yet more has traded than at the mark: one of the two times is wrong."""
    if state.policy.rules < HOLDS_SINCE:
        return False
    return sight.day == seen.mark_day and sight.volume > seen.volume


def _regress(state: State, seen: Instrument, sight: Sighting, tick: RawTick, flags: int) -> None:
    """Refuse a lower volume, until it is plain that it stays lower."""
    rising = seen.lower and sight.volume >= seen.lower_volume
    seen.lower = seen.lower + 1 if rising else 1
    seen.lower_volume = sight.volume
    if seen.lower < REGRESS_TICKS or state.policy.rules < HOLDS_SINCE:
        return reject(state, ident.VOLUME_REGRESS, sight.source)
    return _accept(state, seen, sight, _clean(tick, seen, sight, flags | Flag.UNCONFIRMED), tick)


def _stand_by(state: State, seen: Instrument, sight: Sighting) -> None:
    state.source(sight.source).standby += 1
    oldest = overflow(state, seen, Standby(state.about, sight.ts_ns, state.payload))
    if oldest is not None:
        state.backlog.insert(0, (oldest.about, oldest.payload))


def _fill_first(state: State, skipped: list[Standby]) -> None:
    """Judge what the active source skipped, then the tick at hand: the backlog is newest first."""
    state.backlog.append((state.about, state.payload))
    state.backlog += [(standby.about, standby.payload) for standby in reversed(skipped)]


def _instrument(state: State, symbol: str) -> Instrument | None:
    exchange = exchange_of(symbol)
    if exchange is None:
        return None
    return state.new_instrument(symbol, exchange)


def _clean(tick: RawTick, seen: Instrument, sight: Sighting, flags: int) -> CleanTick:
    close = None if tick.close == DBL_MAX else tick.close
    settlement = None if tick.settlement == DBL_MAX else tick.settlement
    numbers: Any = (
        tick.last, tick.volume, tick.turnover, tick.open_interest, tick.open, tick.high, tick.low,
        close, settlement, tick.pre_close, tick.pre_settlement, tick.pre_open_interest,
        tick.limit_up, tick.limit_down, tick.average,
    )  # fmt: skip
    bids, asks = clean_levels(tick.bids), clean_levels(tick.asks)
    ordinary = bids is tick.bids and asks is tick.asks
    for number in numbers:
        if number is not None and not LOWEST < number < FLT_MAX:
            ordinary = False
            numbers = [value(number) for number in numbers]
            break
    clean = CleanTick(  # type: ignore[call-arg] # mypy: `numbers` is all the rest
        SCHEMA_VERSION, tick.symbol, seen.exchange, sight.day, sight.ts_ns, tick.recv_ns,
        tick.source, flags, *numbers, bids, asks,
    )  # fmt: skip
    if not ordinary and is_repaired(tick, clean):
        return replace(clean, flags=flags | Flag.VALUE_REPAIRED)
    return clean
