"""What the alerting remembers: alerts, silences, messages on their way.

The monitor keeps it under one key of the server (`Log.save_alerts`, `Log.alerts`), so a restart
sends nothing twice and forgets no acknowledgement; `mdhub alerts list` reads it.
"""

from __future__ import annotations

from typing import Final

import msgspec

from mdhub.health.model import Finding
from mdhub.wire.codec import decoder, encode

__all__ = [
    "ACTIONS",
    "TARGET",
    "Alert",
    "AlertBook",
    "ChannelFacts",
    "Item",
    "Message",
    "Parcel",
    "Silence",
    "decode_book",
    "encode_book",
]

TARGET: Final = "monitor"
"""Target of commands to the alerting."""
ACTIONS: Final = ("alerts.ack", "alerts.silence", "alerts.unsilence", "alerts.test")


class Alert(msgspec.Struct, array_like=True, frozen=True, kw_only=True):
    """A finding, and what people were told of it."""

    finding: Finding
    origin: str = ""
    """Service that found it."""
    due_ns: int = 0
    """Not told before: others that belong to it may begin meanwhile."""
    told_ns: int = 0
    """When people were first told; 0 = not yet."""
    told_severity: str = ""
    tellings: int = 0
    repeat_ns: int = 0
    """Next time they are told again."""
    ended_ns: int = 0
    """0 = it lasts."""
    acked_by: str = ""
    acked_ns: int = 0
    cause: str = ""
    """Key of the alert that explains it: it is not told apart."""
    explained: bool = False
    """Whether there ever was one."""


class Silence(msgspec.Struct, array_like=True, frozen=True, kw_only=True):
    """Alerts that an operator does not want to hear of for a while."""

    pattern: str
    """Of keys, as in a shell: `source_silent:CTP1`, `source_*`."""
    until_ns: int
    by: str = ""
    reason: str = ""


class Item(msgspec.Struct, array_like=True, frozen=True, kw_only=True):
    """One alert in a message."""

    change: str
    """`new`, `worse`, `again`, `resolved`, `over` (began and ended before anybody was told)."""
    finding: Finding
    ended_ns: int = 0
    also: list[str] = []
    """Keys of what it explains."""


class Message(msgspec.Struct, array_like=True, frozen=True, kw_only=True):
    """What is sent at once."""

    id: str
    ts_ns: int
    severity: str
    items: list[Item] = []
    """None = a test."""


class Parcel(msgspec.Struct, array_like=True, frozen=True, kw_only=True):
    """A message, and the channels that do not have it yet."""

    message: Message
    channels: list[str]


class ChannelFacts(msgspec.Struct, array_like=True, frozen=True, kw_only=True):
    """One channel, without its address."""

    name: str
    kind: str
    """Scheme of its address."""
    sent: int = 0
    failed: int = 0
    """Attempts that failed."""
    lost: int = 0
    """Messages given up or dropped."""
    waiting: int = 0
    problem: str = ""
    """What went wrong last; empty after a success."""


class AlertBook(msgspec.Struct, array_like=True, frozen=True, kw_only=True):
    """Everything, as of `ts_ns`."""

    v: int = 1
    ts_ns: int = 0
    cursor: str = ""
    """Newest event that was read."""
    log_cursor: str = ""
    """Newest log line that was read."""
    alerts: list[Alert] = []
    ended: dict[str, int] = {}
    """Key -> when it last ended: an older word of it is no news."""
    silences: list[Silence] = []
    parcels: list[Parcel] = []
    channels: list[ChannelFacts] = []


decode_book: Final = decoder(AlertBook)
"""Raises DecodeError."""


def encode_book(book: AlertBook) -> bytes:
    """Encode for the server."""
    return encode(book)
