"""The leader trims as fast as sources write, and tells each overtaking once."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from mdhub.streams.budgets import Budget
from mdhub.streams.ids import id_parts
from mdhub.streams.memory import MemoryServer
from mdhub.streams.open import open_log
from mdhub.streams.port import TRIM_STEP, LeadRequest, Log, Manifest
from mdhub.streams.topology import CLEAN, COMMANDS, EVENTS, LOGS, RAW, REJECTED, Stream
from mdhub.streams.trim import FORGOTTEN_MS
from mdhub.wire.codec import decode_event
from mdhub.wire.ops import Event
from mdhub_arbiter.retention import EVERY_S, Retention

KEEP = Budget(keep_ms=1_000, max_bytes=1 << 40)
TRIMMED = (RAW, CLEAN, REJECTED)
OLD_MS = 1_000_000
LATER_MS = 20_000_000_000_000


@pytest.fixture(autouse=True)
def budgets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each stream is kept for a second."""
    monkeypatch.setattr("mdhub_arbiter.retention.RETENTION", {s.name: KEEP for s in TRIMMED})


@pytest.fixture
def server() -> Iterator[MemoryServer]:
    server = MemoryServer()
    log = server.log("arbiter")
    log.take(0, LeadRequest(0, b"0-0", 5, b"lead"))
    yield server
    assert log.leadership(0).token == 1


