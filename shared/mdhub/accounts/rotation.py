"""Moves all accounts to the active master key while others read and write them."""

from __future__ import annotations

from collections import Counter
from typing import Final

import msgspec

from mdhub.accounts.errors import RevisionConflict, SealBroken, UnknownAccount
from mdhub.accounts.model import Account
from mdhub.accounts.port import AccountStore
from mdhub.accounts.sealed import is_sealed, key_of
from mdhub.accounts.vault import Vault

__all__ = ["Rotation", "key_use", "reseal_all"]

ROUNDS_MAX: Final = 20
"""A writer that still seals with an old key would keep us busy for ever."""


class Rotation(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a rotation."""

    key_id: str
    resealed: tuple[str, ...]
    """Ids of accounts, in the order in which they were done; twice = somebody undid it."""
    left: tuple[str, ...]
    """Ids of accounts that still need another key; empty = old keys may go."""
    broken: tuple[str, ...]
    """Those of them that do not open: their secrets must be given anew."""


def reseal_all(store: AccountStore, vault: Vault, *, by: str) -> Rotation:
    """Seal every account anew that needs another key than the active one.

    An account that changes meanwhile is read again. Goes round until a look at all of them finds
    none on an old key, at most 20 times. Raises StoreUnavailable.
    """
    done: list[str] = []
    for _ in range(ROUNDS_MAX):
        behind = _behind(store, vault)
        broken = [each.id for each in behind if not _resealed(store, vault, each, by, done)]
        if len(broken) == len(behind):
            break
    left = tuple(account.id for account in _behind(store, vault))
    return Rotation(
        key_id=vault.active, resealed=tuple(done), left=left,
        broken=tuple(each for each in broken if each in left),
    )  # fmt: skip


def key_use(store: AccountStore) -> dict[str, int]:
    """Return how many secrets each master key has sealed; "" = those that have no proper form."""
    used: Counter[str] = Counter()
    for account in store.all():
        for value in account.settings.values():
            if is_sealed(value):
                used[_key_of(value)] += 1
    return dict(used)


def _key_of(value: object) -> str:
    try:
        return key_of(value)
    except SealBroken:
        return ""


def _behind(store: AccountStore, vault: Vault) -> list[Account]:
    return [
        account
        for account in store.all()
        if any(is_sealed(v) and _key_of(v) != vault.active for v in account.settings.values())
    ]


def _resealed(
    store: AccountStore, vault: Vault, account: Account, by: str, done: list[str]
) -> bool:
    """Reseal one account; False only if it does not open."""
    try:
        store.reseal(vault.reseal(account), by=by)
        done.append(account.id)
    except (RevisionConflict, UnknownAccount):
        return True  # it has changed: the next round looks at it again
    except SealBroken:
        return False
    return True
