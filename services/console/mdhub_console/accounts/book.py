"""The account store as the console uses it.

What is given in plain text is sealed before it is kept; what is sealed already is never opened
here. A store that is away or hangs costs a few threads and no page: lists show what was known.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import BoundedSemaphore, Lock
from typing import Final

from msgspec.structs import replace

from mdhub.accounts.check import check
from mdhub.accounts.edit import with_kept_secrets
from mdhub.accounts.errors import AccountsError, BadAccount, StoreUnavailable
from mdhub.accounts.kinds import account_profile
from mdhub.accounts.model import Account, Draft
from mdhub.accounts.open import open_store
from mdhub.accounts.places import Place
from mdhub.accounts.port import AccountStore, Change
from mdhub.accounts.sealed import is_sealed
from mdhub.accounts.transfer import Imported, export_accounts, import_accounts
from mdhub.runtime.secret import is_reference
from mdhub_console.accounts.errors import NoAccountStore

__all__ = ["AccountBook", "Known"]

MOST: Final = 4
"""Requests at the store at once: one that hangs must not take every thread."""
WAIT_S: Final = 2.0
FRESH_S: Final = 1.0
"""So long all tabs share one look."""


@dataclass(frozen=True, slots=True)
class Known:
    """All accounts as they were seen last."""

    accounts: tuple[Account, ...] = ()
    at_s: float = 0.0
    """Monotonic time of that; 0 = never."""
    away: bool = False
    """Whether the store did not answer since."""


class AccountBook:
    """May be used by any thread. Every method may raise NoAccountStore, StoreUnavailable."""

    def __init__(
        self,
        place: Place | None,
        *,
        open_at: Callable[[str], AccountStore] = open_store,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Connects when it is first used. `place`: None = no store is configured."""
        self._place = place
        self._open = open_at
        self._monotonic = monotonic
        self._store: AccountStore | None = None
        self._turns = BoundedSemaphore(MOST)
        self._opening = Lock()
        self._looking = Lock()
        self._known = Known()
        self._looked_s = 0.0

    @property
    def is_configured(self) -> bool:
        """Whether there is a store at all."""
        return self._place is not None

    def look(self) -> Known:
        """Return all accounts, at most about a second old, or what was known before. Never raises.

        One thread asks at a time; who comes meanwhile gets what is known.
        """
        stale = not self._looked_s or self._monotonic() - self._looked_s > FRESH_S
        if self._place is not None and stale and self._looking.acquire(blocking=False):
            try:
                self._known = Known(tuple(self.all()), self._monotonic())
            except AccountsError:
                self._known = Known(self._known.accounts, self._known.at_s, away=True)
            finally:
                self._looked_s = self._monotonic()
                self._looking.release()
        return self._known

    def all(self) -> Sequence[Account]:
        """Return every account, by priority, then id."""
        with self._lent() as store:
            return store.all()

    def get(self, account_id: str) -> Account:
        """Raises UnknownAccount."""
        with self._lent() as store:
            return store.get(account_id)

    def create(self, draft: Draft, *, by: str) -> Account:
        """Raises BadAccount, BadKeys, AccountExists."""
        sealed = self._sealed(draft, None)
        with self._lent() as store:
            return self._done(store.create(sealed, by=by))

    def change(self, draft: Draft, before: Account, *, revision: int, by: str) -> Account:
        """Put a draft in the place of `before`; secrets that it does not name are kept.

        `revision` is the one that was read. Raises BadAccount, BadKeys, UnknownAccount,
        RevisionConflict.
        """
        sealed = self._sealed(draft, before)
        with self._lent() as store:
            return self._done(store.replace(sealed, revision=revision, by=by))

    def adjust(
        self,
        account_id: str,
        *,
        revision: int,
        by: str,
        is_enabled: bool | None = None,
        priority: int | None = None,
    ) -> Account:
        """Enable, disable, rank; who disables an account is not asked to mend it first.

        Raises as `change`.
        """
        before = self.get(account_id)
        draft = replace(
            before,
            is_enabled=before.is_enabled if is_enabled is None else is_enabled,
            priority=before.priority if priority is None else priority,
        )
        if is_enabled:
            check(draft)
        with self._lent() as store:
            return self._done(store.replace(draft, revision=revision, by=by))

    def delete(self, account_id: str, *, revision: int, by: str) -> None:
        """Raises UnknownAccount, RevisionConflict."""
        with self._lent() as store:
            store.delete(account_id, revision=revision, by=by)
            self._looked_s = 0.0

    def history(self, account_id: str, *, count: int = 50) -> Sequence[Change]:
        """Newest first; of deleted accounts as well."""
        with self._lent() as store:
            return store.history(account_id, count=count)

    def exported(self) -> bytes:
        """Return all accounts as a file without secrets."""
        return export_accounts(self.all())

    def take_in(self, content: bytes, *, by: str) -> list[Imported]:
        """Create and change accounts as a file says. Raises BadAccount, RevisionConflict."""
        with self._lent() as store:
            done = import_accounts(store, content, by=by)
            self._looked_s = 0.0
            return done

    def close(self) -> None:
        """Give connections back."""
        if self._store is not None:
            self._store.close()

    def _done(self, account: Account) -> Account:
        self._looked_s = 0.0
        return account

    def _sealed(self, draft: Draft, before: Account | None) -> Draft:
        _refuse_sealed(draft)
        known = account_profile(draft.gateway_type, draft.settings)
        check(draft if before is None else with_kept_secrets(draft, before))
        given = {name: value for name, value in draft.settings.items() if value != ""}
        plain = [n for n, v in given.items() if known.is_secret(n) and not is_reference(v)]
        sealed = draft
        if plain and self._place is not None:
            from mdhub.accounts.vault import Vault  # noqa: PLC0415 - where there are secrets only

            sealed = Vault(self._place.keys.keyring()).seal(draft)
        if before is not None:
            sealed = with_kept_secrets(sealed, before)
        settings = {name: value for name, value in sealed.settings.items() if value != ""}
        return replace(sealed, settings=settings)

    @contextmanager
    def _lent(self) -> Iterator[AccountStore]:
        if not self._turns.acquire(timeout=WAIT_S):
            raise StoreUnavailable("the account store is slow: others still wait for it; try again")
        try:
            yield self._opened()
        finally:
            self._turns.release()

    def _opened(self) -> AccountStore:
        if self._place is None:
            raise NoAccountStore(
                'no account store is configured: write url = "sqlite:///mdhub-data/accounts.db" '
                "into [accounts] of the hub's configuration (docs/accounts.md)"
            )
        with self._opening:
            self._store = self._store or self._open(self._place.url)
            return self._store


def _refuse_sealed(draft: Draft) -> None:
    """A sealed text is the store's own: nobody gives one, of whichever account it may be."""
    words = "expected the secret itself, or a reference"
    problems = {f"settings.{n}": words for n, v in draft.settings.items() if is_sealed(v)}
    if problems:
        raise BadAccount(f"account {draft.id}: {', '.join(problems)}: {words}", problems)
