"""What a gateway child knows of a gateway, whatever its class: the port between its parts.

`source.py` drives a Connection from its main loop and hands what it tells to the pure parts:
`life.py` (is it well?), `subscriptions.py` (what shall it deliver?). Profiles implement Connection.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, Protocol

import msgspec

from mdhub.wire.ops import Severity

__all__ = [
    "INSTRUMENTS_MAX",
    "RETRY",
    "STOPPED",
    "Connection",
    "Facts",
    "First",
    "Instrument",
    "Note",
    "NoteKind",
    "Say",
    "Side",
    "Take",
]

INSTRUMENTS_MAX: Final = 200_000
"""Contracts kept of one gateway, the rest is counted; the largest front lists about 30,000."""
RETRY: Final = 1
"""Exit code: a fresh process shall try again."""
STOPPED: Final = 4
"""Exit code: stopped for good; an operator must act, then restart the source."""


class Side(StrEnum):
    """Which of a gateway's two connections; a gateway with only one has `md`."""

    MD = "md"
    TD = "td"


class NoteKind(StrEnum):
    """What a callback said."""

    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    AUTH = "auth"
    LOGIN = "login"
    CONFIRM = "confirm"
    CONTRACTS = "contracts"
    """The contract query has ended."""
    REFUSED = "refused"
    """Any other request was refused."""
    FAULT = "fault"
    """A callback raised; the text says where."""
    LOG = "log"
    """A line the gateway wrote."""


class Note(msgspec.Struct, frozen=True):
    """One thing a callback said, in order of arrival."""

    at_ns: int
    kind: NoteKind
    side: Side = Side.MD
    code: int = 0
    """0 = fine; the vendor's error code, or the reason of a disconnection."""
    text: str = ""
    """For people; never a secret."""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What a look at a gateway finds now. None = this gateway cannot tell."""

    md_login: bool | None = None
    td_login: bool | None = None
    contracts_ready: bool | None = None
    login_blocked: bool | None = None
    """It will not try to log in again in this life."""
    ticks: int = 0
    """Taken since the start."""
    last_tick_ns: int = 0
    """When the newest was received; 0 = none yet."""
    exchange_age_ms: int | None = None
    """Receive time minus the exchange's own, the smallest of the last second or two; grows when a
    hidden queue does. None = no tick came."""


class Instrument(msgspec.Struct, frozen=True, kw_only=True):
    """A contract as the gateway's query told it. Empty or 0 = not told."""

    symbol: str
    exchange: str
    product: str = ""
    """Letters of the contract, such as `cu`; of an option those of its own product."""
    product_class: str = ""
    """As `ContractRow.product_class`: `1` future, `2` option, `3` combination."""
    multiplier: float = 0.0
    price_tick: float = 0.0
    expiry: int = 0
    """Last trading day, YYYYMMDD."""
    underlying: str = ""
    """Of an option: symbol of what it is an option on."""
    strike: float = 0.0
    call: bool | None = None
    """Of an option: call or put."""


class First(msgspec.Struct, frozen=True):
    """What the first tick of an instrument since `Connection.forget_firsts` said."""

    symbol: str
    pre_open_interest: float | None
    last: float | None
    pre_settlement: float | None


Take = Callable[[int, tuple[Any, ...]], None]
"""Takes receive time (ns, stamped first in the callback) and a RawTick's fields from `symbol` to
`asks`; numbers and enqueues them. Never blocks, never raises."""


class Say(Protocol):
    """Puts a change of the source's state into log lines and events."""

    def __call__(
        self, change: str, facts: Mapping[str, Any], severity: Severity = Severity.WARNING
    ) -> object: ...


class Connection(Protocol):
    """One gateway object for the life of a process.

    Callbacks come on its own threads; these methods belong to the main thread, never wait for the
    network and never raise for its sake.
    """

    def connect(self, take: Take) -> None:
        """Begin to connect and log in, both sides; returns at once. Called once."""

    def subscribe(self, instruments: Sequence[Instrument]) -> None:
        """Ask for these; asking again is harmless."""

    @property
    def can_unsubscribe(self) -> bool:
        """Whether `unsubscribe` does anything."""

    def unsubscribe(self, instruments: Sequence[Instrument]) -> None:
        """Ask for these no longer, nor after a reconnection. Their next tick counts as first."""

    def timer(self) -> None:
        """Deliver one second's timer event to the gateway."""

    def facts(self) -> Facts:
        """Look at the gateway."""

    def notes(self) -> list[Note]:
        """Return what callbacks said since the last call. Bounded; what did not fit is counted."""

    def instruments(self) -> list[Instrument]:
        """Return contracts that are new or changed since the last call."""

    def firsts(self) -> list[First]:
        """Return instruments whose first tick came since the last call."""

    def forget_firsts(self) -> None:
        """The next tick of each instrument counts as its first (after a reconnection)."""

    def counts(self) -> Mapping[str, int]:
        """Counters: ticks, faults, dropped notes, ticks that could not be read by reason."""
