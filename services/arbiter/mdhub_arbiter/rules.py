# HOT: once per raw tick.
"""Hard rules on one tick, and the repair of its values. Pure; no state but the arguments.

First rule set: what every trader would call broken. Prices outside the day's limits, no last
price although the contract has traded, non-positive prices of outrights, negative volume.
Sources: docs/rules.md.
"""

from __future__ import annotations

from typing import Final

from mdhub.wire.ticks import Level, RawTick

__all__ = ["clean_levels", "hard_fault", "value"]

HUGE: Final = 1e300
"""CTP says "no value" by DBL_MAX (1.797e308); NaN and infinities fail the same comparison."""
FLT_MAX: Final = 3.4028234663852886e38


def value(number: float | None) -> float | None:
    """A price as clean ticks carry it: nil for every way of saying "no value"."""
    if number is None or not -HUGE < number < HUGE or number == FLT_MAX:
        return None
    return number


def clean_levels(levels: list[Level]) -> list[Level]:
    """Book levels with "no value" prices as nil."""
    for price, _ in levels:
        if price is not None and (not -HUGE < price < HUGE or price == FLT_MAX):
            return [(value(p), v) for p, v in levels]
    return levels


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
