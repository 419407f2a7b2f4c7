"""A publisher that waits for replicas, and its clients: they never see what may still vanish."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

import mdhub
from mdhub.sdk.events import EpochChange, Stall
from mdhub.streams.memory import MemoryServer
from mdhub.wire.codec import encode
from mdhub.wire.requests import (
    EndReply,
    HelloReply,
    HelloRequest,
    ReplayRequest,
    RequestName,
    SnapshotRequest,
    TailsReply,
    TailsRequest,
)
from mdhub_publisher.shard import Phase
from tests.integration.clean_writer import CleanWriter
from tests.integration.running import RawClient, RunningPublisher, Strategy, free_port, until

pytestmark = pytest.mark.timeout(60)
RB, CU = "rb2610.SHFE", "cu2610.SHFE"


@pytest.fixture
def writer() -> CleanWriter:
    writer = CleanWriter(MemoryServer())
    writer.server.replicas = 1
    writer.lead()
    writer.tick(RB)
    return writer


@pytest.fixture
def publisher(writer: CleanWriter) -> Iterator[RunningPublisher]:
    with RunningPublisher(writer.server, free_port(), confirmed=True) as publisher:
        until(lambda: publisher.fanout.shards[0].phase is Phase.LIVE)
        yield publisher


def ask(client: RawClient, request: object) -> list[list[bytes]]:
    client.send(encode(request))
    return list(client.replies())


def shown(client: RawClient, epoch: int) -> set[int]:
    """Every newest n that any kind of answer shows."""
    hello = msgspec.msgpack.decode(ask(client, HelloRequest(1, 1))[0][0], type=HelloReply)
    snapshot = ask(client, SnapshotRequest(1, 2, RequestName.SNAPSHOT, 0, ["*"]))
    tails = ask(client, TailsRequest(1, 3, RequestName.TAILS, 0, epoch, 0, ["*"]))
    replay = ask(client, ReplayRequest(1, 4, RequestName.REPLAY, 0, epoch, 0, 5_000, ["*"]))
    ends = [msgspec.msgpack.decode(each[-1][0], type=EndReply) for each in (snapshot, replay)]
    told = msgspec.msgpack.decode(tails[0][0], type=TailsReply)
    assert len(replay) - 1 == ends[1].scanned_to_n
    return {hello.shards[0].tail_n, told.now_n, *(end.scanned_to_n for end in ends)}


def test_what_no_replica_has_is_in_no_answer_and_in_no_message(
    writer: CleanWriter, publisher: RunningPublisher
) -> None:
    """With the replica it all comes, once and in order; meanwhile clients know that it waits."""
    stalls: list[Stall] = []
    hub = mdhub.connect(publisher.endpoint)
    hub.on_stall = stalls.append
    with Strategy(hub) as strategy, RawClient(publisher.endpoint) as client:
        until(lambda: strategy.joined)
        writer.tick(RB)
        strategy.wait(writer.n)
        confirmed_n = writer.n

        writer.server.replicas = 0
        for _ in range(20):
            writer.tick(RB, CU)
        until(lambda: publisher.fanout.counters()["held"] == 40)
        assert shown(client, writer.epoch) == {confirmed_n}
        until(lambda: stalls)
        assert strategy.got[-1].n == confirmed_n
        assert publisher.fanout.counters()["unconfirmed"] > 0

        writer.server.replicas = 1
        strategy.wait(writer.n)
        assert shown(client, writer.epoch) == {writer.n}
        assert strategy.numbers == [n for _, n in writer.truth if n >= confirmed_n]
        assert not strategy.gaps


def test_a_failover_takes_nothing_back_from_clients(
    writer: CleanWriter, publisher: RunningPublisher
) -> None:
    """The n of what vanished comes back with other content; nobody has seen the first one."""
    epochs: list[EpochChange] = []
    hub = mdhub.connect(publisher.endpoint)
    hub.on_epoch = epochs.append
    with Strategy(hub) as strategy:
        until(lambda: strategy.joined)
        writer.tick(RB)
        strategy.wait(writer.n)
        before_n = writer.n
        writer.server.replicas = 0
        for _ in range(10):
            writer.tick(CU)
        until(lambda: publisher.fanout.counters()["held"] == 10)

        writer.forget_after(before_n)
        writer.server.restart()
        writer.lead()
        writer.server.replicas = 1
        for _ in range(20):
            writer.tick(RB)
        strategy.wait(writer.n)
        got = [(d.n, d.tick.vt_symbol) for d in strategy.got if d.n > before_n]
        assert all(recovered for *_, recovered in strategy.gaps)

    assert got == [(n, RB) for n in range(before_n + 2, before_n + 22)]
    assert [(each.resume_after_n, each.withdrawn_to_n) for each in epochs] == [(before_n, None)]


def test_a_new_publisher_shows_nothing_before_a_replica_has_it(writer: CleanWriter) -> None:
    """Not even where the log is: after a failover it may never have been there."""
    writer.server.replicas = 0
    with RunningPublisher(writer.server, free_port(), confirmed=True) as publisher:
        shard = publisher.fanout.shards[0]
        until(lambda: publisher.fanout.counters()["unconfirmed"] > 3)
        assert (shard.phase, shard.n, shard.positions.log_ns) == (Phase.HOLDING, 0, 0)

        writer.forget_after(1)
        writer.server.restart()
        writer.lead()
        writer.tick(CU)
        writer.server.replicas = 1
        with Strategy(mdhub.connect(publisher.endpoint)) as strategy:
            until(lambda: strategy.joined)
            writer.tick(CU)
            strategy.wait(writer.n)
        assert shard.n == writer.n
