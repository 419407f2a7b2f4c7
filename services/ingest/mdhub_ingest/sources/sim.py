"""Source type `sim`: the synthetic market, played by the hub's market clock."""

from __future__ import annotations

from mdhub.market.synthetic import SyntheticMarket
from mdhub_ingest.sources.misbehave import Misbehaviour
from mdhub_ingest.sources.playback import Playback, Player
from mdhub_ingest.sources.port import RequestClock

__all__ = ["sim_source"]


def sim_source(
    market: SyntheticMarket,
    *,
    request_clock: RequestClock,
    rate: float = 1.0,
    until_ns: int | None = None,
    jump: bool = True,
    misbehaviour: Misbehaviour | None = None,
) -> Player:
    """Return a source that plays a synthetic market; two of one seed play the same."""
    playback = Playback(start_ns=market.start_ns, rate=rate, until_ns=until_ns, jump=jump)
    return Player(
        market.snapshots, playback, request_clock=request_clock, misbehaviour=misbehaviour
    )
