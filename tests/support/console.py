"""The console in this process: an application over the in-memory log, and a client of each role."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import structlog
from litestar import Litestar
from litestar.testing import TestClient

from mdhub.accounts.keyring import new_keyring
from mdhub.accounts.memory import MemoryAccounts, MemoryShelf
from mdhub.accounts.places import Keys, Place
from mdhub.accounts.vault import Vault
from mdhub.runtime.clock import SYSTEM, Clock
from mdhub.streams.memory import MemoryServer
from mdhub_console.accounts.book import AccountBook
from mdhub_console.factory import make_app
from mdhub_console.identity.audit import Record
from mdhub_console.identity.cookies import PLAIN
from mdhub_console.identity.hashing import Cost, Hasher
from mdhub_console.identity.model import Role
from mdhub_console.identity.seal import Seal
from mdhub_console.identity.service import Identity
from mdhub_console.identity.store.database import Database, file_url
from mdhub_console.live.service import Live
from mdhub_console.parts import Parts
from mdhub_console.server.csrf import HEADER
from mdhub_console.server.logs import LogPool
from mdhub_console.settings import ConsoleSettings

__all__ = [
    "ADDRESS",
    "PASSWORD",
    "Console",
    "client_of",
    "make_accounts",
    "make_identity",
    "make_parts",
]

Console = TestClient[Litestar]

ADDRESS: Final = "http://127.0.0.1:8080"
PASSWORD: Final = "correct horse battery 9"
"""Of every user that `make_identity` makes: viewer, operator, admin."""
CHEAP: Final = Cost(memory_kib=8, passes=1)


def make_identity(
    *,
    roles: tuple[Role, ...] = tuple(Role),
    clock: Clock = SYSTEM,
    tell: Callable[[Record], None] = lambda _: None,
    seal: Seal | None = None,
) -> Identity:
    """Identity over a database of its own, with a user of each role, named after it."""
    folder = Path(tempfile.mkdtemp(prefix="mdhub-console-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    identity = Identity(
        Database(file_url(folder / "console.db")), folder=folder, hasher=Hasher(CHEAP),
        clock=clock, tell=tell, seal=seal or Seal(Vault(new_keyring())),
    )  # fmt: skip
    for role in roles:
        identity.add_user(role.word, PASSWORD, role)
    return identity


def make_accounts(shelf: MemoryShelf | None = None) -> AccountBook:
    """An account store in memory, with a master key of its own."""
    environment = {"KEY_OF_TEST": new_keyring().secret_text().replace("\n", ",")}
    place = Place("memory:", Keys("env:KEY_OF_TEST", environment))
    held = shelf or MemoryShelf()
    return AccountBook(place, open_at=lambda _: MemoryAccounts(held))


def make_parts(server: MemoryServer | None = None, **others: Any) -> Parts:
    """Parts as a test needs them; `others` replace or add fields."""
    memory = server or MemoryServer()
    given: dict[str, Any] = {
        "log": LogPool(lambda: memory.log("console")),
        "live": Live(lambda: memory.log("console"), logger=structlog.get_logger("console")),
        "settings": ConsoleSettings(),
        **others,
    }
    given.setdefault("identity", make_identity())
    given.setdefault("accounts", make_accounts())
    return Parts(**given)


@contextmanager
def client_of(parts: Parts, role: Role | None = Role.ADMIN) -> Iterator[Console]:
    """A client that has logged in as the user of this role; None = nobody.

    It sends the token that changes need; follows no redirects; errors of handlers are answers.
    """
    app = make_app(parts)
    with TestClient(app, base_url=ADDRESS, raise_server_exceptions=False) as client:
        client.follow_redirects = False
        if role is not None:
            member = parts.identity.people.named(role.word)
            assert member is not None
            client.cookies.set(PLAIN, parts.identity.open_session(member.user))
            client.headers[HEADER] = client.get("/api/me").json()["csrf_token"]
        yield client
