"""CTP and its kin: vnpy_ctp, vnpy_sopt, and vnpy_tts, which has the same API.

Callbacks are wrapped as attributes of the objects `md_api` and `td_api`, before the connection: the
binding looks them up there. Each notes what was said and then calls the gateway's own, which does
the logging in, restores subscriptions and keeps its flags. Three are not called on: the gateway's
tick callback (nobody needs its TickData), what only logs a refused subscription, and all that is
about orders.

Tried with vnpy_ctp 6.7.7.2 and 6.7.11.4 and vnpy_sopt 3.7.1.0 and 3.7.1.2 against a stand-in.
vnpy_tts has only been read, never run; its library files are named like those of CTP, so the two
never go into one process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from types import FunctionType
from typing import Any, Final, Literal

from mdhub.accounts.kinds import Profile
from mdhub.runtime.secret import Value
from mdhub_ingest.gateways.port import Facts, Instrument, NoteKind, Side, Take
from mdhub_ingest.gateways.profiles.common import CommonConnection
from mdhub_ingest.gateways.profiles.instruments import of_row
from mdhub_ingest.gateways.vendor_thread import keep_thread

__all__ = ["CtpConnection"]

Answer = Mapping[str, Any]
_FINE: Final[Answer] = {"ErrorID": 0, "ErrorMsg": ""}
"""An answer without an error part says that all is well; the gateways stumble over it."""
_LOGIN: Final[Answer] = {"FrontID": 0, "SessionID": 0}
_ORDERS: Final = (
    "onErrRtnOrderAction", "onErrRtnOrderInsert", "onRspOrderAction", "onRspOrderInsert",
    "onRspQryInvestorPosition", "onRspQryTradingAccount", "onRtnInstrumentStatus", "onRtnOrder",
    "onRtnTrade",
)  # fmt: skip
"""The account's other sessions cause these; the gateway would keep or choke on them."""
_ANSWERS: Final = {
    "onRspAuthenticate": NoteKind.AUTH,
    "onRspUserLogin": NoteKind.LOGIN,
    "onRspSettlementInfoConfirm": NoteKind.CONFIRM,
}


class _Remembered(set[str]):
    """The gateway's remembered symbols: it goes through them at a login, in its own thread."""

    def __iter__(self) -> Iterator[str]:
        """Go through a copy, made in one step: another thread may add symbols meanwhile."""
        return set.__iter__(set.copy(self))


