"""A process with one real gateway in it, told what to do by lines of JSON and telling what it sees.

Runs in the gateways' own environment, so it uses nothing but vnpy. Orders come on stdin, events go
to the file descriptor named in the first argument: stdout belongs to the vendor's library.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from importlib import import_module, metadata
from types import MethodType
from typing import Any

CLASSES = {"ctp": ("vnpy_ctp", "CtpGateway"), "sopt": ("vnpy_sopt", "SoptGateway")}


class Teller:
    """Writes events, one JSON object a line, from any thread."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = threading.Lock()

    def __call__(self, event: str, **fields: Any) -> None:
        """Write one event; what JSON does not know is written as text."""
        text = json.dumps({"event": event, **fields}, default=str) + "\n"
        data = memoryview(text.encode())
        with self._lock:
            while data:
                data = data[os.write(self._descriptor, data) :]


class Engine:
    """As much of vnpy's EventEngine as a gateway uses: no queue, no thread but the timer."""

    def __init__(self) -> None:
        self.handlers: dict[str, list[Any]] = {}

    def register(self, name: str, handler: Any) -> None:
        """Remember a handler; only the timer's are ever called."""
        self.handlers.setdefault(name, []).append(handler)

    def unregister(self, name: str, handler: Any) -> None:
        """Forget a handler."""
        self.handlers[name].remove(handler)

    def put(self, event: Any) -> None:
        """Drop the event: the gateway's on_* methods are overridden."""


def overrides(tell: Teller) -> dict[str, Any]:
    """Give the methods that a gateway calls with what it made."""

    def on_tick(_gateway: Any, tick: Any) -> None:
        tell("tick", symbol=tick.symbol, datetime=tick.datetime)

    def on_contract(_gateway: Any, contract: Any) -> None:
        tell("contract", symbol=contract.symbol, name=contract.name)

    def on_log(_gateway: Any, log: Any) -> None:
        tell("log", text=log.msg)

    return {"on_tick": on_tick, "on_contract": on_contract, "on_log": on_log}


def load_gateway(name: str, tell: Teller) -> Any:
    """Make the gateway and let it tell every raw snapshot before it looks at it itself."""
    package, class_name = CLASSES[name]
    base = getattr(import_module(package), class_name)
    gateway = type(class_name, (base,), overrides(tell))(Engine(), name.upper())
    inner = gateway.md_api.onRtnDepthMarketData

    def tell_raw(self: Any, data: dict[str, Any]) -> None:
        tell("raw", data=data)
        inner(data)

    gateway.md_api.onRtnDepthMarketData = MethodType(tell_raw, gateway.md_api)
    return gateway


def status(gateway: Any) -> dict[str, Any]:
    """Read the flags that are all a gateway says about its state."""
    td_api, md_api = gateway.td_api, gateway.md_api
    return {
        "md_login": md_api.login_status,
        "td_login": td_api.login_status,
        "login_failed": td_api.login_failed,
        "contract_inited": td_api.contract_inited,
    }


def obey(gateway: Any, order: dict[str, Any], tell: Teller) -> None:
    """Do what one line of stdin says."""
    trader = import_module("vnpy.trader.object")
    match order["do"]:
        case "connect":
            gateway.connect(order["setting"])
        case "subscribe":
            exchange = import_module("vnpy.trader.constant").Exchange(order["exchange"])
            for symbol in order["symbols"]:
                gateway.subscribe(trader.SubscribeRequest(symbol=symbol, exchange=exchange))
        case "timer":
            for handler in gateway.event_engine.handlers.get("eTimer", []):
                handler(None)
        case "close":
            gateway.close()
        case "status":
            tell("status", **status(gateway))
        case unknown:
            tell("unknown", order=unknown)


def main() -> None:
    """Serve until stdin ends, then leave without closing the gateway, as the hub does."""
    name, tell = sys.argv[1], Teller(int(sys.argv[2]))
    gateway = load_gateway(name, tell)
    versions = {package: metadata.version(package) for package in ("vnpy", CLASSES[name][0])}
    tell("ready", pid=os.getpid(), versions=versions)
    for line in sys.stdin:
        obey(gateway, json.loads(line), tell)
    os._exit(0)


if __name__ == "__main__":
    main()
