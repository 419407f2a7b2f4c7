"""`mdhub run SERVICE --check`: whether an instance is well, for health checks."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Final

from mdhub.cli.status.judge import TROUBLED
from mdhub.runtime.heartbeat import ENDED, Beat, decode_beat
from mdhub.runtime.service import redis_url
from mdhub.streams import open_log
from mdhub.wire.codec import DecodeError
from mdhub.wire.errors import MdhubError

__all__ = ["FRESH_MS", "fault_of", "run_check"]

FRESH_MS: Final = 5_000
"""A heartbeat is due every second; a busy machine may be late, a dead service stays so."""
_MS_NS: Final = 1_000_000


def run_check(names: Sequence[str], *, prefix: str) -> int:
    """Print one line; 0 = alive and well, 1 = not (also when the server does not answer).

    `names` are those that the instance may have.
    """
    instance = names[0]
    try:
        log = open_log(redis_url(), service="cli", prefix=prefix)
        try:
            beats = log.beats()
        finally:
            log.close()
    except MdhubError as error:
        print(f"{instance}: {error.sentence}", file=sys.stderr)
        return 1
    instance = next((name for name in names if name in beats), instance)
    fault = fault_of(instance, beats, now_ns=time.time_ns(), host=socket.gethostname())
    print(f"{instance}: {fault or 'well'}", file=sys.stderr if fault else sys.stdout)
    return 1 if fault else 0


def fault_of(instance: str, beats: Mapping[str, bytes], *, now_ns: int, host: str) -> str:
    """What is wrong with an instance that should run on `host`; empty = nothing."""
    payload = beats.get(instance)
    if payload is None:
        return f"no heartbeat yet; there are {', '.join(sorted(beats)) or 'none at all'}"
    try:
        beat = decode_beat(payload)
    except DecodeError as error:
        return f"its heartbeat cannot be read: {error}"
    return _fault(beat, (now_ns - beat.ts_ns) // _MS_NS, host)


def _fault(beat: Beat, age_ms: int, host: str) -> str:
    if age_ms > FRESH_MS:
        return f"silent for {age_ms / 1000:.0f} s, expected a heartbeat a second"
    if beat.host and beat.host != host:
        return f"its heartbeat comes from {beat.host}, not from {host}: two have the same name"
    if beat.state == ENDED:
        return "it has ended"
    return f"{beat.state}: {TROUBLED[beat.state]}" if beat.state in TROUBLED else ""
