"""Raw entries for the arbiter, and a desk that folds them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from mdhub.wire.codec import (
    control,
    decode_clean_tick,
    decode_marker,
    decode_rejected_header,
    encode,
)
from mdhub.wire.entries import (
    Clock,
    ConfigChange,
    ControlKind,
    EpochMark,
    Lead,
    MarketClock,
    RejectedHeader,
)
from mdhub.wire.ticks import CHINA_TIME, CleanTick, RawTick
from mdhub_arbiter.decide import decide
from mdhub_arbiter.instrument import encode_instrument
from mdhub_arbiter.outputs import Clean, Rejected
from mdhub_arbiter.state import State, encode_scalars

SECOND_NS = 1_000_000_000
DBL_MAX = 1.7976931348623157e308
WEDNESDAY = "2026-11-18 10:00:00"
Output = Clean | Rejected | None

TEMPLATE = RawTick(
    v=1, source="A", session=1, seq=1, recv_ns=0, symbol="rb2701", exchange="SHFE",
    trading_day="20261118", action_day="20261118", update_time="10:00:00", update_ms=0,
    last=3000.0, volume=100, turnover=3e6, open_interest=1e6, open=3000.0, high=3010.0,
    low=2990.0, close=DBL_MAX, settlement=DBL_MAX, pre_close=3001.0, pre_settlement=3002.0,
    pre_open_interest=1e6, limit_up=3300.0, limit_down=2700.0, average=30_000.0,
    bids=[(2999.0, 5)], asks=[(3001.0, 7)],
)  # fmt: skip


def china_ns(text: str) -> int:
    """`"2026-11-18 10:00:00.500"` in China time -> ns."""
    moment = datetime.fromisoformat(text).replace(tzinfo=CHINA_TIME)
    return int(moment.timestamp()) * SECOND_NS + moment.microsecond * 1000


def raw(time: str = "10:00:00.000", **fields: Any) -> RawTick:
    """A tick of a quiet market; `time` is what the front says."""
    text, _, ms = time.partition(".")
    return msgspec.structs.replace(
        TEMPLATE, **{"update_time": text, "update_ms": int(ms or 0)} | fields
    )


def tick_entry(tick: RawTick) -> list[bytes]:
    return [b"t", encode(tick)]


def control_entry(kind: str, body: Any, *, writer: str = "arbiter") -> list[bytes]:
    return [b"c", control(kind, writer, 1, 1, 0, body)]


def lead_entry(wall_ns: int, *, epoch: int = 7, incarnation: str = "server-1") -> list[bytes]:
    return control_entry(ControlKind.LEAD, Lead(1, incarnation, "0-0", 0, epoch, wall_ns))


def clock_entry(wall_ns: int) -> list[bytes]:
    return control_entry(ControlKind.CLOCK, Clock(wall_ns))


def market_clock_entry(market_ns: int, log_ns: int, rate: float, run: str = "") -> list[bytes]:
    value = msgspec.Raw(encode(MarketClock(market_ns, log_ns, rate, run)))
    return control_entry(ControlKind.CONFIG, ConfigChange("market_clock", value))


def state_bytes(state: State) -> list[bytes]:
    """The state as a snapshot would hold it."""
    return [encode_scalars(state), *(encode_instrument(i) for i in state.instruments.values())]


def outcome(out: Output) -> str:
    """`clean`, `duplicate` (or nothing to say), or the reason of a rejection."""
    if out is None:
        return "duplicate"
    return "clean" if isinstance(out, Clean) else rejected_header(out).reason


def rejected_header(out: Output) -> RejectedHeader:
    assert isinstance(out, Rejected)
    return decode_rejected_header(out.header)


def clean_tick(out: Output) -> CleanTick:
    assert isinstance(out, Clean), out
    assert out.field == b"t"
    return decode_clean_tick(out.payload)


def epoch_mark(out: Output) -> EpochMark:
    assert isinstance(out, Clean), out
    marker = decode_marker(out.payload)
    assert (out.field, marker.kind) == (b"m", "epoch")
    return msgspec.msgpack.decode(marker.body, type=EpochMark)


class Desk:
    """A state that is led since `market` (China time), and running ids."""

    def __init__(self, market: str = WEDNESDAY) -> None:
        self.state = State()
        self._ids = 0
        self.fold(lead_entry(china_ns(market)))

    @classmethod
    def bare(cls) -> Desk:
        """A desk without any entry yet."""
        desk = cls()
        desk.state = State()
        return desk

    def fold(self, fields: list[bytes]) -> Output:
        """Fold an entry that yields at most one output."""
        outputs = self.folds(fields)
        assert len(outputs) < 2, outputs
        return outputs[0] if outputs else None

    def folds(self, fields: list[bytes]) -> list[Clean | Rejected]:
        """Fold an entry; return everything it yields."""
        self._ids += 1
        return list(decide(self.state, b"1-%d" % self._ids, fields))

    def at(self, market: str) -> Desk:
        """Move log time, and with it market time, to a moment in China."""
        self.fold(clock_entry(china_ns(market)))
        return self

    def see(self, time: str = "10:00:00.000", **fields: Any) -> Output:
        """Fold a tick."""
        return self.fold(tick_entry(raw(time, **fields)))

    def says(self, time: str = "10:00:00.000", **fields: Any) -> str:
        """Fold a tick and tell its outcome in a word."""
        return outcome(self.see(time, **fields))
