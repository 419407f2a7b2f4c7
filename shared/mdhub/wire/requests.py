"""Requests of a client (DEALER) and replies of a publisher (ROUTER).

A request is one frame, `[v, req_id, name, ...]`. A reply begins with one frame
`[v, req_id, status, ...]`; status `msg` is followed by the three frames of a live message.
An answer is either one `ok`, or any number of `msg` and then one `end`, or one `error`.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from mdhub.wire.ticks import SCHEMA_VERSION

__all__ = [
    "EndReply",
    "ErrorCode",
    "ErrorReply",
    "FindReply",
    "FindRequest",
    "HelloReply",
    "HelloRequest",
    "MsgReply",
    "ReplayRequest",
    "ReplyHead",
    "RequestHead",
    "RequestName",
    "ShardInfo",
    "SnapshotRequest",
    "Status",
    "TailsReply",
    "TailsRequest",
]


class RequestName(StrEnum):
    """What a client may ask."""

    HELLO = "hello"
    SNAPSHOT = "snapshot"
    TAILS = "tails"
    FIND = "find"
    REPLAY = "replay"


class Status(StrEnum):
    """Third element of every reply: the whole answer, a part of it, its end, or a refusal."""

    OK = "ok"
    MSG = "msg"
    END = "end"
    ERROR = "error"


class ErrorCode(StrEnum):
    """Why a request was refused; clients treat codes they do not know as `unavailable`."""

    MALFORMED = "malformed"
    """Not an array of the right shape, or a value out of range: do not repeat it."""
    UNKNOWN_REQUEST = "unknown_request"
    """This publisher does not answer it."""
    UNKNOWN_SHARD = "unknown_shard"
    """The hub has no such shard."""
    UNKNOWN_EPOCH = "unknown_epoch"
    """The hub remembers no such epoch: ask `hello` and take a snapshot."""
    BUSY = "busy"
    """Too many answers are under way for this client: wait for their end."""
    UNAVAILABLE = "unavailable"
    """The log is away or being read: ask again shortly."""
    NOT_KEPT = "not_kept"
    """The hub keeps nothing so old; the message names the oldest n that it has."""


class RequestHead(msgspec.Struct, array_like=True, frozen=True):
    """What every request begins with."""

    v: int
    req_id: int
    name: str


class HelloRequest(msgspec.Struct, array_like=True, frozen=True):
    """Ask who the publisher is and what it keeps."""

    v: int
    req_id: int
    name: str = RequestName.HELLO
    digest: str = ""
    """The client's own schema digest; empty = not told."""
    client: str = ""
    """Who asks, for people: program and release of its library; empty = not told."""


class SnapshotRequest(msgspec.Struct, array_like=True, frozen=True):
    """Ask for the last value of each matching instrument; `end` says as of which n."""

    v: int
    req_id: int
    name: str
    shard: int
    patterns: list[str]


class TailsRequest(msgspec.Struct, array_like=True, frozen=True):
    """Ask which matching instruments changed after `since_n`, and their newest k."""

    v: int
    req_id: int
    name: str
    shard: int
    epoch: int
    since_n: int
    """What the client knows already."""
    patterns: list[str]


class FindRequest(msgspec.Struct, array_like=True, frozen=True):
    """Ask for the position of a time (int, ns) or of the open of the trading day ("session")."""

    v: int
    req_id: int
    name: str
    shard: int
    at: int | str
    """Time in ns, or `session`."""


class ReplayRequest(msgspec.Struct, array_like=True, frozen=True):
    """Ask for entries after `after_n`, at most `limit` of those that match."""

    v: int
    req_id: int
    name: str
    shard: int
    epoch: int
    after_n: int
    """0 = from the beginning."""
    limit: int
    """Messages wanted; a publisher may send fewer and say `more`."""
    patterns: list[str]


class ReplyHead(msgspec.Struct, array_like=True, frozen=True):
    """What every reply begins with."""

    v: int
    req_id: int
    status: str


class MsgReply(msgspec.Struct, array_like=True, frozen=True):
    """Three frames of a live message follow this frame."""

    v: int
    req_id: int
    status: str = Status.MSG


class ShardInfo(msgspec.Struct, array_like=True, frozen=True):
    """What a publisher knows of one shard."""

    shard: int
    epochs: list[tuple[int, int]]
    """`[epoch, resume_after_n]`, oldest first."""
    first_n: int
    """Oldest n that `replay` can still serve; 0 = nothing kept."""
    tail_n: int
    """Newest n."""


class HelloReply(msgspec.Struct, array_like=True, frozen=True):
    """Answer to `hello`."""

    v: int
    req_id: int
    status: str
    digest: str
    publisher_id: str
    shards: list[ShardInfo]
    release: str = ""
    """Release of mdhub the publisher runs, such as `0.1.0`; empty = not told."""
    session: int = 0
    """One run of the publisher: its start in UTC ms; grows with every run; 0 = not told."""


class TailsReply(msgspec.Struct, array_like=True, frozen=True):
    """Answer to `tails`: `[symbol.EXCHANGE, k, quality]` for what changed after `since_n`."""

    v: int
    req_id: int
    status: str
    now_n: int
    """As of which n this is."""
    tails: list[tuple[str, int, str]]


class FindReply(msgspec.Struct, array_like=True, frozen=True):
    """Answer to `find`."""

    v: int
    req_id: int
    status: str
    epoch: int
    n: int
    """Replay after this n."""


class EndReply(msgspec.Struct, array_like=True, frozen=True):
    """Closes `snapshot` and `replay`."""

    v: int
    req_id: int
    status: str
    scanned_to_n: int
    """The answer is complete up to and including this n."""
    first_available_n: int
    """Oldest n the publisher can still serve; what is older is lost to it."""
    more: bool
    """True = the limit was reached: ask again after `scanned_to_n`."""
    epoch: int = 0
    """Epoch in which `scanned_to_n` counts."""


class ErrorReply(msgspec.Struct, array_like=True, frozen=True):
    """What was wrong, in words a developer can act on."""

    v: int
    req_id: int
    status: str
    code: str
    """An ErrorCode."""
    message: str
    """For people."""

    @classmethod
    def of(cls, req_id: int, code: ErrorCode, message: str) -> ErrorReply:
        """Build an error reply of this schema version."""
        return cls(SCHEMA_VERSION, req_id, Status.ERROR, code, message)
