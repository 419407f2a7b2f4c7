"""The hub's adapter over the real gateways, in processes of their own, against the stand-in."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import product
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.gateways.front.answers import FINE, banned, refuse
from tests.gateways.front.front import Front, Session
from tests.gateways.front.market import DBL_MAX, etf_option, future, option, tick
from tests.gateways.front.wire import Request, Value, callback
from tests.gateways.harness import Child, Event, Installation

pytestmark = [pytest.mark.gateways, pytest.mark.process, pytest.mark.timeout(180)]

CONTRACTS: dict[str, list[dict[str, Value]]] = {
    "ctp": [future("rb2610", "SHFE"), option("m2611-C-3000", "DCE", "m2611")],
    "sopt": [etf_option("10008888"), etf_option("90004444", "SZSE", OptionsType="2")],
}
EXCHANGES = {"ctp": "SHFE", "sopt": "SSE"}
SECRET = "s3cret-pass"

both = pytest.mark.parametrize("gateway", ["ctp", "sopt"])


def symbol_of(gateway: str) -> str:
    return str(CONTRACTS[gateway][0]["InstrumentID"])


class AdapterChild(Child):
    """A process that runs the adapter instead of the bare gateway."""

    program = "adapter_child.py"

    def open(
        self, front: Front, *, cached: list[dict[str, Any]] | None = None, **changes: object
    ) -> None:
        """Open the connection by English names, and connect."""
        setting = {
            "user_id": "tester",
            "password": SECRET,
            "broker_id": "9999",
            "td_address": front.address,
            "md_address": front.address,
            "app_id": "client_mdhub_1.0",
            "auth_code": "0123456789ABCDEF",
        }
        self._order(do="connect", setting=setting | changes, cached=cached or [])

    def open_class(self, class_path: str, **setting: object) -> None:
        """Open the connection of a gateway of which nothing is known, and connect."""
        self._order(do="connect", kind="vnpy", class_path=class_path, setting=setting)

    def unsubscribe(self, *symbols: str) -> None:
        """Ask for these no longer."""
        self._order(do="unsubscribe", symbols=symbols, exchange="")

    def forget(self) -> None:
        """Let every instrument's next tick be its first."""
        self._order(do="forget")

    def notes(self, kind: str, side: str = "") -> list[Event]:
        """List the notes of one kind so far."""
        notes = [note for note in self.seen("note") if note["kind"] == kind]
        return [note for note in notes if side in {"", note["side"]}]

    def wait_note(self, kind: str, side: str = "", *, count: int = 1) -> Event:
        """Wait for the `count`-th note of a kind and return it."""
        self._wait(lambda: len(self.notes(kind, side)) >= count, f"{count} x {side} {kind}")
        return self.notes(kind, side)[count - 1]

    def wait_ticks(self, count: int) -> Event:
        """Wait until so many ticks are counted (told a moment before) and return the status."""
        statuses: list[Event] = []

        def counted() -> bool:
            statuses.append(self.status())
            return bool(statuses[-1]["ticks"] == count)

        self._wait(counted, f"{count} ticks counted")
        return statuses[-1]


class NewAdapter(Protocol):
    """Starts a process that ends with the test."""

    def __call__(self, gateway: str) -> AdapterChild:
        """`gateway` is "ctp" or "sopt"."""


@pytest.fixture
def adapter(
    installed: Installation, libraries: dict[str, Path], tmp_path: Path
) -> Iterator[NewAdapter]:
    """Start processes with the adapter: `adapter("ctp")`."""
    with ExitStack() as stack:

        def start(gateway: str) -> AdapterChild:
            where = tmp_path / gateway
            return stack.enter_context(AdapterChild(gateway, installed, libraries[gateway], where))

        yield start


def ready(gateway: str, adapter: NewAdapter, front: Front) -> AdapterChild:
    """Start one that is logged in, has its contracts and subscribes to its first."""
    process = adapter(gateway)
    process.open(front)
    process.wait_note("login", "md")
    process.wait_note("contracts", "td")
    process.subscribe([symbol_of(gateway)], EXCHANGES[gateway])
    front.wait_subscribed(symbol_of(gateway))
    assert front.wait_hello("md").pid == process.process.pid
    return process


