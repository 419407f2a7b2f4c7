"""What a check finds, in two languages. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal, NamedTuple

__all__ = [
    "NOTHING",
    "Finding",
    "Language",
    "Status",
    "Text",
    "Words",
    "exit_code",
    "said_once",
    "told",
]

Language = Literal["en", "zh"]


class Words(NamedTuple):
    """The same in English and in Chinese."""

    en: str
    zh: str


Text = str | Words
"""A bare string is the same in both languages: a number, a version, a path, a command."""

NOTHING: Final = ""


class Status(StrEnum):
    """How a check went."""

    OK = "ok"
    HINT = "hint"
    """Works; could be better."""
    WARNING = "warning"
    """Works today, may not tomorrow, or not as declared."""
    ERROR = "error"
    """The hub does not run, or not as configured."""
    SKIPPED = "skipped"
    """Not looked at; `found` says why."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One verdict."""

    check: str
    """Stable name for machines: group, dot, what: `server.policy`."""
    status: Status
    found: Text
    expected: Text = NOTHING
    means: Text = NOTHING
    """What follows from what was found."""
    mend: Text = NOTHING
    """The command or change that mends it; empty where nothing has to be mended."""

    @property
    def group(self) -> str:
        return self.check.partition(".")[0]


def told(text: Text, language: Language) -> str:
    """Put a text into one language."""
    if isinstance(text, Words):
        return text.zh if language == "zh" else text.en
    return text


def exit_code(findings: Iterable[Finding], *, strict: bool) -> int:
    """0 = no errors, 1 = at least one; `strict` counts warnings as errors."""
    bad = {Status.ERROR, Status.WARNING} if strict else {Status.ERROR}
    return 1 if any(finding.status in bad for finding in findings) else 0


_REPEATED: Final = (
    (re.compile(r"source\.[^:]+\.package:.+"), "gateways.packages"),
    (re.compile(r"source\.[^:]+\.locale"), "gateways.locale"),
    (re.compile(r"(source\.[^:]+)\.secret:.+"), r"\1.secrets"),
)
"""What a gateway's preflight says, and which check of the doctor's own says the same."""


def said_once(findings: Sequence[Finding]) -> list[Finding]:
    """Leave out what a preflight repeats of a problem that is named already."""
    named = {each.check for each in findings if each.status in {Status.WARNING, Status.ERROR}}
    return [
        each
        for each in findings
        if not any(
            (found := pattern.fullmatch(each.check)) and found.expand(own) in named
            for pattern, own in _REPEATED
        )
    ]
