"""Whom the SDK greets, and when; how it judges what it is answered."""

from __future__ import annotations

from itertools import count
from typing import cast

import pytest

from mdhub.sdk.connection import Endpoint, Link
from mdhub.sdk.errors import SchemaError
from mdhub.sdk.greetings import AGAIN_NS, RETRY_NS, Contracts, Greetings
from mdhub.wire import schema_digest
from mdhub.wire.codec import decoder, encode
from mdhub.wire.requests import ErrorCode, ErrorReply, HelloReply, HelloRequest

SECOND_NS = 1_000_000_000
WHERE = "tcp://h:5555"


class Peer:
    """A link without sockets, and the publisher behind it."""

    def __init__(self) -> None:
        self.endpoint = Endpoint("h", 5555)
        self.lives = True
        self.greeted = True
        self.met: list[tuple[str, int]] = []
        self.asked: list[HelloRequest] = []
        self.greetings = Greetings([cast("Link", self)], count(1))

    def alive(self, _now_ns: int) -> bool:
        return self.lives

    def prompt(self, _now_ns: int) -> bool:
        return self.lives

    def meets(self, publisher_id: str, session: int) -> bool:
        self.met.append((publisher_id, session))
        return len(set(self.met[-2:])) == 1

    def ask(self, request: bytes) -> bool:
        self.asked.append(decoder(HelloRequest)(request))
        return True

    def turn(self, now_ns: int) -> int:
        """Let time pass; return how often we were greeted so far."""
        self.greetings.expire(now_ns)
        self.greetings.ask(now_ns)
        return len(self.asked)

    def answer(self, reply: object, now_ns: int) -> None:
        self.greetings.reply(cast("Link", self), [encode(reply)], now_ns=now_ns)


def hello(
    req_id: int = 1, *, digest: str = "", v: int = 1, release: str = "9.9.9", session: int = 7
) -> HelloReply:
    return HelloReply(v, req_id, "ok", digest or schema_digest(), "A", [], release, session)


def test_a_greeting_says_who_asks() -> None:
    """With the digest of our own tables and the name of the program."""
    peer = Peer()
    peer.turn(1)

    assert peer.asked[0].digest == schema_digest()
    assert "(mdhub " in peer.asked[0].client


def test_a_publisher_is_greeted_again_in_time_and_when_it_comes_back() -> None:
    """Once a minute, for it may have been replaced unseen; at once after a silence."""
    peer = Peer()
    peer.turn(1)
    peer.answer(hello(), 1)
    assert peer.turn(AGAIN_NS) == 1
    assert peer.turn(AGAIN_NS + 1) == 2
    peer.answer(hello(2), AGAIN_NS + 2)

    peer.lives = False
    assert peer.turn(AGAIN_NS + 3) == 2
    peer.lives = True
    assert peer.turn(AGAIN_NS + 4) == 3


def test_who_is_back_is_greeted_at_once_and_may_be_another() -> None:
    """Also before an earlier greeting has failed; a new run of the same name is a stranger."""
    peer = Peer()
    peer.turn(1)
    peer.answer(hello(), 1)
    for session, strangers in ((7, 0), (8, 1)):
        peer.greetings.back(cast("Link", peer))
        assert peer.greetings.pressing
        asked = peer.turn(2)
        assert not peer.greetings.pressing
        peer.answer(hello(asked, session=session), 3)
        assert peer.greetings.strangers == strangers


@pytest.mark.parametrize("refused", [True, False])
def test_an_unanswered_greeting_is_not_repeated_at_once(refused: bool) -> None:  # noqa: FBT001
    """It takes the place of a question: refused, or without any answer, it waits."""
    peer = Peer()
    peer.turn(1)
    assert peer.greetings.under_way
    if refused:
        peer.answer(ErrorReply.of(1, ErrorCode.BUSY, "busy"), 2)
        assert not peer.greetings.under_way

    assert peer.turn(RETRY_NS - SECOND_NS) == 1
    assert not peer.greetings.under_way
    assert peer.turn(RETRY_NS) == 1
    assert peer.turn(RETRY_NS + 1) == 2


def test_an_answer_is_taken_once() -> None:
    """By the address of the publisher that gave it."""
    peer = Peer()
    peer.turn(1)
    peer.answer(hello(), 2)

    assert peer.greetings.take() == {WHERE: hello()}
    assert peer.greetings.take() == {}


def test_a_difference_is_news_once_until_it_changes() -> None:
    """A publisher that was updated, or put back, is judged anew."""
    contracts = Contracts("warn")
    digests = ["d1", "d1", "d2", schema_digest(), "d2"]

    news = [contracts.judge(WHERE, hello(digest=digest)) for digest in digests]

    assert [each and each.digest for each in news] == ["d1", None, "d2", None, "d2"]
    assert [each.digest for each in contracts.mismatches.values()] == ["d2"]


def test_strict_takes_no_other_contract() -> None:
    """Nor does anybody take a version that is newer than what we know."""
    with pytest.raises(SchemaError, match="install the same release"):
        Contracts("strict").judge(WHERE, hello(digest="d1"))
    with pytest.raises(SchemaError, match="cannot be read"):
        Contracts("warn").judge(WHERE, hello(v=2))
    assert Contracts("strict").judge(WHERE, hello()) is None
