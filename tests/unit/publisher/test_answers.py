"""Requests, however hostile, end in replies and in nothing else."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from mdhub.streams.errors import UnknownOutcome
from mdhub.wire.codec import encode
from mdhub.wire.requests import ErrorReply, TailsReply
from mdhub_publisher.answers import Answers
from mdhub_publisher.clients import Clients, Sent
from mdhub_publisher.shard import Phase, Shard
from tests.unit.publisher.entries import tick_entry


def shard_with(count: int) -> Shard:
    """Build a live shard that holds `count` ticks."""
    shard = Shard(0)
    for n in range(1, count + 1):
        shard.accept(tick_entry(n, symbol=f"rb{n % 5}", k=(n - 1) // 5 + 1))
    shard.phase = Phase.LOADING
    shard.batch_done(0)
    return shard


def answers_of(shard: Shard) -> Answers:
    return Answers({0: shard}, publisher_id="A", log=lambda: None, wall_ns=lambda: 1)


ANSWERS = answers_of(shard_with(50))

words = st.sampled_from(["hello", "snapshot", "tails", "find", "replay"]) | st.text(max_size=5)
scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | words
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4), max_leaves=8)
patterns = st.lists(st.text(alphabet="ab*?[]!-.\\0\ud7ff", max_size=70) | st.text(), max_size=5)


def check(request: bytes) -> None:
    replies = [frames for frames in ANSWERS.begin(request) if frames is not None]
    assert replies
    last = msgspec.msgpack.decode(replies[-1][0])
    assert last[2] in ("ok", "end", "error")
    assert all(msgspec.msgpack.decode(frames[0])[2] == "msg" for frames in replies[:-1])


@settings(deadline=None)
@given(request=st.binary(max_size=60))
def test_any_bytes_get_one_answer(request: bytes) -> None:
    """Junk is refused, never raised."""
    check(request)


@settings(deadline=None, max_examples=300)
@given(fields=st.lists(values, max_size=9))
def test_any_array_gets_one_answer(fields: list[object]) -> None:
    """Wrong types, wrong lengths, numbers out of range."""
    check(encode(fields))


@settings(deadline=None, max_examples=300)
@given(
    name=words,
    numbers=st.lists(st.integers(-(2**40), 2**63), max_size=4),
    patterns=patterns,
)
def test_any_pattern_gets_one_answer(name: str, numbers: list[int], patterns: list[str]) -> None:
    """Patterns with every special character, in otherwise sound requests."""
    check(encode([1, 7, name, 0, *numbers, patterns]))
    check(encode([1, 7, name, 0, 1, *numbers[:2], patterns]))


def test_tails_tell_what_changed() -> None:
    """Only instruments that changed after since_n, each with its newest k."""
    (reply,) = [f for f in ANSWERS.begin(encode([1, 7, "tails", 0, 1, 48, ["rb*.SHFE"]])) if f]
    tails = msgspec.msgpack.decode(reply[0], type=TailsReply)
    assert tails.now_n == 50
    assert sorted(tails.tails) == [("rb0.SHFE", 10, ""), ("rb4.SHFE", 10, "")]


def test_what_is_older_than_memory_needs_the_log() -> None:
    """Without a server it is refused as unavailable, not answered with a hole."""
    shard = shard_with(10)
    shard.ring._drop_oldest()
    (reply,) = [
        f for f in answers_of(shard).begin(encode([1, 7, "replay", 0, 1, 0, 9, ["*"]])) if f
    ]
    error = msgspec.msgpack.decode(reply[0], type=ErrorReply)
    assert error.code == "unavailable"


def test_a_lost_server_is_a_reply_too() -> None:
    """A fault of the log in the middle of an answer reaches the client as unavailable."""

    def broken() -> None:
        raise UnknownOutcome("gone")

    answers = Answers({0: shard_with(1)}, publisher_id="A", log=broken, wall_ns=lambda: 1)
    (reply,) = [f for f in answers.begin(encode([1, 7, "hello"])) if f]
    assert msgspec.msgpack.decode(reply[0], type=ErrorReply).code == "unavailable"


class Outbox:
    """A socket that takes what it is told to."""

    def __init__(self) -> None:
        self.fate: dict[bytes, Sent] = {}
        self.sent: list[bytes] = []

    def send(self, identity: bytes, _frames: list[bytes]) -> Sent:
        fate = self.fate.get(identity, Sent.OK)
        if fate is Sent.OK:
            self.sent.append(identity)
        return fate


def test_a_stuck_client_is_dropped_and_delays_nobody() -> None:
    """Its answers end after five seconds without progress; others are served meanwhile."""
    outbox, now = Outbox(), [0]
    clients = Clients(ANSWERS, send=outbox.send, monotonic_ns=lambda: now[0])
    outbox.fate = {b"slow": Sent.FULL, b"gone": Sent.GONE}
    for identity in (b"slow", b"gone", b"good"):
        clients.request([identity, encode([1, 7, "snapshot", 0, ["*"]])])
    clients.step(10**9)
    assert outbox.sent == [b"good"] * 6
    assert clients.blocked
    assert clients.dropped == 1
    now[0] += 6_000_000_000
    clients.step(10**9)
    assert clients.dropped == 2
    assert not clients
