"""What is done to accounts, from the API and from pages: proof, the store, the audit log."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from litestar import Request

from mdhub.accounts.edit import with_kept_secrets
from mdhub.accounts.model import Account, Draft
from mdhub.accounts.shape import changed_fields
from mdhub_console.accounts.book import AccountBook
from mdhub_console.identity.middleware import note_deed

__all__ = ["author_of", "change", "create", "needs_proof"]

Call = Request[Any, Any, Any]


def author_of(request: Call) -> str:
    """Whom the history of an account names."""
    return str(request.user.signature)


def needs_proof(before: Account, draft: Draft) -> bool:
    """Whether a change touches what an account logs in with."""
    given = with_kept_secrets(draft, before).settings
    kept = {name: value for name, value in given.items() if value != ""}
    return draft.gateway_type != before.gateway_type or kept != before.settings


def create(request: Call, book: AccountBook, draft: Draft) -> Account:
    """Make an account. Raises as `AccountBook.create`."""
    note_deed(request, target=draft.id, detail=f"{draft.gateway_type}, priority {draft.priority}")
    return book.create(draft, by=author_of(request))


def change(
    request: Call, book: AccountBook, draft: Draft, *, revision: int, prove: Callable[[], None]
) -> Account:
    """Change an account that was read at `revision`. Raises as `AccountBook.change`.

    `prove` is called, and raises, where what it logs in with changes.
    """
    before = book.get(draft.id)
    note_deed(request, target=draft.id)
    if needs_proof(before, draft):
        prove()
    after = book.change(draft, before, revision=revision, by=author_of(request))
    note_deed(request, detail=", ".join(changed_fields(before, after)) or "nothing")
    return after
