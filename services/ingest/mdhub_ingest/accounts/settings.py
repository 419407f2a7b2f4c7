"""What a supervisor is told of accounts: by variables, for an address may hold a password."""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import Final

from mdhub.accounts.keyring import read_keyring
from mdhub.runtime.errors import ServiceError
from mdhub.runtime.secret import ENV, is_reference, resolve

__all__ = ["KEY_VARIABLE", "URL_VARIABLE", "AccountSettings", "Keys", "taken_settings"]

URL_VARIABLE: Final = "MDHUB_ACCOUNTS__URL"
"""Address of the store; empty = accounts are not used."""
KEY_VARIABLE: Final = "MDHUB_ACCOUNTS__KEY_FILE"
"""Where the master keys are: a path, `file:/path` or `env:NAME`."""
_PART: Final = re.compile(r"([1-9][0-9]{0,2})/([1-9][0-9]{0,2})")


class Keys:
    """The master keys, to be handed on in a pipe; this process opens nothing with them."""

    def __init__(self, where: str, environment: MutableMapping[str, str]) -> None:
        """A variable is read once, and taken out of the environment; a file at each start."""
        self._where = where
        self._text = ""
        if where.startswith(ENV):
            self._text = read_keyring(where, environment).secret_text()
            environment.pop(where.removeprefix(ENV), None)

    def __repr__(self) -> str:
        return f"Keys({self._where or 'none'})"

    def read(self) -> str:
        """Return their text; empty without keys. Raises BadKeys, showing nothing of them."""
        if self._text or not self._where:
            return self._text
        return read_keyring(self._where, {}).secret_text()


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
    url, where = environment.pop(URL_VARIABLE, ""), environment.pop(KEY_VARIABLE, "")
    if is_reference(url):
        url = str(resolve({"url": url}, environment)["url"])
    if not url:
        return None
    found = _PART.fullmatch(part)
    number, parts = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1 <= number <= parts:
        raise ServiceError(f"--accounts-part was {part!r}, expected such as 1/2, the first of two")
    return AccountSettings(
        url, Keys(where, environment), number - 1, parts, prefer=prefer and number == 1
    )
