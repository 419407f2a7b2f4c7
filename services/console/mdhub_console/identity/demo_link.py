"""The demo's way in: a link that logs a demo admin in, once, from this machine, for 15 minutes.

There only where the console was started with `--demo-link`. The demo makes the token and hands it
over in a pipe; here its digest is kept in a file, so that a console that was killed and started
again neither forgets an unused link nor honours a used one.
"""

from __future__ import annotations

import hashlib
import secrets
from pathlib import Path
from typing import Final

from mdhub.runtime.clock import SYSTEM, Clock
from mdhub_console.identity.errors import LinkRefused, UserExists
from mdhub_console.identity.one_time import OneTimeFile
from mdhub_console.identity.service import Identity

__all__ = ["NAME", "DemoLink"]

NAME: Final = "demo"
"""The demo's admin. Nobody knows its password; it may set one."""
FILE: Final = "console-demo.link"
SHORTEST: Final = 22
"""Characters of 128 bits in base64."""
_NOBODYS: Final = 32


class DemoLink:
    """May be used from any thread; blocks like Identity."""

    def __init__(self, identity: Identity, folder: Path, clock: Clock = SYSTEM) -> None:
        self._identity = identity
        self._kept = OneTimeFile(folder / FILE, clock)

    def begin(self, token: str) -> None:
        """Keep a token's digest, and make the demo's admin; an empty token changes nothing.

        Raises LinkRefused for a token that could be guessed, UserExists where others have users.
        """
        if token and len(token) < SHORTEST:
            raise LinkRefused(
                f"the demo's token has {len(token)} characters, expected {SHORTEST} or more"
            )
        self._make_admin()
        if token:
            self._kept.put(_digest(token))

    def is_right(self, token: str) -> bool:
        """Whether a token would open now; nothing is used up."""
        kept = self._kept.current()
        return kept is not None and secrets.compare_digest(kept, _digest(token))

    def enter(self, token: str, *, address: str) -> str:
        """Return the secret of the demo admin's session, once. Raises LinkRefused."""
        member = self._identity.people.named(NAME)
        if member is None or not (self.is_right(token) and self._kept.take()):
            raise LinkRefused(
                "the demo's link is wrong, used or older than 15 minutes; start the demo again for "
                "a new one"
            )
        return self._identity.open_session(member.user, address=address)

    def _make_admin(self) -> None:
        if self._identity.people.named(NAME) is not None:
            return
        if not self._identity.needs_setup():
            raise UserExists(
                "this console has users of its own: --demo-link is for the demo, whose data folder "
                "is new; start it without"
            )
        self._identity.make_first(NAME, self._identity.hasher.hash(secrets.token_hex(_NOBODYS)))


def _digest(token: str) -> str:
    return hashlib.sha256(f"demo:{token}".encode()).hexdigest()
