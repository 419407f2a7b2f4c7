"""When the synthetic market makes something: trading days of numbered minutes, in two shapes.

Trading days are those of mdhub's calendar, numbered from 0 = Friday 2025-06-20 to its horizon. A
trading day begins with the night session on the evening of the trading day before; the first one
after a holiday has none. `LIQUID` has only minutes in which all eight exchanges trade; `FULL` has
the whole day: night session, opening auctions, breaks, closing rows, settlement. Hours by product:
docs/sources.md.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from datetime import date, datetime
from enum import Enum
from functools import cache
from itertools import count, pairwise
from typing import Final, Literal, NamedTuple

from mdhub.market import days
from mdhub.market.dates import DAY_NS, SECOND_NS
from mdhub.market.products import product_of
from mdhub.wire.ticks import CHINA_TIME

__all__ = [
    "FULL",
    "LIQUID",
    "MINUTE_NS",
    "SHAPES",
    "Kind",
    "Program",
    "Sessions",
    "Step",
    "Timetable",
    "date_of",
    "has_night",
    "hours_of",
    "last_day",
    "number_of_day",
]

Sessions = Literal["liquid", "full"]
MINUTE_NS: Final = 60 * SECOND_NS

_FIRST_DAY: Final = date(2025, 6, 20)
"""A Friday with a night before and after it; index futures and many options expire on it."""
_HOURS_20_NS: Final = 20 * 60 * MINUTE_NS
_NIGHT_ENDS: Final = 12 * 60
"""Minutes of a trading day count from 20:00 of the evening before; those from 08:00 on are day."""
_LONGEST_WAIT: Final = 5
"""Minutes without anything are part of the timetable up to here; who plays jumps over more."""


class Kind(Enum):
    """What a contract does in one minute."""

    REST = "rest"
    TRADE = "trade"
    AUCTION = "auction"
    BELL = "bell"
    """A session has just ended, not the last one."""
    CLOSE = "close"
    """The last session has just ended."""
    SETTLE = "settle"


class Step(NamedTuple):
    """One minute of a contract's trading day."""

    kind: Kind
    traded: int
    """Minutes of continuous trading before it."""
    auctions: int
    """Auctions before it."""


class _Hours(NamedTuple):
    auctions: tuple[int, ...]
    sessions: tuple[tuple[int, int], ...]


def _clock(text: str) -> int:
    hour, minute = text.split(":")
    return (int(hour) * 60 + int(minute) - 20 * 60) % (24 * 60)


def _hours(auctions: str, sessions: str) -> _Hours:
    spans = [span.split("-") for span in sessions.split()]
    return _Hours(
        tuple(_clock(text) for text in auctions.split()),
        tuple((_clock(begin), _clock(end)) for begin, end in spans),
    )


_DAY: Final = "09:00-10:15 10:30-11:30 13:30-15:00"
_HOURS: Final = {
    "day": _hours("08:59", _DAY),
    "23:00": _hours("20:59 08:59", f"21:00-23:00 {_DAY}"),
    "01:00": _hours("20:59 08:59", f"21:00-01:00 {_DAY}"),
    "02:30": _hours("20:59 08:59", f"21:00-02:30 {_DAY}"),
    "index": _hours("09:29", "09:30-11:30 13:00-15:00"),
    "bond": _hours("09:29", "09:30-11:30 13:00-15:15"),
    "etf": _hours("09:25 15:00", "09:30-11:30 13:00-14:57"),
}
_LIQUID_HOURS: Final = _hours("", "09:35-10:10 10:35-11:25 13:35-14:55")
"""Five minutes inside the sessions that all exchanges have in common."""

_NIGHT: Final = {
    "01:00": "cu al zn pb ni sn ss ao ad bc",
    "02:30": "au ag sc",
    "day": "wr ec jd lh bb fb lg AP CJ PK UR SF SM WH PM RI JR RS LR si lc ps pt pd",
    "index": "IF IH IC IM IO HO MO",
    "bond": "T TF TS TL",
    "etf": "ETFO ETF",
}
_HOURS_OF: Final = {
    product: hours for hours, products in _NIGHT.items() for product in products.split()
}

_AT_THE_BREAK: Final = frozenset({"CFFEX"})
"""Sends a row after each bell; the others at the end of night and day only."""
_AUCTION_CLOSES: Final = frozenset({"SSE", "SZSE"})
_SETTLED: Final = {
    "SHFE": "15:22",
    "INE": "15:22",
    "CZCE": "15:10",
    "CFFEX": "15:24 15:27 15:44",
    "SSE": "15:31",
    "SZSE": "15:31",
}
"""Minutes of settlement rows. DCE and GFEX settle in the minute of the close."""


def hours_of(symbol: str) -> str:
    """Return by which hours a symbol trades: its night's end, or the kind of its day."""
    return _HOURS_OF.get(product_of(symbol) or "", "23:00")


@cache
def _first_number() -> int:
    return days.number_of(_FIRST_DAY)


def date_of(day: int) -> int:
    """Return 00:00 China time, in ns, of the date of a trading day's number."""
    found = days.day_of(_first_number() + day)
    moment = datetime(found.year, found.month, found.day, tzinfo=CHINA_TIME)
    return int(moment.timestamp()) * SECOND_NS


