"""Source type `recording`: a tick file, played by the hub's market clock."""

from __future__ import annotations

from mdhub.market.recorded import Recording
from mdhub_ingest.sources.misbehave import Misbehaviour
from mdhub_ingest.sources.playback import Playback, Player
from mdhub_ingest.sources.port import RequestClock

__all__ = ["recording_source"]


def recording_source(
    recording: Recording,
    *,
    request_clock: RequestClock,
    rate: float = 1.0,
    until_ns: int | None = None,
    misbehaviour: Misbehaviour | None = None,
) -> Player:
    """Return a source that plays a file; raises MarketError if the file cannot be read."""
    playback = Playback(start_ns=recording.start_ns(), rate=rate, until_ns=until_ns)
    return Player(
        recording.snapshots, playback, request_clock=request_clock, misbehaviour=misbehaviour
    )
