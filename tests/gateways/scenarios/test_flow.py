"""A broker's ticks through the whole hub: gateway, raw, arbiter, publisher, strategy."""

from __future__ import annotations

import pytest

from tests.gateways.front.front import Front
from tests.gateways.front.market import DBL_MAX, etf_option, future, option
from tests.gateways.front.wire import Value
from tests.gateways.scenarios.expected import clean_values, raw_values
from tests.gateways.scenarios.following import by_day, delivered, strategy
from tests.gateways.scenarios.hub import NewHub, Source

pytestmark = [pytest.mark.gateways, pytest.mark.process, pytest.mark.timeout(60)]


def test_every_field_arrives_as_the_front_sent_it(hub: NewHub) -> None:
    """CTP and SOPT side by side: raw holds what was sent, clean the same with nil for DBL_MAX."""
    futures = [future("m2701", "DCE"), option("m2701-C-3000", "DCE", "m2701")]
    etfs = [etf_option("10008888")]
    with Front(futures) as ctp_front, Front(etfs) as sopt_front:
        ctp = Source(name="CTP1", front=ctp_front)
        sopt = Source(name="SOPT1", front=sopt_front, type="sopt")
        running = hub(ctp, sopt)
        running.market("2026-11-23 10:03:10")
        running.ready(ctp, sopt)
        assert ctp_front.wait_hello("md").pid == running.pid("CTP1"), "not the stand-in"
        with strategy(running) as follower:
            moments = (0, 5, 62, 99, 500, 937)
            sent = [by_day("m2701", UpdateMillisec=ms, Volume=1000 + ms) for ms in moments]
            for snapshot in sent:
                ctp_front.tick(snapshot)
            etf = by_day("10008888", ExchangeID="SSE", UpdateMillisec=250)
            got = delivered(running, follower, len(sent))
            sopt_front.tick(etf)
            got = delivered(running, follower, len(sent) + 1)

        for snapshot, raw, delivery in zip(
            [*sent, etf], [*running.raw("CTP1"), *running.raw("SOPT1")], got, strict=True
        ):
            expected, found = raw_values(snapshot, raw)
            assert found == expected
            exchange = "SSE" if snapshot is etf else "DCE"
            moment = f"2026-11-23 10:03:17.{raw.update_ms:03}"
            wanted, made = clean_values(
                snapshot, delivery.tick, exchange=exchange, day=20261123, moment=moment
            )
            assert made == wanted
            assert delivery.tick.flags == 0
            assert delivery.tick.recv_ns == raw.recv_ns
        assert running.rejected() == []


def test_the_hub_learns_contracts_from_the_account(hub: NewHub) -> None:
    """A contract the broker lists is known, with its price step: an odd price is held."""
    with Front([future("rb2701", "SHFE", PriceTick=1.0)]) as front:
        source = Source(name="CTP1", front=front)
        running = hub(source)
        running.market("2026-11-23 10:03:10")
        running.ready(source)
        running.wait(lambda: running.log.contracts().rows, "the contract to be known")
        with strategy(running) as follower:
            front.tick(by_day("rb2701"))
            delivered(running, follower, 1)
            front.tick(by_day("rb2701", UpdateMillisec=937, LastPrice=3012.4, Volume=181235))
            running.wait(lambda: running.rejected() == ["off_grid"], "the odd price to be held")


def test_ticks_before_contracts_are_captured(hub: NewHub) -> None:
    """A snapshot that comes while the contract query is under way is in raw, and gets through."""
    with Front([future("rb2701", "SHFE")]) as front:
        front.answer("ReqQryInstrument", lambda *_: None)
        running = hub(Source(name="CTP1", front=front))
        running.market("2026-11-23 10:03:10")
        front.wait_request("ReqQryInstrument", "td")
        front.wait_request("ReqUserLogin", "md")
        with strategy(running) as follower:
            front.tick(by_day("rb2701"))
            (delivery,) = delivered(running, follower, 1)
        assert (delivery.tick.vt_symbol, delivery.tick.volume) == ("rb2701.SHFE", 181234)


BAD_VALUES: dict[str, dict[str, Value]] = {
    "nan": {"LastPrice": float("nan"), "OpenInterest": float("nan")},
    "infinite": {"Turnover": float("inf"), "LowestPrice": float("-inf")},
    "no value": {"LastPrice": DBL_MAX, "Volume": 0, "Turnover": 0.0, "AskPrice1": DBL_MAX},
    "negative volume": {"Volume": -5},
    "empty time": {"UpdateTime": ""},
    "no time": {"UpdateTime": "25:61:00"},
    "no dates": {"TradingDay": "", "ActionDay": ""},
    "wild date": {"ActionDay": "2026-1-1"},
    "bad text": {"ExchangeInstID": b"\xff\xfe"},
}


def test_bad_values_cost_only_themselves(hub: NewHub) -> None:
    """Each odd snapshot reaches raw, none of them the good ones: the stream goes on behind it."""
    symbols = [f"rb27{month:02}" for month in range(1, len(BAD_VALUES) + 1)]
    with Front([future(symbol, "SHFE") for symbol in symbols]) as front:
        source = Source(name="CTP1", front=front)
        running = hub(source)
        running.market("2026-11-23 10:03:10")
        running.ready(source)
        with strategy(running) as follower:
            for symbol, changes in zip(symbols, BAD_VALUES.values(), strict=True):
                front.tick(by_day(symbol, **changes))
                front.tick(by_day(symbol, UpdateMillisec=937, Volume=181235))
            good = [(symbol, 181235) for symbol in symbols]

            def seen() -> set[tuple[str, int | None]]:
                return {(d.tick.symbol, d.tick.volume) for d in list(follower.got)}

            running.wait(lambda: seen() >= set(good), "every contract's good tick")
        assert len(running.raw()) == 2 * len(symbols)
        assert running.pid("CTP1") == front.hellos[0].pid, "the process is still the first one"


def test_midnight_passes_without_a_wrong_date(hub: NewHub) -> None:
    """Gold at 23:59:59.5 on Friday and 00:00 on Saturday: one trading day, half a second apart."""
    moments = [
        ("20261120", "23:59:59", 0),
        ("20261120", "23:59:59", 500),
        ("20261121", "00:00:00", 0),
    ]
    with Front([future("au2702", "SHFE", PriceTick=1.0)]) as front:
        source = Source(name="CTP1", front=front)
        running = hub(source)
        running.market("2026-11-20 23:59:55")
        running.ready(source)
        with strategy(running) as follower:
            for number, (day, time, ms) in enumerate(moments):
                clock: dict[str, Value] = {"UpdateTime": time, "UpdateMillisec": ms}
                front.tick(by_day("au2702", ActionDay=day, Volume=181_234 + number, **clock))
            got = [d.tick for d in delivered(running, follower, 3)]
    assert [f"{t.ts:%Y-%m-%d %H:%M:%S.%f}" for t in got] == [
        "2026-11-20 23:59:59.000000",
        "2026-11-20 23:59:59.500000",
        "2026-11-21 00:00:00.000000",
    ]
    assert {(t.trading_day, t.flags) for t in got} == {(20261123, 0)}