@both
def test_a_tick_arrives_as_the_front_sent_it(gateway: str, adapter: NewAdapter) -> None:
    """Texts, milliseconds and odd numbers pass through both real gateways unchanged."""
    symbol = symbol_of(gateway)
    values: list[dict[str, Value]] = [
        {"UpdateMillisec": ms, "LastPrice": last}
        for ms, last in [(0, math.nan), (5, math.inf), (62, -math.inf), (99, DBL_MAX), (500, -3.5)]
    ]
    deep: dict[str, Value] = {}
    for side, level in product(("Bid", "Ask"), (1, 2, 3)):
        deep |= {f"{side}Price{level}": 10.0 * level, f"{side}Volume{level}": 10 * level}
    days: dict[str, Value] = {"ExchangeID": "SHFE", "ActionDay": "", "TradingDay": "x"}
    values.append({**deep, **days, "UpdateMillisec": 937})
    with Front(CONTRACTS[gateway]) as front:
        process = ready(gateway, adapter, front)
        for number, changes in enumerate(values, 1):
            front.tick(tick(symbol, **changes))
            fields = process.wait("raw_tick", count=number)["fields"]
            assert fields[5] == changes["UpdateMillisec"]
            if "LastPrice" in changes:
                assert str(fields[6]) == str(changes["LastPrice"])
                assert fields[:5] == [symbol, "", "20261123", "20261120", "21:03:17"]
                assert fields[7:21] == [
                    181234, 5458000000.0, 1512345.0, 3005.0, 3020.0, 2998.0, DBL_MAX, DBL_MAX,
                    3003.0, 3001.0, 1500000.0, 3211.0, 2791.0, 30116.0,
                ]  # fmt: skip
                assert fields[21:] == [[[3011.0, 42]], [[3012.0, 17]]]
        assert fields[:5] == [symbol, "SHFE", "x", "", "21:03:17"]
        levels = [[10.0, 10], [20.0, 20], [30.0, 30]]
        assert fields[21:] == [levels, levels]

        status = process.wait_ticks(len(values))
        assert (status["md_login"], status["td_login"], status["contracts_ready"]) == (True,) * 3
        assert status["login_blocked"] is False
        assert process.wait("first")["symbol"] == symbol
    assert SECRET not in process.output()


@both
def test_contracts_are_told_once_whatever_reconnects(gateway: str, adapter: NewAdapter) -> None:
    """A reconnection lists all contracts again; only a changed one is told again."""
    with Front(CONTRACTS[gateway]) as front:
        process = ready(gateway, adapter, front)
        process.wait("instrument", count=2)
        assert [note["code"] for note in process.notes("contracts")] == [0]

        front.contracts[0] = {**front.contracts[0], "VolumeMultiple": 77}
        front.drop("td", 8193)
        assert process.wait_note("disconnected", "td")["code"] == 8193
        process.wait_note("contracts", "td", count=2)
        changed = process.wait("instrument", count=3)
        assert (changed["symbol"], changed["multiplier"]) == (symbol_of(gateway), 77.0)

        front.drop("md", 4097)
        process.wait_note("login", "md", count=2)
        front.wait_request("SubscribeMarketData", "md", count=2)  # restored by the gateway
        front.wait_subscribed(symbol_of(gateway))
        process.status()
        assert len(process.seen("instrument")) == 3


