# HOT: the fold over raw; no clock, no I/O, no settings but those in raw. Measured by bench/.
"""`decide`: what one raw entry means. `clean == f(raw)`, byte for byte but for `arb_ns`.

Everything that may influence a verdict is an entry in raw; log time is the newest clock or
leadership entry and never goes back; market time follows from log time by the `market_clock`
setting, and all session and date rules use market time only.
"""

from __future__ import annotations

from struct import Struct
from typing import Final
from zlib import crc32

import msgspec

from mdhub.market.products import exchange_of
from mdhub.wire.codec import (
    DecodeError,
    decode_control,
    decode_raw_tick,
    decoder,
    encode,
    marker,
)
from mdhub.wire.entries import (
    Clock,
    ConfigChange,
    Control,
    ControlKind,
    EpochMark,
    Lead,
    LostRange,
    MarkerKind,
    MarketClock,
    RejectedHeader,
    Verdict,
)
from mdhub.wire.ticks import SCHEMA_VERSION, CleanTick, Flag, RawTick
from mdhub_arbiter import identity as ident
from mdhub_arbiter.rules import clean_levels, hard_fault, value
from mdhub_arbiter.state import Instrument, SourceCounts, State
from mdhub_arbiter.timing import LAST_MOMENT_NS, TradingDays, time_of_day_ns

__all__ = ["Clean", "Rejected", "decide"]

MILLISECOND_NS: Final = 1_000_000
SECOND_NS: Final = 1_000_000_000
AHEAD_NS: Final = 60 * SECOND_NS
"""A tick may be this far ahead of market time, plus `AHEAD_WALL_S` of wall time."""
AHEAD_WALL_S: Final = 5
CLOCK_FAULT_NS: Final = 2 * SECOND_NS
MS_PER_SECOND: Final = 1_000
MAX_COUNT: Final = 1 << 62
MAX_CLOSED_DAYS: Final = 10_000

_compared: Final = Struct("<qqq").pack
_decode_clock: Final = decoder(Clock)
_decode_lead: Final = decoder(Lead)
_decode_config: Final = decoder(ConfigChange)
_decode_market_clock: Final = decoder(MarketClock)
_decode_lost: Final = decoder(LostRange)
_decode_calendar: Final = decoder(list[int])


class Clean(msgspec.Struct, frozen=True, gc=False):
    """Output for clean; the runner adds id, header and arb_ns."""

    field: bytes
    n: int
    k: int | None
    epoch: int
    payload: bytes


class Rejected(msgspec.Struct, frozen=True, gc=False):
    """Output for rejected."""

    header: bytes
    payload: bytes


def decide(state: State, entry_id: bytes, fields: list[bytes]) -> Clean | Rejected | None:
    """Fold one raw entry into the state and return its output, if any.

    Never raises on any bytes: what cannot be understood is a rejected output with a reason.
    """
    kind, payload = (fields[0], fields[1]) if len(fields) == 2 else (b"", b"")  # noqa: PLR2004
    if kind == b"t":
        try:
            tick = decode_raw_tick(payload)
        except DecodeError:
            return _reject(state, entry_id, payload, "undecodable", "")
        return _tick(state, entry_id, tick, payload)
    if kind == b"c":
        try:
            return _control(state, decode_control(payload))
        except DecodeError:
            return _reject(state, entry_id, payload, "undecodable", "")
    return _reject(state, entry_id, b"".join(fields), "unknown_field", "")


def _tick(state: State, entry_id: bytes, tick: RawTick, payload: bytes) -> Clean | Rejected | None:
    counts = state.source(tick.source)
    counts.clock_faults += not -CLOCK_FAULT_NS < tick.recv_ns - state.log_ns < CLOCK_FAULT_NS
    instrument = state.instruments.get(tick.symbol) or _instrument(state, tick.symbol)
    if instrument is None:
        return _reject(state, entry_id, payload, "unknown_symbol", tick.source)
    if tick.exchange and tick.exchange != instrument.exchange:
        return _reject(state, entry_id, payload, "wrong_exchange", tick.source)
    of_day_ns = time_of_day_ns(tick.update_time)
    if of_day_ns is None or not 0 <= tick.update_ms < MS_PER_SECOND:
        return _reject(state, entry_id, payload, "bad_time", tick.source)
    second_ns, trading_day = state.days.place(of_day_ns)
    ts_ns = second_ns + tick.update_ms * MILLISECOND_NS
    if ts_ns - state.market_ns > AHEAD_NS + AHEAD_WALL_S * SECOND_NS * state.market_clock.rate:
        return _reject(state, entry_id, payload, "time_ahead", tick.source)
    last = value(tick.last)
    fault = hard_fault(tick, last=last, outright=" " not in tick.symbol)
    if fault is not None:
        return _reject(state, entry_id, payload, fault, tick.source)
    if instrument.generation != state.generation:
        state.preserve(instrument)
    clean = _clean(tick, instrument, trading_day, ts_ns)
    verdict = ident.place(
        instrument,
        ts_ns=ts_ns,
        day=trading_day,
        volume=tick.volume or 0,
        identity=ident.identity_of(clean),
        closing=ident.closing_of(clean),
        source=tick.source,
        session=tick.session,
    )
    if verdict is ident.DUPLICATE:
        counts.duplicate += 1
        return None
    if verdict is ident.NEW or verdict is ident.SETTLEMENT:
        counts.accepted += 1
        return _accept(state, entry_id, instrument, _payload(clean, verdict))
    if verdict is ident.LATE:
        counts.late += 1
        return _refuse(state, entry_id, payload, Verdict.LATE, ident.LATE, tick.source)
    return _reject(state, entry_id, payload, verdict, tick.source)


