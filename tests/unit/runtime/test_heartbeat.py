"""A heartbeat says who lives, in which state, with which counters."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mdhub.runtime.heartbeat import beat_payload, decode_beat
from mdhub.wire.codec import DecodeError


def test_a_heartbeat_can_be_read_back() -> None:
    """Service, instance, state, counters, and the process that wrote it."""
    beat = decode_beat(beat_payload("ingest", "ingest:A", "running", {"taken": 3}))
    assert (beat.service, beat.instance, beat.state) == ("ingest", "ingest:A", "running")
    assert (beat.pid, beat.counters) == (os.getpid(), {"taken": 3})


@settings(deadline=None)
@given(st.binary(max_size=50))
def test_any_bytes_are_a_heartbeat_or_refused(data: bytes) -> None:
    """What is no heartbeat raises DecodeError and nothing else."""
    try:
        decode_beat(data)
    except DecodeError:
        return


def test_broken_text_is_refused() -> None:
    """Text that is not UTF-8."""
    payload = beat_payload("ingest", "QQ", "running", {})
    with pytest.raises(DecodeError):
        decode_beat(payload.replace(b"QQ", b"\xff\xff"))
