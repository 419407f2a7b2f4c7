"""Contracts and ticks as a broker's front sends them; every field can be changed by name."""

from __future__ import annotations

from tests.gateways.front.wire import Value

__all__ = ["DBL_MAX", "etf_option", "future", "option", "tick"]

# The vendor's "no value".
DBL_MAX = 1.7976931348623157e308


def future(symbol: str, exchange: str, **changes: Value) -> dict[str, Value]:
    """Build a futures contract as ReqQryInstrument lists it."""
    contract: dict[str, Value] = {
        "InstrumentID": symbol,
        "ExchangeID": exchange,
        "InstrumentName": f"{symbol}期货",
        "ExchangeInstID": symbol,
        "ProductID": symbol.rstrip("0123456789"),
        "ProductClass": "1",
        "VolumeMultiple": 10,
        "PriceTick": 1.0,
        "MinLimitOrderVolume": 1,
        "MaxLimitOrderVolume": 500,
        "OpenDate": "20260116",
        "ExpireDate": "20270115",
        "IsTrading": 1,
    }
    return contract | changes


def option(symbol: str, exchange: str, underlying: str, **changes: Value) -> dict[str, Value]:
    """Build a futures option, a call with strike 3000 unless changed."""
    extra: dict[str, Value] = {
        "ProductClass": "2",
        "UnderlyingInstrID": underlying,
        "OptionsType": "1",
        "StrikePrice": 3000.0,
    }
    return future(symbol, exchange) | extra | changes


def etf_option(symbol: str, exchange: str = "SSE", **changes: Value) -> dict[str, Value]:
    """Build a stock option as the SOPT counter lists it."""
    extra: dict[str, Value] = {
        "ProductClass": "7",
        "InstrumentCode": "510050C2612M02800",
        "ProductID": "ETF_O",
        "DeliveryYear": 2026,
        "DeliveryMonth": 12,
        "StrikePrice": 2.8,
        "PriceTick": 0.0001,
        "VolumeMultiple": 10000,
    }
    return option(symbol, exchange, "510050") | extra | changes


def tick(symbol: str, **changes: Value) -> dict[str, Value]:
    """Build a snapshot with one level of depth; what a real front leaves out is DBL_MAX."""
    fields: dict[str, Value] = {
        "TradingDay": "20261123",
        "InstrumentID": symbol,
        "ExchangeID": "",
        "LastPrice": 3012.0,
        "PreSettlementPrice": 3001.0,
        "PreClosePrice": 3003.0,
        "PreOpenInterest": 1500000.0,
        "OpenPrice": 3005.0,
        "HighestPrice": 3020.0,
        "LowestPrice": 2998.0,
        "Volume": 181234,
        "Turnover": 5458000000.0,
        "OpenInterest": 1512345.0,
        "ClosePrice": DBL_MAX,
        "SettlementPrice": DBL_MAX,
        "UpperLimitPrice": 3211.0,
        "LowerLimitPrice": 2791.0,
        "UpdateTime": "21:03:17",
        "UpdateMillisec": 500,
        "BidPrice1": 3011.0,
        "BidVolume1": 42,
        "AskPrice1": 3012.0,
        "AskVolume1": 17,
        "AveragePrice": 30116.0,
        "ActionDay": "20261120",
    }
    for level in range(2, 6):
        fields[f"BidPrice{level}"] = fields[f"AskPrice{level}"] = DBL_MAX
        fields[f"BidVolume{level}"] = fields[f"AskVolume{level}"] = 0
    return fields | changes
