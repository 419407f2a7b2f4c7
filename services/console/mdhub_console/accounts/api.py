"""/api/accounts: the account store for scripts. Secrets go in and never come out."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Final

from litestar import Request, Response, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter
from litestar.types import Guard

from mdhub.accounts.transfer import Imported
from mdhub_console.accounts.deeds import author_of, change, create
from mdhub_console.accounts.forms import (
    AccountChange,
    AccountFile,
    AccountShown,
    Changed,
    NewAccount,
    changed,
    shown_of,
)
from mdhub_console.identity.guards import check_proof, proved, requires
from mdhub_console.identity.middleware import note_deed
from mdhub_console.identity.model import Role
from mdhub_console.parts import Parts

__all__ = ["ACCOUNTS", "export_file"]

Call = Request[Any, Any, Any]
AccountId = Annotated[str, PathParameter(max_length=64, description="Id of an account.")]
_Viewer: Final[list[Guard]] = [requires(Role.VIEWER)]
_Admin: Final[list[Guard]] = [requires(Role.ADMIN)]
_Proved: Final[list[Guard]] = [requires(Role.ADMIN), proved]


@get("/api/accounts", sync_to_thread=True, guards=_Viewer)
def list_accounts(parts: NamedDependency[Parts]) -> list[AccountShown]:
    """All accounts, by priority, then id, without secrets."""
    return [shown_of(account) for account in parts.accounts.all()]


@post(
    "/api/accounts",
    sync_to_thread=True,
    guards=_Proved,
    opt={"audit": "accounts.create"},
)
def create_account(
    request: Call, data: JSONBody[NewAccount], parts: NamedDependency[Parts]
) -> Response[AccountShown]:
    """Make an account: within 5 s its supervisor runs it, if it is enabled."""
    account = shown_of(create(request, parts.accounts, data))
    headers = {"Location": f"/api/accounts/{account.id}"}
    return Response(account, status_code=201, headers=headers)


@get("/api/accounts/{account_id:str}", sync_to_thread=True, guards=_Viewer)
def show_account(parts: NamedDependency[Parts], account_id: AccountId) -> AccountShown:
    """One account, without secrets."""
    return shown_of(parts.accounts.get(account_id))


@put(
    "/api/accounts/{account_id:str}",
    sync_to_thread=True,
    guards=_Admin,
    opt={"audit": "accounts.change"},
)
def change_account(
    request: Call,
    parts: NamedDependency[Parts],
    account_id: AccountId,
    data: JSONBody[AccountChange],
) -> AccountShown:
    """Put a new description in the place of the one read at `revision`; 409 if another came first.

    What it logs in with is changed only by who has given the password lately.
    """
    prove = partial(check_proof, request, tokens=True)
    draft = data.draft(account_id)
    return shown_of(change(request, parts.accounts, draft, revision=data.revision, prove=prove))


@delete(
    "/api/accounts/{account_id:str}",
    sync_to_thread=True,
    guards=_Proved,
    opt={"audit": "accounts.delete"},
)
def delete_account(
    request: Call,
    parts: NamedDependency[Parts],
    account_id: AccountId,
    revision: Annotated[int, QueryParameter(ge=1, le=1 << 62, description="That was read.")],
) -> None:
    """Delete an account with its secrets; its history stays."""
    parts.accounts.delete(account_id, revision=revision, by=author_of(request))


@get("/api/accounts/{account_id:str}/history", sync_to_thread=True, guards=_Viewer)
def account_history(
    parts: NamedDependency[Parts],
    account_id: AccountId,
    count: Annotated[int, QueryParameter(ge=1, le=500)] = 50,
) -> list[Changed]:
    """Who changed what, the newest first; of deleted accounts as well. No values."""
    return [changed(each) for each in parts.accounts.history(account_id, count=count)]


@get("/api/accounts/-/export", sync_to_thread=True, guards=_Admin)
def export_accounts(parts: NamedDependency[Parts]) -> Response[bytes]:
    """All accounts as a file without secrets, for `import`; references stay."""
    return export_file(parts)


@post(
    "/api/accounts/-/import",
    status_code=200,
    sync_to_thread=True,
    guards=_Proved,
    opt={"audit": "accounts.import"},
)
def import_accounts(
    request: Call, data: JSONBody[AccountFile], parts: NamedDependency[Parts]
) -> list[Imported]:
    """Create and change accounts as a file of `export` says; none is deleted.

    Everything is checked before anything is written. An account that lacks a secret comes in
    disabled.
    """
    done = parts.accounts.take_in(data.content(), by=author_of(request))
    note_deed(request, detail=", ".join(f"{each.id} {each.change}" for each in done)[:500])
    return done


def export_file(parts: Parts) -> Response[bytes]:
    """The file of `export`, to be saved."""
    return Response(
        parts.accounts.exported(),
        media_type="application/json",
        headers={"content-disposition": 'attachment; filename="mdhub-accounts.json"'},
    )


ACCOUNTS: Final = (
    list_accounts, create_account, show_account, change_account, delete_account, account_history,
    export_accounts, import_accounts,
)  # fmt: skip
