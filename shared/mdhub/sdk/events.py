"""What the SDK tells its user, and what travels inside it. Pure data."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from mdhub.wire.live import HeaderFlag, LiveHeader
from mdhub.wire.ticks import CleanTick

__all__ = [
    "Delivery",
    "EpochChange",
    "Gap",
    "Message",
    "Position",
    "SchemaMismatch",
    "Stall",
    "Statistics",
]


class Message(msgspec.Struct, frozen=True, gc=False):
    """One clean entry as it came over the wire."""

    topic: bytes
    header: LiveHeader
    payload: bytes
    name: str = ""
    """`symbol.EXCHANGE`; empty for markers of a whole shard."""


class Position(msgspec.Struct, frozen=True):
    """A place in the clean stream: by n in the shard, or by k of one instrument."""

    shard: int
    epoch: int
    n: int | None = None
    k: int | None = None
    instrument: str = ""
    """Empty = the whole shard."""


class Gap(msgspec.Struct, frozen=True):
    """Entries that did not come in order; both ends included."""

    start: Position
    end: Position
    cause: str
    """What showed the gap (`hole`: a later entry came, `tail`: the hub said that there is more),
    or why it stays: `unavailable`, `timeout`, `overflow`, `epoch`, `malformed`."""
    recovered: bool

    @property
    def size(self) -> int:
        """Number of entries, 0 if not known."""
        if self.start.n is not None and self.end.n is not None:
            return self.end.n - self.start.n + 1
        if self.start.k is not None and self.end.k is not None:
            return self.end.k - self.start.k + 1
        return 0


class EpochChange(msgspec.Struct, frozen=True):
    """The log was cut back (or is new): entries behind `resume_after_n` are withdrawn."""

    shard: int
    old_epoch: int
    epoch: int
    resume_after_n: int
    withdrawn_to_n: int | None
    """Newest n that was delivered and is now withdrawn; None = nothing was."""


class Stall(msgspec.Struct, frozen=True):
    """The hub's log stands still, or moves again. Then silence says nothing of the market."""

    shard: int
    stalled: bool
    cause: str
    """`silent`: no heartbeat comes; `log`: heartbeats come, their log time stands still."""


class SchemaMismatch(msgspec.Struct, frozen=True):
    """A publisher was made for another wire contract than this SDK."""

    endpoint: str
    publisher_id: str
    digest: str
    """The publisher's schema digest."""
    v: int
    """The publisher's schema version."""
    release: str
    """The publisher's release of mdhub; empty = it does not tell."""
    own_digest: str
    own_v: int
    own_release: str

    def __str__(self) -> str:
        release = f"mdhub {self.release}" if self.release else "an older mdhub"
        return (
            f"publisher {self.publisher_id} at {self.endpoint} was made for another wire contract: "
            f"its schema digest is {self.digest} (v {self.v}, {release}), ours is "
            f"{self.own_digest} (v {self.own_v}, mdhub {self.own_release})"
        )


class Delivery(msgspec.Struct, frozen=True, gc=False):
    """A tick and the facts of this one delivery of it."""

    tick: CleanTick
    shard: int
    epoch: int
    n: int
    k: int
    id: str
    arb_ns: int
    pub_ns: int
    replayed: bool
    snapshot: bool
    """The last value as of the join, not news."""

    @classmethod
    def of(cls, tick: CleanTick, header: LiveHeader) -> Delivery:
        """Join a tick with the header it came with."""
        return cls(
            tick,
            header.shard,
            header.epoch,
            header.n or 0,
            header.k or 0,
            header.id or "",
            header.arb_ns or 0,
            header.pub_ns,
            bool(header.hflags & HeaderFlag.REPLAYED),
            bool(header.hflags & HeaderFlag.SNAPSHOT),
        )


@dataclass(slots=True)
class Statistics:
    """Counters since `connect`."""

    received: int = 0
    """Live and replayed messages that came in."""
    delivered: int = 0
    """Ticks handed to the strategy."""
    duplicates: int = 0
    stale: int = 0
    """Messages of an epoch that was withdrawn, or of one not yet announced."""
    gaps: int = 0
    replayed: int = 0
    unrecovered: int = 0
    """Entries that could not be filled in."""
    malformed: int = 0
