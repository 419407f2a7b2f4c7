"""Source type `recording`: tick files, played by the hub's market clock."""

from __future__ import annotations

from mdhub.market.playlist import Playlist
from mdhub_ingest.sources.misbehave import Misbehaviour
from mdhub_ingest.sources.playback import Playback, Player
from mdhub_ingest.sources.port import RequestClock

__all__ = ["recording_source"]


def recording_source(
    playlist: Playlist,
    *,
    request_clock: RequestClock,
    rate: float = 1.0,
    play_s: float | None = None,
    misbehaviour: Misbehaviour | None = None,
) -> Player:
    """Return a source that plays recordings, `play_s` wall seconds long (unpaced: to the end).

    Raises MarketError if they cannot be read.
    """
    until_ns = None if play_s is None or not rate else playlist.time_after(play_s, rate)
    playback = Playback(start_ns=playlist.start_ns(), rate=rate, until_ns=until_ns)
    return Player(
        playlist.snapshots, playback, request_clock=request_clock, misbehaviour=misbehaviour
    )
