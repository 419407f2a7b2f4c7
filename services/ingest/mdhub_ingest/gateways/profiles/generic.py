"""Gateways of which nothing but vnpy's BaseGateway is known, and Interactive Brokers.

Their methods may wait for the network, so they are called in a thread of their own. Health is the
age of ticks. Run against gateways written for the tests only, never against vnpy_ib or another.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib import import_module
from threading import Event, Thread
from typing import Any, Final

from msgspec.structs import replace

from mdhub.accounts.kinds import Profile
from mdhub.runtime.secret import Value
from mdhub_ingest.gateways.port import Facts, Instrument, Take
from mdhub_ingest.gateways.profiles.common import CommonConnection

__all__ = ["GenericConnection", "IbConnection"]

ERRANDS_MAX: Final = 1_000


class _Errands:
    """Calls into the gateway, one after the other, in a thread that may wait."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[str, Callable[[], object]]] = deque()
        self._arrived = Event()
        self.left_out = 0

    def start(self) -> None:
        """Begin; the thread lives as long as the process."""
        Thread(target=self._run, name="gateway-calls", daemon=True).start()

    def send(self, what: str, act: Callable[[], object]) -> None:
        """Have it called; of two equal signs of the timer one is enough."""
        if what == "timer" and any(waiting == what for waiting, _ in tuple(self._waiting)):
            return
        if len(self._waiting) >= ERRANDS_MAX:
            self.left_out += 1
            return
        self._waiting.append((what, act))
        self._arrived.set()

    def _run(self) -> None:
        while True:
            self._arrived.wait()
            self._arrived.clear()
            while self._waiting:
                self._waiting.popleft()[1]()


class GenericConnection(CommonConnection):
    """Any vnpy gateway."""

    def __init__(
        self,
        profile: Profile,
        class_path: str,
        settings: Mapping[str, Value],
        *,
        name: str,
        cached: Sequence[Instrument] = (),
    ) -> None:
        super().__init__(profile, class_path, settings, name=name, cached=cached)
        self._errands = _Errands()
        self._request: Any = import_module("vnpy.trader.object").SubscribeRequest
        self._exchange: Any = import_module("vnpy.trader.constant").Exchange

    def connect(self, take: Take) -> None:
        """Begin to connect; what the gateway raises becomes a note."""
        self._capture.take = take
        self._errands.start()
        self._errands.send("connect", lambda: self.guarded("connect", self.begin))

    def subscribe(self, instruments: Sequence[Instrument]) -> None:
        """Ask for these; a gateway that is not connected may forget them without a word."""
        asked = tuple(instruments)
        self._errands.send("subscribe", lambda: self._subscribe(asked))

    @property
    def can_unsubscribe(self) -> bool:
        """BaseGateway has nothing for it."""
        return False

    def unsubscribe(self, instruments: Sequence[Instrument]) -> None:
        """Leave them as they are."""

    def timer(self) -> None:
        """Deliver one second's timer event to the gateway."""
        self._errands.send("timer", self._engine.timer)

    def facts(self) -> Facts:
        """Look at the ticks; the gateway cannot tell more."""
        return Facts(
            ticks=self._capture.ticks,
            last_tick_ns=self._capture.last_recv_ns,
            exchange_age_ms=self._capture.age_ms(),
        )

    def counts(self) -> Mapping[str, int]:
        """The common counters, and calls for which the gateway was too slow."""
        return {**super().counts(), "calls_left_out": self._errands.left_out}

    def _subscribe(self, instruments: Sequence[Instrument]) -> None:
        for one in instruments:
            self.guarded("subscribe", partial(self._ask, one))

    def _ask(self, one: Instrument) -> None:
        exchange = self._exchange(one.exchange)
        self._gateway.subscribe(self._request(symbol=one.symbol, exchange=exchange))


class IbConnection(GenericConnection):
    """vnpy_ib, prepared from its source and never run.

    One tick object per contract, sent once per changed field: it is read at once, -1 and 0 are "no
    value", its moment is that of the last change that had one. Connecting to TWS waits, and so may
    the timer, which connects again. Contracts are told only after they were subscribed to.
    """

    def facts(self) -> Facts:
        """Look at the ticks and at the one flag the gateway has: connected to TWS."""
        status = getattr(getattr(self._gateway, "api", None), "status", None)
        return replace(super().facts(), md_login=status if isinstance(status, bool) else None)