def test_contracts_that_vnpy_does_not_know_are_told_too(adapter: NewAdapter) -> None:
    """Unknown product, unknown exchange in the last row, a bad date: rows, faults, a flag."""
    front_has = [
        option("SR509C5600", "CZCE", "SR509", ProductID="SRC", StrikePrice=5600.0),
        future("sc2609TAS", "INE", ProductClass="7", PriceTick=DBL_MAX),
        option("m2611-P-3000", "DCE", "m2611", ExpireDate="never", OptionsType="2"),
        future("XX2609", "MOON"),
    ]
    with Front(front_has) as front:
        process = adapter("ctp")
        process.open(front)
        assert process.wait_note("contracts")["text"] == "4 contracts listed"
        process.wait("instrument", count=4)
        told = {one["symbol"]: one for one in process.seen("instrument")}
        sugar, tas, meal = told["SR509C5600"], told["sc2609TAS"], told["m2611-P-3000"]
        assert (sugar["product"], sugar["product_class"], sugar["underlying"]) == (
            "SR",
            "2",
            "SR509",
        )
        assert (sugar["strike"], sugar["call"], sugar["expiry"]) == (5600.0, True, 20270115)
        assert (tas["product_class"], tas["price_tick"], tas["call"]) == ("7", 0.0, None)
        assert (meal["expiry"], meal["call"]) == (0, False)
        assert told["XX2609"]["exchange"] == "MOON"
        status = process.status()
        assert status["contracts_ready"] is True
        assert status["counts"]["fault:onRspQryInstrument"] == 2
        assert "ValueError" in process.wait_note("fault")["text"]
    assert "Traceback" not in process.output()


def test_an_empty_contract_list_is_said_and_is_not_ready(adapter: NewAdapter) -> None:
    """An answer without data neither raises nor counts as contracts."""
    with Front() as front:
        process = adapter("ctp")
        process.open(front)
        assert process.wait_note("contracts")["text"] == "0 contracts listed"
        assert process.status()["contracts_ready"] is False
        assert process.notes("fault") == []


@both
@pytest.mark.parametrize("side", ["md", "td"])
def test_a_refused_login_is_noted_with_its_code(
    gateway: str, side: str, adapter: NewAdapter
) -> None:
    """Code, text and the fact that the gateway will not try again."""
    with Front(CONTRACTS[gateway]) as front:
        front.answer("ReqUserLogin", refuse(3, "CTP:不合法的登录"), kind=side)
        process = adapter(gateway)
        process.open(front)
        process.wait_log("登录失败")
        note = process.wait_note("login", side)
        assert (note["code"], "不合法的登录" in note["text"]) == (3, True)
        status = process.status()
        assert (status[f"{side}_login"], status["login_blocked"]) == (False, True)


@both
def test_a_refused_authentication_is_noted(gateway: str, adapter: NewAdapter) -> None:
    """Error 63 of the authentication."""
    with Front(CONTRACTS[gateway]) as front:
        front.answer("ReqAuthenticate", refuse(63, "CTP:客户端认证失败"))
        process = adapter(gateway)
        process.open(front)
        assert process.wait_note("auth", "td")["code"] == 63
        process.wait_note("login", "md")
        assert process.status()["login_blocked"] is True


@both
def test_ticks_and_cached_contracts_need_no_trading_login(
    gateway: str, adapter: NewAdapter
) -> None:
    """With the trading side refused, cached contracts are told and ticks flow."""
    symbol = symbol_of(gateway)
    cached = [{"symbol": symbol, "exchange": EXCHANGES[gateway], "multiplier": 10.0}]
    with Front(CONTRACTS[gateway]) as front:
        front.answer("ReqUserLogin", banned(), kind="td")
        process = adapter(gateway)
        process.open(front, cached=cached)
        assert process.wait("instrument")["symbol"] == symbol
        process.wait_note("login", "md")
        assert process.wait_note("login", "td")["code"] == 75
        process.subscribe([symbol], EXCHANGES[gateway])
        front.wait_subscribed(symbol)
        front.tick(tick(symbol))
        assert process.wait("raw_tick")["fields"][0] == symbol


@both
def test_subscriptions_before_the_login_are_made_at_the_login(
    gateway: str, adapter: NewAdapter
) -> None:
    """What is asked for too early is remembered, and asked for at the front once it is there."""
    with Front(CONTRACTS[gateway]) as front:
        front.close_port()
        process = adapter(gateway)
        process.open(front)
        process.subscribe([symbol_of(gateway), "another"], EXCHANGES[gateway])
        process.status()
        front.listen()
        front.wait_subscribed(symbol_of(gateway), "another")


