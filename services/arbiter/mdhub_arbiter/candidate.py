"""How an arbiter becomes the leader: by compare-and-set, saying what it saw before."""

from __future__ import annotations

from typing import Final
from zlib import crc32

from mdhub.streams.errors import Fenced, PositionMoved
from mdhub.streams.port import Leadership, LeadRequest, Log, Positions
from mdhub.wire.codec import control
from mdhub.wire.entries import ControlKind, Lead

__all__ = ["WRITER", "may_be_cut", "take_leadership"]

WRITER: Final = "arbiter"
_SPREAD_MS: Final = 1 << 16
"""How far an epoch may lie ahead of the clock."""


def may_be_cut(log: Log, shard: int, *, seen: Leadership, agrees: bool, durable: bool) -> bool:
    """Whether what was published may differ from the log, so that clients must be told.

    The server is another process and does not put every append on disk before it answers, or
    the state could not be rebuilt as it was (`agrees` is false).
    """
    other_server = seen.incarnation not in ("", log.incarnation(shard))
    return not agrees or (other_server and not durable)


def take_leadership(
    log: Log, shard: int, *, seen: Leadership, at: Positions, wall_ns: int, cut: bool
) -> Leadership | None:
    """Try to take over from what was seen; None if another candidate was faster.

    A new epoch opens when the log is new, and when `cut` says that it may have been cut back.
    """
    epoch = seen.epoch
    if epoch == 0 or cut:
        epoch = _next_epoch(
            epoch, now_ms=log.server_facts().now_ms, incarnation=log.incarnation(shard)
        )
    token = seen.token + 1
    lead = Lead(token, log.incarnation(shard), at.clean.decode(), at.n, epoch, wall_ns)
    entry = control(ControlKind.LEAD, WRITER, token, 1, wall_ns, lead)
    try:
        return log.take(shard, LeadRequest(seen.token, at.clean, epoch, entry))
    except (Fenced, PositionMoved):
        return None


def _next_epoch(before: int, *, now_ms: int, incarnation: str) -> int:
    """A number above the one before, never given to another history of the log.

    By the server's clock: one that was announced and then cut off should stay behind, and the
    candidates' own clocks may be apart by any time. If that clock was set back, the entry of an
    epoch that clients know may be lost with the server's memory and the same be counted again: the
    number then depends on the server process too, of which one loses nothing
    (docs/decisions/044).
    """
    if now_ms > before:
        return now_ms
    return before + 1 + crc32(incarnation.encode()) % _SPREAD_MS
