"""Is a source of this name at work elsewhere? Two would supersede each other without end."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Sequence
from pathlib import Path
from threading import Event
from typing import Final
from uuid import uuid4

from mdhub.runtime.heartbeat import Beat, decode_beat
from mdhub.streams.port import Log
from mdhub.streams.topology import EVENTS
from mdhub.wire.codec import DecodeError, encode
from mdhub.wire.ops import Event as OpsEvent
from mdhub.wire.ops import EventKind, Severity
from mdhub.wire.ticks import SCHEMA_VERSION

__all__ = ["find_rival", "refuse"]

FRESH_NS: Final = 2_500_000_000
"""Who lives has renewed his heartbeat (one a second) within this time."""
_POLL_S: Final = 0.05


def find_rival(log: Log, sources: Sequence[str], stop: Event) -> tuple[str, Beat] | None:
    """Name and heartbeat of a process that runs one of these sources now; None if nobody does.

    On this host its pid says whether it lives; of another host the next heartbeat is waited for,
    2.5 s at most.
    """
    first = {name: beat for name in sources if (beat := _fresh(log, name)) is not None}
    for name, beat in first.items():
        if beat.host == socket.gethostname():
            if _lives(beat.pid):
                return name, beat
            continue
        while (now := _fresh(log, name)) is not None and not stop.is_set():
            if now.ts_ns != beat.ts_ns:
                return name, now
            stop.wait(_POLL_S)
    return None


def refuse(log: Log, source: str, rival: Beat) -> str:
    """Write the event and return the sentence that names the other process."""
    words = (
        f"source {source} runs already, on host {rival.host or '(not told)'} as pid {rival.pid}: "
        "end that one, or give this source another name"
    )
    body = {"change": "refused", "host": rival.host, "pid": rival.pid, "reason": words}
    event = OpsEvent(
        SCHEMA_VERSION, uuid4().hex, time.time_ns(), "ingest", EventKind.SOURCE, source,
        Severity.ERROR, "", body,
    )  # fmt: skip
    log.append(EVENTS, encode(event))
    return words


def _fresh(log: Log, source: str) -> Beat | None:
    payload = log.beats().get(f"ingest:{source}")
    try:
        beat = None if payload is None else decode_beat(payload)
    except DecodeError:
        return None
    if beat is None or beat.state == "ended":
        return None
    return beat if abs(time.time_ns() - beat.ts_ns) < FRESH_NS else None


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError, ValueError):
        return False
    except PermissionError:
        return True
    return not _zombie(pid)


def _zombie(pid: int) -> bool:
    """Whether a process has ended and only waits to be buried, as orphans may for long."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return False
    return stat.rpartition(b") ")[2][:1] in (b"Z", b"X")
