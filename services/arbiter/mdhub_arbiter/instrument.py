"""What the arbiter remembers of one contract, and its form on disk."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from mdhub.market.products import product_of
from mdhub.wire.codec import decode_clean_tick, encode
from mdhub.wire.entries import ContractRow
from mdhub.wire.ticks import CleanTick, RawTick

__all__ = [
    "NOTHING_WAIVED",
    "Closing",
    "Contract",
    "Cursor",
    "Held",
    "Identity",
    "Instrument",
    "LastClean",
    "Sighting",
    "Standby",
    "decode_instrument",
    "encode_instrument",
]

Identity = tuple[Any, ...]
"""Fields that tell two exchange snapshots of one contract at one time apart."""

Closing = tuple[float | None, float | None]
"""Close and settlement price."""

Cursor = tuple[int, int, Identity]
"""Session of a source, how far it has come, and what it sent last."""

LastClean = tuple[bytes, int, int, int, int, bytes]
"""Newest clean tick of an instrument: raw id, output number, n, k, epoch, payload."""

NOTHING_WAIVED: Final[frozenset[str]] = frozenset()
_NO_TIME: Final = -(1 << 62)


class Sighting(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What of a tick decides whether it is new."""

    ts_ns: int
    day: int
    volume: int
    identity: Identity
    closing: Closing
    source: str
    session: int


class Held(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A suspect tick that waits for confirmation."""

    about: bytes
    """Its raw id."""
    reason: str
    since_ns: int
    """Log time."""
    sighting: Sighting
    tick: CleanTick


class Standby(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Mode `priority`: a tick of a source that is not the active one."""

    about: bytes
    ts_ns: int
    payload: bytes


class Contract(msgspec.Struct, frozen=True, array_like=True):
    """What is known of a contract from outside its ticks; 0 = not known."""

    price_tick: float = 0.0
    multiplier: float = 0.0
    product_class: str = ""
    """`1` future, `2` option, `3` combination, as CTP numbers them; empty = by the spelling."""
    expiry: int = 0
    """Last trading day, YYYYMMDD."""

    @classmethod
    def of(cls, row: ContractRow) -> Contract:
        """What is kept of a row of a contract table."""
        return cls(row.price_tick, row.multiplier, row.product_class, row.expiry)


@dataclass(slots=True)
class Instrument:
    """High-water mark of one contract, its newest clean tick, and what is held of it."""

    symbol: str
    exchange: str
    outright: bool = True
    option: bool = False
    contract: Contract | None = None
    k: int = 0
    mark_ns: int = _NO_TIME
    mark_day: int = 0
    volume: int = 0
    identity: Identity = ()
    closing: Closing = (None, None)
    """Close and settlement price last published."""
    ref: CleanTick | None = None
    """Newest clean tick: what suspicion compares with."""
    raw: RawTick | None = None
    """The same as it came, to know a plain copy at once (not CZCE; not kept on disk)."""
    lower: int = 0
    """Ticks in a row whose volume was below the mark's."""
    lower_volume: int = 0
    waived: frozenset[str] = NOTHING_WAIVED
    """Rules that a confirmed or persistent state of this contract broke on `waived_day`."""
    waived_day: int = 0
    held: list[Held] = field(default_factory=list)
    standby: list[Standby] = field(default_factory=list)
    second: list[Identity] = field(default_factory=list)
    """CZCE: what was emitted in the current second, in the order of the exchange."""
    cursors: dict[str, Cursor] = field(default_factory=dict)
    """CZCE: how far into `second` each source has come."""
    seen: dict[str, int] = field(default_factory=dict)
    """Log time at which each source last delivered something not older than the mark."""
    first_ns: int = 0
    """Log time of its first tick."""
    pause_ns: int = 0
    """Its longest usual pause between two ticks, learned and decaying."""
    quality: str = ""
    """As the newest quality marker says; empty = good."""
    look_s: int = 0
    """Log second in which its quality is looked at next."""
    last: LastClean | None = None
    generation: int = 0

    product: str = field(init=False)
    """Name its hours are found by, such as `SHFE.rb`."""

    def __post_init__(self) -> None:
        self.product = f"{self.exchange}.{product_of(self.symbol) or ''}"

    def forget_mark(self) -> None:
        """Know no snapshot yet; k, contract and the newest clean tick stay."""
        self.mark_ns = _NO_TIME
        self.mark_day = self.volume = self.lower = self.lower_volume = 0
        self.identity, self.closing, self.ref, self.raw = (), (None, None), None, None
        self.waived, self.waived_day = NOTHING_WAIVED, 0
        self.held, self.standby = [], []
        self.second, self.cursors, self.seen = [], {}, {}


_Row = tuple[
    str, str, bool, bool, Contract | None, int, int, int, int, list[Any], Closing, bool, int, int,
    list[str], int, list[Held], list[Standby], list[list[Any]],
    dict[str, tuple[int, int, list[Any]]], dict[str, int], int, int, str, int, LastClean | None,
]  # fmt: skip
_decode: Final = msgspec.msgpack.Decoder(_Row).decode


def encode_instrument(i: Instrument) -> bytes:
    """One instrument; its snapshot generation is not part of the state."""
    return encode(
        (
            i.symbol, i.exchange, i.outright, i.option, i.contract, i.k, i.mark_ns, i.mark_day,
            i.volume, i.identity, i.closing, i.ref is not None, i.lower, i.lower_volume,
            sorted(i.waived), i.waived_day, i.held, i.standby, i.second, i.cursors, i.seen,
            i.first_ns, i.pause_ns, i.quality, i.look_s, i.last,
        )
    )  # fmt: skip


def decode_instrument(data: bytes) -> Instrument:
    """Inverse of `encode_instrument`. Raises msgspec.DecodeError on foreign bytes."""
    (
        symbol, exchange, outright, option, contract, k, mark_ns, mark_day, volume, identity,
        closing, has_ref, lower, lower_volume, waived, waived_day, held, standby, second, cursors,
        seen, first_ns, pause_ns, quality, look_s, last,
    ) = _decode(data)  # fmt: skip
    # The reference is the newest clean tick, unless it was forgotten.
    ref = decode_clean_tick(last[-1]) if has_ref and last else None
    return Instrument(
        symbol=symbol, exchange=exchange, outright=outright, option=option, contract=contract,
        k=k, mark_ns=mark_ns, mark_day=mark_day, volume=volume, identity=_identity(identity),
        closing=closing, ref=ref, lower=lower, lower_volume=lower_volume,
        waived=frozenset(waived), waived_day=waived_day, held=[_held(h) for h in held],
        standby=standby, second=[_identity(s) for s in second],
        cursors={s: (session, at, _identity(i)) for s, (session, at, i) in cursors.items()},
        seen=seen, first_ns=first_ns, pause_ns=pause_ns, quality=quality, look_s=look_s, last=last,
    )  # fmt: skip


def _held(held: Held) -> Held:
    seen = held.sighting
    identity = _identity(list(seen.identity))
    return msgspec.structs.replace(held, sighting=msgspec.structs.replace(seen, identity=identity))


def _identity(identity: list[Any]) -> Identity:
    """Levels inside an identity come back as lists; they were tuples."""
    return tuple(tuple(part) if isinstance(part, list) else part for part in identity)
