"""Mode `priority`: one active source; what the standby sources had is not lost when it fails.

Per contract the state keeps the standby sources' ticks newer than the mark, at most `KEPT`. When
another source becomes the active one, all of them are judged again in the order of the log, as
if they came now. What the active source has skipped (it died and came back) is judged before its
next tick. A full list means that the active source is silent on this contract while the
others go on: then the oldest is judged at once, so nothing is ever dropped.
"""

from __future__ import annotations

from typing import Final

from mdhub_arbiter.instrument import Instrument, Standby
from mdhub_arbiter.state import State

__all__ = [
    "KEPT",
    "PRIORITY",
    "RACE",
    "fail_over",
    "forget_old",
    "overflow",
    "stands_by",
    "take_skipped",
]

RACE: Final = "race"
PRIORITY: Final = "priority"
KEPT: Final = 16


def stands_by(state: State, exchange: str, source: str) -> bool:
    """Whether a tick of this source must wait for the active source's copy."""
    if state.active is None or source == state.active:
        return False
    return state.policy.modes.get(exchange) == PRIORITY


def forget_old(state: State, seen: Instrument) -> None:
    """After the mark has moved: drop what is not newer."""
    czce = seen.exchange == "CZCE"  # several snapshots share a second there
    mark_ns = seen.mark_ns
    seen.standby = [s for s in seen.standby if s.ts_ns > mark_ns or (czce and s.ts_ns == mark_ns)]
    if not seen.standby:
        state.standing.pop(seen.symbol, None)


def take_skipped(state: State, seen: Instrument, ts_ns: int) -> list[Standby]:
    """Take out the standby ticks older than the active source's new one: it has skipped them."""
    skipped = [standby for standby in seen.standby if standby.ts_ns < ts_ns]
    if skipped:
        seen.standby = [standby for standby in seen.standby if standby.ts_ns >= ts_ns]
        if not seen.standby:
            state.standing.pop(seen.symbol, None)
    return skipped


def overflow(state: State, seen: Instrument, standby: Standby) -> Standby | None:
    """Keep a standby tick; return the oldest one if there are too many."""
    seen.standby.append(standby)
    state.standing[seen.symbol] = None
    return seen.standby.pop(0) if len(seen.standby) > KEPT else None


def fail_over(state: State) -> None:
    """The policy has changed: look up the active source, judge what stood by again."""
    state.active = state.policy.active()
    waiting: list[tuple[bytes, bytes]] = []
    for symbol in state.standing:
        seen = state.instruments[symbol]
        if seen.generation != state.generation:
            state.preserve(seen)
        waiting += [(standby.about, standby.payload) for standby in seen.standby]
        seen.standby = []
    state.standing = {}
    waiting.sort(key=lambda item: _order(item[0]), reverse=True)
    state.backlog = waiting + state.backlog


def _order(raw_id: bytes) -> tuple[int, int]:
    ms, _, seq = raw_id.partition(b"-")
    return int(ms), int(seq)
