"""What the arbiter remembers, and its form on disk. `State = fold(decide, raw)`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import msgspec

from mdhub.calendar import Calendar
from mdhub.calendar.encoding import Gathering, gather
from mdhub.calendar.placing import Placer
from mdhub.calendar.rows import Rows
from mdhub.market.products import is_option
from mdhub.wire.codec import encode
from mdhub.wire.entries import MarketClock
from mdhub_arbiter.instrument import Instrument, LastClean, decode_instrument, encode_instrument

__all__ = [
    "NOT_A_STATE",
    "Policy",
    "SourceCounts",
    "State",
    "decode_state",
    "encode_scalars",
]

HOLDS_SINCE: Final = 2
"""Version of the rules from which on suspect ticks are held and qualities told."""
LOOK_EVERY_S: Final = 5
"""Seconds between two looks at the quality of an instrument."""
STATE_VERSION: Final = 3
SECOND_NS: Final = 1_000_000_000
AHEAD_NS: Final = 60 * SECOND_NS
"""A tick may be this far ahead of market time, plus `AHEAD_WALL_S` of wall time."""
AHEAD_WALL_S: Final = 5
MAX_AHEAD_NS: Final = 12 * 3_600 * SECOND_NS
"""However fast market time runs: beyond half a day a time of day says nothing."""
LIVE: Final = MarketClock(0, 0, 1.0)
"""Market time is log time."""


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
    held: int = 0
    standby: int = 0
    """Mode `priority`: newer than the mark, but not of the active source."""


class Policy(msgspec.Struct, array_like=True):
    """Settings that are entries of the log: `rules`, `config`, `verdict` and `operator` ones."""

    rules: int = 1
    """Version of the rules; 1 = only the hard ones."""
    modes: dict[str, str] = msgspec.field(default_factory=dict)
    """Exchange -> `race` or `priority`; an exchange not named races."""
    preference: list[str] = msgspec.field(default_factory=list)
    """Mode `priority`: sources, the preferred one first."""
    given: list[str] = msgspec.field(default_factory=list)
    """`preference` as it was last configured; an operator may have changed it since."""
    down: dict[str, str] = msgspec.field(default_factory=dict)
    """Sources that cannot be the active one -> why."""
    muted: dict[str, str] = msgspec.field(default_factory=dict)
    """Sources whose ticks are refused -> why."""
    unknown: str = "flag"
    """Instruments missing in the contract table: `flag` or `hold` their ticks."""

    def active(self) -> str | None:
        """The active source of mode `priority`; None = nobody is preferred, all race."""
        for source in self.preference:
            if source not in self.down and source not in self.muted:
                return source
        return None


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
    days: Placer = field(default_factory=lambda: Placer(Calendar.bare()))
    """Dates by the calendar in force; until the log names one, by the bare one."""
    ahead_ns: int = AHEAD_NS
    """How far ahead of market time a tick may be."""
    gathering: Gathering = field(default_factory=Gathering)
    """Parts of the next calendar."""
    default_hours: int = 0
    """Ticks judged by the widest hours of their exchange: their product has none of its own."""
    instruments: dict[str, Instrument] = field(default_factory=dict)
    sources: dict[str, SourceCounts] = field(default_factory=dict)
    reasons: dict[str, int] = field(default_factory=dict)
    policy: Policy = field(default_factory=Policy)
    active: str | None = None
    """`policy.active()`, looked up once per change."""
    tables: set[str] = field(default_factory=set)
    """Exchanges of which a contract table was seen."""
    holding: dict[str, None] = field(default_factory=dict)
    """Symbols with held ticks."""
    standing: dict[str, None] = field(default_factory=dict)
    """Symbols with ticks of a standby source."""
    phases: dict[str, tuple[str, int]] = field(default_factory=dict)
    """`EXCHANGE.product` -> session phase, and market time at which it began."""
    turns: dict[int, list[str]] = field(default_factory=dict)
    """Log second -> symbols whose quality is looked at then."""
    looked_s: int = 0
    """Log second of the last look at phases and qualities."""
    backlog: list[tuple[bytes, bytes]] = field(default_factory=list)
    """Raw id and payload of standby ticks that are judged again, newest first."""
    entry_id: bytes = b""
    """Raw id of the entry being folded."""
    about: bytes = b""
    """Raw id of the tick at hand: of this entry, or of an earlier one that had to wait."""
    payload: bytes = b""
    """Bytes of the tick at hand, as they came."""
    outputs: list[Any] = field(default_factory=list)
    """What the entry being folded has put out so far (`outputs.Output`)."""
    generation: int = 0
    """Number of the snapshot being taken; an instrument behind it is not in it yet."""
    preserved: list[tuple[bytes, LastClean | None]] = field(default_factory=list)
    """Instruments of the snapshot being taken, encoded before they changed."""

    def source(self, name: str) -> SourceCounts:
        counts = self.sources.get(name)
        if counts is None:
            counts = self.sources[name] = SourceCounts()
        return counts

    def new_instrument(self, symbol: str, exchange: str) -> Instrument:
        """Begin to remember a contract; what it is follows from its spelling."""
        seen = Instrument(symbol, exchange, generation=self.generation)
        seen.outright = " " not in symbol
        seen.option = is_option(symbol)
        seen.first_ns = self.log_ns
        self.instruments[symbol] = seen
        self.take_turn(seen)
        return seen

    def take_turn(self, seen: Instrument) -> None:
        """Look at an instrument again in `LOOK_EVERY_S`."""
        seen.look_s = self.log_ns // SECOND_NS + LOOK_EVERY_S
        self.turns.setdefault(seen.look_s, []).append(seen.symbol)
        self.phases.setdefault(seen.product, ("", 0))

    def set_market_ns(self, market_ns: int) -> None:
        """Market time is this from now on."""
        self.market_ns = market_ns
        ahead_ns = AHEAD_NS + int(AHEAD_WALL_S * SECOND_NS * self.market_clock.rate)
        self.ahead_ns = min(ahead_ns, MAX_AHEAD_NS)
        self.days.set_market_time(market_ns, self.ahead_ns)

    def take_calendar(self, rows: Rows) -> None:
        """Judge by another calendar from now on."""
        self.days = Placer(Calendar(rows))
        self.set_market_ns(self.market_ns)

    def forget_marks(self) -> None:
        """Begin anew: market time was set back, by a new run of the hub."""
        for instrument in self.instruments.values():
            if instrument.generation != self.generation:
                self.preserve(instrument)
            instrument.forget_mark()
        self.holding, self.standing, self.backlog = {}, {}, []

    def preserve(self, instrument: Instrument) -> None:
        """Put an instrument as it is into the snapshot being taken (once)."""
        instrument.generation = self.generation
        self.preserved.append((encode_instrument(instrument), instrument.last))


_ScalarsRow = tuple[
    Literal[3], Policy, int, MarketClock, int, int, int, str, int, list[bytes], Gathering, int,
    dict[str, tuple[int, int, int, int, int, int, int, int]], dict[str, int], list[str],
    list[tuple[bytes, bytes]], dict[str, tuple[str, int]], int,
]  # fmt: skip
_decode_scalars: Final = msgspec.msgpack.Decoder(_ScalarsRow).decode


NOT_A_STATE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def encode_scalars(state: State) -> bytes:
    """Everything but the instruments."""
    return encode(
        (
            STATE_VERSION, state.policy, state.log_ns, state.market_clock, state.market_ns,
            state.n, state.epoch, state.incarnation, state.digest,
            state.days.calendar.parts, state.gathering, state.default_hours,
            {
                name: (
                    s.accepted, s.duplicate, s.late, s.rejected, s.lost, s.clock_faults, s.held,
                    s.standby,
                )
                for name, s in state.sources.items()
            },
            state.reasons, sorted(state.tables), state.backlog,
            state.phases, state.looked_s,
        )
    )  # fmt: skip


def decode_state(scalars: bytes, instruments: Iterable[bytes]) -> State:
    """Inverse of the two encoders. Raises `NOT_A_STATE` on foreign bytes."""
    (
        _version, policy, log_ns, market_clock, market_ns, n, epoch, incarnation, digest, calendar,
        gathering, default_hours, sources, reasons, tables, backlog, phases,
        looked_s,
    ) = _decode_scalars(scalars)  # fmt: skip
    state = State(
        log_ns=log_ns, market_clock=market_clock, market_ns=market_ns, n=n, epoch=epoch,
        incarnation=incarnation, digest=digest, gathering=gathering, default_hours=default_hours,
        sources={name: SourceCounts(*counts) for name, counts in sources.items()},
        reasons=reasons, policy=policy, active=policy.active(), tables=set(tables),
        backlog=backlog, phases=phases, looked_s=looked_s,
    )  # fmt: skip
    state.take_calendar(_calendar(calendar))
    for data in instruments:
        instrument = decode_instrument(data)
        state.instruments[instrument.symbol] = instrument
        state.turns.setdefault(instrument.look_s, []).append(instrument.symbol)
        if instrument.held:
            state.holding[instrument.symbol] = None
        if instrument.standby:
            state.standing[instrument.symbol] = None
    return state


def _calendar(parts: list[bytes]) -> Rows:
    gathering, rows = Gathering(), None
    for part in parts:
        gathering, rows = gather(gathering, part)
    if rows is None:
        raise msgspec.DecodeError("the calendar of a state is not whole")
    return rows
