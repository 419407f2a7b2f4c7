"""How an arbiter becomes the leader: watch the beat, then compare-and-set.

The beat is watched with the candidate's own monotonic clock, counting only while its own reads
succeed: clock steps and a stalled server are not mistaken for a dead leader.
"""

from __future__ import annotations

import time
from threading import Event
from typing import Final

from mdhub.streams.errors import Fenced, PositionMoved
from mdhub.streams.port import Leadership, LeadRequest, Log, Positions
from mdhub.wire.codec import control
from mdhub.wire.entries import ControlKind, Lead

__all__ = ["WRITER", "may_be_cut", "take_leadership", "wait_for_vacancy"]

WRITER: Final = "arbiter"
TAKEOVER_S: Final = 0.15
_POLL_S: Final = 0.02


def wait_for_vacancy(
    log: Log, shard: int, stop: Event, *, takeover_s: float = TAKEOVER_S
) -> Leadership | None:
    """Wait until nobody leads; None if asked to stop first.

    Vacant: never led, led in another server incarnation, or a beat that stood still for so long.
    """
    seen = log.leadership(shard)
    still_since_s = time.monotonic()
    while not stop.wait(_POLL_S):
        asked_s = time.monotonic()
        now = log.leadership(shard)
        if now.token == 0 or now.incarnation != log.incarnation():
            return now
        if now != seen or time.monotonic() - asked_s > takeover_s / 2:
            seen, still_since_s = now, time.monotonic()
        elif asked_s - still_since_s >= takeover_s:
            return now
    return None


def may_be_cut(log: Log, seen: Leadership, *, agrees: bool, durable: bool) -> bool:
    """Whether what was published may differ from the log, so that clients must be told.

    The server is another process and does not put every append on disk before it answers, or
    the state could not be rebuilt as it was (`agrees` is false).
    """
    other_server = seen.incarnation not in ("", log.incarnation())
    return not agrees or (other_server and not durable)


def take_leadership(
    log: Log, shard: int, *, seen: Leadership, at: Positions, wall_ns: int, cut: bool
) -> Leadership | None:
    """Try to take over from what was seen; None if another candidate was faster.

    A new epoch opens when the log is new, and when `cut` says that it may have been cut back.
    """
    epoch = seen.epoch
    if epoch == 0 or cut:
        epoch = max(wall_ns // 1_000_000, epoch + 1)
    token = seen.token + 1
    lead = Lead(token, log.incarnation(), at.clean.decode(), at.n, epoch, wall_ns)
    entry = control(ControlKind.LEAD, WRITER, token, 1, wall_ns, lead)
    try:
        return log.take(shard, LeadRequest(seen.token, at.clean, epoch, entry))
    except (Fenced, PositionMoved):
        return None
