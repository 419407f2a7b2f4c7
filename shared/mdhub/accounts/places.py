"""Where a process finds the accounts: by variables, for an address may hold a password."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import Final

from mdhub.accounts.keyring import BadKeys, Keyring, parse_keyring, read_keyring
from mdhub.runtime.secret import ENV, is_reference, resolve

__all__ = ["KEY_VARIABLE", "URL_VARIABLE", "Keys", "Place", "taken_place"]

URL_VARIABLE: Final = "MDHUB_ACCOUNTS__URL"
"""Address of the store; empty = accounts are not used."""
KEY_VARIABLE: Final = "MDHUB_ACCOUNTS__KEY_FILE"
"""Where the master keys are: a path, `file:/path` or `env:NAME`."""


class Keys:
    """The master keys, read when they are needed: a new key in the file needs no restart."""

    def __init__(self, where: str, environment: MutableMapping[str, str]) -> None:
        """A variable is read once, and taken out of the environment; a file at each use."""
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

    def keyring(self) -> Keyring:
        """Return them for sealing. Raises BadKeys, also where none are configured."""
        if not self._where:
            raise BadKeys(
                'no master keys are configured: write key_file = "mdhub-keys/accounts.key" into '
                "[accounts], then mdhub accounts new-key"
            )
        return parse_keyring(self.read())


@dataclass(frozen=True, slots=True)
class Place:
    """Address and keys of the account store. Printing it shows neither."""

    url: str = field(repr=False)
    keys: Keys


def taken_place(environment: MutableMapping[str, str]) -> Place | None:
    """Take it out of the environment, so that no child inherits it; None = no accounts.

    Raises SecretError, BadKeys.
    """
    url, where = environment.pop(URL_VARIABLE, ""), environment.pop(KEY_VARIABLE, "")
    if is_reference(url):
        url = str(resolve({"url": url}, environment)["url"])
    return Place(url, Keys(where, environment)) if url else None
