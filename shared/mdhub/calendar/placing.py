# HOT: once per raw tick.
"""From a time of day to an exchange time, a trading day and a phase, by market time.

Fronts send no date one could trust, so a time of day is the most recent moment that has it and on
which its product trades: at 08:30 on Monday 22:59:59 was on Friday evening. Only while the
product trades, and only for the hours up to `AHEAD_NS`, it is a moment still to come: a wrong
clock.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from datetime import date, timedelta
from typing import Final

from mdhub.calendar.calendar import DAY_NS, SECOND_NS, Calendar
from mdhub.calendar.errors import OutsideCalendar
from mdhub.calendar.hours import CLOCK_NS, Admits, Piece
from mdhub.calendar.rows import DAY_S, NIGHT_S, Phase, as_int

__all__ = ["LAST_MOMENT_NS", "Placer", "Segment"]

LAST_MOMENT_NS: Final = 4_000_000_000_000_000_000
"""Dates are only computed up to here (2096)."""
CHINA_OFFSET_NS: Final = 8 * 3_600 * SECOND_NS
AHEAD_NS: Final = 8 * 3_600 * SECOND_NS
"""Clocks that are wrong are wrong by less (domain: up to 8 h)."""
_EPOCH_ORDINAL: Final = date(1970, 1, 1).toordinal()
_DAYS_BACK: Final = 31
"""Sessions are never farther apart: the longest holidays take eleven days."""
_DAYS_KEPT: Final = 8
_NIGHT_END_NS: Final = CLOCK_NS + NIGHT_S * SECOND_NS - DAY_NS


class Segment:
    """What a stretch of a natural day means to a product; immutable."""

    __slots__ = ("admits", "dates", "listed", "phase", "trading_day")

    def __init__(
        self,
        trading_day: int,
        phase: Phase,
        admits: Admits,
        dates: frozenset[tuple[str, str]],
        *,
        listed: bool,
    ) -> None:
        self.trading_day = trading_day
        """YYYYMMDD; 0 if the calendar does not say."""
        self.phase = phase
        self.admits = admits
        self.dates = dates
        """(TradingDay, ActionDay) as fronts of this exchange send them, by its convention."""
        self.listed = listed
        """False: judged by the widest hours of the exchange."""


class _Table:
    """One natural day of one product."""

    __slots__ = ("segments", "starts")

    def __init__(self) -> None:
        self.starts: list[int] = []
        self.segments: list[Segment] = []

    def at(self, of_day_ns: int) -> Segment:
        return self.segments[bisect_right(self.starts, of_day_ns) - 1]


_OUTSIDE: Final = Segment(0, Phase.CLOSED, Admits.OUTSIDE, frozenset(), listed=True)


class Placer:
    """Places times of day by one calendar; market time only goes where it is told."""

    def __init__(self, calendar: Calendar) -> None:
        self.calendar = calendar
        self._days: dict[int, dict[str, _Table]] = {}
        self.set_market_time(0, 0)

    def set_market_time(self, market_ns: int, tolerance_ns: int) -> None:
        """Market time from now on, and how far ahead of it a true tick may be."""
        self._market_ns = market_ns
        self._fresh_ns = market_ns - tolerance_ns
        days, of_day_ns = divmod(market_ns + tolerance_ns + CHINA_OFFSET_NS, DAY_NS)
        self._latest_of_day_ns = of_day_ns
        self._midnight_ns = days * DAY_NS - CHINA_OFFSET_NS
        self._ordinal = days + _EPOCH_ORDINAL
        self._today = self._tables(self._ordinal)
        self._yesterday = self._tables(self._ordinal - 1)

    def place(self, product: str, of_day_ns: int) -> tuple[int, Segment]:
        """Return exchange time and segment of a time of day; `product` as `SHFE.rb`.

        Never raises: a moment that the calendar does not cover admits nothing (`OUTSIDE`), nor
        does one that is still to come (`AHEAD`).
        """
        if of_day_ns <= self._latest_of_day_ns:
            ordinal, ts_ns = self._ordinal, self._midnight_ns + of_day_ns
            table = self._today.get(product) or self._table(ordinal, product)
        else:
            ordinal, ts_ns = self._ordinal - 1, self._midnight_ns - DAY_NS + of_day_ns
            table = self._yesterday.get(product) or self._table(ordinal, product)
        segment = table.segments[bisect_right(table.starts, of_day_ns) - 1]
        if ts_ns >= self._fresh_ns:
            return ts_ns, segment
        if ts_ns < self._market_ns + AHEAD_NS - DAY_NS and self._is_ahead(
            ordinal + 1, product, of_day_ns
        ):
            return ts_ns + DAY_NS, _ahead(self._table(ordinal + 1, product).at(of_day_ns))
        if segment.phase is Phase.CLOSED and segment.admits is Admits.NONE:
            return self._newest(ordinal, product, of_day_ns, segment)
        return ts_ns, segment

    def _is_ahead(self, ordinal: int, product: str, of_day_ns: int) -> bool:
        """Whether the product trades now and again at that time of the same trading day."""
        days, now_ns = divmod(self._market_ns + CHINA_OFFSET_NS, DAY_NS)
        now = self._table(days + _EPOCH_ORDINAL, product).at(now_ns)
        then = self._table(ordinal, product).at(of_day_ns)
        return (
            now.trading_day == then.trading_day
            and now.phase is not Phase.CLOSED
            and (then.admits is Admits.ALL or then.admits is Admits.SETTLEMENT)
        )

    def _newest(
        self, ordinal: int, product: str, of_day_ns: int, otherwise: Segment
    ) -> tuple[int, Segment]:
        """The newest day on which the product trades at that time, else the newest of all."""
        for back in range(1, _DAYS_BACK + 1):
            segment = self._table(ordinal - back, product).at(of_day_ns)
            if segment.admits is Admits.ALL or segment.admits is Admits.SETTLEMENT:
                ordinal, otherwise = ordinal - back, segment
                break
        midnight_ns = (ordinal - _EPOCH_ORDINAL) * DAY_NS - CHINA_OFFSET_NS
        return midnight_ns + of_day_ns, otherwise

    def _tables(self, ordinal: int) -> dict[str, _Table]:
        tables = self._days.get(ordinal)
        if tables is None:
            if len(self._days) >= _DAYS_KEPT + _DAYS_BACK:
                self._days.clear()
            tables = self._days[ordinal] = {}
        return tables

    def _table(self, ordinal: int, product: str) -> _Table:
        tables = self._tables(ordinal)
        table = tables.get(product)
        if table is None:
            table = tables[product] = _build(self.calendar, date.fromordinal(ordinal), product)
        return table


def _ahead(then: Segment) -> Segment:
    return Segment(then.trading_day, then.phase, Admits.AHEAD, then.dates, listed=then.listed)


def _build(calendar: Calendar, day: date, name: str) -> _Table:
    """Cut a natural day: the night of the evening before, the day, the evening."""
    exchange, _, product = name.partition(".")
    table = _Table()

    def add(evening: date, from_ns: int, to_ns: int, runs: Callable[[date], bool]) -> None:
        """Segments of this natural day from one time of day to another."""
        try:
            trading = calendar.trading_day_after(evening)
            trades = runs(trading)
        except OutsideCalendar:
            table.starts.append(from_ns)
            table.segments.append(_OUTSIDE)
            return
        number = as_int(trading)
        hours = calendar.hours.of(exchange, product, number)
        origin_ns = CLOCK_NS if evening == day else CLOCK_NS - DAY_NS
        night = evening == day or from_ns == 0
        pieces = hours.night if night else hours.day
        if not trades:
            pieces = (Piece(0, Phase.CLOSED, Admits.NONE),)
        dates = _dates(exchange, day, number, night=night)
        for piece in pieces:
            start_ns = max(piece.start_ns + origin_ns, from_ns)
            if start_ns >= to_ns:
                break
            if table.starts and table.starts[-1] == start_ns:
                table.starts.pop()
                table.segments.pop()
            segment = Segment(number, piece.phase, piece.admits, dates, listed=hours.listed)
            table.starts.append(start_ns)
            table.segments.append(segment)

    before = day - timedelta(1)
    add(before, 0, _NIGHT_END_NS, lambda _: calendar.has_night(before))
    add(before, _NIGHT_END_NS, CLOCK_NS, lambda trading: trading == day)
    add(day, CLOCK_NS, DAY_S * SECOND_NS, lambda _: calendar.has_night(day))
    return table


def _dates(
    exchange: str, day: date, trading_day: int, *, night: bool
) -> frozenset[tuple[str, str]]:
    """What fronts send there by the known conventions of an exchange (an empty date is no date).

    At night DCE sends the trading day as action day, CZCE the natural date as trading day; GFEX,
    which has no night yet, is taken to follow DCE.
    """
    trading, natural = str(trading_day), str(as_int(day))
    trading_days, action_days = {"", trading}, {"", natural}
    if night and exchange in {"DCE", "GFEX"}:
        action_days.add(trading)
    if night and exchange == "CZCE":
        trading_days.add(natural)
    return frozenset((t, a) for t in trading_days for a in action_days)
