"""The kinds of anomaly that repeat or move whole rows: A01-A05 and A21.

A place is an index into the deliveries, in order of arrival. Each function returns a delivery to
add (A05: to put in the old one's stead), or None where the place does not lend itself to it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator
from random import Random
from typing import Final

from truth.feeds import Delivery
from truth.stream import CHINA, SECOND_NS, Stream, in_session, time_text

__all__ = ["Arrivals", "night_replay"]

MS_NS: Final = 1_000_000
_QUIET_NS: Final = 20 * 60 * SECOND_NS
_OTHER_SHARE: Final = 0.25
"""Share of the copies that say something else."""
_MORNING_S: Final = 8 * 3600 + 1800


class Arrivals:
    """All deliveries, and where those of one feed and contract are."""

    def __init__(self, stream: Stream, deliveries: list[Delivery]) -> None:
        self.stream = stream
        self.deliveries = deliveries
        self._lanes: dict[tuple[int, str], list[int]] = defaultdict(list)
        for place, delivery in enumerate(deliveries):
            self._lanes[self._lane(delivery)].append(place)
        self.gaps = list(_gaps(deliveries))

    def _lane(self, delivery: Delivery) -> tuple[int, str]:
        return delivery.feed, self.stream.facts[delivery.fact].symbol

    def repeated(self, place: int, rng: Random) -> Delivery | None:
        """A01: the same row of the same feed again, 0 to 5 s later."""
        row = self.deliveries[place]
        later_ns = rng.choice((1, rng.randrange(5 * SECOND_NS)))
        return self._again(row._replace(arrive_ns=row.arrive_ns + later_ns, kind="A01"))

    def copied(self, place: int, rng: Random) -> Delivery | None:
        """A02: another feed's copy, 1 to 800 ms later; some contradict the first one."""
        row = self.deliveries[place]
        later_ns = rng.randrange(1, 801) * MS_NS
        feed = 1 - (row.feed > 0)
        made = row._replace(arrive_ns=row.arrive_ns + later_ns, feed=feed, kind="A02")
        fact = self.stream.facts[row.fact]
        cells = self.stream.cells(fact)
        if fact.exchange != "CZCE" and cells["AskVolume1"] and rng.random() < _OTHER_SHARE:
            # Where a time has one snapshot, a copy that contradicts the first one is false.
            cells["AskVolume1"] = str(int(cells["AskVolume1"]) + 1)
            return made._replace(line=self.stream.line(cells))
        return self._again(made)

    def _again(self, made: Delivery) -> Delivery | None:
        """Return it, unless its feed has sent a later row of the same CZCE second by then.

        There the book of before is what a book looks like that came back (A-B-A), and no front
        goes back within a connection.
        """
        facts = self.stream.facts
        fact = facts[made.fact]
        lane = self._lanes[self._lane(made)]
        before = bisect_left(lane, made.arrive_ns, key=lambda i: self.deliveries[i].arrive_ns) - 1
        if fact.exchange != "CZCE" or before < 0:
            return made
        sent = facts[self.deliveries[lane[before]].fact]
        return None if sent.ts_ns == fact.ts_ns and sent.snapshot > fact.snapshot else made

    def stale(self, place: int, rng: Random) -> Delivery | None:
        """A04: the last row again after minutes of silence, as on a new subscription."""
        row = self.deliveries[place]
        if self._next(place) is None:
            return None
        minutes_ns = rng.randrange(60, 600) * SECOND_NS
        return row._replace(arrive_ns=row.arrive_ns + minutes_ns, kind="A04")

    def late(self, place: int, rng: Random) -> Delivery | None:
        """A05: a row 1 to 20 places later in its contract, behind one of a later time at least."""
        row = self.deliveries[place]
        lane = self._lanes[self._lane(row)]
        target = bisect_right(lane, place) - 1 + rng.randrange(1, 21)
        while target < len(lane):
            behind = self.deliveries[lane[target]]
            facts = self.stream.facts
            if facts[behind.fact].ts_ns > facts[row.fact].ts_ns:
                return row._replace(arrive_ns=behind.arrive_ns + 1, kind="A05")
            target += 1
        return None

    def out_of_session(self, place: int, rng: Random) -> Delivery | None:
        """A21: a row of test data in a break, at night, at a weekend, with more volume."""
        lane = self._lanes[self._lane(self.deliveries[place])]
        if not self.gaps:
            return None
        start_ns, end_ns = rng.choice(self.gaps)
        at_ns = rng.randrange(start_ns, end_ns)
        before = bisect_left(lane, at_ns, key=lambda i: self.deliveries[i].arrive_ns) - 1
        if before < 0:
            return None
        row = self.deliveries[lane[before]]
        fact = self.stream.facts[row.fact]
        date, time, ms = time_text(at_ns)
        if not _is_closed(fact.exchange, time, weekday=_weekday(at_ns)):
            return None
        cells = self.stream.cells(fact)
        ms = "0" if fact.exchange == "CZCE" else ms
        cells |= {"ActionDay": date, "UpdateTime": time, "UpdateMillisec": ms}
        cells["Volume"] = str(int(cells["Volume"] or 0) + 2)
        return Delivery(at_ns + 5 * MS_NS, row.feed, row.fact, "A21", self.stream.line(cells))

    def _next(self, place: int) -> int | None:
        lane = self._lanes[self._lane(self.deliveries[place])]
        after = bisect_right(lane, place)
        return lane[after] if after < len(lane) else None


