"""What only a real server can show: numbers of its Lua, several writers, a bad network, a kill."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from threading import Event

import pytest

from mdhub.drill.tools.proxy import Proxy
from mdhub.host.stack import Host, HubPlan
from mdhub.streams import functions
from mdhub.streams.client import CALL_TIMEOUT_S, Link
from mdhub.streams.errors import (
    Fenced,
    NoLeader,
    PositionMoved,
    ServerError,
    ServerStartError,
    UnknownOutcome,
    WrongLibrary,
    WrongShards,
)
from mdhub.streams.ids import clean_id
from mdhub.streams.open import open_log
from mdhub.streams.port import FIRST_ID, CleanBatch, Entry, LeadRequest, Log, Manifest, Positions
from mdhub.streams.redis_log import RedisLog
from mdhub.streams.server import Profile
from mdhub.streams.topology import CLEAN, RAW, Keys
from tests.support.server import TestServer

LIBRARY_SHA256 = "a31d32eac20f75b3d7e323b46c41afc708c2aa8462fc20d80f0443c3f03efea7"


@pytest.fixture
def proxy(server_url: str) -> Iterator[Proxy]:
    """A network to the server that fails on order."""
    with Proxy(Path(server_url.removeprefix("unix://"))) as proxy:
        yield proxy


@pytest.fixture
def arbiter(server_url: str, prefix: str) -> Iterator[Log]:
    """The leader's log, by a connection that does not fail."""
    with closing(open_log(server_url, service="arbiter", prefix=prefix)) as log:
        lead(log)
        yield log


def lead(log: Log) -> int:
    at = log.positions(0)
    return log.take(0, LeadRequest(log.leadership(0).token, at.clean, 5, b"lead")).token


def append(log: Log, first_seq: int, *payloads: bytes, writer: str = "A") -> int:
    return log.raw_append(
        0, writer=writer, session=1, first_seq=first_seq, kinds="t" * len(payloads),
        payloads=payloads,
    )  # fmt: skip


def batch(expected: bytes, raw: bytes, outputs: Sequence[int], token: int = 1) -> CleanBatch:
    clean = [(clean_id(raw, j), b"h", b"t", b"%d" % j) for j in outputs]
    return CleanBatch(token, expected, Positions(raw=raw), clean)


def ticks(log: Log) -> list[bytes]:
    return [fields[1] for _, fields in everything(log) if fields[0] == b"t"]


def everything(log: Log) -> list[Entry]:
    return log.entries(RAW, count=1_000_000)


def test_ids_beyond_53_bits_stay_apart(arbiter: Log) -> None:
    """Lua numbers would take 2^53 and 2^53 + 1 for the same id."""
    raw = b"5-%d" % 2**37

    arbiter.clean_append(0, batch(FIRST_ID, raw, [0, 1, 2]))
    with pytest.raises(PositionMoved):
        arbiter.clean_append(0, batch(raw, raw, [2]))
    arbiter.clean_append(0, batch(raw, raw, [3]))

    ids = [entry_id for entry_id, _ in arbiter.entries(CLEAN)]
    assert ids == [b"5-%d" % (2**53 + j) for j in range(4)]


def test_a_commit_that_nobody_waits_for_is_heard_of_by_the_next_call(arbiter: Log) -> None:
    """Many in a row are written in order; what one is refused, the call after it raises, once."""
    ids = [FIRST_ID, *(b"%d-0" % number for number in range(1, 301))]
    for before, raw in pairwise(ids):
        arbiter.clean_append(0, batch(before, raw, [0]), wait=False)
    assert arbiter.positions(0).raw == ids[-1]
    assert arbiter.length(CLEAN) == 300

    arbiter.clean_append(0, batch(FIRST_ID, b"400-0", [0]), wait=False)
    with pytest.raises(PositionMoved):
        arbiter.clean_append(0, batch(ids[-1], b"401-0", [0]), wait=False)
    assert arbiter.positions(0).raw == ids[-1]
    assert arbiter.length(CLEAN) == 300


