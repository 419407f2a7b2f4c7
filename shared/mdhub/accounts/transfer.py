"""Accounts as a JSON file without secrets, out of one store and into another."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

import msgspec
from msgspec.structs import replace

from mdhub.accounts.check import problems_of
from mdhub.accounts.edit import MISSING, secrets_of, with_kept_secrets
from mdhub.accounts.errors import BadAccount, UnknownAccount
from mdhub.accounts.kinds import account_profile
from mdhub.accounts.model import Account, Draft
from mdhub.accounts.port import AccountStore
from mdhub.accounts.sealed import is_sealed
from mdhub.accounts.shape import changed_fields, checked

__all__ = ["Imported", "export_accounts", "export_sealed", "exported_ids", "import_accounts"]

FORMAT: Final = "mdhub-accounts"
FILE_MAX: Final = 16 << 20


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    format: Literal["mdhub-accounts"]
    version: Literal[1]
    accounts: tuple[Draft, ...]


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one account of a file."""

    id: str
    change: Literal["created", "changed", "same"]
    missing: tuple[str, ...] = ()
    """Secrets that are needed and neither in the file nor here: the account is disabled."""


def export_accounts(accounts: Iterable[Account]) -> bytes:
    """Return accounts as JSON. Sealed values are left out as empty; references stay."""
    drafts = tuple(_without_secrets(account) for account in accounts)
    return _encoded(_File(format=FORMAT, version=1, accounts=drafts))


def export_sealed(accounts: Iterable[Account]) -> bytes:
    """Return accounts as JSON with their sealed secrets, for a backup: master keys open them."""
    drafts = tuple(_draft(account) for account in accounts)
    return _encoded(_File(format=FORMAT, version=1, accounts=drafts))


def exported_ids(content: bytes) -> tuple[str, ...]:
    """Read what an export wrote: the accounts in it. Raises BadAccount."""
    return tuple(draft.id for draft in _read(content))


def import_accounts(
    store: AccountStore, content: bytes, *, by: str, as_they_were: bool = False
) -> list[Imported]:
    """Create and change accounts as a file says; none is deleted.

    `as_they_were`: of a backup; who does not fit any more is taken too, and refused where it runs.

    A secret that the file leaves empty is kept from the account of the same id; where there is
    none the account comes in disabled. Everything is checked before anything is written. Raises
    BadAccount, StoreUnavailable, RevisionConflict (somebody changes an account meanwhile; those
    before it in the file are in).
    """
    drafts = _read(content)
    plan = [_planned(draft, _before(store, draft.id)) for draft in drafts]
    problems = {
        f"{draft.id}: {field}": words
        for draft, _ in plan
        for field, words in problems_of(draft).items()
        if not (as_they_were or (words == "is missing" and not draft.is_enabled))
    }
    if problems:
        words = "; ".join(f"{field}: {each}" for field, each in problems.items())
        raise BadAccount(f"nothing was imported: {words}", problems)
    return [_written(store, draft, before, by) for draft, before in plan]


def _planned(draft: Draft, before: Account | None) -> tuple[Draft, Account | None]:
    profile = account_profile(draft.gateway_type, draft.settings)
    named = {
        name: value
        for name, value in draft.settings.items()
        if not (value == MISSING and profile.is_secret(name))
    }
    emptied = {name: draft.settings[name] for name in draft.settings.keys() - named.keys()}
    kept = replace(draft, settings=named)
    if before is not None:
        kept = with_kept_secrets(kept, before)
    given = {profile.key_of(name) for name in kept.settings}
    lost = {name: MISSING for name in emptied if profile.key_of(name) not in given}
    whole = replace(kept, settings={**kept.settings, **lost})
    return checked(replace(whole, is_enabled=draft.is_enabled and not _missing(whole))), before


def _written(store: AccountStore, draft: Draft, before: Account | None, by: str) -> Imported:
    missing = _missing(draft)
    if before is None:
        store.create(draft, by=by)
        return Imported(id=draft.id, change="created", missing=missing)
    if not changed_fields(_draft(before), draft):
        return Imported(id=draft.id, change="same", missing=missing)
    store.replace(draft, revision=before.revision, by=by)
    return Imported(id=draft.id, change="changed", missing=missing)


def _missing(draft: Draft) -> tuple[str, ...]:
    return tuple(name for name, state in secrets_of(draft).items() if state == "missing")


def _before(store: AccountStore, account_id: str) -> Account | None:
    try:
        return store.get(account_id)
    except UnknownAccount:
        return None


def _read(content: bytes) -> tuple[Draft, ...]:
    if len(content) > FILE_MAX:
        raise BadAccount(f"the file is larger than {FILE_MAX >> 20} MB: that is no export")
    try:
        drafts = msgspec.json.decode(content, type=_File).accounts
    except msgspec.MsgspecError as error:
        # Its text names places and types, never values.
        raise BadAccount(
            f"the file is no export: {error}; expected what mdhub accounts export writes"
        ) from None
    names = [draft.id for draft in drafts]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise BadAccount(f"the file has account {', '.join(doubled)} twice")
    return drafts


def _without_secrets(account: Account) -> Draft:
    settings = {
        name: MISSING if is_sealed(value) else value for name, value in account.settings.items()
    }
    return replace(_draft(account), settings=settings)


def _draft(account: Account) -> Draft:
    return Draft(**{name: getattr(account, name) for name in Draft.__struct_fields__})


def _encoded(file: _File) -> bytes:
    return msgspec.json.format(msgspec.json.encode(file), indent=2) + b"\n"
