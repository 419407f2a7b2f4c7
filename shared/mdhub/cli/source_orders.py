"""`mdhub sources restart|start|stop|hold|resume`, and what any word about a source would do."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from typing import Any

from mdhub.cli.hubs import HubAddress
from mdhub.cli.moments import until_ns
from mdhub.cli.pipe import reader_may_leave
from mdhub.health.cover import Cover, cover_of
from mdhub.health.foretelling import DOES, told
from mdhub.health.freshness import FreshReport, judged
from mdhub.runtime.errors import ServiceError
from mdhub.streams import open_log
from mdhub.streams.asking import Answer, Request, ask, source_target
from mdhub.streams.port import Log

__all__ = ["Order", "foretell", "order_source"]


@dataclass(frozen=True, slots=True)
class Order:
    """What the supervisor of a source shall do."""

    action: str
    name: str
    reason: str = ""
    until: str | None = None
    """As people write it."""
    force: bool = False

    def args(self, market_ns: int) -> dict[str, Any]:
        """Arguments of the command. Raises MomentError."""
        args: dict[str, Any] = {"reason": self.reason}
        if self.until is not None:
            args["until_ns"] = until_ns(self.until, market_ns)
        return args | ({"force": True} if self.force else {})


def order_source(hub: HubAddress, order: Order, *, timeout_s: float, as_json: bool) -> int:
    """Send an order and show its one result; 0 = obeyed. Raises ServiceError if refused."""
    log = open_log(hub.url, service="cli", prefix=hub.prefix)
    try:
        args = order.args(_market_ns(log))
        request = Request(source_target(order.name), order.action, args)
        (answer,) = ask(log, [request], issuer="cli", timeout_s=timeout_s)
    finally:
        log.close()
    good = answer is not None and answer.ok
    result = _result(order, answer, timeout_s)
    head = {"ok": good, "action": order.action, "source": order.name}
    with reader_may_leave():
        if as_json:
            print(json.dumps(head | {"result": result}))
        elif good:
            facts = ", ".join(f"{key} {value}" for key, value in result.items())
            print(f"{DOES[order.action].format(name=order.name)}" + (f" ({facts})" * bool(facts)))
    if good or as_json:
        return 0 if good else 1
    raise ServiceError(str(result["error"]))


def foretell(hub: HubAddress, action: str, name: str, *, as_json: bool) -> int:
    """Say what a word about a source would do, and what covers it meanwhile; nothing is sent."""
    log = open_log(hub.url, service="cli", prefix=hub.prefix)
    try:
        fresh = judged(log.health(), now_ns=time.time_ns(), silent_ms=hub.silent_ms)
    finally:
        log.close()
    cover = _cover(fresh, name)
    with reader_may_leave():
        if as_json:
            said = {"ok": True, "dry_run": True, "action": action, **asdict(cover)}
            print(json.dumps(said))
        else:
            print("\n".join(told(action, cover)))
    return 0


def _cover(fresh: FreshReport, name: str) -> Cover:
    if fresh.report is None or fresh.stale:
        raise ServiceError(
            f"{fresh.sentence}, so nobody can say what covers {name} meanwhile: start the monitor "
            "(mdhub up, mdhub run monitor)"
        )
    cover = cover_of(fresh.report, name)
    if cover is None:
        known = ", ".join(source.name for source in fresh.report.sources) or "none"
        raise ServiceError(f"unknown source {name!r}; the monitor knows {known}")
    return cover


def _market_ns(log: Log) -> int:
    """Market time of the newest commit; the wall clock's while there is none."""
    return log.positions(0).market_ns or time.time_ns()


def _result(order: Order, answer: Answer | None, timeout_s: float) -> dict[str, Any]:
    if answer is None:
        words = (
            f"no answer within {timeout_s:g} s; the command has expired, so it will not be carried "
            f"out later: see mdhub status whether a supervisor runs {order.name}"
        )
        return {"error": words}
    result = answer.result if isinstance(answer.result, dict) else {"error": str(answer.result)}
    if not answer.ok and "error" not in result:
        return result | {"error": "refused without a reason"}
    return result
