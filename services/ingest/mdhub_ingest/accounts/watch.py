"""Follows the account store in a thread of its own: who waits for a database is nobody else.

Once a second the version is asked; the accounts are read when it has changed. A store that is away
or hangs leaves everything as it is: the last accounts seen go on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import Event, Thread
from typing import Any, Final, Protocol

from mdhub.accounts.errors import AccountsError, StoreUnavailable
from mdhub.accounts.model import Account
from mdhub.accounts.port import AccountStore
from mdhub.runtime.backoff import Backoff
from mdhub.runtime.threads import name_thread

__all__ = ["HANGS_S", "Seen", "StoreWatch"]

EVERY_S: Final = 1.0
HANGS_S: Final = 10.0
"""A question that is open for so long counts as an outage."""
_LEAVE_S: Final = 1.0
_RESEALED: Final = "resealed"


class _Says(Protocol):
    def info(self, event: str, /, **fields: Any) -> None: ...
    def warning(self, event: str, /, **fields: Any) -> None: ...


@dataclass(frozen=True, slots=True)
class Seen:
    """All accounts at one moment."""

    accounts: tuple[Account, ...]
    resealed: frozenset[str] = frozenset()
    """Whose settings differ from the last time only by being sealed anew."""


class StoreWatch:
    """Started once. `take` and `look` belong to the main thread."""

    def __init__(
        self,
        open_store: Callable[[], AccountStore],
        logger: _Says,
        *,
        every_s: float = EVERY_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.outages = 0
        self.away = False
        self._open = open_store
        self._logger = logger
        self._every_s = every_s
        self._monotonic = monotonic
        self._asked_s = 0.0
        self._asking = False
        self._hangs = False
        self._seen: Seen | None = None
        self._known: dict[str, Account] = {}
        self._version: int | None = None
        self._stop = Event()
        self._thread = Thread(target=self._run, name="accounts-watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """End it; one that hangs is left behind."""
        self._stop.set()
        self._thread.join(_LEAVE_S)

    def take(self) -> Seen | None:
        """Return the accounts if they have changed since they were last taken."""
        seen, self._seen = self._seen, None
        return seen

    def look(self) -> None:
        """Notice a store that hangs: its thread cannot say so itself."""
        if self._asking and self._monotonic() - self._asked_s > HANGS_S and not self._hangs:
            self._hangs = True
            self._lost("no answer", f"a question is open for more than {HANGS_S:g} s")

    def _run(self) -> None:
        name_thread("accounts-watch")
        backoff = Backoff(first_s=self._every_s, ceiling_s=self._every_s * 5)
        while not self._stop.is_set():
            try:
                self._follow(backoff)
            except AccountsError as error:
                self._lost(type(error).__name__, str(error))
            except Exception as error:  # noqa: BLE001 - a driver's own: the thread must live on
                # Its text is not shown: it may hold the address, and that a password.
                self._lost(type(error).__name__, "the database driver failed")
            self._asking = False
            self._stop.wait(backoff.next_s())

    def _follow(self, backoff: Backoff) -> None:
        self._ask()
        store = self._open()
        try:
            while not self._stop.is_set():
                self._ask()
                self._read(store)
                self._asking = False
                self._back()
                backoff.reset()
                self._stop.wait(self._every_s)
        finally:
            with suppress(Exception):  # it may be what has just failed
                store.close()

    def _ask(self) -> None:
        self._asked_s, self._asking = self._monotonic(), True

    def _read(self, store: AccountStore) -> None:
        version = store.version()
        if version == self._version:
            return
        accounts = tuple(store.all())
        if not accounts and self._known and version < (self._version or 0):
            raise StoreUnavailable(
                "the store is empty and its version went back: it is another database; the "
                "accounts known go on until it has some again"
            )
        resealed = _resealed(store, self._known, accounts)
        waiting = self._seen
        if waiting is not None:  # nobody has taken it yet: what changed then has changed
            resealed &= waiting.resealed
        self._known = {each.id: each for each in accounts}
        self._version = version
        self._seen = Seen(accounts, resealed)

    def _lost(self, cause: str, reason: str) -> None:
        if not self.away:
            self.away = True
            self.outages += 1
            self._logger.warning("accounts_unavailable", cause=cause, reason=reason)

    def _back(self) -> None:
        self._hangs = False
        if self.away:
            self.away = False
            self._logger.info("accounts_back")


def _resealed(
    store: AccountStore, known: dict[str, Account], accounts: Sequence[Account]
) -> frozenset[str]:
    return frozenset(
        each.id
        for each in accounts
        if each.id in known
        and each.settings != known[each.id].settings
        and _only_resealed(store, known[each.id], each)
    )


def _only_resealed(store: AccountStore, old: Account, new: Account) -> bool:
    """Whether every change in between was one of the master key."""
    missing = set(range(old.revision + 1, new.revision + 1))
    for change in store.history(new.id, count=len(missing)):
        if change.revision in missing and change.action == _RESEALED:
            missing.discard(change.revision)
    return not missing and old.created_at == new.created_at
