"""Trading days as lanes on one time axis: windows of each group, hours of each exchange. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final

from mdhub.calendar import Calendar, Interval, OutsideCalendar, Phase
from mdhub.calendar.calendar import midnight_ns
from mdhub.calendar.rows import EXCHANGES, as_int
from mdhub.calendar.windows import Group, ScheduleError, Timetable, Window
from mdhub_console.pages.day_line import Scale

__all__ = ["Bar", "Day", "Lane", "Tick", "days_from"]

DAYS: Final = 3
CROWDED: Final = 5.0
"""Per cent that a label of the axis needs."""
CROWDED_NARROW: Final = 15.0
"""The same on a phone."""
MARKET: Final = ("SHFE", "au")
_MORNING_NS: Final = 6 * 3_600 * 1_000_000_000
Groups = tuple[tuple[str, Group], ...]


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of a lane, in per cent of the axis."""

    kind: str
    """`window`, or a phase."""
    x: float
    width: float
    start_ns: int
    end_ns: int


@dataclass(frozen=True, slots=True)
class Lane:
    """A group of sources, or an exchange."""

    name: str
    group: bool
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Tick:
    """A time of day on the axis."""

    x: float
    at_ns: int
    narrow: bool
    """Whether there is room for it on a phone too."""


@dataclass(frozen=True, slots=True)
class Day:
    """One trading day."""

    day: int
    """YYYYMMDD."""
    weekday: int
    """0 = Monday."""
    night: bool
    lanes: tuple[Lane, ...]
    ticks: tuple[Tick, ...]
    scale: Scale | None
    """None = nothing happens."""

    def now(self, market_ns: int) -> float | None:
        """Where now is; None = not on this day's line."""
        scale = self.scale
        return scale.at(market_ns) if scale is not None and scale.holds(market_ns) else None


def days_from(calendar: Calendar, groups: Mapping[str, Group], market_ns: int) -> list[Day]:
    """The trading day that is or comes next, and the two after it, as far as the calendar goes."""
    found: list[Day] = []
    try:
        day = calendar.at(*MARKET, market_ns).trading_day
        named = tuple(sorted(groups.items()))
        for _ in range(DAYS):
            found.append(_day(calendar, named, day))
            day = calendar.trading_day_after(day)
    except OutsideCalendar:
        pass
    return found


@lru_cache(maxsize=32)
def _day(calendar: Calendar, groups: Groups, day: date) -> Day:
    windows = {name: _windows(calendar, name, group, day) for name, group in groups}
    hours = {name: _hours(calendar, name, day) for name in EXCHANGES}
    scale = _scale([piece for lane in (*windows.values(), *hours.values()) for piece in lane], day)
    market = calendar.sessions(*MARKET, day)
    return Day(
        day=as_int(day),
        weekday=day.weekday(),
        night=any(piece.start_ns < midnight_ns(day) + _MORNING_NS for piece in market),
        lanes=tuple(
            Lane(name, group, tuple(_bar(piece, scale) for piece in pieces))
            for group, lanes in ((True, windows), (False, hours))
            for name, pieces in lanes.items()
        )
        if scale
        else (),
        ticks=_ticks(market, scale) if scale else (),
        scale=scale,
    )


def _windows(calendar: Calendar, name: str, group: Group, day: date) -> list[Interval]:
    try:
        table = Timetable(calendar, {name: group})
        found: list[Window] = []
        for begins in (_before(calendar, day), day):
            found += table.begun_on(name, begins) if begins else []
    except (ScheduleError, OutsideCalendar):
        return []
    return [Interval(Phase.CLOSED, w.start_ns, w.end_ns) for w in found if w.trading_day == day]


def _before(calendar: Calendar, day: date) -> date | None:
    try:
        return calendar.trading_day_before(day)
    except OutsideCalendar:
        return None


def _hours(calendar: Calendar, exchange: str, day: date) -> list[Interval]:
    """When any product of an exchange trades, and under it when orders are collected."""
    products = {row.product for row in calendar.rows.hours if row.exchange == exchange}
    pieces = {i for product in products for i in calendar.sessions(exchange, product, day)}
    return [
        Interval(phase, start, end)
        for phase in (Phase.AUCTION, Phase.CONTINUOUS)
        for start, end in _joined((i.start_ns, i.end_ns) for i in pieces if i.phase is phase)
    ]


def _joined(pieces: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for start, end in sorted(pieces):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def _scale(pieces: Sequence[Interval], day: date) -> Scale | None:
    """The night and the day, what lies between folded."""
    morning = midnight_ns(day) + _MORNING_NS
    halves = [
        [p for p in pieces if p.start_ns < morning], [p for p in pieces if p.start_ns >= morning]
    ]  # fmt: skip
    spans = [(min(p.start_ns for p in h), max(p.end_ns for p in h)) for h in halves if h]
    axis: list[Interval] = []
    for start, end in spans:
        if axis:
            axis.append(Interval(Phase.CLOSED, axis[-1].end_ns, start))
        axis.append(Interval(Phase.CONTINUOUS, start, end))
    return Scale(axis) if axis else None


def _bar(piece: Interval, scale: Scale | None) -> Bar:
    kind = "window" if piece.phase is Phase.CLOSED else str(piece.phase)
    low, high = (scale.at(at) if scale else 0.0 for at in (piece.start_ns, piece.end_ns))
    return Bar(kind, low, round(high - low, 2), piece.start_ns, piece.end_ns)


def _ticks(market: Sequence[Interval], scale: Scale) -> tuple[Tick, ...]:
    """Begin and end of each session of the market; where it is crowded, some are left out."""
    opens = [piece for piece in market if piece.phase is Phase.CONTINUOUS]
    times = sorted({edge for piece in opens for edge in (piece.start_ns, piece.end_ns)})
    found: list[Tick] = []
    wide, narrow = -CROWDED, -CROWDED_NARROW
    for at_ns in times:
        x = scale.at(at_ns)
        if x - wide < CROWDED:
            continue
        fits = x - narrow >= CROWDED_NARROW
        wide, narrow = x, x if fits else narrow
        found.append(Tick(x, at_ns, fits))
    return tuple(found)