def number_of_day(date_ns: int) -> int:
    """Return the number of the first trading day at or after a date."""
    moment = datetime.fromtimestamp(date_ns // SECOND_NS, CHINA_TIME)
    return days.number_of(moment.date()) - _first_number()


def has_night(day: int) -> bool:
    """Tell whether the trading day with this number begins with a night session."""
    return days.has_night(_first_number() + day)


def last_day() -> int:
    """Return the number of the last trading day: the calendar ends there."""
    return days.last_number() - _first_number()


class Program(NamedTuple):
    """A trading day of all contracts with the same hours on the same exchange."""

    steps: tuple[Step, ...]
    """What happens in each minute of the timetable."""
    places: tuple[int, ...]
    """Place in the timetable of each minute of continuous trading."""
    auction_places: tuple[int, ...]


class Timetable:
    """The minutes of one shape. Minute 0 begins the trading day of 2025-06-20."""

    def __init__(self, hours: dict[str, _Hours], *, with_rows: bool) -> None:
        """`with_rows`: rows after bells and settlement rows are made as well."""
        self._hours: Final = hours
        self._with_rows: Final = with_rows
        self._clocks: Final = _filled(self._used())
        self.day_minutes: Final = len(self._clocks)
        self._stretches: Final = _stretches(self._clocks)
        self._by_day: Final = [
            stretch for stretch in self._stretches if self._clocks[stretch[0]] >= _NIGHT_ENDS
        ]
        self._programs: dict[tuple[str, str, bool], Program] = {}

    @property
    def start_ns(self) -> int:
        """When minute 0 begins."""
        return self.start_of(0)

    def start_of(self, minute: int) -> int:
        """Return when a minute begins."""
        day, place = divmod(minute, self.day_minutes)
        clock = self._clocks[place]
        night = clock < _NIGHT_ENDS
        date_ns = date_of(day - 1) if night else date_of(day) - DAY_NS
        return date_ns + _HOURS_20_NS + clock * MINUTE_NS

    def minute_at(self, market_ns: int) -> tuple[int, int]:
        """Return the minute a moment is in and how far; where there is none the next one and 0."""
        near = number_of_day(market_ns) * self.day_minutes
        around = range(near - self.day_minutes, near + 2 * self.day_minutes)
        place = bisect_right(around, market_ns, key=self.start_of) - 1
        into_ns = market_ns - self.start_of(around[place])
        return (around[place], into_ns) if into_ns < MINUTE_NS else (around[place] + 1, 0)

    def time_after(self, minutes_ns: int, *, rest_ns: int = 0) -> int:
        """Return the moment at which so much of its minutes has passed since the start.

        `rest_ns`: what each jump over a gap takes of that time.
        """
        for day in count():
            for place, length in self._stretches if has_night(day) else self._by_day:
                minutes_ns = max(0, minutes_ns)
                if minutes_ns < length * MINUTE_NS:
                    minute, into_ns = divmod(minutes_ns, MINUTE_NS)
                    return self.start_of(day * self.day_minutes + place + minute) + into_ns
                minutes_ns -= length * MINUTE_NS + rest_ns
        raise AssertionError("days do not end")

    def program(self, hours: str, exchange: str, *, night: bool = True) -> Program:
        """Return the trading day of contracts with these hours on this exchange."""
        key = (hours, exchange, night)
        known = self._programs.get(key)
        if known is None:
            known = self._programs[key] = self._compiled(hours, exchange, night=night)
        return known

    def _compiled(self, hours: str, exchange: str, *, night: bool) -> Program:
        kinds = self._kinds(self._hours[hours], exchange)
        if not night:
            kinds = {clock: kind for clock, kind in kinds.items() if clock >= _NIGHT_ENDS}
        steps: list[Step] = []
        places: list[int] = []
        auctions: list[int] = []
        for place, clock in enumerate(self._clocks):
            kind = kinds.get(clock, Kind.REST)
            steps.append(Step(kind, len(places), len(auctions)))
            if kind is Kind.TRADE:
                places.append(place)
            elif kind is Kind.AUCTION:
                auctions.append(place)
        return Program(tuple(steps), tuple(places), tuple(auctions))

    def _kinds(self, hours: _Hours, exchange: str) -> dict[int, Kind]:
        kinds: dict[int, Kind] = {}
        if self._with_rows:
            last = max(end for _, end in hours.sessions)
            for _, end in hours.sessions:
                if exchange not in _AUCTION_CLOSES and (
                    end < _NIGHT_ENDS or exchange in _AT_THE_BREAK
                ):
                    kinds[end] = Kind.BELL
            if exchange not in _AUCTION_CLOSES:
                kinds[last] = Kind.CLOSE
            for text in _SETTLED.get(exchange, "").split():
                kinds[_clock(text)] = Kind.SETTLE
        for begin, end in hours.sessions:
            kinds.update(dict.fromkeys(range(begin, end), Kind.TRADE))
        kinds.update(dict.fromkeys(hours.auctions, Kind.AUCTION))
        return kinds

    def _used(self) -> set[int]:
        exchanges = (*_SETTLED, "DCE") if self._with_rows else ("DCE",)
        return {
            clock
            for hours in self._hours.values()
            for exchange in exchanges
            for clock in self._kinds(hours, exchange)
        }


def _filled(used: Iterable[int]) -> list[int]:
    """Fill short holes, so that the length of a stretch is what it takes to play it."""
    clocks: list[int] = []
    for clock in sorted(used):
        if clocks and 1 < clock - clocks[-1] <= _LONGEST_WAIT:
            clocks.extend(range(clocks[-1] + 1, clock))
        clocks.append(clock)
    return clocks


def _stretches(clocks: list[int]) -> list[tuple[int, int]]:
    """Return where in a day minutes without a hole begin, and how many they are."""
    begins = [p for p, clock in enumerate(clocks) if not p or clock - clocks[p - 1] > 1]
    return [(begin, end - begin) for begin, end in pairwise([*begins, len(clocks)])]


LIQUID: Final = Timetable(dict.fromkeys(_HOURS, _LIQUID_HOURS), with_rows=False)
FULL: Final = Timetable(_HOURS, with_rows=True)
SHAPES: Final[dict[Sessions, Timetable]] = {"liquid": LIQUID, "full": FULL}
