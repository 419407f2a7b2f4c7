"""What the stand-in front can do to a real gateway, each behaviour once."""

from __future__ import annotations

import signal
import time
from typing import Literal

import pytest

from tests.gateways.front.answers import (
    banned,
    first,
    ignore,
    log_in,
    nothing_there,
    refuse,
)
from tests.gateways.front.front import Front, Session
from tests.gateways.front.market import etf_option, future, tick
from tests.gateways.front.wire import Request, Value, callback, line
from tests.gateways.harness import Child, NewChild

pytestmark = [pytest.mark.gateways, pytest.mark.process, pytest.mark.timeout(180)]

RB = future("rb2610", "SHFE")
ETF = etf_option("10008888", "SSE")
LOGGED_IN = "行情服务器登录成功"
CONTRACTS_IN = "合约信息查询成功"


def connected(front: Front, new_child: NewChild, gateway: str = "ctp") -> Child:
    """Start a gateway that has logged in and knows its contracts."""
    child = new_child(gateway)
    child.connect(front)
    child.wait_log(LOGGED_IN)
    child.wait_log(CONTRACTS_IN)
    return child


def test_a_refused_login_reaches_the_gateway_with_its_code(child: NewChild) -> None:
    """Both sides refuse, each with an answer of its own; trading never tries again."""
    with Front([RB]) as front:
        front.answer("ReqUserLogin", refuse(3, "CTP:不合法的登录"), kind="td")
        front.answer("ReqUserLogin", banned(), kind="md")
        process = child("ctp")
        process.connect(front)

        assert process.wait_log("交易服务器登录失败").endswith("代码：3，信息：CTP:不合法的登录")
        assert "代码：75" in process.wait_log("行情服务器登录失败")
        assert process.status()["login_failed"] is True


def test_a_sopt_login_can_be_refused_too(child: NewChild) -> None:
    """The front is one for both vendors' interfaces."""
    with Front() as front:
        front.answer("ReqUserLogin", refuse(3, "不合法的登录"))
        process = child("sopt")
        process.connect(front)

        assert "代码：3" in process.wait_log("交易服务器登录失败")
        assert process.status()["login_failed"] is True


def test_a_refused_login_can_be_accepted_later(child: NewChild) -> None:
    """Market data logs in again only after its front dropped it."""
    with Front() as front:
        front.answer("ReqUserLogin", first(1, refuse(7, "CTP:还没有初始化"), log_in), kind="md")
        process = child("ctp")
        process.connect(front)
        process.wait_log("代码：7")
        front.drop("md")

        process.wait_log(LOGGED_IN)


@pytest.mark.parametrize("reason", [4097, 8193])
@pytest.mark.parametrize(("gateway", "contract"), [("ctp", RB), ("sopt", ETF)])
def test_a_dropped_session_comes_back_with_its_subscriptions(
    gateway: str, contract: dict[str, Value], reason: int, child: NewChild
) -> None:
    """The gateway sees the reason, logs in anew and subscribes again what it had."""
    symbol = str(contract["InstrumentID"])
    with Front([contract]) as front:
        process = connected(front, child, gateway)
        process.subscribe([symbol], str(contract["ExchangeID"]))
        front.wait_subscribed(symbol)
        front.drop("md", reason)

        process.wait_log(f"行情服务器连接断开，原因{reason}")
        front.wait_hello("md", count=2)
        assert front.wait_request("SubscribeMarketData", count=2).symbols == (symbol,)
        assert len(front.requests("ReqUserLogin", "td")) == 1


def test_a_front_that_is_not_up_yet_is_tried_until_it_is(child: NewChild) -> None:
    """A closed port makes no callback at all."""
    with Front([RB]) as front:
        front.close_port()
        process = child("ctp")
        process.connect(front)
        assert process.status()["md_login"] is False
        assert process.seen("log") == []
        front.listen()

        process.wait_log(LOGGED_IN)


