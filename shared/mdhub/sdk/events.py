"""What the SDK tells its user, and what travels inside it. Pure data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import msgspec

from mdhub.wire.live import HeaderFlag, LiveHeader
from mdhub.wire.ticks import CleanTick

__all__ = [
    "Access",
    "Cause",
    "Delivery",
    "EpochChange",
    "Gap",
    "Message",
    "Outcome",
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


class Cause(StrEnum):
    """Why entries did not come, as far as this client can see."""

    NETWORK = "network"
    """The connection to a publisher was lost, or silent, and came back."""
    PUBLISHER = "publisher"
    """A publisher was restarted, or another one answers at its address."""
    EPOCH = "epoch"
    """The server behind the hub was replaced or cut back."""
    SLOW_READER = "slow_reader"
    """This strategy did not read: it was paused or busy, or its queue overran."""
    UNKNOWN = "unknown"
    """Nothing of the above was seen: a network slower than the feed, or a hole in the log."""


class Outcome(StrEnum):
    """What became of a gap."""

    RECOVERED = "recovered"
    """Replayed, and delivered in order."""
    UNAVAILABLE = "unavailable"
    """The hub has it no more."""
    TIMEOUT = "timeout"
    """Publishers could be reached, and none filled it within `repair_timeout_s`."""
    OVERFLOW = "overflow"
    """More came behind it than may be held back."""
    UNREADABLE = "unreadable"
    """It came, and is no tick that this SDK can read."""


class Gap(msgspec.Struct, frozen=True):
    """Entries that did not come in order; both ends included."""

    start: Position
    end: Position
    cause: Cause
    outcome: Outcome
    open_ns: int = 0
    """From being noticed to being told: what it has held back was late by that much."""

    @property
    def recovered(self) -> bool:
        """Whether every entry of it was delivered."""
        return self.outcome is Outcome.RECOVERED

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


class Access(msgspec.Struct, frozen=True):
    """A publisher does not let us in, or does again."""

    endpoint: str
    granted: bool
    cause: str
    """`key`: it refuses our key; `keys_wanted`: we came without keys; `no_keys`: it has none;
    `broken_off`: it ends each handshake and does not say why. Empty = granted."""
    advice: str
    """What was found, what was expected, what to do."""

    def __str__(self) -> str:
        return f"{self.endpoint}: {self.advice}"


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
    skipped: int = 0
    """With `slow="conflate"`: ticks of this instrument left out just before this one."""

    @property
    def position(self) -> Position:
        """Where to go on behind this tick: `start=` takes it."""
        return Position(self.shard, self.epoch, n=self.n)

    @classmethod
    def of(cls, tick: CleanTick, header: LiveHeader, skipped: int = 0) -> Delivery:
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
            skipped,
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
    gap_ns: int = 0
    """Sum of the time that gaps were open; of several at once each counts."""
    replayed: int = 0
    skipped: int = 0
    """Ticks left out by `slow="conflate"`."""
    unrecovered: int = 0
    """Entries that could not be filled in."""
    malformed: int = 0
