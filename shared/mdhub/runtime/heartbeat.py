"""What a service says of itself once a second: alive, in which state, with which counters."""

from __future__ import annotations

import os
import socket
import time
from typing import Final

import msgspec

from mdhub.wire.codec import decoder, encode

__all__ = ["BEAT_EVERY_S", "ENDED", "Beat", "beat_payload", "decode_beat"]

BEAT_EVERY_S: Final = 1.0
ENDED: Final = "ended"
"""State in the last heartbeat of a service that was stopped or has done its work."""


class Beat(msgspec.Struct, array_like=True, frozen=True):
    """One heartbeat of one service instance."""

    v: int
    ts_ns: int
    service: str
    instance: str
    pid: int
    state: str
    counters: dict[str, int]
    host: str = ""
    """Name of the machine that `pid` is a process of."""


decode_beat: Final = decoder(Beat)


def beat_payload(service: str, instance: str, state: str, counters: dict[str, int]) -> bytes:
    """Encode a heartbeat of this process, now."""
    host = socket.gethostname()
    return encode(Beat(1, time.time_ns(), service, instance, os.getpid(), state, counters, host))
