"""Accounts in memory: for tests, and for what a program holds for itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from mdhub.accounts.errors import AccountExists, RevisionConflict, UnknownAccount
from mdhub.accounts.model import Account, Draft
from mdhub.accounts.port import AccountStore, Change
from mdhub.accounts.shape import DELETED, changed_fields, checked, first_of, next_of, said_by

__all__ = ["MemoryAccounts", "MemoryShelf"]


class MemoryShelf:
    """What several stores of one process share, as several processes share a database."""

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.changes: list[Change] = []
        self.lock = threading.Lock()


class MemoryAccounts(AccountStore):
    """An account store whose database is a shelf of this process; it keeps all history."""

    def __init__(
        self, shelf: MemoryShelf | None = None, *, now_ns: Callable[[], int] = time.time_ns
    ) -> None:
        self._shelf = MemoryShelf() if shelf is None else shelf
        self._now_ns = now_ns

    def all(self) -> Sequence[Account]:
        with self._shelf.lock:
            accounts = list(self._shelf.accounts.values())
        return sorted(accounts, key=lambda account: (account.priority, account.id))

    def get(self, account_id: str) -> Account:
        with self._shelf.lock:
            return self._found(account_id)

    def create(self, draft: Draft, *, by: str) -> Account:
        draft, by = checked(draft), said_by(by)
        with self._shelf.lock:
            if draft.id in self._shelf.accounts:
                raise AccountExists(f"there is an account {draft.id} already")
            revisions = [each.revision for each in self._shelf.changes if each.id == draft.id]
            now_ns = self._now_ns()
            account = first_of(draft, last_revision=max(revisions, default=0), now_ns=now_ns)
            return self._put(account, by, "created", changed_fields(None, draft))

    def replace(self, draft: Draft, *, revision: int, by: str) -> Account:
        return self._replaced(draft, revision, by, "changed")

    def reseal(self, account: Account, *, by: str) -> Account:
        return self._replaced(account, account.revision, by, "resealed")

    def delete(self, account_id: str, *, revision: int, by: str) -> None:
        by = said_by(by)
        with self._shelf.lock:
            before = self._found(account_id, revision)
            del self._shelf.accounts[account_id]
            fields = changed_fields(before, None)
            self._note(account_id, revision + 1, by, DELETED, fields)

    def version(self) -> int:
        with self._shelf.lock:
            return len(self._shelf.changes)

    def history(self, account_id: str, *, count: int = 50) -> Sequence[Change]:
        with self._shelf.lock:
            changes = [each for each in self._shelf.changes if each.id == account_id]
        return changes[::-1][:count]

    def close(self) -> None:
        """There is nothing to give back."""

    def _replaced(self, draft: Draft, revision: int, by: str, action: str) -> Account:
        draft, by = checked(draft), said_by(by)
        with self._shelf.lock:
            before = self._found(draft.id, revision)
            account = next_of(draft, before, now_ns=self._now_ns())
            return self._put(account, by, action, changed_fields(before, draft))

    def _found(self, account_id: str, revision: int | None = None) -> Account:
        account = self._shelf.accounts.get(account_id)
        if account is None:
            raise UnknownAccount(f"there is no account {account_id}")
        if revision is not None and account.revision != revision:
            raise conflict(account_id, revision, account.revision)
        return account

    def _put(self, account: Account, by: str, action: str, fields: tuple[str, ...]) -> Account:
        self._shelf.accounts[account.id] = account
        self._note(account.id, account.revision, by, action, fields)
        return account

    def _note(
        self, account_id: str, revision: int, by: str, action: str, fields: tuple[str, ...]
    ) -> None:
        ts_ns = self._now_ns()
        self._shelf.changes.append(Change(account_id, revision, ts_ns, by, action, fields))


def conflict(account_id: str, given: int, found: int) -> RevisionConflict:
    """Say which revision was expected and which is there."""
    return RevisionConflict(
        f"account {account_id} is at revision {found}, the change was made from {given}: "
        "read it again"
    )
