"""How the market's rate is spread over its places: few are busy, many are quiet."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from math import log2
from typing import Final

from mdhub.market.errors import MarketError
from mdhub.market.listing import Character, Place

__all__ = ["size_for", "spread"]

_SMALLEST: Final = 60
_COMFORTABLE_RATE: Final = 1.3
"""Snapshots a second and place that leave room for quiet ones."""
_FULL: Final = 0.97
"""Share of its 500 ms slots in which the busiest contract has a snapshot."""
_MOST: Final = {
    Character.QUOTED: 0.5,
    Character.PENNY: 0.3,
    Character.SLEEPY: 0.0005,
}
_HEAD: Final = 5
_STEPS: Final = 60


def size_for(ticks_per_s: float) -> int:
    """Return how many places a market of this rate has unless it is told."""
    return max(_SMALLEST, int(ticks_per_s / _COMFORTABLE_RATE) + 1)


def spread(ticks_per_s: float, places: Sequence[Place]) -> list[float]:
    """Return the share of filled slots of each place; places alike have the same one.

    The share falls with the number of the place (Zipf's law), as far as a place can go; the mean
    is what was asked for. Raises MarketError if that is more than the places can make.
    """
    most = [_MOST.get(place.character, _FULL) for place in places]
    if not 0 < ticks_per_s <= 2 * sum(most):
        raise MarketError(
            f"ticks_per_s was {ticks_per_s:g} for {len(places)} contracts, expected more than 0 "
            f"and at most {2 * sum(most):.0f}; ask for more contracts or leave them out"
        )
    weights = [1 / (number + _HEAD) for number in range(len(places))]
    low, high = 0.0, float(len(places) + _HEAD)
    for _ in range(_STEPS):
        middle = (low + high) / 2
        total = sum(map(min, most, [middle * weight for weight in weights]))
        low, high = (middle, high) if 2 * total < ticks_per_s else (low, middle)
    return _in_few_steps(places, list(map(min, most, [high * weight for weight in weights])))


def _in_few_steps(places: Sequence[Place], shares: list[float]) -> list[float]:
    """Give places of similar share their mean, so that few patterns do for all."""
    alike: defaultdict[tuple[object, int], list[int]] = defaultdict(list)
    for number, (place, share) in enumerate(zip(places, shares, strict=True)):
        alike[place.style(), int(log2(1 / share))].append(number)
    for numbers in alike.values():
        mean = sum(shares[number] for number in numbers) / len(numbers)
        for number in numbers:
            shares[number] = mean
    return shares
