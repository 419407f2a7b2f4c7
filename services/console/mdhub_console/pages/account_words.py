"""What does not fit an account, in the language of the page. Pure.

The checks of `mdhub.accounts` speak English sentences; here each has its words. One that is new
there is shown as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mdhub_console.identity.model import Language
from mdhub_console.words.catalogue import catalogue, text

__all__ = ["problem_words", "told_problems"]

_SAID: Final = {
    "is missing": "missing",
    "expected tcp://host:port or ssl://host:port": "address",
    "expected module:Class": "class",
    "expected true or false": "truth",
    "expected a whole number": "whole",
    "expected a number": "number",
    "expected text of one line": "line",
    "expected symbol.EXCHANGE, such as rb2701.SHFE": "contract",
    "expected at least one rule, such as all": "rule",
    "expected the secret itself, or a reference": "sealed",
    "there is no gateway of this type": "kind",
}
_BEGINS: Final = {
    "expected one of ": "one_of",
    "is unknown; did you mean ": "unknown",
    "is given twice, also as ": "twice",
    "is unknown; ": "stranger",
    "expected at most ": "most",
}
_OF_FIELD: Final = {
    "id": "bad_id",
    "priority": "bad_priority",
    "schedule_group": "bad_group",
    "description": "bad_description",
    "health.silence_ms": "bad_silence",
}


def problem_words(field: str, said: str, language: Language) -> str:
    """Words of one problem."""
    if f"account.wrong.{said}" in catalogue():
        return text(f"account.wrong.{said}", language)
    if said in _SAID:
        return text(f"account.wrong.{_SAID[said]}", language)
    for begin, key in _BEGINS.items():
        if said.startswith(begin):
            rest = said.removeprefix(begin).rstrip("?")
            return text(f"account.wrong.{key}", language, what=rest)
    if field in _OF_FIELD:
        return text(f"account.wrong.{_OF_FIELD[field]}", language)
    return said


def told_problems(problems: Mapping[str, str], language: Language) -> dict[str, str]:
    """Words of all of them, by the box that shows them."""
    return {
        "health.canaries" if field == "health.silence_ms" else field: problem_words(
            field, said, language
        )
        for field, said in problems.items()
    }
