"""Requests, however hostile, end in replies and in nothing else."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from mdhub.streams.errors import UnknownOutcome
from mdhub.wire.codec import encode
from mdhub.wire.requests import ErrorReply, TailsReply
from mdhub_publisher.answers import Answer, Answers
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


def test_a_client_that_is_ahead_is_told_so() -> None:
    """Who knows a newer epoch than is held here gets no entries of the older one for it."""
    shard = shard_with(10)
    shard.epochs = [(1, 0), (2, 4)]  # as read at the connection; clean is not read as far yet
    (reply,) = [
        f for f in answers_of(shard).begin(encode([1, 7, "replay", 0, 2, 4, 9, ["*"]])) if f
    ]
    assert msgspec.msgpack.decode(reply[0], type=ErrorReply).code == "unknown_epoch"


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
        self.heads: list[tuple[int, str]] = []
        """Number and status of each reply."""

    def send(self, identity: bytes, frames: list[bytes]) -> Sent:
        fate = self.fate.get(identity, Sent.OK)
        if fate is Sent.OK:
            self.sent.append(identity)
            _, req_id, status, *_ = msgspec.msgpack.decode(frames[0])
            self.heads.append((req_id, status))
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


REPLAY = ["replay", 0, 1, 0, 9, ["*"]]


def slow_answers(searches: list[int]) -> Answers:
    """Answers whose replays search for long, as those over a slow log do."""

    class Slow(Answers):
        def begin(self, request: bytes, address: str = "") -> Answer:
            searches.append(0)
            for _ in range(10):
                searches[-1] += 1
                yield None
            yield from super().begin(request, address)

    return Slow({0: shard_with(50)}, publisher_id="A", log=lambda: None, wall_ns=lambda: 1)


def test_who_asks_again_gets_the_work_that_was_begun() -> None:
    """However often: a search that outlasts a client's patience is not begun anew."""
    outbox, searches, now = Outbox(), list[int](), [0]
    clients = Clients(slow_answers(searches), send=outbox.send, monotonic_ns=lambda: now[0])
    for req_id in (1, 2, 3, 4):
        clients.request([b"c", encode([1, req_id, *REPLAY])])
        clients.step(0)
    clients.step(10**9)
    assert searches == [10]
    assert outbox.heads == [
        *[(req_id, "error") for req_id in (1, 2, 3)],
        *[(4, "msg")] * 9,
        (4, "end"),
    ]
    assert (clients.asked_again, clients.busy) == (3, 0)


def test_an_answer_that_was_begun_starts_over_when_asked_again() -> None:
    """What came of it may not have been waited for any more; nothing follows its error."""
    outbox = Outbox()
    clients = Clients(ANSWERS, send=outbox.send, monotonic_ns=lambda: 0)
    clients.request([b"c", encode([1, 1, *REPLAY])])
    for _ in range(3):
        clients.step(0)
    outbox.fate = {b"c": Sent.FULL}
    clients.step(0)
    outbox.fate = {}
    clients.request([b"c", encode([1, 2, *REPLAY])])
    clients.step(10**9)
    begun = outbox.heads.index((1, "error"))
    assert outbox.heads[:begun] == [(1, "msg")] * begun
    assert 0 < begun <= 3
    assert outbox.heads[begun + 1 :] == [*[(2, "msg")] * 9, (2, "end")]


def test_other_questions_of_a_client_are_left_alone() -> None:
    """The same request but for one value is another one."""
    outbox = Outbox()
    clients = Clients(ANSWERS, send=outbox.send, monotonic_ns=lambda: 0)
    for req_id, limit in ((1, 9), (2, 8)):
        clients.request([b"c", encode([1, req_id, "replay", 0, 1, 0, limit, ["*"]])])
    clients.step(10**9)
    assert [head for head in outbox.heads if head[1] == "end"] == [(1, "end"), (2, "end")]
    assert not clients.asked_again
