"""What the arbiter remembers, and its form on disk. `State = fold(decide, raw)`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import msgspec

from mdhub.wire.codec import encode
from mdhub.wire.entries import MarketClock
from mdhub_arbiter.timing import TradingDays

__all__ = [
    "NOT_A_STATE",
    "Identity",
    "Instrument",
    "LastClean",
    "SourceCounts",
    "State",
    "decode_state",
    "encode_instrument",
    "encode_scalars",
]

STATE_VERSION: Final = 1
LIVE: Final = MarketClock(0, 0, 1.0)
"""Market time is log time."""

Identity = tuple[Any, ...]
"""Fields that tell two exchange snapshots of one contract at one time apart."""

Cursor = tuple[int, int, Identity]
"""Session of a source, how far it has come, and what it sent last."""

LastClean = tuple[bytes, int, int, int, bytes]
"""Newest clean tick of an instrument: raw id, n, k, epoch, payload."""

_NO_TIME: Final = -(1 << 62)


@dataclass(slots=True)
class Instrument:
    """High-water mark of one contract, and its newest clean tick."""

    symbol: str
    exchange: str
    k: int = 0
    mark_ns: int = _NO_TIME
    mark_day: int = 0
    volume: int = 0
    identity: Identity = ()
    closing: tuple[float | None, float | None] = (None, None)
    """Close and settlement price last published."""
    second: list[Identity] = field(default_factory=list)
    """CZCE: what was emitted in the current second, in the order of the exchange."""
    cursors: dict[str, Cursor] = field(default_factory=dict)
    """CZCE: how far into `second` each source has come."""
    last: LastClean | None = None
    generation: int = 0

    def forget_mark(self) -> None:
        """Know no snapshot yet; k and the newest clean tick stay."""
        self.mark_ns = _NO_TIME
        self.mark_day = self.volume = 0
        self.identity, self.closing = (), (None, None)
        self.second, self.cursors = [], {}


@dataclass(slots=True)
class SourceCounts:
    """What became of one source's ticks."""

    accepted: int = 0
    duplicate: int = 0
    late: int = 0
    rejected: int = 0
    lost: int = 0
    """Ticks the source itself had to drop (its `lost` entries)."""
    clock_faults: int = 0
    """Ticks whose receive time is more than 2 s from log time."""


@dataclass(slots=True)
class State:
    """Everything that may influence a verdict."""

    log_ns: int = 0
    market_clock: MarketClock = LIVE
    market_ns: int = 0
    n: int = 0
    epoch: int = 0
    incarnation: str = ""
    digest: int = 0
    days: TradingDays = field(default_factory=TradingDays)
    instruments: dict[str, Instrument] = field(default_factory=dict)
    sources: dict[str, SourceCounts] = field(default_factory=dict)
    reasons: dict[str, int] = field(default_factory=dict)
    generation: int = 0
    """Number of the snapshot being taken; an instrument behind it is not in it yet."""
    preserved: list[tuple[bytes, LastClean | None]] = field(default_factory=list)
    """Instruments of the snapshot being taken, encoded before they changed."""

    def source(self, name: str) -> SourceCounts:
        counts = self.sources.get(name)
        if counts is None:
            counts = self.sources[name] = SourceCounts()
        return counts

    def forget_marks(self) -> None:
        """Begin anew: market time was set back, by a new run of the hub."""
        for instrument in self.instruments.values():
            if instrument.generation != self.generation:
                self.preserve(instrument)
            instrument.forget_mark()

    def preserve(self, instrument: Instrument) -> None:
        """Put an instrument as it is into the snapshot being taken (once)."""
        instrument.generation = self.generation
        self.preserved.append((encode_instrument(instrument), instrument.last))


_InstrumentRow = tuple[
    str, str, int, int, int, int, list[Any],
    tuple[float | None, float | None], list[list[Any]], dict[str, tuple[int, int, list[Any]]],
    LastClean | None,
]  # fmt: skip
_ScalarsRow = tuple[
    Literal[1], int, MarketClock, int, int, int, str, int, list[int],
    dict[str, tuple[int, int, int, int, int, int]], dict[str, int],
]  # fmt: skip
_decode_instrument: Final = msgspec.msgpack.Decoder(_InstrumentRow).decode
_decode_scalars: Final = msgspec.msgpack.Decoder(_ScalarsRow).decode


NOT_A_STATE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def encode_instrument(i: Instrument) -> bytes:
    """One instrument; its snapshot generation is not part of the state."""
    return encode(
        (
            i.symbol, i.exchange, i.k, i.mark_ns, i.mark_day, i.volume, i.identity, i.closing,
            i.second, i.cursors, i.last,
        )
    )  # fmt: skip


def encode_scalars(state: State) -> bytes:
    """Everything but the instruments."""
    return encode(
        (
            STATE_VERSION, state.log_ns, state.market_clock, state.market_ns, state.n, state.epoch,
            state.incarnation, state.digest, sorted(state.days.closed),
            {
                name: (s.accepted, s.duplicate, s.late, s.rejected, s.lost, s.clock_faults)
                for name, s in state.sources.items()
            },
            state.reasons,
        )
    )  # fmt: skip


def decode_state(scalars: bytes, instruments: Iterable[bytes]) -> State:
    """Inverse of the two encoders. Raises `NOT_A_STATE` on foreign bytes."""
    (
        _version, log_ns, market_clock, market_ns, n, epoch, incarnation, digest, closed,
        sources, reasons,
    ) = _decode_scalars(scalars)  # fmt: skip
    state = State(
        log_ns=log_ns, market_clock=market_clock, market_ns=market_ns, n=n, epoch=epoch,
        incarnation=incarnation, digest=digest, days=TradingDays(frozenset(closed)),
        sources={name: SourceCounts(*counts) for name, counts in sources.items()},
        reasons=reasons,
    )  # fmt: skip
    state.days.set_market_time(market_ns)
    for data in instruments:
        instrument = _instrument(_decode_instrument(data))
        state.instruments[instrument.symbol] = instrument
    return state


def _instrument(row: _InstrumentRow) -> Instrument:
    (
        symbol, exchange, k, mark_ns, mark_day, volume, identity, closing, second, cursors, last,
    ) = row  # fmt: skip
    return Instrument(
        symbol=symbol, exchange=exchange, k=k, mark_ns=mark_ns, mark_day=mark_day, volume=volume,
        identity=_as_identity(identity), closing=closing, second=[_as_identity(s) for s in second],
        cursors={s: (session, at, _as_identity(i)) for s, (session, at, i) in cursors.items()},
        last=last,
    )  # fmt: skip


def _as_identity(identity: list[Any]) -> Identity:
    """Levels inside an identity come back as lists; they were tuples."""
    return tuple(tuple(part) if isinstance(part, list) else part for part in identity)
