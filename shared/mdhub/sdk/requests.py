"""Requests under way: one replay and one other question at a time, on any publisher.

That keeps a client below a publisher's limit of two answers. A request without a sign of
progress for 3 s has failed; its late replies are ignored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from mdhub.sdk.connection import Link
from mdhub.wire.codec import DecodeError, decode_reply_head, decoder, encode
from mdhub.wire.requests import EndReply, ErrorReply, FindReply, HelloReply, Status, TailsReply

__all__ = ["MAX_REPLAY", "Call", "Calls", "Reply"]

TIMEOUT_NS: Final = 3_000_000_000
"""Longer than a publisher searches a slow log before the first message of an old replay. Whoever
is lost or silent is not waited for so long: see `Calls.abandon`."""
PAUSE_NS: Final = 100_000_000
"""After a failure, before the slot is used again."""

MAX_REPLAY: Final = 5_000
"""Messages asked for in one replay: as many as a publisher sends in one answer."""

Reply = HelloReply | TailsReply | FindReply | EndReply | ErrorReply

_decode_hello: Final = decoder(HelloReply)
_decode_tails: Final = decoder(TailsReply)
_decode_find: Final = decoder(FindReply)
_decode_end: Final = decoder(EndReply)
_decode_error: Final = decoder(ErrorReply)


class Call:
    """One request: how to make it, and what to do with its answer."""

    __slots__ = ("done", "make", "message", "ok")

    def __init__(
        self,
        make: Callable[[int], msgspec.Struct],
        *,
        done: Callable[[Reply | None], None],
        message: Callable[[list[bytes]], None] | None = None,
        ok: Callable[[bytes], Reply] = _decode_hello,
    ) -> None:
        self.make = make
        """Build the request for a request id."""
        self.done = done
        """Told the last reply; None = there was none in time."""
        self.message = message
        """Told the three frames of each `msg`."""
        self.ok = ok

    @classmethod
    def tails(
        cls, make: Callable[[int], msgspec.Struct], *, done: Callable[[Reply | None], None]
    ) -> Call:
        """Build a call that is answered by a TailsReply."""
        return cls(make, done=done, ok=_decode_tails)

    @classmethod
    def find(
        cls, make: Callable[[int], msgspec.Struct], *, done: Callable[[Reply | None], None]
    ) -> Call:
        """Build a call that is answered by a FindReply."""
        return cls(make, done=done, ok=_decode_find)


class _Pending:
    __slots__ = ("call", "deadline_ns", "link", "slot")

    def __init__(self, call: Call, link: Link, *, slot: str, deadline_ns: int) -> None:
        self.call = call
        self.link = link
        self.slot = slot
        self.deadline_ns = deadline_ns


class Calls:
    """Sends calls, one per slot at a time, and matches replies to them."""

    def __init__(self, links: list[Link], ids: Iterator[int], *, strangers: bool = False) -> None:
        """`ids` are shared by all calls of a connection: late replies must fit nothing newer.

        `strangers`: also ask who is back and was not greeted; only a greeting may.
        """
        self._strangers = strangers
        self._links = links
        self._ids = ids
        self._preferred = 0
        self._pending: dict[int, _Pending] = {}
        self._paused_ns: dict[str, int] = {}

    def free(self, slot: str, *, now_ns: int) -> bool:
        """Whether nothing is under way in a slot, and its last failure is a while ago."""
        if now_ns < self._paused_ns.get(slot, 0):
            return False
        return all(p.slot != slot for p in self._pending.values())

    @property
    def under_way(self) -> bool:
        """Whether a reply is waited for."""
        return bool(self._pending)

    def start(self, slot: str, call: Call, *, now_ns: int) -> bool:
        """Send to the publisher that answered last, else to the next one that lives."""
        count = len(self._links)
        order = [self._links[(self._preferred + i) % count] for i in range(count)]
        order = [link for link in order if link.greeted or self._strangers]
        order.sort(key=lambda link: not link.prompt(now_ns))
        req_id = next(self._ids)
        request = encode(call.make(req_id))
        for link in order:
            if link.ask(request):
                self._pending[req_id] = _Pending(
                    call, link, slot=slot, deadline_ns=now_ns + TIMEOUT_NS
                )
                return True
        self._paused_ns[slot] = now_ns + PAUSE_NS
        return False

    def reply(self, link: Link, frames: list[bytes], *, now_ns: int) -> bool:
        """Take in one reply; False if no call waits for it. Raises DecodeError if it is none."""
        head = decode_reply_head(frames[0])
        pending = self._pending.get(head.req_id)
        if pending is None or pending.link is not link:
            return False
        pending.deadline_ns = now_ns + TIMEOUT_NS
        if head.status == Status.MSG:
            if pending.call.message is not None:
                pending.call.message(frames[1:])
            return True
        del self._pending[head.req_id]
        if head.status == Status.ERROR:
            self.turn_away(pending.slot, now_ns)
        pending.call.done(_last_reply(head.status, frames[0], pending.call))
        return True

    def expire(self, now_ns: int) -> None:
        """Fail what got no reply in time, and turn to the next publisher."""
        for req_id, pending in list(self._pending.items()):
            if now_ns > pending.deadline_ns:
                self._fail(req_id, now_ns)

    def abandon(self, link: Link, now_ns: int) -> None:
        """Fail what was asked of a publisher whose connection is lost: no reply will come."""
        for req_id, pending in list(self._pending.items()):
            if pending.link is link:
                self._fail(req_id, now_ns)

    def _fail(self, req_id: int, now_ns: int) -> None:
        pending = self._pending.pop(req_id)
        self.turn_away(pending.slot, now_ns)
        pending.call.done(None)

    def turn_away(self, slot: str, now_ns: int) -> None:
        """Prefer another publisher from now on, after a short pause."""
        self._preferred += 1
        self._paused_ns[slot] = now_ns + PAUSE_NS


def _last_reply(status: str, frame: bytes, call: Call) -> Reply | None:
    try:
        if status == Status.END:
            return _decode_end(frame)
        return _decode_error(frame) if status == Status.ERROR else call.ok(frame)
    except DecodeError:
        return None
