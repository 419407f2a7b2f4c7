"""Publisher and SDK together, over real sockets and the in-memory log."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator

import msgspec
import pytest
import zmq

import mdhub
from mdhub.sdk.events import EpochChange, Stall
from mdhub.sdk.hub import Hub
from mdhub.streams.memory import MemoryServer
from mdhub.wire.requests import EndReply, ErrorCode, ErrorReply, HelloReply
from mdhub_publisher.app import main
from tests.integration.clean_writer import CleanWriter
from tests.integration.running import RawClient, RunningPublisher, Strategy, free_port, until

RB, CU, IF = "rb2610.SHFE", "cu2610.SHFE", "IF2609.CFFEX"


@pytest.fixture
def writer() -> CleanWriter:
    writer = CleanWriter(MemoryServer())
    writer.lead()
    writer.tick(RB, CU, IF)
    return writer


@pytest.fixture
def publisher(writer: CleanWriter) -> Iterator[RunningPublisher]:
    with RunningPublisher(writer.server, free_port()) as publisher:
        yield publisher


def follow(
    *publishers: RunningPublisher, patterns: tuple[str, ...] = ("*",), start: str = "live"
) -> Strategy:
    strategy = Strategy(mdhub.connect(*(p.endpoint for p in publishers)), *patterns, start=start)
    until(lambda: strategy.joined)
    return strategy


def ticks_of(writer: CleanWriter, *, after_n: int, names: tuple[str, ...] = ()) -> list[int]:
    return [n for name, n in writer.truth if n > after_n and (not names or name in names)]


def test_live_ticks_arrive_once_and_in_order(
    writer: CleanWriter, publisher: RunningPublisher
) -> None:
    """A client of everything gets every tick after its join."""
    with follow(publisher) as strategy:
        joined_n = writer.n
        for _ in range(100):
            writer.tick(RB, CU)
        strategy.wait(writer.n)
        assert strategy.numbers == ticks_of(writer, after_n=joined_n)
        assert not strategy.gaps


def test_a_filtered_client_gets_its_instruments_only(
    writer: CleanWriter, publisher: RunningPublisher
) -> None:
    """`cu2610` does not match its options, though it is a prefix of their names."""
    with follow(publisher, patterns=(CU, "I?2609.CFFEX")) as strategy:
        joined_n = writer.n
        for _ in range(50):
            writer.tick("cu2610C70000.SHFE", RB, IF, CU)
        strategy.wait(writer.n)
        assert strategy.numbers == ticks_of(writer, after_n=joined_n, names=(CU, IF))
        assert not strategy.gaps


@pytest.mark.parametrize("patterns", [("*",), (RB, "cu*.SHFE")])
def test_a_snapshot_joins_live_without_hole_or_repeat(
    writer: CleanWriter, publisher: RunningPublisher, patterns: tuple[str, ...]
) -> None:
    """The last values come first, marked; then each tick after them, while the market runs."""
    stop = threading.Event()

    def run() -> None:
        while not stop.is_set():
            writer.tick(RB, CU)
            stop.wait(0.001)

    market = threading.Thread(target=run)
    market.start()
    try:
        with follow(publisher, patterns=patterns, start="snapshot") as strategy:
            until(lambda: len(strategy.numbers) > 200)
            stop.set()
            market.join()
            strategy.wait(writer.n)
            last = {d.tick.vt_symbol: d.n for d in strategy.got if d.snapshot}
            names = {RB, CU, IF} if patterns == ("*",) else {RB, CU}
            assert set(last) == names
            for name in (RB, CU):
                numbers = [d.n for d in strategy.got if d.tick.vt_symbol == name]
                assert numbers == [last[name], *ticks_of(writer, after_n=last[name], names=(name,))]
    finally:
        stop.set()
        market.join()


@pytest.mark.parametrize("patterns", [("*",), (RB, CU)])
@pytest.mark.parametrize("ring", [10_000, 5])
def test_lost_frames_are_replayed(
    writer: CleanWriter, patterns: tuple[str, ...], ring: int
) -> None:
    """What the live socket lost comes from memory, or from the stream if memory is too short."""
    with RunningPublisher(writer.server, free_port(), ring=ring) as publisher:
        strategy = follow(publisher, patterns=patterns)
        with strategy:
            joined_n = writer.n
            publisher.lose = set(range(joined_n + 11, joined_n + 71, 2))
            for _ in range(40):
                writer.tick(RB, CU, IF)
            writer.tick(RB)
            strategy.wait(writer.n)
            names = (RB, CU, IF) if patterns == ("*",) else (RB, CU)
            until(lambda: len(strategy.got) == len(ticks_of(writer, after_n=joined_n, names=names)))
            for name in names:
                mine = [d.n for d in strategy.got if d.tick.vt_symbol == name]
                assert mine == ticks_of(writer, after_n=joined_n, names=(name,))
            assert strategy.gaps
            assert all(recovered for *_, recovered in strategy.gaps)
            assert strategy.hub.statistics.replayed
            assert not strategy.hub.statistics.unrecovered


@pytest.mark.parametrize("patterns", [("*",), (RB,)])
def test_a_lost_last_message_shows(
    writer: CleanWriter, publisher: RunningPublisher, patterns: tuple[str, ...]
) -> None:
    """Without any later message, the heartbeat or the tails tell that one is missing."""
    with follow(publisher, patterns=patterns) as strategy:
        publisher.lose = {writer.n + 1}
        writer.tick(RB)
        strategy.wait(writer.n)
        assert strategy.got[-1].replayed
        assert [gap[2:] for gap in strategy.gaps] == [("unknown", True)]


def test_what_the_log_has_no_more_is_reported_with_its_range(
    writer: CleanWriter, publisher: RunningPublisher
) -> None:
    """A hole that cannot be filled is said, and what is behind it is delivered."""
    with follow(publisher) as strategy:
        writer.tick(RB)
        strategy.wait(writer.n)
        lost = writer.n + 1
        publisher.lose = {lost}
        held = publisher.fanout.shards[0].ring.get
        publisher.fanout.shards[0].ring.get = (  # type: ignore[method-assign]
            lambda n: None if n == lost else held(n)
        )
        writer.tick(RB, CU)
        strategy.wait(writer.n)
        (start, end, cause, recovered) = strategy.gaps[0]
        assert (start.n, end.n, cause, recovered) == (lost, lost, "unknown", False)  # type: ignore[attr-defined]
        assert strategy.hub.statistics.unrecovered == 1


def test_long_replays_continue(writer: CleanWriter, publisher: RunningPublisher) -> None:
    """A hole larger than one answer may be is filled by several."""
    with follow(publisher, patterns=("*",)) as strategy:
        joined_n = writer.n
        publisher.lose = set(range(joined_n + 1, joined_n + 12_001))
        for _ in range(12):
            writer.tick(*[RB] * 1_000)
        strategy.wait(writer.n)
        assert strategy.numbers == ticks_of(writer, after_n=joined_n)


@pytest.mark.parametrize("patterns", [("*",), (RB, CU)])
def test_a_restarted_publisher_resumes_without_loss(
    writer: CleanWriter, patterns: tuple[str, ...]
) -> None:
    """What was written while it was away is replayed, from a snapshot and the stream."""
    port = free_port()
    first = RunningPublisher(writer.server, port)
    strategy = follow(first, patterns=patterns)
    try:
        joined_n = writer.n
        writer.tick(RB, CU)
        strategy.wait(writer.n)
        first.stop()
        writer.tick(RB, CU)
        writer.snapshot()
        writer.tick(CU, RB)
        with RunningPublisher(writer.server, port) as second:
            strategy.wait(writer.n)
            writer.tick(RB, CU)
            strategy.wait(writer.n)
            assert second.fanout.shards[0].ring.first_n == joined_n + 5
            for name in (RB, CU):
                mine = [d.n for d in strategy.got if d.tick.vt_symbol == name]
                assert mine == ticks_of(writer, after_n=joined_n, names=(name,))
            strategy.end()
    finally:
        strategy.hub.close()


def test_one_of_two_publishers_may_die(writer: CleanWriter) -> None:
    """A client of both gets each tick once, before and after."""
    with RunningPublisher(writer.server, free_port(), name="B") as second:
        first = RunningPublisher(writer.server, free_port())
        with follow(first, second) as strategy:
            joined_n = writer.n
            for i in range(200):
                writer.tick(RB, CU)
                if i == 100:
                    first.stop()
            strategy.wait(writer.n)
            assert strategy.numbers == ticks_of(writer, after_n=joined_n)
            assert not strategy.hub.statistics.unrecovered


def test_twelve_hundred_filters_survive_a_restart(writer: CleanWriter) -> None:
    """Every filter is in force again, and what came in between is replayed."""
    names = tuple(f"c{i}.DCE" for i in range(1_200))
    port = free_port()
    first = RunningPublisher(writer.server, port)
    strategy = follow(first, patterns=names)
    try:
        writer.tick(*names)
        until(lambda: len(strategy.got) == 1_200)
        first.stop()
        writer.tick(*names)
        with RunningPublisher(writer.server, port):
            until(lambda: len(strategy.got) == 2_400)
            writer.tick(*names)
            until(lambda: len(strategy.got) == 3_600)
            per_name = {name: [] for name in names}  # type: dict[str, list[int]]
            for delivery in strategy.got:
                per_name[delivery.tick.vt_symbol].append(delivery.k)
            assert all(ks == [1, 2, 3] for ks in per_name.values())
            strategy.end()
    finally:
        strategy.hub.close()


@pytest.mark.parametrize("patterns", [("*",), (RB,)])
def test_a_log_cut_back_opens_an_epoch(
    writer: CleanWriter, publisher: RunningPublisher, patterns: tuple[str, ...]
) -> None:
    """The publisher holds until the new leader spoke; the client is told what is withdrawn."""
    with follow(publisher, patterns=patterns) as strategy:
        changes: list[EpochChange] = []
        strategy.hub.on_epoch = changes.append
        for _ in range(5):
            writer.tick(RB)
        strategy.wait(writer.n)
        withdrawn_to_n, resume_n = writer.n, writer.n - 2
        writer.forget_after(resume_n)
        writer.server.restart()
        until(lambda: publisher.fanout.source.reconnects == 2)
        writer.lead(resume_after_n=resume_n)
        writer.tick(RB)
        until(lambda: strategy.got[-1].epoch == writer.epoch)
        assert strategy.numbers[-3:] == [withdrawn_to_n - 1, withdrawn_to_n, writer.n]
        assert changes == [EpochChange(0, 1, 2, resume_n, withdrawn_to_n)]
        assert not strategy.hub.statistics.unrecovered


def test_a_server_restart_without_loss_is_not_noticed(
    writer: CleanWriter, publisher: RunningPublisher
) -> None:
    """The same epoch goes on after the leader has spoken."""
    with follow(publisher) as strategy:
        joined_n = writer.n
        writer.tick(RB)
        writer.server.restart()
        writer.lead(new_epoch=False)
        writer.tick(RB)
        strategy.wait(writer.n)
        assert strategy.numbers == ticks_of(writer, after_n=joined_n)
        assert not strategy.hub.statistics.unrecovered


def test_a_hub_that_stands_still_is_reported_once(
    writer: CleanWriter, publisher: RunningPublisher
) -> None:
    """A dead arbiter does not look like a quiet market."""
    with follow(publisher) as strategy:
        stalls: list[Stall] = []
        strategy.hub.on_stall = stalls.append
        until(lambda: stalls)
        writer.beat()
        until(lambda: len(stalls) == 2)
        assert [(s.stalled, s.cause) for s in stalls] == [(True, "log"), (False, "")]


def test_quality_and_other_markers_keep_the_sequence(
    writer: CleanWriter, publisher: RunningPublisher
) -> None:
    """Markers count in n and k: no client takes them for a hole, known kind or not."""
    with follow(publisher) as every, follow(publisher, patterns=(RB,)) as filtered:
        told: list[tuple[str, str, str]] = []
        filtered.hub.on_quality = lambda *quality: told.append(quality)
        writer.quality(RB, "suspect")
        writer.other("end_of_session")
        writer.other("a kind of next year")
        writer.tick(RB)
        every.wait(writer.n)
        filtered.wait(writer.n)
        assert told == [(RB, "suspect", "test")]
        assert not every.gaps
        assert not filtered.gaps
        assert every.hub.statistics.received


def test_bad_requests_get_an_error_and_hurt_nobody(
    writer: CleanWriter, publisher: RunningPublisher
) -> None:
    """Malformed, unknown, oversized: one typed reply each, while others are served."""
    with follow(publisher) as strategy, RawClient(publisher.endpoint) as client:
        joined_n = writer.n
        for request, code in (
            (b"\xc1junk", ErrorCode.MALFORMED),
            ([1, 7, "replay"], ErrorCode.MALFORMED),
            ([1, 7, "snapshot", 0, ["x" * 65]], ErrorCode.MALFORMED),
            ([1, 7, "snapshot", 0, ["x"] * 1_001], ErrorCode.MALFORMED),
            ([1, 7, "replay", 0, 1, 0, 0, ["*"]], ErrorCode.MALFORMED),
            ([1, 7, "find", 0, "yesterday"], ErrorCode.MALFORMED),
            ([1, 7, "bars", 0, "1m"], ErrorCode.UNKNOWN_REQUEST),
            ([1, 7, "snapshot", 9, ["*"]], ErrorCode.UNKNOWN_SHARD),
            ([1, 7, "replay", 0, 99, 0, 10, ["*"]], ErrorCode.UNKNOWN_EPOCH),
        ):
            client.send(request)
            reply = msgspec.msgpack.decode(client.receive()[0], type=ErrorReply)
            assert (reply.code, reply.status) == (code, "error"), reply
        client.socket.send_multipart([b"two", b"frames"])
        assert msgspec.msgpack.decode(client.receive()[0], type=ErrorReply).code == "malformed"
        writer.tick(RB)
        strategy.wait(writer.n)
        assert strategy.numbers == ticks_of(writer, after_n=joined_n)


def test_a_third_answer_at_a_time_is_refused(
    writer: CleanWriter, publisher: RunningPublisher
) -> None:
    """Two answers are under way at most; the refusal says busy."""
    writer.tick(*[RB] * 3_000)
    until(lambda: publisher.fanout.shards[0].n == writer.n)
    with RawClient(publisher.endpoint) as client:
        for req_id in (1, 2, 3, 4, 5, 6):
            client.send([1, req_id, "replay", 0, 1, req_id, 5_000, ["*"]])
        ends = 0
        refused: list[str] = []
        while ends + len(refused) < 6:
            frames = client.receive()
            if len(frames) == 1:
                status = msgspec.msgpack.decode(frames[0])[2]
                ends += status == "end"
                if status == "error":
                    refused.append(msgspec.msgpack.decode(frames[0], type=ErrorReply).code)
        assert ends >= 2
        assert set(refused) == {"busy"}


def test_replay_says_where_it_stopped(writer: CleanWriter, publisher: RunningPublisher) -> None:
    """`more` and `scanned_to_n` let a client without our SDK go on."""
    writer.tick(*[RB] * 10)
    until(lambda: publisher.fanout.shards[0].n == writer.n)
    with RawClient(publisher.endpoint) as client:
        client.send([1, 1, "replay", 0, 1, 4, 3, ["*"]])
        *messages, last = client.replies()
        end = msgspec.msgpack.decode(last[0], type=EndReply)
        assert len(messages) == 3
        assert (end.scanned_to_n, end.more, end.first_available_n, end.epoch) == (7, True, 1, 1)
        client.send([1, 2, "replay", 0, 1, 7, 5_000, ["*"]])
        *messages, last = client.replies()
        assert len(messages) == writer.n - 7
        assert not msgspec.msgpack.decode(last[0], type=EndReply).more
        client.send([1, 3, "hello"])
        hello = msgspec.msgpack.decode(client.receive()[0], type=HelloReply)
        assert hello.shards[0].epochs == [(1, 0)]


def test_nobody_there_is_said_with_advice() -> None:
    """The error names what was tried and what to check."""
    port = free_port()
    with pytest.raises(mdhub.HubUnreachable, match=rf"127\.0\.0\.1:{port}.*Check that"):
        mdhub.connect(f"tcp://127.0.0.1:{port}", timeout_s=0.2)


def test_a_foreign_router_is_nobody() -> None:
    """What answers in another language is counted, and is no publisher."""
    port = free_port()
    ended = threading.Event()

    def babble(router: zmq.Socket[bytes]) -> None:
        while not ended.is_set():
            if router.poll(20):
                router.send_multipart([router.recv_multipart()[0], b"\xc1 who are you?"])

    with zmq.Context() as context, context.socket(zmq.ROUTER) as router:
        router.bind(f"tcp://127.0.0.1:{port + 1}")
        thread = threading.Thread(target=babble, args=(router,))
        thread.start()
        try:
            with Hub((f"tcp://127.0.0.1:{port}",), timeout_s=0.5, repair_timeout_s=1) as hub:
                with pytest.raises(mdhub.HubUnreachable):
                    hub.hello()
                assert hub.statistics.malformed
        finally:
            ended.set()
            thread.join()


@pytest.mark.parametrize("endpoint", ["5555", "tcp://host", "http://host:1", "tcp://h:99999"])
def test_an_endpoint_that_is_none_is_refused(endpoint: str) -> None:
    """A wrong address is an error at once, not a timeout."""
    with pytest.raises(mdhub.EndpointError, match="expected"):
        mdhub.connect(endpoint)


def test_a_bad_pattern_is_refused(publisher: RunningPublisher) -> None:
    """A pattern without exchange names nothing."""
    with mdhub.connect(publisher.endpoint) as hub, pytest.raises(mdhub.PatternError):
        hub.ticks("rb2610")


def test_an_iteration_ends_when_it_is_left_and_another_may_begin(
    writer: CleanWriter, publisher: RunningPublisher
) -> None:
    """Breaking out, idling and closing all end cleanly."""
    with mdhub.connect(publisher.endpoint) as hub:
        first = next(iter(hub.ticks("*", start="snapshot")))
        assert isinstance(first, mdhub.Tick)
        assert [t.symbol for t in hub.ticks(IF, start="snapshot", idle_s=0.1)] == ["IF2609"]
        older = hub.ticks("*")
        newer = hub.ticks("*", start="snapshot")
        with pytest.raises(mdhub.ReplacedError):
            next(older)
        next(newer)
    with pytest.raises(mdhub.HubClosed):
        list(newer)


def test_a_taken_port_is_named_with_its_holder(
    publisher: RunningPublisher, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error says which port, who holds it and how to choose another."""
    monkeypatch.setenv("MDHUB_REDIS_URL", "redis://127.0.0.1:1")
    monkeypatch.setattr("mdhub_publisher.app.begin", threading.Event)
    port = publisher.endpoint.rpartition(":")[2]
    assert main(["--port", port]) == 1
    told = capsys.readouterr().err
    assert f"127.0.0.1:{port}" in told
    assert "--port" in told
    assert "pid" in told


def test_importing_mdhub_is_light() -> None:
    """`import mdhub` loads no redis, no zmq, no typer and no rich."""
    code = (
        "import sys, mdhub; mdhub.__version__; "
        "print(sorted({'redis', 'zmq', 'typer', 'rich', 'msgspec'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=10
    )
    assert done.stdout.strip() == "[]"
