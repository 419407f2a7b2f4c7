"""Events about clients of another contract are bounded, whatever clients say."""

from __future__ import annotations

import io

from mdhub.runtime.logging import Logger
from mdhub.wire.codec import decode_event
from mdhub.wire.digest import schema_digest
from mdhub.wire.ops import Event, EventKind
from mdhub.wire.requests import HelloRequest
from mdhub_publisher.mismatches import MAX_CHARS, Mismatches
from mdhub_publisher.notices import PER_MINUTE, REMEMBERED, Notices

MINUTE_NS = 60_000_000_000


class Desk:
    """A publisher's mismatches with a clock of its own."""

    def __init__(self) -> None:
        self.now_ns = 1
        self.events: list[Event] = []
        self.notices = Notices(
            EventKind.SCHEMA_MISMATCH,
            logger=Logger("publisher", "A", io.StringIO()),
            wall_ns=lambda: 7,
            monotonic_ns=lambda: self.now_ns,
        )
        self.mismatches = Mismatches("A", notices=self.notices)

    def hello(self, digest: str, client: str = "x", address: str = "10.0.0.7") -> None:
        self.mismatches.greeted(HelloRequest(1, 1, "hello", digest, client), address)
        self.notices.flush(lambda event: self.events.append(decode_event(event)))


def test_a_client_is_told_once_per_digest() -> None:
    """The same program at another address, or with another digest, is another one."""
    desk = Desk()
    for digest, client, address in (
        ("d1", "x", "a"), ("d1", "x", "a"), ("d2", "x", "a"), ("d1", "y", "a"), ("d1", "x", "b"),
    ):  # fmt: skip
        desk.hello(digest, client, address)

    assert [event.subject for event in desk.events] == ["x at a", "x at a", "y at a", "x at b"]


def test_no_digest_and_ours_are_no_news() -> None:
    """Foreign clients need not tell."""
    desk = Desk()
    desk.hello("")
    desk.hello(schema_digest())

    assert (desk.events, desk.notices.seen) == ([], 0)


def test_a_flood_of_digests_is_bounded() -> None:
    """So many events a minute; the rest is counted; memory is bounded too."""
    desk = Desk()
    flood = REMEMBERED + 500
    for i in range(flood):
        desk.hello(f"{i:016x}")

    assert len(desk.events) == PER_MINUTE
    assert (desk.notices.seen, desk.notices.untold) == (flood, flood - PER_MINUTE)
    assert len(desk.notices._known) == REMEMBERED

    desk.now_ns += MINUTE_NS
    desk.hello("later")
    assert desk.events[-1].body["client_digest"] == "later"


def test_words_of_a_client_are_cut() -> None:
    """A name may be as long as a request."""
    desk = Desk()
    desk.hello("d" * 10_000, "n" * 10_000)

    assert len(desk.events[0].body["client_digest"]) == MAX_CHARS
    assert len(desk.events[0].body["client"]) == MAX_CHARS


def test_nothing_piles_up_while_the_log_is_away() -> None:
    """Events that wait are bounded by the minute's limit and by a number."""
    desk = Desk()
    for minute in range(20):
        desk.now_ns = 1 + minute * MINUTE_NS
        for i in range(PER_MINUTE):
            desk.mismatches.greeted(HelloRequest(1, 1, "hello", f"{minute} {i}"), "a")

    assert len(desk.notices._waiting) == 64
    assert desk.notices.untold == 20 * PER_MINUTE - 64
