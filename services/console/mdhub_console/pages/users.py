"""The pages of users, tokens and the audit log: for admins."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter, URLEncodedBody
from litestar.response import Redirect
from litestar.types import Guard

from mdhub.wire.errors import MdhubError
from mdhub_console.identity.api.forms import NewToken, NewUser, UserChange
from mdhub_console.identity.api.users import UserId, change_member, described
from mdhub_console.identity.guards import proved_in_person, requires
from mdhub_console.identity.middleware import note_deed
from mdhub_console.identity.model import ROLES, Role
from mdhub_console.pages.fields import field, page
from mdhub_console.parts import Parts

__all__ = ["PEOPLE"]

Call = Request[Any, Any, Any]
Fields = URLEncodedBody[dict[str, str]]
_Proved: Final[list[Guard]] = [requires(Role.ADMIN), proved_in_person]
_SEE_OTHER: Final = 303
_PAGE: Final = 100


def _people(
    request: Call, parts: Parts, error: Exception | None = None, made: str = ""
) -> Response[Any]:
    people = parts.identity.people
    members = people.all()
    names = {member.id: member.name for member in members}
    return page(
        "users.html", request, error, members=members, tokens=people.tokens(), names=names,
        made=made,
    )  # fmt: skip


@get("/users", sync_to_thread=True, include_in_schema=False, guards=[requires(Role.ADMIN)])
def show_users(request: Call, parts: NamedDependency[Parts]) -> Response[Any]:
    """Everybody, and all tokens."""
    return _people(request, parts)


@post(
    "/users",
    sync_to_thread=True,
    include_in_schema=False,
    guards=_Proved,
    opt={"audit": "users.create"},
)
def create_user(request: Call, data: Fields, parts: NamedDependency[Parts]) -> Response[Any]:
    """Make a user."""
    note_deed(request, target=field(data, "name"), detail=f"role {field(data, 'role')}")
    told = {name: field(data, name) for name in ("name", "password", "role")}
    try:
        new = msgspec.convert(told, NewUser)
        parts.identity.add_user(new.name, new.password, ROLES[new.role])
    except (MdhubError, msgspec.ValidationError) as error:
        return _people(request, parts, error)
    return Redirect("/users", status_code=_SEE_OTHER)


@post(
    "/users/{user_id:int}",
    sync_to_thread=True,
    include_in_schema=False,
    guards=_Proved,
    opt={"audit": "users.change"},
)
def change_user(
    request: Call, user_id: UserId, data: Fields, parts: NamedDependency[Parts]
) -> Response[Any]:
    """Change role and whether one may log in; log out everywhere; delete."""
    identity, action = parts.identity, field(data, "action")
    target = identity.people.get(user_id).name
    try:
        if action == "delete":
            note_deed(request, target=target, detail="deleted")
            identity.people.remove(user_id)
        elif action == "end_sessions":
            note_deed(request, target=target, detail="sessions ended")
            identity.people.close_sessions(user_id)
        else:
            enabled = {"enable": True, "disable": False}.get(action)
            told = {"role": field(data, "role") or None, "is_enabled": enabled}
            change = msgspec.convert(told, UserChange)
            note_deed(request, target=target, detail=described(change))
            change_member(identity, user_id, change)
    except (MdhubError, msgspec.ValidationError) as error:
        return _people(request, parts, error)
    return Redirect("/users", status_code=_SEE_OTHER)


@post(
    "/tokens",
    sync_to_thread=True,
    include_in_schema=False,
    guards=_Proved,
    opt={"audit": "tokens.create"},
)
def create_token(request: Call, data: Fields, parts: NamedDependency[Parts]) -> Response[Any]:
    """Make a token and show its text, this once."""
    told = {name: field(data, name) for name in ("name", "scope", "days")}
    try:
        new = msgspec.convert(told, NewToken, strict=False)
    except msgspec.ValidationError as error:
        return _people(request, parts, error)
    token, text = parts.identity.new_token(
        request.user, name=new.name, scope=new.scope, days=new.days
    )
    note_deed(request, target=token.id, detail=f"{new.name}, scope {new.scope}")
    return _people(request, parts, made=text)


@post(
    "/tokens/{token_id:str}/revoke",
    sync_to_thread=True,
    include_in_schema=False,
    guards=[requires(Role.ADMIN)],
    opt={"audit": "tokens.revoke"},
)
def revoke_token(token_id: FromPath[str], parts: NamedDependency[Parts]) -> Response[Any]:
    """Revoke a token."""
    parts.identity.people.remove_token(token_id)
    return Redirect("/users", status_code=_SEE_OTHER)


@get("/audit", sync_to_thread=True, include_in_schema=False, guards=[requires(Role.ADMIN)])
def show_audit(
    request: Call,
    parts: NamedDependency[Parts],
    before: Annotated[int | None, QueryParameter(ge=1, le=1 << 62)] = None,
    verify: FromQuery[bool] = False,  # noqa: FBT002 - a parameter of the address
) -> Response[Any]:
    """Who did what; on demand, whether the chain is whole."""
    records = parts.identity.records.page(before=before, count=_PAGE)
    older = records[-1].n if len(records) == _PAGE and records[-1].n > 1 else None
    broken = parts.identity.records.verify() if verify else None
    return page("audit.html", request, records=records, older=older, verified=verify, broken=broken)


PEOPLE = (show_users, create_user, change_user, create_token, revoke_token, show_audit)
