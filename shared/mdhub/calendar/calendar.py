"""The trading calendar: which days trade, which evenings have a night session, when a product does.

China time throughout, a fixed offset; nothing depends on the time zone of the host.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache, cached_property
from importlib import resources
from pathlib import Path
from typing import Final, NamedTuple

from mdhub.calendar.encoding import digest_of, encode_parts
from mdhub.calendar.errors import BadCalendar, OutsideCalendar, Problem
from mdhub.calendar.hours import CLOCK_NS, HoursTable, Piece, phase_in
from mdhub.calendar.merge import merged
from mdhub.calendar.rows import (
    DAY_S,
    EXCHANGES,
    FIRST_YEAR,
    LAST_YEAR,
    NIGHT_S,
    Hours,
    Phase,
    Rows,
    Span,
    Template,
    as_date,
    as_int,
    is_weekday,
)

__all__ = ["HORIZON_ALARM_DAYS", "Calendar", "Interval", "Moment"]

HORIZON_ALARM_DAYS: Final = 45
"""With fewer days left somebody must add the next year."""
SECOND_NS: Final = 1_000_000_000
DAY_NS: Final = DAY_S * SECOND_NS
CHINA_OFFSET_NS: Final = 8 * 3_600 * SECOND_NS
_EPOCH_ORDINAL: Final = date(1970, 1, 1).toordinal()
_MAX_OVERRIDE_LETTERS: Final = 1_000_000


class Interval(NamedTuple):
    """A phase of one product on one trading day; ns since the Unix epoch, the end is outside."""

    phase: Phase
    start_ns: int
    end_ns: int


class Moment(NamedTuple):
    """What an instant means to a product."""

    natural_day: date
    trading_day: date
    phase: Phase
    clock_ns: int
    """ns since 20:00 by the clock, 0 to 24 h: the night sorts before the day."""


class Calendar:
    """A calendar in force; immutable. Its rows are all there is: equal rows, equal answers."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.digest = digest_of(rows)
        self.first = date(rows.years[0], 1, 1)
        self.horizon = date(rows.years[-1], 12, 31)
        """The last day the calendar covers."""
        self._closed = {as_date(day).toordinal() for day in rows.closed}
        self._nightless = {as_date(day).toordinal() for day in rows.nightless}
        self.hours = HoursTable(rows)

    @classmethod
    def load(cls, override: Path | None = None) -> Calendar:
        """Load the data of this version of mdhub, and an operator's file on top.

        Raises BadCalendar naming every mistake of the file with its line.
        """
        data = resources.files("mdhub.calendar") / "data"
        base = [
            (name, (data / name).read_text(encoding="utf-8")) for name in ("days.txt", "hours.txt")
        ]
        files = [("mdhub's own calendar", "\n".join(text for _, text in base))]
        if override is not None:
            files.append((str(override), _read(override)))
        return cls(merged(*files))

    @classmethod
    def bare(cls) -> Calendar:
        """Return what holds while nobody has said anything: weekdays trade, at any hour."""
        return _bare()

    @cached_property
    def parts(self) -> list[bytes]:
        """Bodies of the control entries that carry this calendar in the log."""
        return encode_parts(self.rows)

    def is_trading_day(self, day: date) -> bool:
        """Whether a day trades. Raises OutsideCalendar."""
        if not self.first <= day <= self.horizon:
            raise OutsideCalendar(day, self.first, self.horizon)
        return is_weekday(day) and day.toordinal() not in self._closed

    def trading_day_after(self, day: date) -> date:
        """Next trading day after a day. Raises OutsideCalendar."""
        day += timedelta(1)
        while not self.is_trading_day(day):
            day += timedelta(1)
        return day

    def trading_day_before(self, day: date) -> date:
        """Last trading day before a day. Raises OutsideCalendar."""
        day -= timedelta(1)
        while not self.is_trading_day(day):
            day -= timedelta(1)
        return day

    def has_night(self, evening: date) -> bool:
        """Whether products with a night session trade from this evening on.

        Raises OutsideCalendar.
        """
        return self.is_trading_day(evening) and evening.toordinal() not in self._nightless

    def check_horizon(self, today: date) -> int:
        """Days that are left; fewer than `HORIZON_ALARM_DAYS` are an alarm.

        Raises OutsideCalendar if today itself is not covered.
        """
        self.is_trading_day(today)
        return (self.horizon - today).days

    def sessions(self, exchange: str, product: str, trading_day: date) -> list[Interval]:
        """Phases of a product on a trading day, in order, breaks included; [] if it is none.

        Raises OutsideCalendar.
        """
        if not self.is_trading_day(trading_day):
            return []
        hours = self.hours.of(exchange, product, as_int(trading_day))
        found: list[Interval] = []
        evening = self._evening_of(trading_day)
        if evening is not None and self.has_night(evening):
            found += _intervals(hours.night, midnight_ns(evening) + CLOCK_NS, NIGHT_S * SECOND_NS)
        day_before_ns = midnight_ns(trading_day) - DAY_NS
        return found + _intervals(hours.day, day_before_ns + CLOCK_NS, DAY_NS)

    def at(self, exchange: str, product: str, ts_ns: int) -> Moment:
        """What an instant means to a product. Raises OutsideCalendar."""
        days, of_day_ns = divmod(ts_ns + CHINA_OFFSET_NS, DAY_NS)
        natural = date.fromordinal(days + _EPOCH_ORDINAL)
        clock_ns = (of_day_ns - CLOCK_NS) % DAY_NS
        night = clock_ns < NIGHT_S * SECOND_NS
        evening = natural if of_day_ns >= CLOCK_NS else natural - timedelta(1)
        trading_day = self.trading_day_after(evening)
        runs = self.has_night(evening) if night else natural == trading_day
        phase = Phase.CLOSED
        if runs:
            hours = self.hours.of(exchange, product, as_int(trading_day))
            phase = phase_in(hours.night if night else hours.day, clock_ns)
        return Moment(natural, trading_day, phase, clock_ns)

    def _evening_of(self, trading_day: date) -> date | None:
        try:
            return self.trading_day_before(trading_day)
        except OutsideCalendar:
            return None  # the first day of the data


