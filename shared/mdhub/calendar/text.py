"""Calendar files: one statement per line, `#` begins a remark.

    year 2027                              all its closed weekdays are in this file
    closed 2027-02-05..2027-02-11          weekdays without trading
    open 2027-02-05                        a closed day of the data trades after all
    no-night 2027-03-31                    an evening without a night session
    night 2027-03-31                       it has one after all
    template short continuous 09:00-11:30  hours under a name
    hours SHFE rb 2027-03-01 short         a product's hours from a trading day on

The evening before a closed weekday never has a night session, unless `night` says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from mdhub.calendar.errors import Problem
from mdhub.calendar.rows import (
    DAY_S,
    EVENING_S,
    EXCHANGES,
    MAX_NAME,
    Hours,
    Phase,
    Span,
    Template,
    as_int,
    template_faults,
)

__all__ = ["Days", "Statement", "Year", "parse"]

MAX_RANGE_DAYS: Final = 366
_SPAN: Final = re.compile(r"([0-2][0-9]):([0-5][0-9])-([0-2][0-9]):([0-5][0-9])", re.ASCII)
_HOUR_ENDS: Final = 24
_PHASES: Final = (Phase.AUCTION, Phase.CONTINUOUS, Phase.SETTLEMENT)


@dataclass(frozen=True, slots=True)
class Year:
    """`year YYYY`."""

    year: int


@dataclass(frozen=True, slots=True)
class Days:
    """`closed`, `open`, `no-night`, `night` with a day or a range of days."""

    verb: str
    first: date
    last: date

    def days(self) -> list[date]:
        count = (self.last - self.first).days + 1
        return [self.first + timedelta(i) for i in range(count)]


@dataclass(frozen=True, slots=True)
class Statement:
    """What a line says."""

    line: int
    says: Year | Days | Template | Hours


def parse(text: str) -> tuple[list[Statement], list[Problem]]:
    """Read a calendar file; what cannot be read is a problem with its line."""
    statements: list[Statement] = []
    problems: list[Problem] = []
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        try:
            statements.append(Statement(number, _VERBS.get(words[0], _unknown)(words)))
        except ValueError as error:
            problems.append(Problem(number, str(error)))
    return statements, problems


def _unknown(words: list[str]) -> Year:
    raise ValueError(f"{words[0]!r} is unknown, expected {', '.join(_VERBS)}")


def _year(words: list[str]) -> Year:
    _expect(words, 2, "year 2027")
    if not re.fullmatch(r"[0-9]{4}", words[1], re.ASCII):
        raise ValueError(f"year was {words[1]!r}, expected four digits")
    return Year(int(words[1]))


def _days(words: list[str]) -> Days:
    _expect(words, 2, f"{words[0]} 2027-02-05 or {words[0]} 2027-02-05..2027-02-11")
    first_text, _, last_text = words[1].partition("..")
    first = _day(first_text)
    last = _day(last_text) if last_text else first
    if not 0 <= (last - first).days < MAX_RANGE_DAYS:
        raise ValueError(f"range was {words[1]}, expected its end after its begin, within a year")
    return Days(words[0], first, last)


def _template(words: list[str]) -> Template:
    if len(words) < 2 or len(words) % 2:  # noqa: PLR2004 - verb and name
        raise ValueError("expected: template NAME PHASE HH:MM-HH:MM ..., in order from 20:00 on")
    spans = [_span(phase, times) for phase, times in zip(words[2::2], words[3::2], strict=True)]
    template = Template(words[1], tuple(spans))
    for fault in template_faults(template):
        raise ValueError(fault)
    return template


def _hours(words: list[str]) -> Hours:
    _expect(words, 5, "hours SHFE rb 2027-03-01 night-2300")
    _, exchange, product, since, template = words
    if exchange not in EXCHANGES:
        raise ValueError(f"exchange was {exchange!r}, expected one of {', '.join(EXCHANGES)}")
    if not re.fullmatch(rf"[A-Za-z]{{1,{MAX_NAME}}}|\*", product, re.ASCII):
        raise ValueError(f"product was {product!r}, expected its letters, or * for any other")
    return Hours(exchange, product, as_int(_day(since)), template)


_VERBS: Final[dict[str, Callable[[list[str]], Year | Days | Template | Hours]]] = {
    "year": _year,
    "closed": _days,
    "open": _days,
    "no-night": _days,
    "night": _days,
    "template": _template,
    "hours": _hours,
}


def _expect(words: list[str], count: int, example: str) -> None:
    if len(words) != count:
        raise ValueError(f"{words[0]} has {len(words) - 1} words after it, expected: {example}")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"date was {text!r}, expected YYYY-MM-DD") from None


def _span(phase: str, times: str) -> Span:
    if phase not in _PHASES:
        raise ValueError(f"phase was {phase!r}, expected {', '.join(_PHASES)}")
    match = _SPAN.fullmatch(times)
    if match is None or max(int(match[1]), int(match[3])) >= _HOUR_ENDS:
        raise ValueError(f"times were {times!r}, expected HH:MM-HH:MM")
    start, end = ((int(match[i]) * 60 + int(match[i + 1])) * 60 for i in (1, 3))
    start_s, end_s = ((of_day - EVENING_S) % DAY_S for of_day in (start, end))
    return Span(Phase(phase), start_s, end_s or DAY_S)
