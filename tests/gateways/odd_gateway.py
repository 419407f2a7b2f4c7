"""A vnpy gateway as strange as BaseGateway allows, for tests of the generic connection.

Found by adapter_child.py, in whose folder it is.
"""

from __future__ import annotations

import threading
from datetime import datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from vnpy.event import Event
from vnpy.trader.constant import Exchange, Product
from vnpy.trader.event import EVENT_TICK, EVENT_TIMER
from vnpy.trader.gateway import BaseGateway
from vnpy.trader.object import ContractData, TickData


class OddGateway(BaseGateway):  # type: ignore[misc]
    """Takes the engine only; may hang in connect, forgets subscriptions, puts its ticks itself."""

    default_setting: ClassVar[dict[str, Any]] = {"host": "", "port": 1, "hang": False, "token": ""}
    exchanges: ClassVar[list[Exchange]] = [Exchange.SMART]

    def __init__(self, event_engine: Any) -> None:
        super().__init__(event_engine, "ODD")
        self.symbols: list[str] = []

    def connect(self, setting: dict[str, Any]) -> None:
        self.write_log(f"connecting to {setting['host']}:{setting['port'] + 1}")
        if setting["hang"]:
            threading.Event().wait()
        if setting["token"]:
            raise ValueError(f"bad token {setting['token']}")
        self.event_engine.register(EVENT_TIMER, self.on_timer)
        contract = ContractData(
            symbol="SPY-USD-STK",
            exchange=Exchange.SMART,
            name="SPY",
            product=Product.EQUITY,
            size=1,
            pricetick=0.01,
            gateway_name="ODD",
        )
        self.on_contract(contract)

    def on_timer(self, _: Any) -> None:
        """Send a tick of everything subscribed."""
        for symbol in self.symbols:
            moment = datetime(2026, 11, 20, 9, 30, 0, 62_000, ZoneInfo("America/New_York"))
            tick = TickData(
                symbol=symbol,
                exchange=Exchange.SMART,
                datetime=moment,
                last_price=512.25,
                gateway_name="ODD",
            )
            self.event_engine.put(Event(EVENT_TICK, tick))

    def subscribe(self, req: Any) -> None:
        self.symbols.append(req.symbol)

    def send_order(self, req: Any) -> str:
        raise NotImplementedError(req)

    def cancel_order(self, req: Any) -> None:
        raise NotImplementedError(req)

    def query_account(self) -> None:
        raise NotImplementedError

    def query_position(self) -> None:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError
