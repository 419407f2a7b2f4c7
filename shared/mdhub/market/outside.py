"""Rows outside continuous trading: opening auctions, the bell, settlement (docs/sources.md)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from mdhub.market.dates import MS_NS, SECOND_NS
from mdhub.market.minutes import Move, Rhythm
from mdhub.market.moment import Moment
from mdhub.market.sessions import Kind, Step
from mdhub.market.snapshot import Snapshot
from mdhub.market.track import RHYTHMS, Track

__all__ = ["MomentOf", "outside_rows"]

MomentOf = Callable[[int], Moment]
"""The minute at a place of the present trading day's timetable."""

_STILL: Final = Move(0, 0, 0, 0, 0, 0, 0, 0, 20, 20)
_PUSHED_TWICE: Final = frozenset({"SHFE", "INE"})
_BELL_MS: Final = 500
_SETTLED_AT_THE_CLOSE: Final = frozenset({"DCE", "GFEX"})
_SETTLED_FROM_S: Final = 25
_SETTLED_FOR_S: Final = 30
"""Settlement rows of an exchange are spread over so many seconds."""
_CLOSE_ONLY: Final = "15:24"
"""The first row of CFFEX after the close has the closing price, not yet the settlement price."""


def outside_rows(track: Track, step: Step, moment: Moment, moment_of: MomentOf) -> list[Snapshot]:
    """Return what the exchange sends of a contract in a minute without continuous trading."""
    match step.kind:
        case Kind.AUCTION:
            return [_auction_row(track, step, moment)] if track.auction_lots else []
        case Kind.BELL:
            return _bell_rows(track, step, moment, moment_of)
        case Kind.CLOSE:
            rows = _bell_rows(track, step, moment, moment_of)
            if track.contract.exchange in _SETTLED_AT_THE_CLOSE:
                rows += [_settlement_row(track, step, moment, _SETTLED_FROM_S)]
            return rows
        case Kind.SETTLE:
            return _settlement_rows(track, step, moment, moment_of)
        case Kind.REST | Kind.TRADE:
            return []


def _auction_row(track: Track, step: Step, moment: Moment) -> Snapshot:
    """One row at the time of the match, with the auction's volume."""
    track.stand(step._replace(auctions=step.auctions + 1))
    return _row(track, moment, second=0, ms=_ms(track))


def _bell_rows(track: Track, step: Step, moment: Moment, moment_of: MomentOf) -> list[Snapshot]:
    """SHFE and INE push a row 500 ms after the bell twice, CFFEX one, the others their last row."""
    last = _last_row(track, step, moment_of)
    if last is None:
        return []
    exchange = track.contract.exchange
    if RHYTHMS[exchange] is not Rhythm.GRID:
        late_ns = track.contract.key % 400 * MS_NS
        return [replace(last, made_ns=moment.start_ns + late_ns, repeat=True)]
    track.stand(step)
    row = _row(track, moment, second=0, ms=_BELL_MS if exchange in _PUSHED_TWICE else _ms(track))
    if exchange not in _PUSHED_TWICE:
        return [row]
    return [row, replace(row, made_ns=row.made_ns + 50 * MS_NS, repeat=True)]


def _settlement_rows(
    track: Track, step: Step, moment: Moment, moment_of: MomentOf
) -> list[Snapshot]:
    """CZCE fills in the prices of its last row, the others send a row with a new time."""
    if track.stamps_ms:
        return [_settlement_row(track, step, moment, 0)]
    last = _last_row(track, step, moment_of)
    if last is None:
        return []
    close, settlement = track.closing(settled=True)
    made_ns = moment.start_ns + track.contract.key % (_SETTLED_FOR_S * 1000) * MS_NS
    return [replace(last, made_ns=made_ns, close=close, settlement=settlement)]


def _settlement_row(track: Track, step: Step, moment: Moment, from_s: int) -> Snapshot:
    track.stand(step)
    second = from_s + track.contract.key % _SETTLED_FOR_S
    close, settlement = track.closing(settled=moment.hour_minute != _CLOSE_ONLY)
    row = _row(track, moment, second=second, ms=_ms(track))
    return replace(row, close=close, settlement=settlement)


def _last_row(track: Track, step: Step, moment_of: MomentOf) -> Snapshot | None:
    """Return what was sent of the contract last on this trading day, bells left out."""
    steps, program = track.program.steps, track.program
    newest = track.filled_before(step)
    if track.auction_lots:
        for place in reversed(program.auction_places[: step.auctions]):
            if steps[place].traded > newest:
                return _auction_row(track, steps[place], moment_of(place))
    if newest < 0:
        return None
    place = program.places[newest]
    track.begin_again(steps[place])
    slot, moves = track.minute(steps[place]).filled[-1]
    return track.snapshots_of(moves[-1:], slot, moment_of(place))[0]


def _row(track: Track, moment: Moment, *, second: int, ms: int) -> Snapshot:
    stamp = moment.at(second, ms)
    late_ns = track.burst_ns if track.stamps_ms else track.contract.key % 400 * MS_NS
    made_ns = moment.start_ns + second * SECOND_NS + ms * MS_NS + late_ns
    return track.snapshot(_STILL, made_ns, stamp, moment)


def _ms(track: Track) -> int:
    """Return the ms of a single row as its exchange stamps it."""
    match RHYTHMS[track.contract.exchange]:
        case Rhythm.GRID:
            return track.phase_ms
        case Rhythm.JITTER:
            return track.contract.key % 380
        case Rhythm.SECOND:
            return 0
