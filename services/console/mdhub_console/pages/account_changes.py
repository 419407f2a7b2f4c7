"""Forms of the pages of accounts: made, changed, switched, ranked, deleted, taken in.

A form that does not fit comes back with what was typed, but for secrets, and a word beside each
field.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Final

from litestar import Request, Response, post
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.params import MultipartBody, PathParameter, URLEncodedBody
from litestar.response import Redirect

from mdhub.accounts.errors import BadAccount
from mdhub.accounts.kinds import FORMS
from mdhub.wire.errors import MdhubError
from mdhub_console.accounts.deeds import author_of, change, create
from mdhub_console.identity.errors import ProofNeeded
from mdhub_console.identity.guards import requires, session_of
from mdhub_console.identity.middleware import note_deed
from mdhub_console.identity.model import Role
from mdhub_console.pages.account_form import given_of, problems_in
from mdhub_console.pages.account_words import told_problems
from mdhub_console.pages.accounts import account_page, list_page, needs_password, new_page
from mdhub_console.pages.fields import Form, field
from mdhub_console.parts import Parts
from mdhub_console.words.catalogue import language_of

__all__ = ["ACCOUNT_CHANGES"]

Call = Request[Any, Any, Any]
Fields = URLEncodedBody[dict[str, str]]
AccountId = Annotated[str, PathParameter(max_length=64)]
FILE_MAX: Final = 900_000
_SEE_OTHER: Final = 303
_PRIORITY: Final = "priority."


@dataclass
class FileForm:
    """A file of accounts."""

    file: UploadFile
    csrf_token: str = ""
    own_password: str = ""
    own_code: str = ""


@post(
    "/accounts/-/check",
    status_code=200,
    guards=[requires(Role.ADMIN)],
    sync_to_thread=True,
    include_in_schema=False,
)
def check_form(request: Call, data: Fields, parts: NamedDependency[Parts]) -> dict[str, str]:
    """Say what does not fit, by field; keeps nothing. Of a secret it need only be told `typed`."""
    account_id, kind = field(data, "id"), field(data, "type")
    revision = field(data, "revision")
    before = parts.accounts.get(account_id) if revision else None
    given = given_of(account_id, kind, data, before)
    return told_problems(problems_in(given, before), language_of(request))


@post(
    "/accounts/-/new",
    guards=[requires(Role.ADMIN)],
    sync_to_thread=True,
    include_in_schema=False,
    opt={"audit": "accounts.create"},
)
def create_account(request: Call, data: Fields, parts: NamedDependency[Parts]) -> Response[Any]:
    """Make an account."""
    kind, account_id = field(data, "type"), field(data, "id").strip()
    note_deed(request, target=account_id[:64])
    given = given_of(account_id, kind if kind in FORMS else "ctp", data)
    try:
        _check_no(problems_in(given))
        _prove(request, parts, data)
        create(request, parts.accounts, given.draft)
    except MdhubError as error:
        told = _told(request, error)
        return new_page(request, parts, kind, error, typed=data, problems=told)
    return Redirect(f"/accounts/{account_id}", status_code=_SEE_OTHER)


@post(
    "/accounts/{account_id:str}",
    guards=[requires(Role.ADMIN)],
    sync_to_thread=True,
    include_in_schema=False,
    opt={"audit": "accounts.change"},
)
def change_account(
    request: Call, parts: NamedDependency[Parts], account_id: AccountId, data: Fields
) -> Response[Any]:
    """Change an account as it was when its form was read."""
    before = parts.accounts.get(account_id)
    given = given_of(account_id, before.gateway_type, data, before)
    try:
        _check_no(problems_in(given, before))
        change(
            request, parts.accounts, given.draft, revision=_number(data, "revision"),
            prove=partial(_prove, request, parts, data),
        )  # fmt: skip
    except MdhubError as error:
        told = _told(request, error)
        return account_page(
            request, parts, account_id, error, typed=data, problems=told
        )  # fmt: skip
    return Redirect(f"/accounts/{account_id}", status_code=_SEE_OTHER)


@post(
    "/accounts/{account_id:str}/switch",
    guards=[requires(Role.ADMIN)],
    sync_to_thread=True,
    include_in_schema=False,
    opt={"audit": "accounts.change"},
)
def switch_account(
    request: Call, parts: NamedDependency[Parts], account_id: AccountId, data: Fields
) -> Response[Any]:
    """Enable or disable an account."""
    enabled = field(data, "enabled") == "on"
    note_deed(request, target=account_id, detail="enabled" if enabled else "disabled")
    try:
        parts.accounts.adjust(
            account_id, revision=_number(data, "revision"), by=author_of(request),
            is_enabled=enabled,
        )  # fmt: skip
    except MdhubError as error:
        told = _told(request, error)
        return account_page(request, parts, account_id, error, problems=told)
    return Redirect(f"/accounts/{account_id}", status_code=_SEE_OTHER)


@post(
    "/accounts/{account_id:str}/delete",
    guards=[requires(Role.ADMIN)],
    sync_to_thread=True,
    include_in_schema=False,
    opt={"audit": "accounts.delete"},
)
def delete_account(
    request: Call, parts: NamedDependency[Parts], account_id: AccountId, data: Fields
) -> Response[Any]:
    """Delete an account with its secrets; its history stays."""
    try:
        _prove(request, parts, data)
        parts.accounts.delete(account_id, revision=_number(data, "revision"), by=author_of(request))
    except MdhubError as error:
        return account_page(request, parts, account_id, error)
    return Redirect("/accounts", status_code=_SEE_OTHER)


@post(
    "/accounts/-/rank",
    guards=[requires(Role.ADMIN)],
    sync_to_thread=True,
    include_in_schema=False,
    opt={"audit": "accounts.rank"},
)
def rank_accounts(request: Call, data: Fields, parts: NamedDependency[Parts]) -> Response[Any]:
    """Give accounts other priorities: those whose number differs from what it was."""
    wanted = {key.removeprefix(_PRIORITY): key for key in data if key.startswith(_PRIORITY)}
    done = []
    try:
        for account_id, key in wanted.items():
            text = field(data, key)
            if text == field(data, f"was.{account_id}"):
                continue
            if not text.isdecimal():
                raise BadAccount("a priority was expected to be a whole number from 0 to 1000")
            parts.accounts.adjust(
                account_id, revision=_number(data, f"revision.{account_id}"),
                by=author_of(request), priority=int(text),
            )  # fmt: skip
            done.append(f"{account_id} {text}")
    except MdhubError as error:
        return list_page(request, parts, error)
    finally:
        note_deed(request, detail=", ".join(done)[:500] or "nothing")
    return Redirect("/accounts", status_code=_SEE_OTHER)


@post(
    "/accounts/-/import",
    guards=[requires(Role.ADMIN)],
    sync_to_thread=True,
    include_in_schema=False,
    opt={"audit": "accounts.import"},
)
def import_file(
    request: Call, parts: NamedDependency[Parts], data: MultipartBody[FileForm]
) -> Response[Any]:
    """Create and change accounts as a file says."""
    proof = {"own_password": data.own_password, "own_code": data.own_code}
    try:
        _prove(request, parts, proof)
        content = data.file.file.read(FILE_MAX)
        done = parts.accounts.take_in(content, by=author_of(request))
    except MdhubError as error:
        return list_page(request, parts, error)
    note_deed(request, detail=", ".join(f"{each.id} {each.change}" for each in done)[:500])
    return Redirect("/accounts", status_code=_SEE_OTHER)


def _prove(request: Call, parts: Parts, data: Form) -> None:
    """Raises ProofNeeded, WrongProof, LockedOut, TooBusy."""
    session = session_of(request)
    if session is None or not needs_password(request, parts):
        return
    password = field(data, "own_password")
    if not password:
        raise ProofNeeded("give your own password too: this changes what an account logs in with")
    code = field(data, "own_code").strip()
    parts.identity.prove(request.user, session, password=password, code=code)


def _check_no(problems: dict[str, str]) -> None:
    if problems:
        raise BadAccount("fields do not fit", problems)


def _told(request: Call, error: Exception) -> dict[str, str]:
    problems = error.problems if isinstance(error, BadAccount) else {}
    return told_problems(problems, language_of(request))


def _number(data: Form, name: str) -> int:
    text = field(data, name)
    return int(text) if text.isdecimal() else 0


ACCOUNT_CHANGES: Final = (
    check_form, create_account, change_account, switch_account, delete_account, rank_accounts,
    import_file,
)  # fmt: skip
