"""Ticks: what a source delivered (raw) and what the hub vouches for (clean).

A tick is a snapshot of one contract, not a trade. Volume and turnover are cumulative over the
trading day. Times are integer nanoseconds since the Unix epoch, UTC.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from enum import IntFlag
from typing import Annotated, Final

import msgspec

__all__ = ["CHINA_TIME", "SCHEMA_VERSION", "CleanTick", "Flag", "Level", "RawTick"]

SCHEMA_VERSION: Final = 1
"""First element of every payload. Fields are only ever appended, with defaults."""

CHINA_TIME: Final = timezone(timedelta(hours=8), "Asia/Shanghai")
"""All Chinese exchanges; no daylight saving since 1991, so a fixed offset is exact."""

Int64 = Annotated[int, msgspec.Meta(le=2**63 - 1)]
"""MessagePack has unsigned 64-bit integers too; clients in other languages read int64."""

Level = tuple[float | None, Int64 | None]
"""One book level `[price, volume]`; price nil = no value."""


class Flag(IntFlag):
    """Facts of a clean tick, never of one delivery of it."""

    SUBSCRIBE_SNAPSHOT = 1
    """The snapshot a gateway pushes after (re)subscription."""
    TIME_REPAIRED = 2
    """Date or time of the front was wrong and has been replaced."""
    VALUE_REPAIRED = 4
    """A value of the front was wrong and has been replaced."""
    SINGLE_SOURCE = 8
    """Only one source delivers this instrument: nobody could contradict it."""
    SETTLEMENT = 16
    """Close or settlement price was filled in; the market did not move."""
    UNCONFIRMED = 32
    """Accepted after a hold without a second source agreeing."""
    UNKNOWN_INSTRUMENT = 64
    """The contract table of its exchange does not have it."""


class RawTick(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One snapshot as one source delivered it, unparsed, with our receive time.

    Dates and time are the front's own text; `exchange` may be empty. Prices are as received:
    DBL_MAX means "no value" for CTP, nil means the source has no such field.
    """

    v: int
    source: str
    session: Int64
    """One run of the source's process: its start in UTC ms; grows with every run."""
    seq: Int64
    """Counts from 1 without holes per session and shard."""
    recv_ns: Int64
    symbol: str
    exchange: str
    """As the front sent it: often empty."""
    trading_day: str
    """As the front sent it, such as `20261123`."""
    action_day: str
    """The calendar day by the front, which some exchanges fill with the trading day."""
    update_time: str
    """China time of the snapshot, `HH:MM:SS`."""
    update_ms: Int64
    """Milliseconds of `update_time`; always 0 where the exchange does not tell."""
    last: float | None
    volume: Int64 | None
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


class CleanTick(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One accepted snapshot. "No value" is nil."""

    v: int
    symbol: str
    exchange: str
    trading_day: int
    """YYYYMMDD by the hub's calendar; the night session belongs to the next trading day."""
    ts_ns: Int64
    """Exchange time rebuilt by the hub's rules."""
    recv_ns: Int64
    """When the hub received the accepted copy."""
    source: str
    flags: int
    last: float | None
    volume: Int64 | None
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

    @property
    def ts(self) -> datetime:
        """Exchange time as an aware datetime in China time (microseconds; `ts_ns` is exact)."""
        return _china(self.ts_ns)

    @property
    def recv(self) -> datetime:
        """Receive time as an aware datetime in China time."""
        return _china(self.recv_ns)

    @property
    def vt_symbol(self) -> str:
        """`symbol.EXCHANGE`, the name patterns are matched against."""
        return f"{self.symbol}.{self.exchange}"


def _china(ns: int) -> datetime:
    seconds, rest_ns = divmod(ns, 1_000_000_000)
    moment = datetime.fromtimestamp(seconds, UTC) + timedelta(microseconds=rest_ns // 1000)
    return moment.astimezone(CHINA_TIME)
