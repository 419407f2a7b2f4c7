"""Which passwords are good enough: long, on no list, and not made of what everybody knows here."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from zxcvbn.frequency_lists import FREQUENCY_LISTS

from mdhub_console.identity.errors import WeakPassword

__all__ = ["LONGEST", "SHORTEST", "check_password"]

SHORTEST: Final = 12
LONGEST: Final = 128
"""Beyond it hashing would be work that anybody can order."""
CONTEXT: Final = ("mdhub", "marketdata", "simnow", "futures", "console", "password", "admin")
FEWEST_DIFFERENT: Final = 5
_TAIL: Final = re.compile(r"^[\W\d_]+|[\W\d_]+\Z")
_LEFT: Final = 8
"""A password must be worth so much without the words of its context."""


def check_password(password: str, *, name: str) -> None:
    """Raise WeakPassword that says which rule a password of `name` breaks."""
    problem = _problem(password, name)
    if problem:
        raise WeakPassword(problem)


def _problem(password: str, name: str) -> str:
    if not SHORTEST <= len(password) <= LONGEST:
        return f"it has {len(password)} characters; expected {SHORTEST} to {LONGEST}"
    lowered = password.lower()
    if not _TAIL.sub("", lowered):
        return "it has no letters; expected some"
    if lowered in _common() or _TAIL.sub("", lowered) in _common():
        return "it is, but for its ends, among the passwords that everybody tries first"
    if len(set(lowered)) < FEWEST_DIFFERENT:
        return f"it repeats itself; expected {FEWEST_DIFFERENT} different characters or more"
    without = lowered
    for word in (*CONTEXT, name.lower()):
        without = without.replace(word, "")
    if len(without) < _LEFT:
        return "most of it is your name or words of this product"
    return ""


@cache
def _common() -> frozenset[str]:
    """Return the 30,000 most used passwords that zxcvbn ships."""
    return frozenset(FREQUENCY_LISTS["passwords"])
