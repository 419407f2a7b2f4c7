"""Where the accounts are."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from mdhub.accounts.open import ADDRESSES, SCHEMES
from mdhub.config.base import Knobs
from mdhub.runtime.secret import is_reference

__all__ = ["AccountsKnobs"]

_EXAMPLE: Final = "sqlite:///mdhub-data/accounts.db"


class AccountsKnobs(Knobs):
    """The account store: accounts at brokers, kept in a database (docs/accounts.md)."""

    url: SecretStr | None = Field(default=None, examples=[_EXAMPLE])
    """Address of its database: sqlite:///file, mysql+pymysql://user:password@host/database or
    mongodb://user:password@host/database, or a reference env:NAME, file:/path to it. Without it
    there are no accounts beside the sources of this file. In a file a relative path counts from
    the file's folder."""
    key_file: str | None = Field(default=None, min_length=1, examples=["mdhub-keys/accounts.key"])
    """File with the master keys that seal the accounts' secrets (`mdhub accounts new-key` makes
    one; mode 0600), or env:NAME. In a file a relative path counts from the file's folder."""

    @field_validator("url")
    @classmethod
    def _understood(cls, url: SecretStr | None) -> SecretStr | None:
        if url is None or is_reference(url.get_secret_value()):
            return url
        try:
            scheme = urlsplit(url.get_secret_value()).scheme
        except ValueError:
            scheme = ""
        if scheme not in SCHEMES:
            raise ValueError(f"the address was not understood, expected {ADDRESSES}")
        return url