def midnight_ns(day: date) -> int:
    """Return 00:00 China time of a day."""
    moment = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return int(moment.timestamp()) * SECOND_NS - CHINA_OFFSET_NS


def _intervals(pieces: tuple[Piece, ...], origin_ns: int, end_ns: int) -> list[Interval]:
    found: list[Interval] = []
    ends = [piece.start_ns for piece in pieces[1:]] + [end_ns]
    for piece, until_ns in zip(pieces, ends, strict=True):
        start_ns = origin_ns + piece.start_ns
        if found and found[-1].phase is piece.phase and found[-1].end_ns == start_ns:
            start_ns = found.pop().start_ns
        if piece.phase is not Phase.CLOSED:
            found.append(Interval(piece.phase, start_ns, origin_ns + until_ns))
    return found


def _read(file: Path) -> str:
    try:
        with file.open(encoding="utf-8") as opened:
            text = opened.read(_MAX_OVERRIDE_LETTERS + 1)
    except (OSError, ValueError) as error:
        says = f"cannot be read as text ({error}); expected a calendar file"
        raise BadCalendar(str(file), [Problem(0, says)]) from error
    if len(text) > _MAX_OVERRIDE_LETTERS:
        says = f"longer than {_MAX_OVERRIDE_LETTERS} letters, expected a calendar file"
        raise BadCalendar(str(file), [Problem(0, says)])
    return text


@cache
def _bare() -> Calendar:
    always = Template("any", (Span(Phase.CONTINUOUS, 0, DAY_S),))
    hours = tuple(Hours(exchange, "*", 19_700_101, "any") for exchange in EXCHANGES)
    return Calendar(Rows(tuple(range(FIRST_YEAR, LAST_YEAR + 1)), (), (), (always,), hours))