def test_a_callback_that_raises_costs_one_tick_and_is_counted(adapter: NewAdapter) -> None:
    """The next tick arrives, nothing goes to the vendor's stdout."""
    with Front(CONTRACTS["ctp"]) as front:
        process = ready("ctp", adapter, front)
        front.tick(tick("boom"))
        front.tick(tick(""))
        front.tick(tick("rb2610", UpdateTime="not:a:time"))
        assert process.wait("raw_tick")["fields"][4] == "not:a:ti"
        counts = process.wait_ticks(1)["counts"]
        assert (counts["tick_fault:RuntimeError"], counts["tick_no_symbol"]) == (1, 1)
    assert "Traceback" not in process.output() and "Error" not in process.output()


@both
def test_answers_without_error_or_data_part_count_as_well(
    gateway: str, adapter: NewAdapter
) -> None:
    """NULL for the error part of a login means that all is well, on both sides."""

    def log_in_without_error(front: Front, session: Session, request: Request) -> None:
        data: dict[str, Value] | None = None if session.kind == "td" else {"TradingDay": "20261123"}
        session.send(callback("OnRspUserLogin", data, number=request.id))

    with Front(CONTRACTS[gateway]) as front:
        front.answer("ReqUserLogin", log_in_without_error)
        process = adapter(gateway)
        process.open(front)
        assert process.wait_note("login", "md")["text"] == "trading day 20261123"
        process.wait_note("contracts", "td")
        status = process.status()
        assert (status["md_login"], status["td_login"]) == (True, True)
        assert process.notes("fault") == []


@both
def test_other_refusals_are_noted(gateway: str, adapter: NewAdapter) -> None:
    """A query that is not ready, which the gateway itself swallows, and a refused symbol."""
    error: dict[str, Value] = {"ErrorID": 90, "ErrorMsg": "CTP:查询未就绪，请稍后重试"}
    with Front(CONTRACTS[gateway]) as front:
        process = ready(gateway, adapter, front)
        front.push("td", callback("OnRspError", error=error))
        note = process.wait_note("refused", "td")
        assert (note["code"], "查询未就绪" in note["text"]) == (90, True)
        front.push("md", callback("OnRspSubMarketData", {"InstrumentID": "nix"}, error))
        assert "nix" in process.wait_note("refused", "md")["text"]
        front.push("md", callback("OnRspSubMarketData", {"InstrumentID": "ok"}, FINE))
        front.returns("md", "SubscribeMarketData", -2)
        front.push("md", callback("OnRspError", error=error))  # so the order has been read
        process.wait_note("refused", "md", count=2)
        process.subscribe(["one", "two"], EXCHANGES[gateway])
        assert process.wait_note("refused", "md", count=3)["code"] == -2
        assert process.status()["counts"]["subscribe_refused"] == 1


@both
def test_what_is_unsubscribed_stays_so_after_a_reconnection(
    gateway: str, adapter: NewAdapter
) -> None:
    """What the library refuses is tried again; the next tick, if one comes, is a first one."""
    symbol = symbol_of(gateway)
    with Front(CONTRACTS[gateway]) as front:
        process = ready(gateway, adapter, front)
        process.subscribe(["probe"], EXCHANGES[gateway])
        front.wait_subscribed(symbol, "probe")
        front.tick(tick("probe"))
        process.wait("first")
        front.returns("md", "UnSubscribeMarketData", -3)
        front.push("md", callback("OnRspError", error={"ErrorID": 1, "ErrorMsg": "order read"}))
        process.wait_note("refused", "md")

        process.unsubscribe("probe")
        assert process.wait_note("refused", "md", count=2)["code"] == -3
        assert front.requests("UnSubscribeMarketData") == []
        process.timer()
        assert front.wait_request("UnSubscribeMarketData", "md").symbols == ("probe",)
        front.tick(tick("probe"))
        process.wait("first", count=2)

        front.drop("md")
        process.wait_note("login", "md", count=2)
        process.subscribe(["end"], EXCHANGES[gateway])
        front.wait_subscribed(symbol, "end")
        assert not any("probe" in session.subscribed for session in front.sessions("md"))


