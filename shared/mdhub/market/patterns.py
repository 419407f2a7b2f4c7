"""Patterns: a thousand market minutes in a row with running sums, so any moment is a lookup.

A contract's trading day is a stretch of a pattern, turned up or down. What it has traded until
some minute, where its price is and how high it has been then follow from sums at both ends of the
stretch: joining a market of 25,000 contracts in the middle of a day costs a few lookups each.
"""

from __future__ import annotations

from random import Random
from typing import Final

from mdhub.market.minutes import QUIET, Minute, Rhythm, Style, make_minutes

__all__ = ["FARTHEST_TICKS", "PATTERN_MINUTES", "Pattern"]

PATTERN_MINUTES: Final = 1_024
FARTHEST_TICKS: Final = {Style.TRADED: 30, Style.PENNY: 1, Style.QUOTED: 0}
"""No price of a pattern is farther from its middle."""
_FEWEST: Final = 0.005
"""Minutes are made for at least this share of slots; rarer ones are mixed with quiet minutes."""


class Pattern:
    """Minutes and what they add up to; sums have one element more: `sums[i]` is before minute i."""

    def __init__(self, rhythm: Rhythm, style: Style, fill: float, *, rng: Random) -> None:
        farthest = FARTHEST_TICKS[style]
        self.minutes: Final[list[Minute]] = []
        self.signs: Final[list[int]] = []
        """Each minute goes up or down."""
        self.trends: Final[list[int]] = []
        """Open interest likewise."""
        self.high: Final[list[int]] = []
        self.low: Final[list[int]] = []
        self.price: Final = [0]
        self.volume: Final = [0]
        self.value: Final = [0]
        """Sum of volume x price."""
        self.interest: Final = [0]
        self.filled: Final = [-1]
        """The newest minute with a snapshot."""
        for minute in _drawn(rhythm, style, fill, rng):
            self._add(minute, farthest, rng)

    def _add(self, minute: Minute, farthest: int, rng: Random) -> None:
        price, interest = self.price[-1], self.interest[-1]
        sign = _direction(minute, price, farthest, rng)
        if not sign:
            minute, sign = QUIET, 1
        net = minute.net
        trend = 1 if (interest <= 0) == (net.open_interest >= 0) else -1
        ends = (price + sign * net.high, price + sign * net.low)
        self.filled.append(len(self.minutes) if minute.filled else self.filled[-1])
        self.minutes.append(minute)
        self.signs.append(sign)
        self.trends.append(trend)
        self.high.append(max(ends))
        self.low.append(min(ends))
        self.price.append(price + sign * net.last)
        self.volume.append(self.volume[-1] + net.volume)
        self.value.append(self.value[-1] + price * net.volume + sign * net.value)
        self.interest.append(interest + trend * net.open_interest)


def _drawn(rhythm: Rhythm, style: Style, fill: float, rng: Random) -> list[Minute]:
    """Draw each minute about as often as any other, so that the rate is the one asked for."""
    made = make_minutes(rhythm, style, max(fill, _FEWEST), rng)
    lively = min(PATTERN_MINUTES, round(PATTERN_MINUTES * fill / _FEWEST))
    drawn = [made[place % len(made)] for place in range(lively)]
    drawn += [QUIET] * (PATTERN_MINUTES - lively)
    rng.shuffle(drawn)
    return drawn


def _direction(minute: Minute, price: int, farthest: int, rng: Random) -> int:
    """Up (1) or down (-1) as it comes, back to the middle when far; 0 if it does not fit at all."""
    net = minute.net
    sign = rng.choice((1, -1))
    if abs(price) * 3 > farthest:
        sign = 1 if (price > 0) == (net.last < 0) else -1
    for tried in (sign, -sign):
        ends = (price + tried * net.high, price + tried * net.low)
        if max(ends) <= farthest and min(ends) >= -farthest:
            return tried
    return 0
