"""Contract queries that go wrong, and very long ones."""

from __future__ import annotations

import time
from contextlib import ExitStack

import pytest

from tests.gateways.front.answers import (
    first,
    ignore,
    list_contracts,
    log_in,
    nothing_there,
    refuse,
)
from tests.gateways.front.front import Front
from tests.gateways.front.market import future, option, tick
from tests.gateways.front.wire import Value
from tests.gateways.scenarios.hub import NewHub, Source

pytestmark = [pytest.mark.gateways, pytest.mark.process, pytest.mark.timeout(120)]


STAGES = {
    "SILENT": "md_front",
    "MUTE": "td_login",
    "EMPTY": "contracts",
    "REFUSED": "contracts",
}
"""Source -> the stage at which its front fails."""


def test_a_stage_that_does_not_end_is_named_and_tried_again(hub: NewHub) -> None:
    """A silent front, a login without answer, contract queries that are empty or refused: named.

    Then a fresh process connects; where the front is well by then, contracts are subscribed.
    """
    refused = refuse(90, "CTP:查询未就绪，请稍后重试")
    with ExitStack() as stack:
        fronts = {name: stack.enter_context(Front([future("rb2701", "SHFE")])) for name in STAGES}
        fronts["SILENT"].silent("md")
        fronts["MUTE"].answer("ReqUserLogin", first(1, ignore, log_in), kind="td")
        fronts["EMPTY"].answer("ReqQryInstrument", first(1, nothing_there, list_contracts))
        fronts["REFUSED"].answer("ReqQryInstrument", first(1, refused, list_contracts))
        limits = dict.fromkeys(STAGES.values(), 2.0)
        sources = [
            # Each an account of its own: they do not wait for each other.
            Source(name=name, front=front, deadlines=limits)
            for name, front in fronts.items()
        ]
        running = hub(*sources)
        for source in sources:
            ended = running.wait_change(source.name, "ended")
            assert ended.body["reason"].startswith(f"{STAGES[source.name]}: "), ended.body
            assert ended.severity == "warning"
            source.front.behave("md")
            source.front.wait_hello("td", count=2)
            running.ready(source)
        assert running.wait_change("REFUSED", "request_refused", code=90).body["says"]


def whole_market(count: int) -> list[dict[str, Value]]:
    """List futures and option chains of real products."""
    months = ["2701", "2702", "2703", "2704", "2705"]
    rows = [future(f"rb{month}", "SHFE") for month in months]
    strike = 2000
    while len(rows) < count:
        strike += 1
        rows += [
            option(f"rb{month}{side}{strike}", "SHFE", f"rb{month}", StrikePrice=float(strike))
            for month in months
            for side in "CP"
        ]
    return rows[:count]


@pytest.mark.usefixtures("newest")
def test_25000_contracts_are_confirmed_within_a_minute(hub: NewHub) -> None:
    """Everything is asked for at a pace the front bears, and confirmed by a first snapshot."""
    contracts = whole_market(25_000)
    with Front(contracts) as front:
        for contract in contracts:
            symbol = str(contract["InstrumentID"])
            front.snapshots[symbol] = tick(symbol, Volume=0, UpdateTime="09:00:00")
        source = Source(name="CTP1", front=front)
        running = hub(source)
        running.wait(lambda: running.counter("CTP1", "wanted") == 25_000, "contracts", 40)
        begun_s = time.monotonic()
        running.wait(lambda: running.counter("CTP1", "confirmed") == 25_000, "coverage", 70)
        took_s = time.monotonic() - begun_s
        assert took_s <= 60, took_s
        assert running.counter("CTP1", "silent") == 0
        assert len([h for h in front.hellos if h.kind == "md"]) == 1, "the front lost the session"