def _gaps(deliveries: list[Delivery]) -> Iterator[tuple[int, int]]:
    before_ns = deliveries[0].arrive_ns if deliveries else 0
    for delivery in deliveries:
        if delivery.arrive_ns - before_ns > _QUIET_NS:
            yield before_ns + 60 * SECOND_NS, delivery.arrive_ns - 60 * SECOND_NS
        before_ns = delivery.arrive_ns


def _weekday(ns: int) -> int:
    from_monday = (ns // SECOND_NS + int(CHINA.utcoffset(None).total_seconds())) // 86_400 + 3
    return from_monday % 7


def _is_closed(exchange: str, time: str, *, weekday: int) -> bool:
    """Whether nothing of the exchange trades, also not the minutes of auctions and settlement."""
    if weekday == 6 or (weekday == 5 and time >= "03:00:00"):
        return True
    if "15:00:00" <= time < "15:50:00":
        return False
    return not in_session(exchange, time)


def night_replay(stream: Stream, deliveries: list[Delivery]) -> list[Delivery]:
    """A03: every night row of the first feed again from 08:30 of the first trading morning after.

    Empty where the stream has no night with a day behind it.
    """
    added: list[Delivery] = []
    days = sorted({fact.day for fact in stream.facts})
    for day in days:
        night = [d for d in deliveries if d.feed == 0 and _is_night_of(stream, d, day)]
        day_ns = [f.made_ns for f in stream.facts if f.day == day and not _is_night(f.ts_ns)]
        if not night or not day_ns or min(day_ns) < night[-1].arrive_ns:
            continue
        midnight_ns = _midnight(min(day_ns))
        start_ns = midnight_ns + _MORNING_S * SECOND_NS
        added += [
            row._replace(arrive_ns=start_ns + i * 100_000, kind="A03")
            for i, row in enumerate(night)
        ]
    return added


def _is_night_of(stream: Stream, delivery: Delivery, day: int) -> bool:
    fact = stream.facts[delivery.fact]
    return fact.day == day and not delivery.kind and _is_night(fact.ts_ns)


def _is_night(ns: int) -> bool:
    hour = (ns // SECOND_NS // 3600 + 8) % 24
    return hour >= 20 or hour < 3


def _midnight(ns: int) -> int:
    offset_ns = 8 * 3600 * SECOND_NS
    day_ns = 86_400 * SECOND_NS
    return (ns + offset_ns) // day_ns * day_ns - offset_ns