def test_a_silent_front_never_counts_as_connected(child: NewChild) -> None:
    """TCP alone is no connection; the other side goes on as if nothing were."""
    with Front([RB]) as front:
        front.silent("md")
        process = child("ctp")
        process.connect(front)
        front.wait_hello("md")
        process.wait_log(CONTRACTS_IN)

        assert [event for event in process.seen("log") if "行情" in event["text"]] == []
        assert process.status()["md_login"] is False


def test_a_flapping_front_is_logged_each_time(child: NewChild) -> None:
    """Accepted and closed at once: disconnected, though it never was connected."""
    with Front() as front:
        front.flapping("md")
        process = child("ctp")
        process.connect(front)
        front.wait_hello("md", count=3)

        process.wait_log("行情服务器连接断开，原因4097", count=2)
        front.behave("md")
        process.wait_log(LOGGED_IN)


def test_a_hanging_library_stops_the_whole_process(child: NewChild) -> None:
    """A request that hangs holds the GIL, so nothing of the process moves."""
    with Front([RB]) as front:
        process = connected(front, child)
        front.hang("td", 1.0)
        front.push("td", callback("OnRspQryInstrument", future("rb2611", "SHFE")))
        process.wait("contract", count=2)  # so the order before it has arrived as well
        asked_s = time.monotonic()
        process.timer()
        process.timer()
        front.wait_request("ReqQryTradingAccount")

        assert time.monotonic() - asked_s >= 0.9
        assert process.status()["td_login"] is True


@pytest.mark.parametrize(
    ("how", "code"),
    [("segv", -signal.SIGSEGV), ("abort", -signal.SIGABRT), ("throw", -signal.SIGABRT), (7, 7)],
)
def test_a_library_can_end_the_process(
    how: Literal["segv", "abort", "throw"] | int, code: int, child: NewChild
) -> None:
    """By a signal, an exception nobody catches, or an exit code."""
    with Front() as front:
        process = child("ctp")
        process.connect(front)
        process.wait_log(LOGGED_IN)
        front.crash("md", how)

        assert process.wait_end() == code


def test_a_slow_release_holds_up_whoever_closes(child: NewChild) -> None:
    """Release takes the time it is told to, and the front hears of it first.

    The front is silent: with a callback under way the gateway's own close would never return.
    """
    with Front() as front:
        front.silent("md")
        front.silent("td")
        process = child("ctp")
        process.connect(front)
        front.wait_hello("td")
        front.wait_hello("md")
        front.delay_release("md", 1.0)
        front.load(0, rate=0, symbols=["rb2610"], template={})
        front.wait(lambda: front.loads_done, "the order behind the delay")
        process.close()
        front.wait(lambda: front.refused("Release", "md"), "the release")
        released_s = time.monotonic()

        assert process.status()["md_login"] is False
        assert time.monotonic() - released_s >= 0.9


def test_a_huge_list_of_contracts_arrives_whole(child: NewChild) -> None:
    """As many contracts as a broker with options lists."""
    symbols = [f"m2611-C-{number}" for number in range(20_000)]
    with Front(future(symbol, "DCE") for symbol in symbols) as front:
        process = connected(front, child)

        assert [event["symbol"] for event in process.seen("contract")] == symbols


def test_no_contracts_leave_the_gateway_uninitialised(child: NewChild) -> None:
    """An empty answer breaks the gateway's own callback, which never says so."""

    def list_nothing_and_leave(front: Front, session: Session, request: Request) -> None:
        nothing_there(front, session, request)
        session.send(line(["DROP", 4097]))

    with Front() as front:
        front.answer("ReqQryInstrument", first(1, list_nothing_and_leave, ignore))
        process = child("ctp")
        process.connect(front)
        process.wait_log("交易服务器连接断开")  # so the empty answer was heard before

        assert process.status()["contract_inited"] is False


