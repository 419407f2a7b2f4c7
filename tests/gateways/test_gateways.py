"""The real gateways, in processes of their own, against the stand-in front."""

from __future__ import annotations

import pytest

from tests.gateways.front.build import include_folder
from tests.gateways.front.front import Front
from tests.gateways.front.generate import Headers
from tests.gateways.front.market import DBL_MAX, etf_option, future, option
from tests.gateways.front.wire import Value
from tests.gateways.harness import Installation, NewChild

pytestmark = [pytest.mark.gateways, pytest.mark.process, pytest.mark.timeout(180)]

TICK = "CThostFtdcDepthMarketDataField"
CONTRACTS = {
    "ctp": [future("rb2610", "SHFE"), option("m2611-C-3000", "DCE", "m2611")],
    "sopt": [etf_option("10008888"), etf_option("90004444", "SZSE")],
}
EXCHANGES = {"ctp": "SHFE", "sopt": "SSE"}

both = pytest.mark.parametrize("gateway", ["ctp", "sopt"])


def symbol_of(gateway: str) -> str:
    return str(CONTRACTS[gateway][0]["InstrumentID"])


def full_tick(headers: Headers, symbol: str) -> dict[str, Value]:
    """Give every field of the vendor's struct a value of its own."""
    values: dict[str, Value] = {}
    for number, (name, kind) in enumerate(headers.fields(TICK), 1):
        own: dict[str, Value] = {"s": f"t{number}", "c": "7", "d": 1000.1 * number}
        values[name] = own.get(kind, 10 + number)
    days: dict[str, Value] = {"TradingDay": "20261123", "ActionDay": "20261120"}
    moment: dict[str, Value] = {"UpdateTime": "21:03:17", "UpdateMillisec": 62}
    return values | days | moment | {"InstrumentID": symbol, "ClosePrice": DBL_MAX}


@both
def test_a_gateway_logs_in_and_delivers_exactly_what_was_sent(
    gateway: str, child: NewChild, installed: Installation
) -> None:
    """Login, contracts and every field of a tick pass through the real gateway unchanged."""
    headers = Headers(include_folder(installed.sources[f"vnpy-{gateway}"]), "md")
    sent = full_tick(headers, symbol_of(gateway))
    with Front(CONTRACTS[gateway]) as front:
        process = child(gateway)
        process.connect(front)
        process.wait_log("合约信息查询成功")
        process.subscribe([symbol_of(gateway)], EXCHANGES[gateway])
        front.wait_subscribed(symbol_of(gateway))
        front.tick(sent)
        raw = process.wait("raw")["data"]
        ticked = process.wait("tick")

        assert {h.pid for h in front.hellos} == {process.process.pid}
        assert sorted(h.kind for h in front.hellos) == ["md", "td"]
        login = front.requests("ReqUserLogin", "td")[0].fields
        assert (login["UserID"], login["BrokerID"]) == ("tester", "9999")

    contracts = [event["symbol"] for event in process.seen("contract")]
    assert contracts == [contract["InstrumentID"] for contract in CONTRACTS[gateway]]
    assert raw == {name: sent[name] for name in raw}
    assert {"LastPrice", "Volume", "BidPrice5", "AskVolume5", "ActionDay"} <= raw.keys()
    assert raw["ClosePrice"] == DBL_MAX
    assert ticked["symbol"] == symbol_of(gateway)
