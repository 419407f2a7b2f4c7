"""Seals the secrets of second factors: what lies in the database and its backups opens nothing."""

from __future__ import annotations

from typing import Final

from mdhub.accounts.errors import SealBroken
from mdhub.accounts.sealed import is_sealed, key_of
from mdhub.accounts.vault import Vault
from mdhub_console.identity.errors import NoMasterKey

__all__ = ["Seal"]

FIELD: Final = "totp_secret"


class Seal:
    """A vault of the console's own master keys, or none."""

    def __init__(self, vault: Vault | None = None) -> None:
        self._vault = vault

    @property
    def has_key(self) -> bool:
        """Whether there is a master key."""
        return self._vault is not None

    def seal(self, user_id: int, secret: str) -> str:
        """Return a secret sealed for this user. Raises NoMasterKey."""
        return self._with_key().seal_text(_owner(user_id), FIELD, secret)

    def open(self, user_id: int, kept: str) -> str:
        """Return the secret; one that was never sealed is returned as it is.

        Raises NoMasterKey, SealBroken.
        """
        if not is_sealed(kept):
            return kept
        return self._with_key().open_text(_owner(user_id), FIELD, kept)

    def renewed(self, user_id: int, kept: str) -> str | None:
        """Return it sealed under the active key; None = it is already, or does not open."""
        if self.is_current(kept):
            return None
        try:
            return self.seal(user_id, self.open(user_id, kept))
        except SealBroken:
            return None

    def is_current(self, kept: str) -> bool:
        """Whether there is nothing to seal, or it is under the active key."""
        return not kept or (self._vault is not None and _key_of(kept) == self._vault.active)

    def check(self) -> None:
        """Raise NoMasterKey if nothing could be sealed."""
        self._with_key()

    def _with_key(self) -> Vault:
        if self._vault is None:
            raise NoMasterKey(
                "a second factor needs a master key to seal its secret, and this console has none: "
                "make one with `mdhub run console --new-key FILE`, name FILE as key_file of "
                "[console], and start the console again"
            )
        return self._vault


def _owner(user_id: int) -> str:
    """No account has such an id: a text sealed here opens nowhere else."""
    return f"console-user:{user_id}"


def _key_of(kept: str) -> str:
    """Id of the master key; empty = not sealed, or of another form."""
    try:
        return key_of(kept)
    except SealBroken:
        return ""
