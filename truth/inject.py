"""Where anomalies go: spread over contracts, exchanges and sessions, never close together."""

from __future__ import annotations

from collections import defaultdict
from random import Random
from typing import Final

from truth.anomalies import CORRUPTIONS, Row
from truth.feeds import Delivery, Feed, as_sent
from truth.repeats import Arrivals
from truth.stream import SECOND_NS, Stream

__all__ = ["REPEATS", "inject"]

REPEATS: Final = {
    "A01": Arrivals.repeated,
    "A02": Arrivals.copied,
    "A04": Arrivals.stale,
    "A05": Arrivals.late,
    "A21": Arrivals.out_of_session,
}
_MOVING: Final = frozenset({"A05"})
"""These take the old row away."""
_SPACE_NS: Final = 4 * SECOND_NS
"""In one contract, anomalies are one to three of these apart: each meets a settled state."""
_TRIES: Final = 60


class _Places:
    """Rows that may be corrupted: first copies of a snapshot, away from other anomalies.

    The first copy, because nothing of the same snapshot has been accepted when it comes: it is
    the hardest case.
    """

    def __init__(self, stream: Stream, deliveries: list[Delivery]) -> None:
        self.before: dict[int, int] = {}
        self.by_symbol: dict[str, list[int]] = defaultdict(list)
        self._arrivals = deliveries
        self._facts = stream.facts
        self._busy: set[tuple[str, int]] = set()
        seen: set[int] = set()
        last: dict[str, int] = {}
        for place, delivery in enumerate(deliveries):
            fact = stream.facts[delivery.fact]
            if delivery.fact in seen or fact.role != "tick" or delivery.kind:
                continue
            seen.add(delivery.fact)
            if fact.symbol in last:
                self.by_symbol[fact.symbol].append(place)
                self.before[place] = last[fact.symbol]
            last[fact.symbol] = delivery.fact

    def is_free(self, place: int) -> bool:
        symbol, slot = self._slot(place)
        return not any((symbol, slot + d) in self._busy for d in (-1, 0, 1))

    def take(self, place: int) -> None:
        self._busy.add(self._slot(place))

    def _slot(self, place: int) -> tuple[str, int]:
        delivery = self._arrivals[place]
        return self._facts[delivery.fact].symbol, delivery.arrive_ns // _SPACE_NS


def inject(
    stream: Stream,
    deliveries: list[Delivery],
    feeds: tuple[Feed, ...],
    *,
    each: int,
    seed: int,
) -> list[Delivery]:
    """Return the deliveries with `each` anomalies of every kind the stream lends itself to."""
    places = _Places(stream, deliveries)
    arrivals = Arrivals(stream, deliveries)
    rows: dict[int, Delivery] = {}
    added: list[Delivery] = []
    gone: set[int] = set()
    for kind in sorted([*CORRUPTIONS, *REPEATS]):
        rng = Random(f"{seed}/{stream.name}/{kind}")
        for place, made in _of_kind(kind, arrivals, feeds, places, each, rng):
            if kind in CORRUPTIONS:
                rows[place] = made
            else:
                added.append(made)
                if kind in _MOVING:
                    gone.add(place)
    kept = [rows.get(i, d) for i, d in enumerate(deliveries) if i not in gone]
    return sorted([*kept, *added], key=lambda delivery: delivery.arrive_ns)


def _of_kind(
    kind: str,
    arrivals: Arrivals,
    feeds: tuple[Feed, ...],
    places: _Places,
    each: int,
    rng: Random,
) -> list[tuple[int, Delivery]]:
    """Take contracts in turn, so that busy ones do not get everything."""
    made: list[tuple[int, Delivery]] = []
    symbols = sorted(places.by_symbol)
    rng.shuffle(symbols)
    for attempt in range(each * _TRIES):
        if len(made) >= each or not symbols:
            break
        place = rng.choice(places.by_symbol[symbols[attempt % len(symbols)]])
        if not places.is_free(place):
            continue
        if kind in CORRUPTIONS:
            delivery = _corrupted(kind, arrivals, feeds, place, places.before[place], rng)
        else:
            delivery = REPEATS[kind](arrivals, place, rng)
        if delivery is not None:
            places.take(place)
            made.append((place, delivery))
    return made


def _corrupted(
    kind: str, arrivals: Arrivals, feeds: tuple[Feed, ...], place: int, before: int, rng: Random
) -> Delivery | None:
    stream, delivery = arrivals.stream, arrivals.deliveries[place]
    fact = stream.facts[delivery.fact]
    sent = as_sent(stream, fact, feeds[delivery.feed])
    now = dict(zip(stream.columns, sent.split(","), strict=True))
    row = Row(now, stream.cells(stream.facts[before]), stream.contracts[fact.symbol])
    changed = CORRUPTIONS[kind](row, rng)
    if changed is None:
        return None
    line = stream.line(now | changed)
    if line == sent and kind != "A06":
        return None
    nulls = " ".join(sorted(changed)) if kind in {"A09", "A20"} else ""
    return delivery._replace(kind=kind, line=line, nulls=nulls)
