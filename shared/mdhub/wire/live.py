"""Live ZeroMQ messages: three frames `topic, header, payload`; heartbeats use the same shape."""

from __future__ import annotations

from enum import IntFlag, StrEnum

import msgspec

__all__ = ["HeaderFlag", "Heartbeat", "HubState", "LiveHeader"]


class HeaderFlag(IntFlag):
    """Facts of one delivery (`LiveHeader.hflags`)."""

    REPLAYED = 1
    """Sent in answer to `replay`."""
    SNAPSHOT = 2
    """Sent in answer to `snapshot`: the newest value, however old it is."""


class HubState(StrEnum):
    """State of a publisher in its heartbeat."""

    OK = "ok"
    """All is well."""
    HOLDING = "holding"
    """The server is another one; output waits for the epoch marker."""
    STALLED = "stalled"
    """The log stands still: no server, or no arbiter leads."""


class LiveHeader(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Second frame of every message; n, k and id are nil where they make no sense."""

    v: int
    shard: int
    epoch: int
    n: int | None
    """Running number in the shard."""
    k: int | None
    """Running number of the instrument."""
    id: str | None
    """Id of the entry in the clean stream."""
    arb_ns: int | None
    pub_ns: int
    hflags: int


class Heartbeat(msgspec.Struct, array_like=True, frozen=True):
    """Payload of `hb.<shard>.`, every 200 ms: how far the log is, and that the hub lives."""

    v: int
    publisher_id: str
    router_port: int
    """Where the publisher takes requests."""
    n: int
    """n of the newest clean entry this publisher has sent or holds."""
    log_ns: int
    """Newest committed log time; it stands still when no arbiter leads."""
    market_ns: int
    state: str
    """A HubState."""