def test_a_candidate_never_gets_the_token_of_another(
    server_url: str, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Overtaken right after it took over, a leader holds its own token, and is fenced by it."""
    first = RedisLog(server_url, service="arbiter", keys=Keys(prefix))
    second = open_log(server_url, service="arbiter", prefix=prefix)
    link = first._nodes.of(Keys(prefix).leader(0)).link
    call = link.call

    def overtaken(*args: object) -> object:
        reply = call(*args)
        if functions.TAKE in args:
            lead(second)
        return reply

    monkeypatch.setattr(link, "call", overtaken)
    with closing(first), closing(second):
        token = lead(first)
        with pytest.raises(Fenced):
            first.clean_append(0, batch(FIRST_ID, b"5-1", [0], token))

    assert token == 1


def test_kinds_and_payloads_must_be_as_many(arbiter: Log) -> None:
    """A malformed call is refused before it has written anything."""
    with pytest.raises(ServerError, match="ARITY"):
        arbiter.raw_append(0, writer="A", session=1, first_seq=1, kinds="tt", payloads=[b"a"])

    assert ticks(arbiter) == []


def test_writers_at_the_same_time_each_keep_their_order(
    server_url: str, prefix: str, arbiter: Log
) -> None:
    """Four writers that resend at random end with each number once, in order."""
    per_writer = 500

    def write(writer: str) -> None:
        dice = random.Random(writer)
        with closing(open_log(server_url, service="ingest", prefix=prefix)) as log:
            have = 0
            while have < per_writer:
                first = max(1, have + 1 - dice.randrange(8))
                last = min(per_writer, have + dice.randrange(1, 20))
                payloads = [b"%s %d" % (writer.encode(), n) for n in range(first, last + 1)]
                have = append(log, first, *payloads, writer=writer)

    writers = ["A", "B", "C", "D"]
    with ThreadPoolExecutor(len(writers)) as pool:
        list(pool.map(write, writers))

    written = [tick.decode().split() for tick in ticks(arbiter)]
    for writer in writers:
        own = [int(n) for name, n in written if name == writer]
        assert own == list(range(1, per_writer + 1))


def test_a_lost_reply_leaves_one_entry_after_the_resend(
    proxy: Proxy, prefix: str, arbiter: Log
) -> None:
    """The append happened, nobody could know, and the resend changes nothing."""
    with closing(open_log(proxy.url, service="ingest", prefix=prefix)) as log:
        append(log, 1, b"a")
        proxy.lose_reply(nth=2)
        append(log, 2, b"b")
        with pytest.raises(UnknownOutcome):
            append(log, 3, b"c", b"d")
        with pytest.raises(UnknownOutcome):
            append(log, 3, b"c", b"d")
    assert ticks(arbiter) == [b"a", b"b", b"c", b"d"]

    with closing(open_log(proxy.url, service="ingest", prefix=prefix)) as log:
        newest = append(log, 3, b"c", b"d", b"e")

    assert newest == 5
    assert ticks(arbiter) == [b"a", b"b", b"c", b"d", b"e"]


def test_a_cut_connection_stays_closed(proxy: Proxy, prefix: str, arbiter: Log) -> None:
    """No silent reconnect: the server behind a new connection may be another one."""
    with closing(open_log(proxy.url, service="ingest", prefix=prefix)) as log:
        proxy.cut()
        for _ in range(2):
            with pytest.raises(UnknownOutcome):
                append(log, 1, b"a")

    assert ticks(arbiter) == []


def test_a_late_reply_answers_nobody(proxy: Proxy, prefix: str, arbiter: Log) -> None:
    """After a timeout the connection is gone, so no later call reads an earlier one's answer."""
    with closing(open_log(proxy.url, service="ingest", prefix=prefix)) as log:
        proxy.replies.delay_s = CALL_TIMEOUT_S + 0.3
        with pytest.raises(UnknownOutcome):
            append(log, 1, b"a")
        proxy.replies.delay_s = 0.0
        with pytest.raises(UnknownOutcome):
            log.writer_position(0, "A")

    assert ticks(arbiter) == [b"a"]


def test_a_commit_whose_reply_was_lost_is_not_repeated(
    proxy: Proxy, prefix: str, arbiter: Log
) -> None:
    """The leader that tries again is told that the position is not what it thinks."""
    commit = batch(FIRST_ID, b"5-1", [0, 1])
    with closing(open_log(proxy.url, service="arbiter", prefix=prefix)) as log:
        proxy.lose_reply()
        with pytest.raises(UnknownOutcome):
            log.clean_append(0, commit)

    again = open_log(proxy.url, service="arbiter", prefix=prefix)
    with closing(again), pytest.raises(PositionMoved):
        again.clean_append(0, commit)

    assert [entry_id for entry_id, _ in arbiter.entries(CLEAN)] == [b"5-65536", b"5-65537"]


def test_a_writer_on_a_bad_network_loses_and_doubles_nothing(
    proxy: Proxy, prefix: str, arbiter: Log
) -> None:
    """Losing every few replies, and starting over from the log each time, keeps every tick."""
    dice = random.Random(7)
    wanted = [b"%d" % n for n in range(1, 301)]
    have = failures = 0
    while have < len(wanted):
        proxy.lose_reply(nth=dice.randrange(1, 25))
        try:
            with closing(open_log(proxy.url, service="ingest", prefix=prefix)) as log:
                have = log.writer_position(0, "A").seq
                while have < len(wanted):
                    have = append(log, have + 1, *wanted[have : have + dice.randrange(1, 4)])
        except UnknownOutcome:
            failures += 1

    assert failures > 5
    assert ticks(arbiter) == wanted


def test_a_killed_server_keeps_what_it_acknowledged(prefix: str) -> None:
    """Profile `single`: after SIGKILL every acknowledged tick is there, and a leader is needed."""
    acknowledged = 0
    under_way = Event()

    def write(log: Log) -> None:
        nonlocal acknowledged
        while True:
            acknowledged = append(log, acknowledged + 1, b"%d" % (acknowledged + 1))
            if acknowledged > 50:
                under_way.set()

    with TestServer("single") as server, ThreadPoolExecutor(1) as pool:
        arbiter = open_log(server.url, service="arbiter", prefix=prefix)
        lead(arbiter)
        log = open_log(server.url, service="ingest", prefix=prefix)
        writing = pool.submit(write, log)
        assert under_way.wait(10)
        server.kill_and_restart()
        assert isinstance(writing.exception(10), UnknownOutcome)

        with closing(open_log(server.url, service="ingest", prefix=prefix)) as log:
            kept = [int(tick) for tick in ticks(log)]
            with pytest.raises(NoLeader):
                append(log, len(kept) + 1, b"next")
            with closing(open_log(server.url, service="arbiter", prefix=prefix)) as again:
                lead(again)
            append(log, len(kept) + 1, b"next")
        arbiter.close()

    assert kept == list(range(1, len(kept) + 1))
    assert acknowledged <= len(kept) <= acknowledged + 1


def test_the_library_is_the_one_its_name_stands_for() -> None:
    """Servers keep functions by name, so two texts under one name would be a trap."""
    assert functions.library_digest() == LIBRARY_SHA256, (
        "changed library needs a new version in its name, and in the names of its functions: "
        f"servers in use hold the old text under {functions.LIBRARY}. As long as no release "
        f"has it, put {functions.library_digest()} here instead"
    )


def test_other_code_under_our_name_is_refused(prefix: str) -> None:
    """A server that another build has prepared is left alone."""
    foreign = (
        f"#!lua name={functions.LIBRARY}\nredis.register_function('other', function() return 1 end)"
    )
    with TestServer() as server:
        link = Link(server.url, name="other")
        with closing(link):
            link.call("FUNCTION", "LOAD", foreign)
            with pytest.raises(WrongLibrary, match="FUNCTION DELETE"):
                open_log(server.url, service="ingest", prefix=prefix)
            assert link.call("FCALL", "other", 0) == 1


def test_parts_of_an_unfinished_snapshot_expire(server_url: str, prefix: str, arbiter: Log) -> None:
    """A leader that dies half-way leaves nothing for ever; a committed part stays."""
    manifest = Manifest(b"1-0", 0, "", 1, 0, 0)
    key = Keys(prefix).snapshot_chunk(0, "1-0", "state-0")
    with closing(Link(server_url, name="test")) as link:
        arbiter.save_chunk(0, snapshot=b"1-0", part="state-0", data=b"state")
        before = link.call("PTTL", key)
        arbiter.commit_snapshot(0, token=1, manifest=manifest)
        after = link.call("PTTL", key)

    assert before > 0
    assert after == -1


@pytest.mark.parametrize(("profile", "durable"), [("single", True), ("fast", False)])
def test_a_server_is_asked_whether_it_is_durable(
    profile: Profile,
    durable: bool,  # noqa: FBT001 - a parameter
    prefix: str,
) -> None:
    """Its settings count, not what a service was told; where they are secret, nobody knows."""
    with (
        TestServer(profile) as server,
        closing(open_log(server.url, service="arbiter", prefix=prefix)) as log,
        closing(Link(server.url, name="test")) as link,
    ):
        assert log.durable() is durable
        link.call("ACL", "SETUSER", "default", "-config")
        assert log.durable() is False
        assert log.positions(0).n == 0


def test_a_server_that_cannot_read_its_log_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    """A damaged file: at once, and with what the server itself says of it."""
    monkeypatch.delenv("MDHUB_REDIS_URL", raising=False)
    with tempfile.TemporaryDirectory(prefix="mdhub-test-") as folder:
        damaged = Path(folder) / "appendonlydir" / "appendonly.aof.manifest"
        damaged.parent.mkdir()
        damaged.write_text("this is no manifest\n")
        host = Host(HubPlan(Path(folder)))
        try:
            with pytest.raises(
                ServerStartError, match=r"(?s)ended at once.*server\.log:\n.*manifest"
            ):
                host.start_server()
        finally:
            host.stop()


def test_a_hub_does_not_start_on_a_log_of_other_shards(server_url: str, prefix: str) -> None:
    """The second start says what was found and what to do."""
    for shards in (2, 2):
        Host(HubPlan(Path(), prefix=prefix, shards=shards, url=server_url)).start_server()
    with pytest.raises(WrongShards, match="made for 2 shards, expected 1"):
        Host(HubPlan(Path(), prefix=prefix, url=server_url)).start_server()


def test_a_snapshot_with_a_part_missing_does_not_count(arbiter: Log) -> None:
    """A manifest is refused as long as it names what is not there."""
    with pytest.raises(ServerError, match="INCOMPLETE"):
        arbiter.commit_snapshot(0, token=1, manifest=Manifest(b"1-0", 0, "", 1, 0, 0))

    assert arbiter.manifests(0) == []
