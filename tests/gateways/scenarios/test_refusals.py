"""What a broker refuses: said once, by name, and never hammered."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from tests.gateways.front.answers import banned, refuse
from tests.gateways.front.front import Front
from tests.gateways.front.market import future
from tests.gateways.scenarios.hub import NewHub, Source

pytestmark = [pytest.mark.gateways, pytest.mark.process, pytest.mark.timeout(90)]

FOR_GOOD = {
    "password": ("ReqUserLogin", refuse(3, "CTP:不合法的登录"), 3),
    "auth": ("ReqAuthenticate", refuse(63, "CTP:客户端认证失败"), 63),
    "first_login": ("ReqUserLogin", refuse(140, "CTP:首次登录必须修改密码"), 140),
    "banned": ("ReqUserLogin", banned(), 75),
}
"""What no further try can mend: request, answer, code."""
MOST_LOGINS = 2


def test_refusals_that_no_retry_can_mend_stop_the_source(hub: NewHub) -> None:
    """Wrong password, authentication, first login, ban: an error event, then silence."""
    with ExitStack() as stack:
        fronts = {name: stack.enter_context(Front([future("rb2701", "SHFE")])) for name in FOR_GOOD}
        for name, (request, answer, _) in FOR_GOOD.items():
            fronts[name].answer(request, answer, kind="td")
        # Each its own broker: the budget of one must not shield another's front.
        sources = [
            Source(name=name, front=front, settings={"broker_id": str(7000 + number)})
            for number, (name, front) in enumerate(fronts.items())
        ]
        running = hub(*sources)
        for name, (request, _, code) in FOR_GOOD.items():
            running.wait(
                lambda name=name: running.line("source_quarantined", source=name),  # type: ignore[misc]
                f"{name} to be stopped",
            )
            told = running.wait_change(name, "login_refused", code=code)
            assert told.severity == "error" or code == 3, "the first wrong password may be a slip"
            assert told.body["todo"]
            attempts = len(fronts[name].requests(request, "td"))
            assert 1 <= attempts <= MOST_LOGINS, (name, attempts)
            stopped = running.line("source_quarantined", source=name)
            assert stopped is not None
            assert stopped["exit_code"] == 4


def test_a_front_that_is_not_ready_is_asked_again_slowly(hub: NewHub) -> None:
    """Code 7 early in the day: no error, no hammering; the source waits for its next try."""
    with Front([future("rb2701", "SHFE")]) as front:
        front.answer("ReqUserLogin", refuse(7, "CTP:还没有初始化"), kind="td")
        running = hub(Source(name="CTP1", front=front))

        told = running.wait_change("CTP1", "login_refused", code=7)

        assert told.severity != "error"
        assert len(front.requests("ReqUserLogin", "td")) == 1
        assert running.line("source_quarantined", source="CTP1") is None


def test_a_wrong_password_on_two_sources_counts_once_for_the_account(hub: NewHub) -> None:
    """Two sources of one account share its budget: together at most two logins."""
    with Front([future("rb2701", "SHFE")]) as front:
        front.answer("ReqUserLogin", refuse(3, "CTP:不合法的登录"), kind="td")
        account = {"user_id": "same", "broker_id": "7777"}
        names = ("CTP1", "CTP2")
        running = hub(*(Source(name=name, front=front, settings=account) for name in names))

        running.wait(
            lambda: [n for n in names if running.line("source_quarantined", source=n)],
            "the first source to be stopped",
        )

        assert len(front.requests("ReqUserLogin", "td")) == MOST_LOGINS
        waits = [
            n for n in names if [e for e in running.changes(n) if e.body["change"] == "login_waits"]
        ]
        assert waits, "one of the two was made to wait for the other's login"


def test_market_data_without_trading_login_goes_on_with_cached_contracts(hub: NewHub) -> None:
    """A process whose trading login fails still delivers: the contracts of the one before serve."""
    with Front([future("rb2701", "SHFE")]) as front:
        source = Source(name="CTP1", front=front)
        running = hub(source)
        running.ready(source)
        running.wait(running.cache("CTP1").exists, "the contracts to be kept")
        front.answer("ReqUserLogin", refuse(7, "CTP:还没有初始化"), kind="td")

        running.wait_replaced("CTP1", running.kill("CTP1"))

        running.wait_change("CTP1", "degraded")
        running.ready(source)
        assert len(front.requests("ReqQryInstrument", "td")) == 1
