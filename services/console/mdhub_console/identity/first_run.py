"""The first user: made by whoever can read a file of this machine, within a quarter of an hour.

The file is the truth, so that `--setup-link` may renew it beside a running console. Its token opens
the set-up once; it is gone before the user is made.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Final

from mdhub.runtime.clock import Clock
from mdhub_console.identity.errors import SetupRefused

__all__ = ["FILE", "LIFE_S", "SetupToken"]

FILE: Final = "console-setup.token"
LIFE_S: Final = 900
TOKEN_BYTES: Final = 16
_S_NS: Final = 1_000_000_000


class SetupToken:
    """The one-time token in the data folder."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.file = folder / FILE
        self._clock = clock

    def renew(self) -> str:
        """Put a fresh token in the place of the last one; return it."""
        token = secrets.token_urlsafe(TOKEN_BYTES)
        self.file.parent.mkdir(parents=True, exist_ok=True)
        draft = self.file.with_suffix(f".{os.getpid()}")
        draft.unlink(missing_ok=True)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(f"{self._clock.wall_ns()} {token}\n")
        draft.replace(self.file)
        return token

    def current(self) -> str | None:
        """Return the token that is good now, if there is one."""
        try:
            made_ns, token = self.file.read_text(encoding="ascii").split()
            age_ns = self._clock.wall_ns() - int(made_ns)
        except (OSError, ValueError):
            return None
        return token if 0 <= age_ns <= LIFE_S * _S_NS else None

    def is_right(self, token: str) -> bool:
        """Whether a token is the one that is good now."""
        current = self.current()
        return current is not None and secrets.compare_digest(current.encode(), token.encode())

    def use(self, token: str) -> None:
        """Take the token: nobody else can. Raises SetupRefused."""
        if self.is_right(token):
            try:
                self.file.unlink()
            except FileNotFoundError:
                pass
            else:
                return
        raise SetupRefused(
            "the one-time token is wrong, used or older than 15 minutes: "
            "`mdhub run console --setup-link` on its machine prints a new one"
        )
