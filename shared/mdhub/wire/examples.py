"""Worked examples of `docs/wire.md`: what is meant, and its bytes."""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from mdhub.wire.codec import encode
from mdhub.wire.entries import CleanHeader
from mdhub.wire.live import Heartbeat, HubState, LiveHeader
from mdhub.wire.requests import EndReply, MsgReply, ReplayRequest, RequestName, Status
from mdhub.wire.ticks import SCHEMA_VERSION, CleanTick, Flag
from mdhub.wire.topics import heartbeat_topic, tick_topic

__all__ = ["CLEAN_TICK", "EXAMPLES", "Piece"]


class Piece(NamedTuple):
    """One frame or field."""

    title: str
    shown: str
    """As JSON, for people."""
    data: bytes


CLEAN_TICK: Final = CleanTick(
    SCHEMA_VERSION, "cu2610", "SHFE", 20261123, 1795140600500000000, 1795140600512345678,
    "A", int(Flag.VALUE_REPAIRED), 86120.0, 25417, 10944527100.0, 183402.0, 86000.0, 86350.0,
    85890.0, None, None, 85940.0, 85910.0, 183110.0, 92780.0, 79030.0, 86119.7,
    [(86120.0, 7), (86110.0, 31)], [(86130.0, 12), (None, None)],
)  # fmt: skip

_LIVE_HEADER: Final = LiveHeader(
    SCHEMA_VERSION, 0, 1795136400000, 183441, 25120, "1795140600513-65536", 1795140600513000000,
    1795140600513400000, 0,
)  # fmt: skip
_HEARTBEAT_HEADER: Final = LiveHeader(
    SCHEMA_VERSION, 0, 1795136400000, None, None, None, None, 1795140600600000000, 0
)
_HEARTBEAT: Final = Heartbeat(
    SCHEMA_VERSION, "A", 5556, 183441, 1795140600590000000, 1795140600590000000, HubState.OK
)
_CLEAN_HEADER: Final = CleanHeader(
    SCHEMA_VERSION, 183441, 25120, 1795136400000, 1795140600513000000
)
_REPLAY: Final = ReplayRequest(
    SCHEMA_VERSION, 7, RequestName.REPLAY, 0, 1795136400000, 183440, 1000, ["cu*.SHFE"]
)
_END: Final = EndReply(SCHEMA_VERSION, 7, Status.END, 183441, 1, more=False, epoch=1795136400000)


def _payload(title: str, value: object) -> Piece:
    return Piece(title, msgspec.json.encode(value).decode(), encode(value))


def _topic(title: str, topic: bytes) -> Piece:
    return Piece(title, topic.decode(), topic)


_LIVE_FRAMES: Final = (
    _topic("topic", tick_topic("SHFE", "cu2610")),
    _payload("LiveHeader", _LIVE_HEADER),
    _payload("CleanTick", CLEAN_TICK),
)

EXAMPLES: Final[dict[str, tuple[Piece, ...]]] = {
    "clean_tick": (_payload("CleanTick", CLEAN_TICK),),
    "live_message": tuple(
        piece._replace(title=f"Frame {i}, {piece.title}") for i, piece in enumerate(_LIVE_FRAMES, 1)
    ),
    "heartbeat": (
        _topic("Frame 1, topic", heartbeat_topic(0)),
        _payload("Frame 2, LiveHeader", _HEARTBEAT_HEADER),
        _payload("Frame 3, Heartbeat", _HEARTBEAT),
    ),
    "clean_entry": (
        _payload("Entry `1795140600513-65536`, field `h`, CleanHeader", _CLEAN_HEADER),
    ),
    "replay": (
        _payload("Request, its only frame, ReplayRequest", _REPLAY),
        _payload(
            "First reply, frame 1 of 4, MsgReply; the three frames of the live message follow, "
            "with hflags 1",
            MsgReply(SCHEMA_VERSION, 7),
        ),
        _payload("Second reply, its only frame, EndReply", _END),
    ),
}
"""By the name that `contract.md` uses."""