def _payload(clean: CleanTick, verdict: str) -> bytes:
    if verdict is ident.SETTLEMENT:
        flagged = msgspec.structs.replace(clean, flags=clean.flags | Flag.SETTLEMENT)
        return encode(flagged)
    return encode(clean)


def _instrument(state: State, symbol: str) -> Instrument | None:
    exchange = exchange_of(symbol)
    if exchange is None:
        return None
    instrument = Instrument(symbol, exchange, generation=state.generation)
    state.instruments[symbol] = instrument
    return instrument


def _clean(tick: RawTick, instrument: Instrument, trading_day: int, ts_ns: int) -> CleanTick:
    return CleanTick(
        SCHEMA_VERSION, tick.symbol, instrument.exchange, trading_day, ts_ns, tick.recv_ns,
        tick.source, 0, value(tick.last), tick.volume, value(tick.turnover),
        value(tick.open_interest), value(tick.open), value(tick.high), value(tick.low),
        value(tick.close), value(tick.settlement), value(tick.pre_close),
        value(tick.pre_settlement), value(tick.pre_open_interest), value(tick.limit_up),
        value(tick.limit_down), value(tick.average), clean_levels(tick.bids),
        clean_levels(tick.asks),
    )  # fmt: skip


def _accept(state: State, entry_id: bytes, instrument: Instrument, payload: bytes) -> Clean:
    state.n += 1
    instrument.k += 1
    instrument.last = (entry_id, state.n, instrument.k, state.epoch, payload)
    return _emit(state, b"t", instrument.k, payload)


def _emit(state: State, field: bytes, k: int | None, payload: bytes) -> Clean:
    compared = _compared(state.n, -1 if k is None else k, state.epoch)
    state.digest = crc32(payload, crc32(compared, state.digest))
    return Clean(field, state.n, k, state.epoch, payload)


def _reject(state: State, entry_id: bytes, payload: bytes, reason: str, source: str) -> Rejected:
    if source:
        state.source(source).rejected += 1
    return _refuse(state, entry_id, payload, Verdict.REJECT, reason, source)


def _refuse(
    state: State, entry_id: bytes, payload: bytes, verdict: str, reason: str, source: str
) -> Rejected:
    state.reasons[reason] = state.reasons.get(reason, 0) + 1
    header = encode(RejectedHeader(SCHEMA_VERSION, entry_id.decode(), verdict, reason, source))
    state.digest = crc32(payload, crc32(header, state.digest))
    return Rejected(header, payload)


def _control(state: State, entry: Control) -> Clean | None:
    if entry.kind == ControlKind.CLOCK:
        _set_log_time(state, _decode_clock(entry.body).wall_ns)
    elif entry.kind == ControlKind.LEAD:
        return _lead(state, _decode_lead(entry.body))
    elif entry.kind == ControlKind.CONFIG:
        _config(state, _decode_config(entry.body))
    elif entry.kind == ControlKind.CALENDAR:
        _calendar(state, _decode_calendar(entry.body))
    elif entry.kind == ControlKind.LOST:
        _lost(state.source(entry.writer), _decode_lost(entry.body))
    return None


def _lead(state: State, lead: Lead) -> Clean | None:
    _set_log_time(state, lead.wall_ns)
    if lead.incarnation == state.incarnation and lead.epoch == state.epoch:
        return None
    state.incarnation = lead.incarnation
    state.epoch = lead.epoch
    resume_after_n = state.n
    state.n += 1
    body = EpochMark(lead.epoch, resume_after_n, lead.incarnation)
    return _emit(state, b"m", None, marker(MarkerKind.EPOCH, state.log_ns, body))


def _config(state: State, change: ConfigChange) -> None:
    if change.name != "market_clock":
        return
    before_ns = state.market_ns
    state.market_clock = _decode_market_clock(change.value)
    _set_log_time(state, state.log_ns)
    if state.market_ns < before_ns:
        state.forget_marks()


def _calendar(state: State, closed: list[int]) -> None:
    if len(closed) > MAX_CLOSED_DAYS:
        raise DecodeError(f"{len(closed)} closed days, expected at most {MAX_CLOSED_DAYS}")
    state.days = TradingDays(frozenset(closed))
    state.days.set_market_time(state.market_ns)


def _lost(counts: SourceCounts, gone: LostRange) -> None:
    if gone.last_seq < gone.first_seq:
        raise DecodeError(f"lost range ends at {gone.last_seq}, before {gone.first_seq}")
    counts.lost = min(counts.lost + gone.last_seq - gone.first_seq + 1, MAX_COUNT)


def _set_log_time(state: State, wall_ns: int) -> None:
    state.log_ns = max(state.log_ns, wall_ns)
    clock = state.market_clock
    passed_ns = state.log_ns - clock.log_ns
    market_ns = clock.market_ns + (passed_ns if clock.rate == 1.0 else int(passed_ns * clock.rate))
    state.market_ns = max(0, min(market_ns, LAST_MOMENT_NS))
    state.days.set_market_time(state.market_ns)
