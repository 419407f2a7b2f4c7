"""How a shard is joined: from the first heartbeat to a base without hole or repeat.

The heartbeat shows that our filters are in force (filters reach a publisher before it sends on
them). A client of everything that starts live begins behind the heartbeat's n. All others ask:
`tails` for where each instrument stands, or `snapshot` for that and its last value. What comes
live in the meantime waits, and is then taken in as any other message.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from mdhub.sdk.errors import HubError
from mdhub.sdk.events import Message
from mdhub.sdk.requests import Call, Reply
from mdhub.wire.requests import (
    EndReply,
    ErrorCode,
    ErrorReply,
    RequestName,
    SnapshotRequest,
    TailsReply,
    TailsRequest,
)
from mdhub.wire.ticks import SCHEMA_VERSION

__all__ = ["FINAL_REFUSALS", "Base", "Joining", "chunks_of"]

PATTERNS_PER_REQUEST: Final = 1_000
FINAL_REFUSALS: Final = (ErrorCode.MALFORMED, ErrorCode.UNKNOWN_REQUEST, ErrorCode.UNKNOWN_SHARD)


@dataclass(slots=True)
class Base:
    """What a shard starts from."""

    epoch: int
    n: int
    known_n: int
    known: dict[str, int] = field(default_factory=dict)


def chunks_of(patterns: tuple[str, ...]) -> list[list[str]]:
    """Split patterns into what one request may hold."""
    size = PATTERNS_PER_REQUEST
    return [list(patterns[i : i + size]) for i in range(0, len(patterns), size)]


class Joining:
    """One shard's way to its base; a failed question starts it over."""

    def __init__(
        self,
        shard: int,
        patterns: tuple[str, ...],
        *,
        snapshot: bool,
        read: Callable[[list[bytes]], Message | None],
    ) -> None:
        self.shard = shard
        self.everything = "*" in patterns
        self.snapshot = snapshot
        self.epoch = 0
        """Of the newest heartbeat; 0 = none yet."""
        self.base: Base | None = None
        self.error: HubError | None = None
        """Why it will never be joined."""
        self._chunks = chunks_of(("*",) if self.everything else patterns)
        self._read = read
        self._next_chunk = 0
        self._draft: Base | None = None
        self._messages: dict[bytes, Message] = {}
        self._out: list[Message] = []

    def heard(self, *, epoch: int, n: int) -> None:
        """Take in a heartbeat of a publisher that has the log."""
        self.epoch = epoch
        if self.everything and not self.snapshot:
            self.base = Base(epoch, n, n)

    def take(self) -> list[Message]:
        """Fetch what is to be delivered first: the snapshot, once it is complete."""
        out, self._out = self._out, []
        return out

    def call(self) -> Call | None:
        """Build the next question; None before the first heartbeat, and when there is none."""
        if not self.epoch or self.base is not None or self.error is not None:
            return None
        patterns = self._chunks[self._next_chunk]
        if self.snapshot:
            return Call(
                lambda req_id: SnapshotRequest(
                    SCHEMA_VERSION, req_id, RequestName.SNAPSHOT, self.shard, patterns
                ),
                done=self._answered,
                message=self._message,
            )
        return Call.tails(
            lambda req_id: TailsRequest(
                SCHEMA_VERSION, req_id, RequestName.TAILS, self.shard, self.epoch, 0, patterns
            ),
            done=self._answered,
        )

    def _message(self, frames: list[bytes]) -> None:
        message = self._read(frames)
        if message is not None:
            before = self._messages.get(message.topic)
            if before is None or (before.header.n or 0) < (message.header.n or 0):
                self._messages[message.topic] = message

    def _answered(self, reply: Reply | None) -> None:
        if isinstance(reply, EndReply):
            known = [(m.name, m.header.k or 0) for m in self._messages.values()]
            self._add(reply.epoch, reply.scanned_to_n, known)
        elif isinstance(reply, TailsReply):
            self._add(self.epoch, reply.now_n, [(name, k) for name, k, _ in reply.tails])
        else:
            if isinstance(reply, ErrorReply) and reply.code in FINAL_REFUSALS:
                self.error = HubError(f"the publisher refuses to let us join: {reply.message}")
            self._start_over()

    def _add(self, epoch: int, n: int, known: list[tuple[str, int]]) -> None:
        draft = self._draft or Base(epoch, n, n)
        if draft.epoch != epoch:
            self._start_over()
            return
        draft.n = min(draft.n, n)
        draft.known_n = max(draft.known_n, n)
        for name, k in known:
            draft.known[name] = max(k, draft.known.get(name, 0))
        self._draft = draft
        self._next_chunk += 1
        if self._next_chunk == len(self._chunks):
            self._out = sorted(self._messages.values(), key=lambda m: m.header.n or 0)
            self.base = draft

    def _start_over(self) -> None:
        self._draft = None
        self._next_chunk = 0
        self._messages.clear()