def test_the_library_itself_can_refuse_requests(child: NewChild) -> None:
    """Flow control returns -2 before anything is sent; the gateway asks again."""

    def authenticate(front: Front, session: Session, request: Request) -> None:
        session.send(line(["RET", "ReqQryInstrument", -2, 1]))
        fine: dict[str, Value] = {"ErrorID": 0, "ErrorMsg": ""}
        session.send(callback("OnRspAuthenticate", {}, fine, number=request.id))

    with Front([RB]) as front:
        front.answer("ReqAuthenticate", authenticate)
        process = child("ctp")
        process.connect(front)
        process.wait_log(CONTRACTS_IN)

        asked = [(r.name, r.refused) for r in front.journal if r.name == "ReqQryInstrument"]
        assert asked == [("ReqQryInstrument", True), ("ReqQryInstrument", False)]


def test_the_held_snapshot_is_pushed_on_subscribe(child: NewChild) -> None:
    """As real fronts do, with its old time."""
    with Front([RB]) as front:
        front.snapshots["rb2610"] = tick("rb2610", UpdateTime="15:00:00", UpdateMillisec=0)
        process = connected(front, child)
        process.subscribe(["rb2610"], "SHFE")

        assert process.wait("raw")["data"]["UpdateTime"] == "15:00:00"


def test_the_library_makes_load_itself(child: NewChild) -> None:
    """Ticks without the front in between: Volume counts them."""
    with Front([RB]) as front:
        process = connected(front, child)
        front.load(2000, rate=0, symbols=["rb2610"], template=tick("rb2610"))
        process.wait("raw", count=2000)
        front.wait(lambda: front.loads_done, "the end of the load")

    volumes = [event["data"]["Volume"] for event in process.seen("raw")]
    assert volumes == list(range(1, 2001))


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_numbers_that_are_none_arrive_as_they_are(value: str, child: NewChild) -> None:
    """Nothing between front and gateway judges a price."""
    with Front([RB]) as front:
        process = connected(front, child)
        front.tick(tick("rb2610", LastPrice=float(value)))

        assert str(process.wait("raw")["data"]["LastPrice"]) == value


def test_a_broken_text_arrives_empty(child: NewChild) -> None:
    """Bytes that are not GB18030 pass the front; the gateway makes nothing of them."""
    with Front([future("rb2610", "SHFE", InstrumentName=b"\xff\xff\xff")]) as front:
        process = connected(front, child)

        assert process.seen("contract")[0]["name"] == ""


def test_a_field_the_vendor_does_not_have_fails_the_test(child: NewChild) -> None:
    """A typo in a test must not pass unseen."""

    def meet_typo() -> None:
        with Front() as front:
            process = child("ctp")
            process.connect(front)
            process.wait_log(LOGGED_IN)
            front.tick({"LastPrize": 1.0})
            front.wait(lambda: False, "an objection")

    with pytest.raises(AssertionError, match="no field LastPrize"):
        meet_typo()


def test_a_flow_file_that_cannot_be_written_ends_the_process(child: NewChild) -> None:
    """As the vendor's library does: a line on stderr, then SIGSEGV."""
    with Front() as front:
        process = child("ctp")
        (process.folder / ".vntrader/ctp/MdDialogRsp.con").mkdir(parents=True)
        process.connect(front)

        assert process.wait_end() == -signal.SIGSEGV
        assert "can not open CFlow file" in process.output()


@pytest.mark.parametrize(
    ("address", "complaint"),
    [("tcp://127.0.0.1:0", "Invalid port"), ("tcp://no-such-host.invalid:1", "Can not find host")],
)
def test_a_bad_address_is_one_line_on_stderr(address: str, complaint: str, child: NewChild) -> None:
    """No callback says so; the other side goes on."""
    with Front([RB]) as front:
        process = child("ctp")
        process.connect(front, 行情服务器=address)
        process.wait_log(CONTRACTS_IN)

        assert complaint in process.output()
        assert process.status()["md_login"] is False
