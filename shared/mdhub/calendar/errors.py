"""Errors of the calendar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from mdhub.wire.errors import MdhubError

__all__ = ["BadCalendar", "OutsideCalendar", "Problem"]


class OutsideCalendar(MdhubError):
    """A date that the calendar says nothing about."""

    def __init__(self, day: date, first: date, last: date) -> None:
        super().__init__(
            f"{day} is outside the trading calendar, which covers {first} to {last}: add the year "
            "by an override file (`calendar.override` in the configuration; `mdhub calendar "
            "--help` shows its form), or install a newer mdhub"
        )
        self.day = day


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake of a calendar file; line 0 = the file as a whole."""

    line: int
    says: str


class BadCalendar(MdhubError):
    """A calendar file is wrong; names every mistake at once."""

    exit_code = 2

    def __init__(self, file: str, problems: list[Problem]) -> None:
        lines = [
            f"{file}:{problem.line}: {problem.says}" if problem.line else f"{file}: {problem.says}"
            for problem in problems
        ]
        super().__init__("\n".join(["mistakes in the calendar file:", *lines]))
        self.problems = problems
