"""Port of the account store: what memory, SQL and MongoDB all promise (tests/contract)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from mdhub.accounts.model import Account, Draft

__all__ = ["AccountStore", "Change"]


@dataclass(frozen=True, slots=True)
class Change:
    """One revision of an account: who made it and what it touched. Holds no value of a setting."""

    id: str
    revision: int
    ts_ns: int
    by: str
    action: str
    """`created`, `changed`, `deleted` or `resealed`."""
    fields: tuple[str, ...]
    """Names of what changed; settings as `settings.<name>`."""


class AccountStore(Protocol):
    """Accounts by id. Every method may raise StoreUnavailable. Secrets come and go sealed.

    A write is atomic, counts one revision up and writes its `Change` in the same transaction.
    """

    def all(self) -> Sequence[Account]:
        """Return every account, by priority, then id."""

    def get(self, account_id: str) -> Account:
        """Raises UnknownAccount."""

    def create(self, draft: Draft, *, by: str) -> Account:
        """Raises AccountExists. The id of a deleted account is free again."""

    def replace(self, draft: Draft, *, revision: int, by: str) -> Account:
        """Put a draft in the place of `revision`. Raises UnknownAccount, RevisionConflict."""

    def reseal(self, account: Account, *, by: str) -> Account:
        """Like `replace`, for the same settings under another master key."""

    def delete(self, account_id: str, *, revision: int, by: str) -> None:
        """Raises UnknownAccount, RevisionConflict."""

    def version(self) -> int:
        """A number that grows with every write of anybody: cheap to ask twice a second."""

    def history(self, account_id: str, *, count: int = 50) -> Sequence[Change]:
        """Newest first; of deleted accounts as well."""

    def close(self) -> None:
        """Give connections back."""
