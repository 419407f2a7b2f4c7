"""From the statements of files to a calendar: the data, and an operator's file on top."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from mdhub.calendar.errors import BadCalendar, Problem
from mdhub.calendar.rows import (
    FIRST_YEAR,
    LAST_YEAR,
    Hours,
    Rows,
    Template,
    as_int,
    faults,
    is_weekday,
)
from mdhub.calendar.text import Days, Statement, Year, parse

__all__ = ["merged"]

MIN_CLOSED = 10
"""Every year has more closed weekdays; a year with fewer was not finished."""


def merged(*files: tuple[str, str]) -> Rows:
    """Merge files given as (name, text), later ones on top.

    Raises BadCalendar naming every mistake of the first file that has any.
    """
    builder = _Builder()
    for name, text in files:
        statements, problems = parse(text)
        problems += builder.take(statements)
        if not problems:
            problems += [Problem(0, fault) for fault in faults(builder.rows())]
        if problems:
            raise BadCalendar(name, sorted(problems, key=lambda p: p.line))
    return builder.rows()


class _Builder:
    def __init__(self) -> None:
        self._years: set[int] = set()
        self._closed: set[date] = set()
        self._nightless: set[date] = set()
        self._nights: set[date] = set()
        self._templates: dict[str, Template] = {}
        self._hours: dict[tuple[str, str, int], Hours] = {}

    def take(self, statements: list[Statement]) -> list[Problem]:
        """Add a file's statements; years first, because days are checked against them."""
        new: set[int] = set()
        problems: list[Problem] = []
        for kinds in ((Year, Template), (Days, Hours)):
            chosen = [s for s in statements if isinstance(s.says, kinds)]
            for statement in chosen:
                if isinstance(statement.says, Year):
                    new.add(statement.says.year)
                fault = self._add(statement.says)
                if fault:
                    problems.append(Problem(statement.line, fault))
        for year in sorted(new & self._years):
            closed = sum(day.year == year for day in self._closed)
            if closed < MIN_CLOSED:
                line = next(s.line for s in statements if s.says == Year(year))
                says = f"{year} has {closed} closed weekdays, expected all of them: {MIN_CLOSED}+"
                problems.append(Problem(line, says))
        return problems

    def rows(self) -> Rows:
        eves = set(_eves(self._closed))
        open_ones = {day for day in eves | self._nightless if day not in self._closed}
        nightless = {d for d in open_ones - self._nights if d.year in self._years}
        return Rows(
            years=tuple(sorted(self._years)),
            closed=tuple(sorted(map(as_int, self._closed))),
            nightless=tuple(sorted(map(as_int, nightless))),
            templates=tuple(self._templates[name] for name in sorted(self._templates)),
            hours=tuple(self._hours[key] for key in sorted(self._hours)),
        )

    def _add(self, says: Year | Days | Template | Hours) -> str:
        match says:
            case Year(year):
                if year in self._years:
                    return f"year {year} is there already"
                if not FIRST_YEAR <= year <= LAST_YEAR:
                    return f"year was {year}, expected {FIRST_YEAR} to {LAST_YEAR}"
                self._years.add(year)
            case Days():
                return self._add_days(says)
            case Template():
                self._templates[says.name] = says
            case Hours():
                if says.template not in self._templates:
                    known = ", ".join(sorted(self._templates))
                    return f"template {says.template!r} is unknown, expected one of {known}"
                self._hours[says.exchange, says.product, says.since] = says
        return ""

    def _add_days(self, says: Days) -> str:
        days = [day for day in says.days() if is_weekday(day)]
        if not days:
            return f"{says.first} is at a weekend: it never trades, expected a weekday"
        outside = [day for day in days if day.year not in self._years]
        if outside:
            return f"{outside[0]} is in no year covered, expected a line `year {outside[0].year}`"
        match says.verb:
            case "closed":
                self._closed.update(days)
            case "open":
                never = [day for day in days if day not in self._closed]
                if never:
                    return f"{never[0]} is not closed, so it cannot be opened"
                self._closed.difference_update(days)
            case "no-night":
                self._nightless.update(days)
                self._nights.difference_update(days)
            case _:
                self._nights.update(days)
                self._nightless.difference_update(days)
        return ""


def _eves(closed: Iterable[date]) -> Iterable[date]:
    """Last weekdays before closed ones."""
    closed = set(closed)
    for day in closed:
        eve = day - timedelta(1)
        while not is_weekday(eve):
            eve -= timedelta(1)
        if eve not in closed:
            yield eve
