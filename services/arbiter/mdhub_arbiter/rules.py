# HOT: once per raw tick.
"""Hard rules on one tick, and the repair of its values. Pure; no state but the arguments.

What every trader would call broken: prices outside the day's limits, no last
price although the contract has traded, non-positive prices of outrights, negative volume.
Sources: docs/rules.md.
"""

from __future__ import annotations

from typing import Final

from mdhub.wire.ticks import CleanTick, Level, RawTick

__all__ = [
    "DBL_MAX",
    "EMPTY",
    "FLT_MAX",
    "HUGE",
    "LOWEST",
    "clean_levels",
    "hard_fault",
    "is_broken",
    "is_repaired",
    "value",
]

HUGE: Final = 1e300
"""CTP says "no value" by DBL_MAX (1.797e308); NaN and infinities fail the same comparison."""
LOWEST: Final = -HUGE
FLT_MAX: Final = 3.4028234663852886e38
DBL_MAX: Final = 1.7976931348623157e308
"""The ordinary "no value" of CTP; all others are mistakes of a front."""
EMPTY: Final[Level] = (None, 0)
"""A level nobody stands on, and what a broken one becomes."""


def value(number: float | None) -> float | None:
    """A price as clean ticks carry it: nil for every way of saying "no value"."""
    if number is None or LOWEST < number < FLT_MAX:
        return number
    return number if FLT_MAX < number < HUGE else None


def is_broken(level: Level) -> bool:
    """Whether a book level contradicts itself: a negative size, or lots at no price."""
    price, size = level
    if size and size < 0:
        return True
    if price is None or LOWEST < price < FLT_MAX:
        return False
    return bool(size) or price != DBL_MAX


def clean_levels(levels: list[Level]) -> list[Level]:
    """Book levels with "no value" prices as nil and broken levels empty."""
    for price, size in levels:
        if (price is not None and not LOWEST < price < FLT_MAX) or (size and size < 0):
            return [EMPTY if is_broken(level) else (value(level[0]), level[1]) for level in levels]
    return levels


def is_repaired(tick: RawTick, clean: CleanTick) -> bool:
    """Whether a value of a tick was replaced that its exchange does not leave out like this.

    Left out are close and settlement price until they are known, everything but the book of a
    contract that has not traded, what happened before its first day, limits it does not have.
    """
    if clean.bids is not tick.bids and any(map(is_broken, tick.bids)):
        return True
    if clean.asks is not tick.asks and any(map(is_broken, tick.asks)):
        return True
    rest = (
        tick.close, tick.settlement, tick.last, tick.pre_close, tick.pre_settlement,
        tick.limit_up, tick.limit_down, tick.open_interest, tick.pre_open_interest,
    )  # fmt: skip
    for number in rest:
        if number is not None and not LOWEST < number < FLT_MAX and number != DBL_MAX:
            return True
    if None not in (clean.turnover, clean.open, clean.high, clean.low, clean.average):
        return False
    for number in (tick.turnover, tick.open, tick.high, tick.low, tick.average):
        if (
            number is not None
            and not LOWEST < number < FLT_MAX
            and (tick.volume or number != DBL_MAX)
        ):
            return True
    return False


def hard_fault(tick: RawTick, *, last: float | None, outright: bool) -> str | None:
    """Reason why a tick can never be true, or None."""
    volume = tick.volume
    if volume is not None and volume < 0:
        return "negative_volume"
    if not volume:
        return None  # not traded today: last is yesterday's, zero or nothing
    if last is None:
        return "no_last_although_traded"
    if outright and last <= 0:
        return "price_not_positive"
    up, down = tick.limit_up, tick.limit_down
    if up is not None and 0 < up < HUGE and last > up:
        return "above_limit"
    if down is not None and 0 < down < HUGE and last < down:
        return "below_limit"
    return None
