"""The accounts: all of them, one of them, a new one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import PathParameter, QueryParameter

from mdhub.accounts.errors import AccountsError, UnknownAccount
from mdhub.accounts.model import Account, Draft
from mdhub.accounts.port import Change
from mdhub_console.identity.guards import requires, session_of
from mdhub_console.identity.model import Role
from mdhub_console.pages.account_form import boxes_of, kinds_of
from mdhub_console.pages.account_model import (
    TEST,
    orders_of,
    revisions_of,
    row_of,
    test_action,
    trial_of,
)
from mdhub_console.pages.fields import page
from mdhub_console.pages.looking import look
from mdhub_console.parts import Parts
from mdhub_console.words.catalogue import language_of

__all__ = ["ACCOUNT_PAGES", "account_page", "list_page", "needs_password", "new_page"]

Call = Request[Any, Any, Any]
AccountId = Annotated[str, PathParameter(max_length=64)]
HISTORY: Final = 50


@get("/accounts", guards=[requires(Role.VIEWER)], sync_to_thread=True, include_in_schema=False)
def show_accounts(request: Call, parts: NamedDependency[Parts]) -> Response[Any]:
    """All of them."""
    return list_page(request, parts)


@get(
    "/accounts/-/live",
    guards=[requires(Role.VIEWER)],
    sync_to_thread=True,
    include_in_schema=False,
)
def show_accounts_live(request: Call, parts: NamedDependency[Parts]) -> Response[Any]:
    """What of the list changes."""
    return page("parts/accounts_live.html", request, **_listed(request, parts))


@get(
    "/accounts/-/new",
    guards=[requires(Role.ADMIN)],
    sync_to_thread=True,
    include_in_schema=False,
)
def show_new(
    request: Call,
    parts: NamedDependency[Parts],
    kind: Annotated[str, QueryParameter(name="type", max_length=16)] = "ctp",
) -> Response[Any]:
    """The form of a new account, of one type of gateway."""
    return new_page(request, parts, kind)


@get(
    "/accounts/{account_id:str}",
    guards=[requires(Role.VIEWER)],
    sync_to_thread=True,
    include_in_schema=False,
)
def show_account(
    request: Call, parts: NamedDependency[Parts], account_id: AccountId
) -> Response[Any]:
    """One of them, with its form."""
    return account_page(request, parts, account_id)


@get(
    "/accounts/{account_id:str}/live",
    guards=[requires(Role.VIEWER)],
    sync_to_thread=True,
    include_in_schema=False,
)
def show_account_live(
    request: Call, parts: NamedDependency[Parts], account_id: AccountId
) -> Response[Any]:
    """What of its page changes."""
    known = parts.accounts.look()
    account = next((each for each in known.accounts if each.id == account_id), None)
    if account is None:
        raise UnknownAccount(f"there is no account {account_id}")
    return page("parts/account_live.html", request, **_seen(request, parts, account))


def list_page(request: Call, parts: Parts, error: Exception | None = None) -> Response[Any]:
    """The list, with what went wrong above it."""
    context = _listed(request, parts) | {"needs_password": needs_password(request, parts)}
    return page("accounts.html", request, error, **context)


def new_page(
    request: Call,
    parts: Parts,
    kind: str,
    error: Exception | None = None,
    *,
    typed: Mapping[str, str] | None = None,
    problems: Mapping[str, str] | None = None,
) -> Response[Any]:
    """The form of a new account; `typed`: what was given of it already."""
    language = language_of(request)
    kinds = kinds_of(language)
    chosen = kind if kind in dict(kinds) else kinds[0][0]
    class_path = (typed or {}).get("settings.class", "")
    draft = Draft(
        id="new",
        gateway_type=chosen,  # type: ignore[arg-type] # one of kinds_of
        settings={"class": class_path} if class_path else {},
    )
    settings, of_hub = boxes_of(draft, language, typed)
    return page(
        "account_new.html", request, error, kinds=kinds, kind=chosen, settings=settings,
        of_hub=of_hub, account_id=(typed or {}).get("id", ""), problems=problems or {},
        enabled=typed is None or typed.get("is_enabled") == "on", may_edit=True,
        needs_password=needs_password(request, parts), configured=parts.accounts.is_configured,
    )  # fmt: skip


def account_page(
    request: Call,
    parts: Parts,
    account_id: str,
    error: Exception | None = None,
    *,
    typed: Mapping[str, str] | None = None,
    problems: Mapping[str, str] | None = None,
) -> Response[Any]:
    """One account. Raises UnknownAccount, StoreUnavailable, NoAccountStore."""
    language = language_of(request)
    account = parts.accounts.get(account_id)
    settings, of_hub = boxes_of(account, language, typed)
    return page(
        "account.html", request, error, settings=settings, of_hub=of_hub, problems=problems or {},
        action=test_action(account_id, language), history=_history(parts, account_id),
        needs_password=needs_password(request, parts),
        may_edit=request.user.role >= Role.ADMIN,
        may_order=request.user.role >= Role.OPERATOR,
        **_seen(request, parts, account),
    )  # fmt: skip


def needs_password(request: Call, parts: Parts) -> bool:
    """Whether a change of credentials has to bring the password along."""
    session = session_of(request)
    return session is not None and not parts.identity.has_proved(session)


def _listed(request: Call, parts: Parts) -> dict[str, Any]:
    language, sight = language_of(request), look(parts.live)
    known, revisions = parts.accounts.look(), revisions_of(parts.live.view.beats)
    return {
        "sight": sight,
        "rows": [row_of(each, sight, revisions, language) for each in known.accounts],
        "known": known,
        "configured": parts.accounts.is_configured,
    }


def _seen(request: Call, parts: Parts, account: Account) -> dict[str, Any]:
    language, sight = language_of(request), look(parts.live)
    orders = orders_of(sight.commands, account.id)
    return {
        "sight": sight,
        "row": row_of(account, sight, revisions_of(parts.live.view.beats), language),
        "orders": [each for each in orders if each.action != TEST][:4],
        "trial": trial_of(orders, language),
    }


def _history(parts: Parts, account_id: str) -> Sequence[Change]:
    try:
        return parts.accounts.history(account_id, count=HISTORY)
    except AccountsError:
        return ()


ACCOUNT_PAGES: Final = (
    show_accounts, show_accounts_live, show_new, show_account, show_account_live,
)  # fmt: skip
