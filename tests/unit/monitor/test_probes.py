"""Probes read the log as it is, broken entries too."""

from __future__ import annotations

from mdhub.runtime.heartbeat import beat_payload
from mdhub.streams.memory import MemoryServer
from mdhub.streams.port import FIRST_ID, LeadRequest
from mdhub.streams.topology import RAW
from mdhub.wire.codec import encode
from mdhub_monitor.probes import read_beats, read_sources
from mdhub_monitor.rules import SourceRates

SECOND_NS = 1_000_000_000


def test_unreadable_heartbeats_are_left_out() -> None:
    """Poison in the table of heartbeats does not blind the monitor."""
    log = MemoryServer().log("monitor")
    log.beat("good", beat_payload("ingest", "good", "running", {"taken": 3}))
    for i, payload in enumerate([b"", b"\xc1", encode([1]), encode([1, 2, "X", "a", 3, "s", {}])]):
        log.beat(f"bad {i}", payload.replace(b"X", b"\xff"))
    beats = read_beats(log)

    assert list(beats) == ["good"]
    assert (beats["good"].service, beats["good"].counters) == ("ingest", {"taken": 3})


def test_ticks_are_counted_by_source() -> None:
    """Control entries are no ticks; what cannot be read is counted as that."""
    server = MemoryServer()
    server.log("arbiter").take(0, LeadRequest(0, FIRST_ID, 1, b"lead"))
    payloads = [encode([1, "A", "and", "more"]), encode([1, "B"]), b"", encode([1, "X"])]
    payloads[3] = payloads[3].replace(b"X", b"\xff")
    server.log("ingest").raw_append(
        0, writer="A", session=1, first_seq=1, kinds="tttt", payloads=payloads
    )
    rates = SourceRates()
    rates.take(SECOND_NS)
    tail = server.log("monitor").tail(RAW, after=FIRST_ID)
    read_sources(tail, rates, block_ms=0)
    tail.close()

    assert rates.take(2 * SECOND_NS) == {"A": 1.0, "B": 1.0, "undecodable": 2.0}
