"""How a shard is joined from a position in the past: replay, chunk by chunk, until it meets live.

An answer is taken in as a whole, once its end has come: one that breaks off is asked for again.
The next is asked for when this one was delivered, so a strategy sets the pace and the memory is
that of one answer. The last answer says up to which n it is complete; there the shard is joined,
and what came live since then follows as any other message.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from mdhub.sdk.errors import HubError, StartUnavailable
from mdhub.sdk.events import Cause, EpochChange, Gap, Message, Outcome, Position
from mdhub.sdk.joining import FINAL_REFUSALS, Base
from mdhub.sdk.lane import Output
from mdhub.sdk.requests import MAX_REPLAY, Call, Reply
from mdhub.wire.requests import (
    EndReply,
    ErrorCode,
    ErrorReply,
    FindReply,
    FindRequest,
    ReplayRequest,
    RequestName,
)
from mdhub.wire.ticks import SCHEMA_VERSION

__all__ = ["PATTERNS_PER_REPLAY", "CatchUp"]

PATTERNS_PER_REPLAY: Final = 1_000
_REFUSALS: Final = 3
"""A publisher behind the others may not know an epoch or a position yet; then it is not there."""


class CatchUp:
    """One shard's way from `begin`: `session`, a time in ns, or `(epoch, n)`."""

    def __init__(
        self,
        shard: int,
        patterns: tuple[str, ...],
        *,
        begin: str | int | tuple[int, int],
        read: Callable[[list[bytes]], Message | None],
    ) -> None:
        self.shard = shard
        self.base: Base | None = None
        self.error: HubError | None = None
        """Why it will never be joined."""
        self._everything = "*" in patterns
        # More patterns than a request may hold: everything is asked for, and `read` selects.
        few = len(patterns) <= PATTERNS_PER_REPLAY and not self._everything
        self._patterns = list(patterns) if few else ["*"]
        self._begin = begin if isinstance(begin, (str, int)) else None
        self._read = read
        self._heard = False
        self._begun = False
        self._refusals = 0
        self._epoch, self._n = begin if isinstance(begin, tuple) else (0, 0)
        self._known: dict[str, int] = {}
        self._messages: list[Message] = []
        self._out: list[Output] = []

    def heard(self, *, epoch: int, n: int) -> None:  # noqa: ARG002 - as `Joining` is told
        """Take in a heartbeat: our filters are in force."""
        self._heard = True

    def take(self) -> list[Output]:
        """Fetch what is to be delivered and told."""
        out, self._out = self._out, []
        return out

    def call(self) -> Call | None:
        """Build the next question; None before the first heartbeat, and when there is none."""
        if not self._heard or self.base is not None or self.error is not None:
            return None
        self._messages.clear()
        begin = self._begin
        if begin is not None:
            return Call.find(
                lambda req_id: FindRequest(
                    SCHEMA_VERSION, req_id, RequestName.FIND, self.shard, begin
                ),
                done=self._found,
            )
        return Call(
            lambda req_id: ReplayRequest(
                SCHEMA_VERSION, req_id, RequestName.REPLAY, self.shard, self._epoch, self._n,
                MAX_REPLAY, self._patterns,
            ),
            done=self._replayed,
            message=self._message,
        )  # fmt: skip

    def _found(self, reply: Reply | None) -> None:
        if isinstance(reply, FindReply):
            self._epoch, self._n = reply.epoch, reply.n
            self._begin = None
        else:
            self._refused(reply)

    def _message(self, frames: list[bytes]) -> None:
        message = self._read(frames)
        if message is not None and len(self._messages) < MAX_REPLAY:
            self._messages.append(message)

    def _replayed(self, reply: Reply | None) -> None:
        if not isinstance(reply, EndReply):
            self._refused(reply)
            return
        if self._n + 1 < reply.first_available_n:
            self._missed(reply.first_available_n)
        if self.error is not None:
            return
        self._begun = True
        for message in self._messages:
            self._add(message)
        self._n = max(self._n, reply.scanned_to_n)
        if not reply.more:
            self.base = Base(self._epoch, self._n, self._n, self._known)

    def _add(self, message: Message) -> None:
        header = message.header
        n = header.n or 0
        if header.epoch > self._epoch:
            if n <= self._n:
                self._out.append(EpochChange(self.shard, self._epoch, header.epoch, n - 1, self._n))
                self._n = n - 1
                self._known.clear()
            self._epoch = header.epoch
        if n <= self._n:
            return
        if self._everything and n > self._n + 1:
            self._gap(n - 1, Cause.UNKNOWN)
        self._n = n
        if message.name:
            self._known[message.name] = header.k or 0
        if message.name or self._everything:
            self._out.append(message)

    def _missed(self, first_n: int) -> None:
        """Refuse to begin behind what was asked for; later, tell what a slow strategy missed."""
        if not self._begun:
            self.error = StartUnavailable(
                f"shard {self.shard}: start asks for n {self._n + 1}, and the oldest that the hub "
                f"keeps is n {first_n}: begin there, with start=({self._epoch}, {first_n - 1}), or "
                "read older days from recorded files"
            )
            return
        self._gap(first_n - 1, Cause.SLOW_READER)
        self._n = first_n - 1

    def _gap(self, end_n: int, cause: Cause) -> None:
        start = Position(self.shard, self._epoch, n=self._n + 1)
        end = Position(self.shard, self._epoch, n=end_n)
        self._out.append(Gap(start, end, cause, Outcome.UNAVAILABLE))

    def _refused(self, reply: Reply | None) -> None:
        if not isinstance(reply, ErrorReply):
            return
        if reply.code in FINAL_REFUSALS:
            self.error = HubError(f"the publisher refuses to let us join: {reply.message}")
        elif reply.code in (ErrorCode.NOT_KEPT, ErrorCode.UNKNOWN_EPOCH):
            self._refusals += 1
            if self._refusals >= _REFUSALS:
                self.error = StartUnavailable(f"shard {self.shard}: {reply.message}")
