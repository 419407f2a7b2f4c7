"""The engine that gateways get: timer and routes, no thread and no queue."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from mdhub_ingest.gateways.engine import CONTRACT, LOG, TICK, TIMER, Engine

Faults = list[tuple[str, Exception]]


def engine(routes: dict[str, Any] | None = None) -> tuple[Engine, Faults]:
    faults: Faults = []
    return Engine(routes or {}, lambda where, fault: faults.append((where, fault))), faults


def test_events_that_a_gateway_puts_are_routed_by_exact_type() -> None:
    """RpcGateway puts instead of calling on_tick; the copy per symbol is left out."""
    got: list[tuple[str, str]] = []
    routes = {
        kind: lambda data, kind=kind: got.append((kind, data)) for kind in (TICK, CONTRACT, LOG)
    }
    under_test, _ = engine(routes)
    for kind in (TICK, TICK + "rb2610.SHFE", CONTRACT, LOG, "eAccount."):
        under_test.put(SimpleNamespace(type=kind, data="x"))
    assert got == [(TICK, "x"), (CONTRACT, "x"), (LOG, "x")]


def test_the_timer_calls_every_handler_though_one_raises() -> None:
    """The fault is told; a handler that registers twice is called once."""
    under_test, faults = engine()
    called: list[object] = []
    error = RuntimeError("no")

    def raises(_: object) -> None:
        raise error

    under_test.register(TIMER, raises)
    under_test.register(TIMER, called.append)
    under_test.register(TIMER, called.append)
    under_test.register("eOther", raises)
    under_test.timer()
    assert (called, faults) == ([None], [("timer", error)])


def test_handlers_may_come_and_go_from_within() -> None:
    """A handler that takes itself off ends neither the round nor the next."""
    under_test, faults = engine()
    called: list[str] = []

    def once(_: object) -> None:
        called.append("once")
        under_test.unregister(TIMER, once)
        under_test.unregister(TIMER, once)

    under_test.register(TIMER, once)
    under_test.register(TIMER, lambda _: called.append("always"))
    under_test.timer()
    under_test.timer()
    assert (called, faults) == (["once", "always", "always"], [])
