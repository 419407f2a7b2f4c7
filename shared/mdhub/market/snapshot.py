"""One snapshot as the exchange made it, before any source touched it."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from mdhub.wire.ticks import SCHEMA_VERSION, Level, RawTick

__all__ = ["NO_VALUE", "Snapshot", "raw_tick", "received"]

NO_VALUE: Final = 1.7976931348623157e308
"""DBL_MAX, which CTP sends for "no value"."""


class Snapshot(msgspec.Struct, frozen=True, gc=False):
    """What every source delivers of one snapshot, with the true times only the market knows.

    From `symbol` to `asks` the fields are those of RawTick, text and numbers as fronts send them.
    """

    made_ns: int
    """Market time at which the exchange sent it; never falls within one market."""
    exchange_ns: int
    """The exchange's own stamp with its true date; several CZCE snapshots share one."""
    day: int
    """True trading day YYYYMMDD, whatever `trading_day` says."""
    true_exchange: str
    """Where the contract is listed, whatever `exchange` says; empty if the market cannot tell."""
    symbol: str
    exchange: str
    trading_day: str
    action_day: str
    update_time: str
    update_ms: int
    last: float | None
    volume: int | None
    turnover: float | None
    open_interest: float | None
    open: float | None
    high: float | None
    low: float | None
    close: float | None
    settlement: float | None
    pre_close: float | None
    pre_settlement: float | None
    pre_open_interest: float | None
    limit_up: float | None
    limit_down: float | None
    average: float | None
    bids: list[Level]
    asks: list[Level]
    repeat: bool = False
    """The contract's previous snapshot again, field by field: delivered, but not a new fact."""


def received(snapshot: Snapshot) -> tuple[Any, ...]:
    """Return what a source delivers of it: RawTick's fields from `symbol` to `asks`."""
    return msgspec.structs.astuple(snapshot)[4:-1]


def raw_tick(snapshot: Snapshot, *, source: str, session: int, seq: int, recv_ns: int) -> RawTick:
    """Build the tick a source writes for a snapshot."""
    return RawTick(SCHEMA_VERSION, source, session, seq, recv_ns, *received(snapshot))
