"""Outages of one feed: A24 (nothing for 5 to 60 s) and A25 (the last row again for 10 s).

Of two feeds, one is out for 90 s as well: then the contracts it left must be told so.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from random import Random
from typing import Final, NamedTuple

from truth.feeds import Delivery
from truth.stream import SECOND_NS, Stream

__all__ = ["Outage", "with_frozen_feed", "with_gaps", "with_silence", "with_stuck_feed"]

_FROZEN_S: Final = 10
_LONG_NS: Final = 90 * SECOND_NS


class Outage(NamedTuple):
    """When which feed delivered nothing new."""

    feed: int
    start_ns: int
    end_ns: int
    kind: str = "A24"
    """What is scored: `A24` that nothing is missing, `... told` the markers."""


def with_gaps(
    stream: Stream, deliveries: list[Delivery], *, amount: int, seed: int
) -> tuple[list[Delivery], list[Outage]]:
    """Take 5 to 60 s away from one feed at a time; the others go on."""
    rng = Random(f"{seed}/{stream.name}/A24")
    outages = list(_outages(deliveries, amount, lambda: rng.randrange(5, 61), rng))
    kept = [d for d in deliveries if not _inside(d, outages)]
    return kept, outages


def with_frozen_feed(
    stream: Stream, deliveries: list[Delivery], *, amount: int, seed: int
) -> tuple[list[Delivery], list[Outage]]:
    """Let one feed say for 10 s what it said last of each contract, while the others move."""
    rng = Random(f"{seed}/{stream.name}/A25")
    outages = list(_outages(deliveries, amount, lambda: _FROZEN_S, rng))
    return _stuck(stream, deliveries, outages), outages


def with_silence(
    _stream: Stream, deliveries: list[Delivery]
) -> tuple[list[Delivery], list[Outage]]:
    """Take 90 s away from the second feed, later from the first."""
    outages = _long_outages(deliveries, "A24 told")
    return [d for d in deliveries if not _inside(d, outages)], outages


def with_stuck_feed(
    stream: Stream, deliveries: list[Delivery]
) -> tuple[list[Delivery], list[Outage]]:
    """Let the second feed say for 90 s what it said last, later the first."""
    outages = _long_outages(deliveries, "A25 told")
    return _stuck(stream, deliveries, outages), outages


def _long_outages(deliveries: list[Delivery], kind: str) -> list[Outage]:
    first_ns = deliveries[0].arrive_ns + _LONG_NS
    second_ns = deliveries[-1].arrive_ns - 2 * _LONG_NS
    return [
        Outage(1, first_ns, first_ns + _LONG_NS, kind),
        Outage(0, second_ns, second_ns + _LONG_NS, kind),
    ]


def _stuck(stream: Stream, deliveries: list[Delivery], outages: list[Outage]) -> list[Delivery]:
    last: dict[tuple[int, str], Delivery] = {}
    rows: list[Delivery] = []
    for delivery in deliveries:
        lane = delivery.feed, stream.facts[delivery.fact].symbol
        if not _inside(delivery, outages):
            last[lane] = delivery
            rows.append(delivery)
        elif lane in last:
            rows.append(last[lane]._replace(arrive_ns=delivery.arrive_ns, kind="A25"))
    return rows


def _outages(
    deliveries: list[Delivery], amount: int, length_s: Callable[[], int], rng: Random
) -> Iterator[Outage]:
    """Spread outages over the rows, at least 30 s apart, so that feeds never fail together."""
    free_ns = deliveries[0].arrive_ns + 10 * SECOND_NS
    step = max(1, len(deliveries) // amount)
    for place in range(rng.randrange(step), len(deliveries), step):
        start_ns = deliveries[place].arrive_ns
        if start_ns >= free_ns:
            end_ns = start_ns + length_s() * SECOND_NS
            yield Outage(rng.randrange(2), start_ns, end_ns)
            free_ns = end_ns + 30 * SECOND_NS


def _inside(delivery: Delivery, outages: list[Outage]) -> bool:
    """Whether a delivery falls into an outage of its feed."""
    place = bisect_right(outages, delivery.arrive_ns, key=lambda outage: outage.start_ns) - 1
    if place < 0:
        return False
    outage = outages[place]
    return outage.feed == delivery.feed and delivery.arrive_ns < outage.end_ns
