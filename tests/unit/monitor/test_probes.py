"""Probes read the log as it is, broken entries too."""

from __future__ import annotations

from mdhub.runtime.heartbeat import beat_payload
from mdhub.streams.memory import MemoryServer
from mdhub.wire.codec import encode
from mdhub_monitor.probes import read_beats


def test_unreadable_heartbeats_are_left_out() -> None:
    """Poison in the table of heartbeats does not blind the monitor."""
    log = MemoryServer().log("monitor")
    log.beat("good", beat_payload("ingest", "good", "running", {"taken": 3}))
    for i, payload in enumerate([b"", b"\xc1", encode([1]), encode([1, 2, "X", "a", 3, "s", {}])]):
        log.beat(f"bad {i}", payload.replace(b"X", b"\xff"))
    beats = read_beats(log)

    assert list(beats) == ["good"]
    assert (beats["good"].service, beats["good"].counters) == ("ingest", {"taken": 3})
