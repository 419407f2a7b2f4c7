"""The calendar as data: years, closed weekdays, nightless evenings, templates, hours."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from enum import StrEnum
from itertools import pairwise
from typing import Final

import msgspec

__all__ = [
    "DAY_S",
    "EVENING_S",
    "EXCHANGES",
    "NIGHT_S",
    "Hours",
    "Phase",
    "Rows",
    "Span",
    "Template",
    "as_date",
    "as_int",
    "faults",
    "is_weekday",
]

DAY_S: Final = 86_400
EVENING_S: Final = 20 * 3_600
"""A trading day's clock begins at 20:00 of the evening before it."""
NIGHT_S: Final = 10 * 3_600
"""Clock time up to which (06:00) a session is a night session."""

EXCHANGES: Final = ("SHFE", "INE", "DCE", "CZCE", "GFEX", "CFFEX", "SSE", "SZSE")
FIRST_YEAR: Final = 1970
LAST_YEAR: Final = 2096
MAX_SPANS: Final = 24
MAX_NAME: Final = 32
MAX_CLOSED_RUN: Final = 23
"""Weekdays closed in a row; the longest holidays have eight."""
_SATURDAY: Final = 5


class Phase(StrEnum):
    """What a market does at a moment."""

    AUCTION = "auction"
    """Orders are collected and matched once."""
    CONTINUOUS = "continuous"
    BREAK = "break"
    """Between two sessions of one night or one day."""
    CLOSED = "closed"
    SETTLEMENT = "settlement"
    """After the day's close: closing and settlement prices may come."""


class Span(msgspec.Struct, array_like=True, frozen=True):
    """One phase of a template, in seconds of the session clock (0 = 20:00); the end is outside."""

    phase: Phase
    start_s: int
    end_s: int


class Template(msgspec.Struct, array_like=True, frozen=True):
    """One trading day of some products: spans in order of the clock."""

    name: str
    spans: tuple[Span, ...]


class Hours(msgspec.Struct, array_like=True, frozen=True, order=True):
    """Which template a product follows from a trading day on; product `*` = any other."""

    exchange: str
    product: str
    since: int
    template: str


class Rows(msgspec.Struct, frozen=True):
    """A whole calendar, sorted; days as YYYYMMDD."""

    years: tuple[int, ...]
    closed: tuple[int, ...]
    """Weekdays without trading."""
    nightless: tuple[int, ...]
    """Evenings of trading days without a night session."""
    templates: tuple[Template, ...]
    hours: tuple[Hours, ...]


def as_date(number: int) -> date:
    """20261118 -> date. Raises ValueError if it is not a day."""
    if not 0 < number < 100_000_000:  # noqa: PLR2004 - eight digits
        raise ValueError(f"day was {number}, expected YYYYMMDD")
    return date(number // 10_000, number // 100 % 100, number % 100)


def as_int(day: date) -> int:
    """Return a date as YYYYMMDD."""
    return day.year * 10_000 + day.month * 100 + day.day


def is_weekday(day: date) -> bool:
    """Monday to Friday."""
    return day.weekday() < _SATURDAY


def faults(rows: Rows) -> Iterator[str]:
    """What makes rows unusable as a calendar, wherever they come from."""
    yield from _year_faults(rows.years)
    yield from _day_faults(rows)
    names = {template.name for template in rows.templates}
    if len(names) < len(rows.templates):
        yield "a template is given twice"
    for template in rows.templates:
        yield from template_faults(template)
    for hours in rows.hours:
        if hours.exchange not in EXCHANGES:
            yield f"exchange {hours.exchange!r} is unknown, expected one of {', '.join(EXCHANGES)}"
        if hours.template not in names:
            yield f"template {hours.template!r} of {hours.exchange} {hours.product} is unknown"
        if not 0 < len(hours.product) <= MAX_NAME:
            yield f"product was {hours.product[:MAX_NAME]!r}, expected 1 to {MAX_NAME} characters"
        if not _is_day(hours.since):
            yield f"hours of {hours.product} since {hours.since}, expected a day"
    for exchange in EXCHANGES:
        if not any(h.exchange == exchange and h.product == "*" for h in rows.hours):
            yield f"{exchange} has no default hours (product *)"


def _year_faults(years: tuple[int, ...]) -> Iterator[str]:
    if not years:
        yield "no year is covered"
        return
    if years[0] < FIRST_YEAR or years[-1] > LAST_YEAR:
        yield f"years {years[0]} to {years[-1]}, expected within {FIRST_YEAR} to {LAST_YEAR}"
    holes = [a for a, b in pairwise(years) if b != a + 1]
    if holes:
        yield f"year {holes[0] + 1} is missing, expected years without a hole"


def _day_faults(rows: Rows) -> Iterator[str]:
    years = set(rows.years)
    for name, days in (("closed", rows.closed), ("no-night", rows.nightless)):
        bad = [d for d in days if not _is_day(d) or d // 10_000 not in years]
        if bad:
            yield f"{name} {bad[0]}, expected a day of the years covered"
            return
        if any(not a < b for a, b in pairwise(days)):
            yield f"{name} days are not in order"
        weekend = [d for d in days if not is_weekday(as_date(d))]
        if weekend:
            yield f"{name} {weekend[0]} is at a weekend, expected a weekday"
    run = 0
    before = 0
    for day in rows.closed:
        ordinal = as_date(day).toordinal()
        run = run + 1 if ordinal - before <= 1 + 2 * (as_date(day).weekday() == 0) else 1
        before = ordinal
        if run > MAX_CLOSED_RUN:
            yield f"more than {MAX_CLOSED_RUN} weekdays up to {day} are closed in a row"
            return


def template_faults(template: Template) -> Iterator[str]:
    """What is wrong with one template."""
    name = template.name[:MAX_NAME]
    if not 0 < len(template.name) <= MAX_NAME:
        yield f"template name was {name!r}, expected 1 to {MAX_NAME} characters"
    if len(template.spans) > MAX_SPANS:
        yield f"template {name} has {len(template.spans)} spans, expected at most {MAX_SPANS}"
        return
    at_s = 0
    for span in template.spans:
        if span.phase in {Phase.BREAK, Phase.CLOSED}:
            yield f"template {name} names {span.phase}: leave it out, it lies between the others"
        if not at_s <= span.start_s < span.end_s <= DAY_S:
            yield f"template {name}: spans overlap, are empty or not in order from 20:00 on"
            return
        at_s = span.end_s


def _is_day(number: int) -> bool:
    try:
        as_date(number)
    except ValueError:
        return False
    return True
