"""What a vnpy gateway gets in the place of vnpy's EventEngine: no thread and no queue.

vnpy's own keeps every event for ever when nobody starts it, and costs a thread switch per tick when
somebody does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any, Final

__all__ = ["CONTRACT", "LOG", "TICK", "TIMER", "Engine"]

TICK: Final = "eTick."
CONTRACT: Final = "eContract."
LOG: Final = "eLog"
TIMER: Final = "eTimer"

Handler = Callable[[Any], None]
Fault = Callable[[str, Exception], None]


class Engine:
    """Keeps the handlers a gateway registers; routes what it puts.

    Most gateways call their own `on_tick`; RpcGateway puts events instead, so `routes` gets the
    data of events of exactly these types. `on_fault` gets what a handler raised.
    """

    def __init__(self, routes: Mapping[str, Handler], on_fault: Fault) -> None:
        self._routes = routes
        self._on_fault = on_fault
        self._handlers: dict[str, list[Handler]] = {}
        self._lock = Lock()

    def register(self, kind: str, handler: Handler) -> None:
        """Remember a handler; only those of the timer are ever called."""
        with self._lock:
            handlers = self._handlers.setdefault(kind, [])
            if handler not in handlers:
                handlers.append(handler)

    def unregister(self, kind: str, handler: Handler) -> None:
        """Forget a handler; one that was never registered is no error."""
        with self._lock:
            handlers = self._handlers.get(kind, [])
            if handler in handlers:
                handlers.remove(handler)

    def put(self, event: Any) -> None:
        """Route an event at once, in the caller's thread; drop what nobody asked for."""
        route = self._routes.get(event.type)
        if route is not None:
            route(event.data)

    def timer(self) -> None:
        """Deliver one second's timer event."""
        with self._lock:
            handlers = list(self._handlers.get(TIMER, ()))
        for handler in handlers:
            try:
                handler(None)
            except Exception as fault:  # noqa: BLE001 - the gateway's own code, counted
                self._on_fault("timer", fault)
