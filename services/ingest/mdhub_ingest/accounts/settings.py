"""What a supervisor is told of accounts: where they are, and which of them are its own."""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import Final

from mdhub.accounts.places import Keys, taken_place
from mdhub.runtime.errors import ServiceError

__all__ = ["AccountSettings", "taken_settings"]

_PART: Final = re.compile(r"([1-9][0-9]{0,2})/([1-9][0-9]{0,2})")


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """Where the accounts are, and which of them this supervisor runs."""

    url: str = field(repr=False)
    keys: Keys
    part: int = 0
    parts: int = 1
    prefer: bool = False
    """Whether their priorities become the hub's order of preference."""


def taken_settings(
    environment: MutableMapping[str, str], *, part: str, prefer: bool
) -> AccountSettings | None:
    """Take them out of the environment, so that no child inherits them; None = no accounts.

    `part` is such as `1/2`: the first of two supervisors. Raises ServiceError, BadKeys.
    """
    place = taken_place(environment)
    if place is None:
        return None
    found = _PART.fullmatch(part)
    number, parts = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1 <= number <= parts:
        raise ServiceError(f"--accounts-part was {part!r}, expected such as 1/2, the first of two")
    return AccountSettings(place.url, place.keys, number - 1, parts, prefer=prefer and number == 1)
