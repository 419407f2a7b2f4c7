# HOT: once per raw tick.
"""When a tick was: exchange time, trading day and phase by session logic, never by a front's dates.

The calendar in force comes from the log. A tick is refused if its product does not trade then
(`out_of_session`) and if the calendar does not cover it (`outside_calendar`). What a front's dates
say is only compared: where they differ from ours by more than the conventions of the exchange, the
tick carries the flag "time repaired".
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from mdhub.calendar import Phase
from mdhub.calendar.hours import Admits
from mdhub.wire.ticks import Flag, RawTick
from mdhub_arbiter.instrument import Instrument
from mdhub_arbiter.state import State

__all__ = ["Moment", "time_of_day_ns", "when"]

SECOND_NS: Final = 1_000_000_000
MILLISECOND_NS: Final = 1_000_000
MS_PER_SECOND: Final = 1_000
_TEXT_LENGTH: Final = 8
_ALL: Final = Admits.ALL  # looked up through its class it costs 50 ns
_REPAIRED: Final = int(Flag.TIME_REPAIRED)
_SETTLEMENT: Final = int(Flag.SETTLEMENT)
_REFUSED: Final = {
    Admits.NONE: "out_of_session",
    Admits.SETTLEMENT: "out_of_session",
    Admits.OUTSIDE: "outside_calendar",
}

Moment = tuple[int, int, Phase, int]
"""Exchange time in ns (it may lie ahead of market time), trading day YYYYMMDD, phase, flags."""


@lru_cache(maxsize=128)  # the ticks of one second share their text
def time_of_day_ns(text: str) -> int | None:
    """`"21:00:05"` -> ns since midnight; None if it is not a time of day."""
    if len(text) != _TEXT_LENGTH or text[2] != ":" or text[5] != ":":
        return None
    digits = text[0:2] + text[3:5] + text[6:8]
    if not (digits.isascii() and digits.isdigit()):
        return None
    hour, minute, second = int(text[0:2]), int(text[3:5]), int(text[6:8])
    if hour > 23 or minute > 59 or second > 59:  # noqa: PLR2004 - a clock's limits
        return None
    return ((hour * 60 + minute) * 60 + second) * SECOND_NS


def when(state: State, instrument: Instrument, tick: RawTick) -> Moment | str:
    """Return the moment of a tick, or the reason why there is none."""
    of_day_ns = time_of_day_ns(tick.update_time)
    if of_day_ns is None or not 0 <= tick.update_ms < MS_PER_SECOND:
        return "bad_time"
    ts_ns, segment = state.days.place(
        instrument.product, of_day_ns + tick.update_ms * MILLISECOND_NS
    )
    flags = 0
    if segment.admits is not _ALL and segment.admits is not Admits.AHEAD:
        if segment.admits is not Admits.SETTLEMENT or (
            # After the close only what leaves the market as it was.
            instrument.mark_day == segment.trading_day and (tick.volume or 0) != instrument.volume
        ):
            return _REFUSED[segment.admits]
        flags = _SETTLEMENT
    if not segment.listed:
        state.default_hours += 1
    if (tick.trading_day, tick.action_day) not in segment.dates:
        flags |= _REPAIRED
    return ts_ns, segment.trading_day, segment.phase, flags
