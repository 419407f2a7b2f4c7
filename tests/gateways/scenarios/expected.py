"""What the hub must make of a snapshot, written down a second time, by the vendor's names."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from mdhub.wire.ticks import CHINA_TIME, CleanTick, RawTick
from tests.gateways.front.market import DBL_MAX
from tests.gateways.front.wire import Value

__all__ = ["clean_values", "raw_values"]

NAMES = {
    "last": "LastPrice",
    "volume": "Volume",
    "turnover": "Turnover",
    "open_interest": "OpenInterest",
    "open": "OpenPrice",
    "high": "HighestPrice",
    "low": "LowestPrice",
    "close": "ClosePrice",
    "settlement": "SettlementPrice",
    "pre_close": "PreClosePrice",
    "pre_settlement": "PreSettlementPrice",
    "pre_open_interest": "PreOpenInterest",
    "limit_up": "UpperLimitPrice",
    "limit_down": "LowerLimitPrice",
    "average": "AveragePrice",
}
"""Field of our ticks -> field of the vendor's struct."""


def raw_values(sent: Mapping[str, Value], tick: RawTick) -> tuple[dict[str, Any], dict[str, Any]]:
    """Give what raw must hold of a snapshot, and what it holds, by the vendor's names."""
    texts = ("InstrumentID", "ExchangeID", "TradingDay", "ActionDay", "UpdateTime")
    expected = {name: sent[name] for name in (*texts, "UpdateMillisec", *NAMES.values())}
    got = {
        "InstrumentID": tick.symbol,
        "ExchangeID": tick.exchange,
        "TradingDay": tick.trading_day,
        "ActionDay": tick.action_day,
        "UpdateTime": tick.update_time,
        "UpdateMillisec": tick.update_ms,
        **{theirs: getattr(tick, ours) for ours, theirs in NAMES.items()},
    }
    sides = {"Bid": tick.bids, "Ask": tick.asks}
    return expected | {side: _levels(sent, side) for side in sides}, got | sides


def clean_values(
    sent: Mapping[str, Value], tick: CleanTick, *, exchange: str, day: int, moment: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Give what clean must hold of a snapshot of `moment` (China time), and what it holds."""
    at = datetime.fromisoformat(moment).replace(tzinfo=CHINA_TIME)
    expected = {
        "symbol": sent["InstrumentID"],
        "exchange": exchange,
        "trading_day": day,
        "ts_ns": round(at.timestamp() * 1000) * 1_000_000,
        **{ours: _value(sent[theirs]) for ours, theirs in NAMES.items()},
        "bids": [[_value(price), volume] for price, volume in _levels(sent, "Bid")],
        "asks": [[_value(price), volume] for price, volume in _levels(sent, "Ask")],
    }
    got = {name: getattr(tick, name) for name in expected}
    for side in ("bids", "asks"):
        got[side] = [list(level) for level in got[side]]
    return expected, got


def _levels(sent: Mapping[str, Value], side: str) -> list[tuple[Value, Value]]:
    """Level 1 always, the others where the front fills them."""
    pairs = [(sent[f"{side}Price{level}"], sent[f"{side}Volume{level}"]) for level in range(1, 6)]
    return [pair for level, pair in enumerate(pairs) if level == 0 or pair != (DBL_MAX, 0)]


def _value(value: Value) -> Value | None:
    return None if value == DBL_MAX else value
