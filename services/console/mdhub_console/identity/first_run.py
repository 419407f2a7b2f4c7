"""The first user: made by whoever can read a file of this machine, within a quarter of an hour.

The file is the truth, so that `--setup-link` may renew it beside a running console. Its token opens
the set-up once; it is gone before the user is made.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Final

from mdhub.runtime.clock import Clock
from mdhub_console.identity.errors import SetupRefused
from mdhub_console.identity.one_time import OneTimeFile

__all__ = ["FILE", "SetupToken"]

FILE: Final = "console-setup.token"
TOKEN_BYTES: Final = 16


class SetupToken:
    """The one-time token in the data folder."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.file = folder / FILE
        self._kept = OneTimeFile(self.file, clock)

    def renew(self) -> str:
        """Put a fresh token in the place of the last one; return it."""
        token = secrets.token_urlsafe(TOKEN_BYTES)
        self._kept.put(token)
        return token

    def is_right(self, token: str) -> bool:
        """Whether a token is the one that is good now."""
        current = self._kept.current()
        return current is not None and secrets.compare_digest(current.encode(), token.encode())

    def use(self, token: str) -> None:
        """Take the token: nobody else can. Raises SetupRefused."""
        if not (self.is_right(token) and self._kept.take()):
            raise SetupRefused(
                "the one-time token is wrong, used or older than 15 minutes: "
                "`mdhub run console --setup-link` on its machine prints a new one"
            )