def test_orders_of_the_account_are_left_alone(adapter: NewAdapter) -> None:
    """Orders and trades of other sessions, and the timer's queries, cause nothing at all."""
    with Front(CONTRACTS["ctp"]) as front:
        process = ready("ctp", adapter, front)
        front.push("td", callback("OnRtnOrder", {"InstrumentID": "zz9999"}))
        front.push("td", callback("OnRtnTrade", {"InstrumentID": "zz9999"}))
        for _ in range(4):
            process.timer()
        front.push("td", callback("OnRspError", error={"ErrorID": 1, "ErrorMsg": "end"}))
        process.wait_note("refused", "td")
        assert process.notes("fault") == []
        assert front.requests("ReqQryTradingAccount") == []
        assert front.requests("ReqQryInvestorPosition") == []


def test_first_ticks_are_told_again_when_forgotten(adapter: NewAdapter) -> None:
    """Each instrument's first tick tells open interest, last and settlement, or None."""
    with Front(CONTRACTS["ctp"]) as front:
        process = ready("ctp", adapter, front)
        front.tick(tick("rb2610", LastPrice=DBL_MAX))
        first = process.wait("first")
        assert (first["last"], first["pre_settlement"]) == (None, 3001.0)
        assert first["pre_open_interest"] == 1500000.0
        process.forget()
        process.status()
        front.tick(tick("rb2610"))
        assert process.wait("first", count=2)["last"] == 3012.0


def test_wrong_settings_are_all_named_and_show_no_secret(adapter: NewAdapter) -> None:
    """Against the gateway's own default_setting, before anything is connected."""
    with Front() as front:
        process = adapter("ctp")
        process.open(front, pasword="oops", broker_id=9999, environment="tset")
        error = process.wait("error")
        assert error["kind"] == "BadSettings"
        for part in ("pasword is unknown, did you mean password?", "broker_id was 9999", "tset"):
            assert part in error["text"]
        assert SECRET not in error["text"]


def test_any_vnpy_gateway_delivers_by_its_class_path(adapter: NewAdapter) -> None:
    """Contracts, logs and ticks of one that puts its events itself and knows no name."""
    process = adapter("ctp")
    process.open_class("odd_gateway:OddGateway", host="h", port="41")
    process.wait_log("connecting to h:42")
    assert process.wait("instrument")["symbol"] == "SPY-USD-STK"
    process.subscribe(["SPY-USD-STK"], "SMART")
    process.subscribe(["nix"], "MOON")
    assert "MOON" in process.wait_note("fault")["text"]
    process.timer()
    fields = process.wait("raw_tick")["fields"]
    assert fields[:7] == ["SPY-USD-STK", "SMART", "", "20261120", "22:30:00", 62, 512.25]
    status = process.wait_ticks(1)
    assert (status["md_login"], status["contracts_ready"]) == (None, None)


@both
def test_python_keeps_the_thread_that_delivers_ticks(gateway: str, adapter: NewAdapter) -> None:
    """What is local to it is still there at the next tick, also after a reconnection."""
    with Front(CONTRACTS[gateway]) as front:
        process = ready(gateway, adapter, front)
        for number in (1, 2):
            front.tick(tick(symbol_of(gateway)))
            assert process.wait("raw_tick", count=number)["of_thread"] == number
        front.drop("md", 4097)
        process.wait_note("login", "md", count=2)
        front.tick(tick(symbol_of(gateway)))
        assert process.wait("raw_tick", count=3)["of_thread"] == 3


def test_a_gateway_that_hangs_in_connect_holds_up_nothing(adapter: NewAdapter) -> None:
    """Its calls wait in a thread of their own; of the timer's only one waits."""
    process = adapter("ctp")
    process.open_class("odd_gateway:OddGateway", host="h", hang=True)
    process.wait_log("connecting")
    for _ in range(5):
        process.timer()
    counts = process.status()["counts"]
    assert (counts["faults"], counts["calls_left_out"]) == (0, 0)


def test_what_connect_raises_is_noted_without_the_secret_in_it(adapter: NewAdapter) -> None:
    """A secret of a class nobody knows is found by its name."""
    process = adapter("ctp")
    process.open_class("odd_gateway:OddGateway", host="h", token=SECRET)
    assert "ValueError: bad token ***" in process.wait_note("fault")["text"]
    assert SECRET not in process.output()