class CtpConnection(CommonConnection):
    """Market data and trading side, each with a front of its own."""

    def __init__(
        self,
        profile: Profile,
        class_path: str,
        settings: Mapping[str, Value],
        *,
        name: str,
        cached: Sequence[Instrument] = (),
        classes: Mapping[str, str],
    ) -> None:
        """`classes`: product classes that the hub numbers otherwise."""
        super().__init__(profile, class_path, settings, name=name, cached=cached)
        self._classes = classes
        self._md: Any = self._gateway.md_api
        self._td: Any = self._gateway.td_api
        self._refused: set[Side] = set()
        self._listed = 0
        self._subscribe_refused = 0
        self._unwanted: dict[str, None] = {}
        self._md.subscribed = _Remembered()

    def connect(self, take: Take) -> None:
        """Begin to connect and log in, both sides. Raises GatewayError for what cannot work."""
        self._capture.take = take
        for side, api in ((Side.MD, self._md), (Side.TD, self._td)):
            self._wrap_session(side, api)
        self._md.onRtnDepthMarketData = self._capture.on_depth
        self._md.onRspSubMarketData = partial(self._on_subscribed, "subscribe")
        self._md.onRspUnSubMarketData = partial(self._on_subscribed, "unsubscribe")
        self._td.onRspQryInstrument = self._contract_callback()
        for name in _ORDERS:
            if hasattr(self._td, name):
                setattr(self._td, name, _ignore)
        self.begin()

    def subscribe(self, instruments: Sequence[Instrument]) -> None:
        """Ask for these, at once if logged in, and again by the gateway at each login to come.

        Ends at the first request that the library refuses (flow control): a note says so, and who
        stays silent is asked for again.
        """
        symbols = [instrument.symbol for instrument in instruments]
        self._md.subscribed.update(symbols)  # before the look at the flag: none falls between
        for symbol in symbols:
            self._unwanted.pop(symbol, None)
        for symbol in symbols:
            if not (self._md.login_status and self._requested("subscribe", symbol)):
                return

    @property
    def can_unsubscribe(self) -> bool:
        """It can."""
        return True

    def unsubscribe(self, instruments: Sequence[Instrument]) -> None:
        """Ask for these no longer. What the library refuses is tried again with the timer."""
        symbols = [instrument.symbol for instrument in instruments]
        self._md.subscribed.difference_update(symbols)
        self._unwanted |= dict.fromkeys(symbols)
        self._capture.forget(symbols)
        self._send_unwanted()

    def timer(self) -> None:
        """Deliver one second's timer event to the gateway."""
        super().timer()
        self._send_unwanted()

    def _send_unwanted(self) -> None:
        if not self._md.login_status:
            self._unwanted.clear()  # a new session begins with what is remembered
        while self._unwanted:
            symbol = next(iter(self._unwanted))
            if not self._requested("unsubscribe", symbol):
                return
            del self._unwanted[symbol]

    def _requested(self, what: Literal["subscribe", "unsubscribe"], symbol: str) -> bool:
        """Make a request; return whether the library took it."""
        subscribe = what == "subscribe"
        request = self._md.subscribeMarketData if subscribe else self._md.unSubscribeMarketData
        code = request(symbol)
        if code:
            self._subscribe_refused += 1
            text = f"the library refused to {what} {symbol}"
            self._notes.add(NoteKind.REFUSED, Side.MD, code=code, text=text)
        return not code

    def facts(self) -> Facts:
        """Look at the gateway's flags."""
        td = self._td
        return Facts(
            md_login=bool(self._md.login_status),
            td_login=bool(td.login_status),
            contracts_ready=bool(td.contract_inited),
            login_blocked=bool(
                td.login_failed or getattr(td, "auth_failed", False) or self._refused
            ),
            ticks=self._capture.ticks,
            last_tick_ns=self._capture.last_recv_ns,
            exchange_age_ms=self._capture.age_ms(),
        )

    def counts(self) -> Mapping[str, int]:
        """The common counters, and requests for market data that the library refused."""
        return {**super().counts(), "subscribe_refused": self._subscribe_refused}

    def on_contract(self, contract: Any) -> None:
        """Leave it: the raw row has told more."""

    # In the gateway's threads

    def _wrap_session(self, side: Side, api: Any) -> None:
        def connected() -> None:
            keep_thread()
            self._refused.discard(side)
            if side is Side.TD:
                self._listed = 0  # of a query that was cut off
            self._notes.add(NoteKind.CONNECTED, side)

        def disconnected(reason: int) -> None:
            self._refused.discard(side)
            self._notes.add(NoteKind.DISCONNECTED, side, code=reason)

        def refused(error: Answer, _number: int, _last: bool) -> None:  # noqa: FBT001
            self._say(NoteKind.REFUSED, side, error)

        self._wrap(api, side, "onFrontConnected", connected)
        self._wrap(api, side, "onFrontDisconnected", disconnected)
        self._wrap(api, side, "onRspError", refused)
        for name, kind in _ANSWERS.items():
            if hasattr(api, name):
                setattr(api, name, self._answer_callback(api, side, name, kind))

    def _wrap(self, api: Any, side: Side, name: str, note: Callable[..., None]) -> None:
        own = _own(api, name)

        def callback(*arguments: Any) -> None:
            self.guarded(name, lambda: note(*arguments), side)
            self.guarded(name, lambda: own(*arguments), side)

        setattr(api, name, callback)

    def _answer_callback(
        self, api: Any, side: Side, name: str, kind: NoteKind
    ) -> Callable[[Answer, Answer, int, bool], None]:
        own = _own(api, name)

        def callback(data: Answer, error: Answer, number: int, last: bool) -> None:  # noqa: FBT001
            error = {**_FINE, **error}
            text = ""
            if kind is NoteKind.LOGIN:
                text = f"trading day {data.get('TradingDay', '')}"
                data = {**_LOGIN, **data}
            if kind is NoteKind.CONFIRM:  # its own may ask for contracts without end
                self._say(kind, side, error, text)
            elif error["ErrorID"]:
                self._refused.add(side)
            self.guarded(name, lambda: own(data, error, number, last), side)
            if kind is not NoteKind.CONFIRM:  # the flags already say the same as the note
                self._say(kind, side, error, text)

        return callback

    def _contract_callback(self) -> Callable[[Answer, Answer, int, bool], None]:
        own = _own(self._td, "onRspQryInstrument")

        def callback(data: Answer, error: Answer, number: int, last: bool) -> None:  # noqa: FBT001
            name = "onRspQryInstrument"
            if data and not error.get("ErrorID"):  # else its own calls an empty row a success
                self._listed += 1
                self.guarded(name, lambda: self._learn(data), Side.TD)
                self.guarded(name, lambda: own(data, error, number, last), Side.TD)
            if last:
                count, self._listed = self._listed, 0
                if count and not error.get("ErrorID"):
                    # The gateway's own flag stays down when its callback stumbles over the last.
                    self._td.contract_inited = True
                self._say(NoteKind.CONTRACTS, Side.TD, error, f"{count} contracts listed")

        return callback

    def _learn(self, row: Answer) -> None:
        self._changes.add(of_row(row, self._classes))

    def _on_subscribed(self, what: str, data: Answer, error: Answer, *_: Any) -> None:
        if error.get("ErrorID"):
            self._say(NoteKind.REFUSED, Side.MD, error, f"{what} {data.get('InstrumentID', '')}")

    def _say(self, kind: NoteKind, side: Side, error: Answer, text: str = "") -> None:
        code = error.get("ErrorID", 0)
        said = f"{error.get('ErrorMsg', '')} {text}".strip() if code else text
        self._notes.add(kind, side, code=code, text=said)


def _own(api: Any, name: str) -> Callable[..., None]:
    """Return the gateway's own callback, written in Python.

    The binding's base method is none: it would look for an override and find ours, for ever.
    """
    if isinstance(getattr(type(api), name, None), FunctionType):
        own: Callable[..., None] = getattr(api, name)
        return own
    return _ignore


def _ignore(*_: Any) -> None:
    """Do nothing."""