def fill(server: MemoryServer, amount: int, *, first_ms: int = OLD_MS) -> None:
    """Clean entries, a hundred each ms."""
    with server.lock:
        for i in range(amount):
            server.add(CLEAN, 0, [b"t", b"x"], b"%d-%d" % (first_ms + i // 100, i % 100))


def trimmer(log: Log) -> Retention:
    retention = Retention(log, shard=0, token=1)
    retention._due_s = 0.0
    return retention


def told(log: Log) -> list[Event]:
    return [decode_event(fields[1]) for _, fields in log.entries(EVENTS)]


def test_nothing_is_trimmed_before_it_is_due(server: MemoryServer) -> None:
    """A new leader has other things to do."""
    fill(server, 200_000)
    log = server.log("arbiter")
    Retention(log, shard=0, token=1).step(time.monotonic())
    assert log.length(CLEAN) == 200_000


def test_trimming_keeps_up_with_the_load(server: MemoryServer) -> None:
    """After a full step the next turn goes on, until all that was planned is gone."""
    fill(server, 200_000)
    log = server.log("arbiter")
    retention = trimmer(log)
    lengths = []
    for turn in range(10):
        retention.step(turn / 10)
        lengths.append(log.length(CLEAN))

    assert lengths[0] == 200_000 - TRIM_STEP
    assert lengths[1] == 200_000 - 2 * TRIM_STEP
    assert lengths[-1] == 100_100
    assert retention._left == {}
    fill(server, 100_000, first_ms=OLD_MS + 2_000)
    retention.step(1.0)
    assert log.length(CLEAN) == 200_100
    retention.step(EVERY_S)
    assert log.length(CLEAN) == 200_100 - TRIM_STEP


def test_raw_is_kept_back_to_the_older_snapshot(server: MemoryServer) -> None:
    """Recovery must be able to start there."""
    log = server.log("arbiter")
    with server.lock:
        for i in range(5_000):
            server.add(RAW, 0, [b"t", b"x"], b"%d-0" % (LATER_MS + i))
    trimmer(log).step(0.0)
    assert log.length(RAW) == 5_001
    for at in (LATER_MS + 100, LATER_MS + 200):
        log.commit_snapshot(0, token=1, manifest=Manifest(b"%d-0" % at, 0, "", 0, 0, 0))
    trimmer(log).step(0.0)
    assert log.length(RAW) == 4_900


def test_an_overtaking_is_told_once(server: MemoryServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The event names the range; the same reader is named again only after it came back."""
    fill(server, 200_000)
    small = Budget(keep_ms=1_000, max_bytes=200_000)
    monkeypatch.setattr("mdhub_arbiter.retention.RETENTION", {s.name: small for s in TRIMMED})
    log = server.log("arbiter")
    log.set_cursor(0, CLEAN, reader="publisher:A", cursor=b"%d-0" % OLD_MS)
    log.set_cursor(0, RAW, reader="recorder", cursor=b"%d-0" % OLD_MS)
    retention = trimmer(log)
    for turn in range(4):
        retention.step(turn * EVERY_S)
        fill(server, 1_000, first_ms=OLD_MS + 3_000 + turn * 1_000)
    (event,) = told(log)

    assert (event.kind, event.subject, event.severity) == ("retention", "publisher:A", "warning")
    assert event.body["stream"] == "clean"
    assert event.body["after"] == f"{OLD_MS}-0"
    assert int(event.body["min_id"].partition("-")[0]) > OLD_MS
    log.set_cursor(0, CLEAN, reader="publisher:A", cursor=b"%d-0" % (OLD_MS + 9_000))
    retention.step(5 * EVERY_S)
    log.set_cursor(0, CLEAN, reader="publisher:A", cursor=b"%d-0" % (OLD_MS + 10))
    fill(server, 1_000, first_ms=OLD_MS + 20_000)
    retention.step(6 * EVERY_S)
    assert len(told(log)) == 2


def test_a_retired_reader_is_told_of_and_forgotten(
    server: MemoryServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It holds back nothing within the byte budget, and no later trim names it again."""
    fill(server, 200_000)
    log = server.log("arbiter")
    log.set_cursor(0, CLEAN, reader="publisher:B", cursor=b"%d-0" % OLD_MS)
    retention = trimmer(log)
    retention.step(0.0)
    assert log.length(CLEAN) == 200_000

    now_ns = time.time_ns() + (FORGOTTEN_MS + 1_000) * 1_000_000
    monkeypatch.setattr(server, "_wall_ns", lambda: now_ns)
    retention.step(EVERY_S)
    retention.step(2 * EVERY_S)

    assert log.length(CLEAN) == 200_000 - 2 * TRIM_STEP
    assert [event.subject for event in told(log)] == ["publisher:B"]
    assert log.cursors(0, CLEAN) == {}


def test_a_real_server_is_trimmed_as_fast(server_url: str, prefix: str) -> None:
    """Three turns of 100 ms drop more than 40,000 entries."""
    log = open_log(server_url, service="arbiter", prefix=prefix)
    writer = open_log(server_url, service="ingest", prefix=prefix)
    try:
        log.take(0, LeadRequest(0, b"0-0", 5, b"lead"))
        for first in range(1, 60_001, 5_000):
            writer.raw_append(
                0, writer="A", session=1, first_seq=first, kinds="t" * 5_000,
                payloads=[b"x"] * 5_000,
            )  # fmt: skip
        newest = log.entries(RAW, count=1, newest_first=True)[0][0]
        retention = Retention(log, shard=0, token=1)
        retention._left[RAW] = newest
        for turn in range(3):
            retention.step(turn / 10)
        assert log.length(RAW) <= 1_000
        retention.step(0.4)
        assert retention._left == {}
    finally:
        log.close()
        writer.close()


def test_room_is_made_before_anybody_is_told(
    server: MemoryServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full server takes no event until something was trimmed."""
    tight = {s.name: Budget(keep_ms=1_000, max_bytes=1) for s in TRIMMED}
    monkeypatch.setattr("mdhub_arbiter.retention.RETENTION", tight)
    fill(server, 100_000)
    log = server.log("arbiter")
    log.set_cursor(0, CLEAN, reader="publisher:B", cursor=b"%d-0" % OLD_MS)
    fill(server, 100_000, first_ms=LATER_MS)
    lengths: list[int] = []
    append = server.add

    def add(stream: Stream, shard: int, fields: list[bytes], entry_id: bytes = b"") -> bytes:
        lengths.append(log.length(CLEAN))
        return append(stream, shard, fields, entry_id)

    server.add = add  # type: ignore[method-assign]
    trimmer(log).make_room()

    assert log.length(CLEAN) < 200_000 - TRIM_STEP
    assert lengths == [log.length(CLEAN)]


def test_events_commands_and_logs_are_dropped_by_age(server: MemoryServer) -> None:
    """However few there are; by the server's clock, and only by the leader of shard 0."""
    log = server.log("arbiter")
    now_ms = id_parts(log.entries(RAW)[-1][0])[0]
    with server.lock:
        for stream in (EVENTS, COMMANDS, LOGS):
            assert stream.keep_ms is not None
            for ms in (1, now_ms - stream.keep_ms - 1, now_ms - stream.keep_ms + 60_000):
                server.add(stream, 0, [b"x", b"x"], b"%d-0" % ms)
    other = Retention(log, shard=1, token=1)
    other._drop_old = lambda: pytest.fail("not its business")  # type: ignore[method-assign]
    other._due_s = other._old_due_s = 0.0
    other.step(0.0)
    retention = trimmer(log)
    retention._old_due_s = 0.0
    retention.step(0.0)
    assert [log.length(stream) for stream in (EVENTS, COMMANDS, LOGS)] == [1, 1, 1]
