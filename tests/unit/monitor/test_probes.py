"""Probes read the log as it is, broken entries too."""

from __future__ import annotations

from typing import cast

from mdhub.runtime.heartbeat import beat_payload
from mdhub.streams.memory import MemoryServer
from mdhub.streams.port import FIRST_ID, LeadRequest, Log
from mdhub.streams.topology import RAW
from mdhub.wire.codec import encode
from mdhub_monitor.probes import read_beats, read_latencies, read_outside
from mdhub_monitor.rules.readers import reader_problems
from mdhub_monitor.rules.server import ServerFact


def test_unreadable_heartbeats_are_left_out() -> None:
    """Poison in the table of heartbeats does not blind the monitor."""
    log = MemoryServer().log("monitor")
    log.beat("good", beat_payload("ingest", "good", "running", {"taken": 3}))
    for i, payload in enumerate([b"", b"\xc1", encode([1]), encode([1, 2, "X", "a", 3, "s", {}])]):
        log.beat(f"bad {i}", payload.replace(b"X", b"\xff"))
    beats = read_beats(log)

    assert list(beats) == ["good"]
    assert (beats["good"].service, beats["good"].counters) == ("ingest", {"taken": 3})


def test_a_reader_is_behind_by_what_it_has_not_read_not_by_the_break_before() -> None:
    """Its place is a second old when the market opens; and 0-0 while nothing was there."""
    now_ms = 1_000
    server = MemoryServer(lambda: now_ms * 1_000_000)
    log = server.log("arbiter")
    token = log.take(0, LeadRequest(0, FIRST_ID, 1, b"lead")).token

    def comes(seq: int) -> None:
        log.raw_append(
            0, writer="arbiter", session=token, first_seq=seq, kinds="c", payloads=[b"x"]
        )

    def newest() -> bytes:
        return log.entries(RAW)[-1][0]

    def found() -> list[str]:
        outside = read_outside(log, shards=1, server=ServerFact(), contracts=0)
        return [problem.key for problem in reader_problems(outside.readers)]

    log.set_cursor(0, RAW, reader="new", cursor=FIRST_ID)
    now_ms += 7_200_000
    comes(2)
    assert found() == []
    log.set_cursor(0, RAW, reader="new", cursor=newest())
    now_ms += 7_200_000
    comes(3)
    log.set_cursor(0, RAW, reader="new", cursor=log.entries(RAW)[-2][0])
    assert found() == []
    now_ms += 10_001
    log.set_cursor(0, RAW, reader="new", cursor=log.entries(RAW)[-2][0])
    comes(4)
    assert found() == ["reader_behind:raw 0 new"]


class Garbage:
    """Has nothing in clean but what a stranger wrote."""

    def entries(self, *_: object, **__: object) -> list[tuple[bytes, list[bytes]]]:
        cut = [[], [b"h"], [b"h", b"1"], [b"h", b"1", b"t"], [b"h", b"\xc1", b"t", b"\xc1"]]
        return [(b"%d-0" % at, fields) for at, fields in enumerate(cut, 1)][::-1]


def test_strange_entries_of_clean_have_no_latency() -> None:
    """Whatever fields they have, the monitor passes them over."""
    sample = read_latencies(cast("Log", Garbage()), 0, FIRST_ID)
    assert (sample.newest, sample.latencies_ms, sample.unconfirmed) == (b"5-0", [], 0)
