"""What a front says to requests: by default that all is well.

An answer is a function of the front, the session and the request. `refuse`, `ignore` and `first`
make the other ones; a test may also write its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from tests.gateways.front.wire import Request, Value, callback

if TYPE_CHECKING:
    from tests.gateways.front.front import Front, Session

__all__ = [
    "DEFAULTS",
    "FINE",
    "Answer",
    "banned",
    "first",
    "ignore",
    "log_in",
    "nothing_there",
    "refuse",
]

Answer = Callable[["Front", "Session", Request], None]

FINE: Mapping[str, Value] = {"ErrorID": 0, "ErrorMsg": "正确"}


def refuse(code: int, text: str, *, data: Mapping[str, Value] | None = None) -> Answer:
    """Answer with an error code, e.g. `refuse(3, "CTP:不合法的登录")`."""

    def answer(front: Front, session: Session, request: Request) -> None:
        error: dict[str, Value] = {"ErrorID": code, "ErrorMsg": text}
        session.send(callback(callback_of(request), data or {}, error, number=request.id))

    return answer


def banned() -> Answer:
    """Answer that this address logged in wrongly too often."""
    return refuse(75, "CTP:连续登录失败次数超限，登录被禁止")


def ignore(front: Front, session: Session, request: Request) -> None:
    """Say nothing."""


def first(count: int, answer: Answer, then: Answer) -> Answer:
    """Give one answer `count` times and then another."""
    given = 0

    def answered(front: Front, session: Session, request: Request) -> None:
        nonlocal given
        given += 1
        (answer if given <= count else then)(front, session, request)

    return answered


def callback_of(request: Request) -> str:
    return "OnRsp" + request.name.removeprefix("Req").replace("SubscribeMarket", "SubMarket")


def nothing_there(front: Front, session: Session, request: Request) -> None:
    """Answer a query that finds nothing: no struct, no error, and that was the last."""
    session.send(callback(callback_of(request), number=request.id))


def accept(front: Front, session: Session, request: Request) -> None:
    """Give back what was asked for and say that it is fine."""
    known = ("BrokerID", "UserID", "InvestorID", "AppID")
    data = {name: request.fields[name] for name in known if name in request.fields}
    session.send(callback(callback_of(request), data, FINE, number=request.id))


def log_in(front: Front, session: Session, request: Request) -> None:
    """Accept a login, with the front's trading day."""
    data: dict[str, Value] = {
        "TradingDay": front.trading_day,
        "LoginTime": "20:31:07",
        "BrokerID": request.fields["BrokerID"],
        "UserID": request.fields["UserID"],
        "SystemName": "stand-in",
        "FrontID": 1,
        "SessionID": session.number,
        "MaxOrderRef": "1",
    }
    session.send(callback("OnRspUserLogin", data, FINE, number=request.id))


def subscribe(front: Front, session: Session, request: Request) -> None:
    """Accept every symbol, then push the snapshot the front holds of it, if any."""
    for symbol in request.symbols:
        session.subscribed.add(symbol)
        session.send(callback("OnRspSubMarketData", {"InstrumentID": symbol}, FINE))
    for symbol in request.symbols:
        if symbol in front.snapshots:
            session.send(callback("OnRtnDepthMarketData", front.snapshots[symbol]))


def unsubscribe(front: Front, session: Session, request: Request) -> None:
    """Accept and forget every symbol."""
    for symbol in request.symbols:
        session.subscribed.discard(symbol)
        session.send(callback("OnRspUnSubMarketData", {"InstrumentID": symbol}, FINE))


def list_contracts(front: Front, session: Session, request: Request) -> None:
    """List the front's contracts, in as few writes as they fit."""
    if not front.contracts:
        nothing_there(front, session, request)
        return
    final = len(front.contracts) - 1
    session.send(
        b"".join(
            callback("OnRspQryInstrument", contract, number=request.id, last=index == final)
            for index, contract in enumerate(front.contracts)
        )
    )


DEFAULTS: Mapping[str, Answer] = {
    "ReqAuthenticate": accept,
    "ReqUserLogin": log_in,
    "ReqUserLogout": accept,
    "ReqSettlementInfoConfirm": accept,
    "ReqQryInstrument": list_contracts,
    "ReqQryTradingAccount": nothing_there,
    "ReqQryInvestorPosition": nothing_there,
    "SubscribeMarketData": subscribe,
    "UnSubscribeMarketData": unsubscribe,
}
