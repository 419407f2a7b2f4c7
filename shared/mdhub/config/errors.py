"""Errors of the configuration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mdhub.wire.errors import MdhubError

__all__ = ["ConfigError", "Problem"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: where it was made, in which key, in words."""

    where: str
    """`hub.toml:12`, the name of a variable, or an option."""
    key: str
    words: str

    def __str__(self) -> str:
        return ": ".join(part for part in (self.where, self.key, self.words) if part)


class ConfigError(MdhubError):
    """The configuration does not serve; every problem is named at once."""

    exit_code = 2

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        lines = [f"{count} in the configuration:", *(f"  {problem}" for problem in problems)]
        super().__init__("\n".join(lines))
