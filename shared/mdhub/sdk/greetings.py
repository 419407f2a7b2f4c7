"""Hello to every publisher: at connect, when one comes back, and once a minute.

So it is known of each, also of one that was replaced, which contract it was made for.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

from mdhub import __version__
from mdhub.sdk.connection import Link
from mdhub.sdk.errors import SchemaError
from mdhub.sdk.events import SchemaMismatch
from mdhub.sdk.requests import Call, Calls, Reply
from mdhub.wire.digest import schema_digest
from mdhub.wire.requests import HelloReply, HelloRequest, RequestName
from mdhub.wire.ticks import SCHEMA_VERSION

__all__ = ["Contracts", "Greetings", "SchemaPolicy", "hello_request"]

SchemaPolicy = Literal["warn", "strict"]
AGAIN_NS: Final = 60_000_000_000
RETRY_NS: Final = 9_000_000_000
"""After a greeting that was not answered: other questions wait while one is under way."""
SLOT: Final = "hello"


def hello_request(req_id: int) -> HelloRequest:
    """Say who asks, and which contract it was made for."""
    program = Path(sys.argv[0]).name if sys.argv else ""
    client = f"{program or 'python'} (mdhub {__version__})"
    return HelloRequest(SCHEMA_VERSION, req_id, RequestName.HELLO, schema_digest(), client)


class _Greeting:
    __slots__ = ("calls", "link", "next_ns")

    def __init__(self, link: Link, ids: Iterator[int]) -> None:
        self.link = link
        self.calls = Calls([link], ids, strangers=True)
        self.next_ns = 0


class Greetings:
    """Asks, and keeps the answers until they are taken: one per publisher at most."""

    def __init__(self, links: list[Link], ids: Iterator[int]) -> None:
        self._greetings = [_Greeting(link, ids) for link in links]
        self._answers: dict[str, HelloReply] = {}
        self.strangers = 0
        """Answers so far of another publisher than was at that address before, or of a new run."""

    def again(self) -> None:
        """Greet everybody anew."""
        for greeting in self._greetings:
            greeting.next_ns = 0

    def back(self, link: Link) -> None:
        """Greet one at once whose connection was lost: another may answer there now."""
        link.greeted = False
        self.abandon(link)
        for greeting in self._greetings:
            if greeting.link is link:
                greeting.next_ns = 0

    def abandon(self, link: Link) -> None:
        """Give up what was asked of a publisher whose connection is lost; nothing to wait after."""
        for greeting in self._greetings:
            if greeting.link is link:
                greeting.calls.abandon(link, 0)

    @property
    def pressing(self) -> bool:
        """Whether somebody is back and was not greeted yet."""
        return any(not greeting.link.greeted for greeting in self._greetings)

    @property
    def under_way(self) -> bool:
        """Whether an answer is waited for."""
        return any(greeting.calls.under_way for greeting in self._greetings)

    def ask(self, now_ns: int, *, unheard: bool = False) -> None:
        """Greet who is due. `unheard`: also those that gave no sign of life yet."""
        for greeting in self._greetings:
            if not unheard and not greeting.link.alive(now_ns):
                greeting.next_ns = 0
            elif now_ns >= greeting.next_ns and greeting.calls.free(SLOT, now_ns=now_ns):
                call = self._call(greeting, now_ns, unheard=unheard)
                greeting.link.greeted |= greeting.calls.start(SLOT, call, now_ns=now_ns)

    def expire(self, now_ns: int) -> None:
        """Give up what got no answer in time."""
        for greeting in self._greetings:
            greeting.calls.expire(now_ns)

    def reply(self, link: Link, frames: list[bytes], *, now_ns: int) -> None:
        """Take in a reply that answers nothing else. Raises DecodeError if it is none."""
        for greeting in self._greetings:
            if greeting.link is link:
                greeting.calls.reply(link, frames, now_ns=now_ns)

    def take(self) -> dict[str, HelloReply]:
        """Answers since the last call, by endpoint."""
        answers, self._answers = self._answers, {}
        return answers

    def _call(self, greeting: _Greeting, now_ns: int, *, unheard: bool) -> Call:
        def done(reply: Reply | None) -> None:
            if isinstance(reply, HelloReply):
                greeting.next_ns = now_ns + AGAIN_NS
                self.strangers += not greeting.link.meets(reply.publisher_id, reply.session)
                self._answers[greeting.link.endpoint.live] = reply
            elif not unheard:
                greeting.next_ns = now_ns + RETRY_NS

        return Call(hello_request, done=done)


class Contracts:
    """Judges what publishers say of their contract. Pure."""

    def __init__(self, policy: SchemaPolicy) -> None:
        self.policy = policy
        self.mismatches: dict[str, SchemaMismatch] = {}
        """By endpoint: how a publisher's contract differs from ours now."""

    def judge(self, endpoint: str, reply: HelloReply) -> SchemaMismatch | None:
        """Return a difference that is news. Raises SchemaError if it is not to be lived with."""
        if (reply.v, reply.digest) == (SCHEMA_VERSION, schema_digest()):
            self.mismatches.pop(endpoint, None)
            return None
        found = SchemaMismatch(
            endpoint=endpoint,
            publisher_id=reply.publisher_id,
            digest=reply.digest,
            v=reply.v,
            release=reply.release,
            own_digest=schema_digest(),
            own_v=SCHEMA_VERSION,
            own_release=__version__,
        )
        known = self.mismatches.get(endpoint) == found
        self.mismatches[endpoint] = found
        if reply.v > SCHEMA_VERSION:
            raise SchemaError(found, "its messages cannot be read: install its release here")
        if self.policy == "strict":
            raise SchemaError(
                found,
                "install the same release on both sides, or connect with schema='warn': within "
                "one v each side passes over fields it does not know",
            )
        return None if known else found
