"""What a service says of itself once a second: alive, in which state, with which counters."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from mdhub.wire.codec import decoder, encode

__all__ = ["BEAT_EVERY_S", "ENDED", "LEADING", "Beat", "beat_payload", "decode_beat", "leading"]

BEAT_EVERY_S: Final = 1.0
ENDED: Final = "ended"
"""State in the last heartbeat of a service that was stopped or has done its work."""

LEADING: Final = "leading"
"""State of the arbiter that leads a shard; also in the last words of one that was killed."""


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


def leading(counters: Iterable[tuple[str, Mapping[str, int]]]) -> list[Mapping[str, int]]:
    """Counters of the leader of each shard, from (state, counters) of the arbiters' heartbeats.

    A leader that was killed still says that it leads: the newest token of a shard counts.
    """
    newest: dict[int, Mapping[str, int]] = {}
    for state, said in counters:
        if state == LEADING:
            shard = said.get("shard", 0)
            if said.get("token", 0) >= newest.get(shard, {}).get("token", 0):
                newest[shard] = said
    return [newest[shard] for shard in sorted(newest)]
