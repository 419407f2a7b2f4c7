"""/api/users, /api/tokens, /api/audit: for admins."""

from __future__ import annotations

from typing import Annotated, Any, Final

from litestar import Request, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, PathParameter, QueryParameter
from litestar.types import Guard

from mdhub_console.identity.api.forms import (
    AuditPage,
    AuditState,
    NewToken,
    NewUser,
    Seat,
    TokenMade,
    UserChange,
    UserShown,
    seat_of,
    shown,
)
from mdhub_console.identity.guards import proved_in_person, requires
from mdhub_console.identity.middleware import note_deed
from mdhub_console.identity.model import ROLES, Role, Token
from mdhub_console.identity.service import Identity
from mdhub_console.parts import Parts

__all__ = ["USERS", "UserId", "change_member"]

Call = Request[Any, Any, Any]
UserId = Annotated[int, PathParameter(ge=1, le=2**63 - 1, description="Number of a user.")]
"""As the database can hold it."""
_Admin: Final[list[Guard]] = [requires(Role.ADMIN)]
_Proved: Final[list[Guard]] = [requires(Role.ADMIN), proved_in_person]


@get("/api/users", sync_to_thread=True, guards=_Admin)
def list_users(parts: NamedDependency[Parts]) -> list[UserShown]:
    """Everybody, by name."""
    return [shown(member) for member in parts.identity.people.all()]


@post("/api/users", sync_to_thread=True, guards=_Proved, opt={"audit": "users.create"})
def create_user(request: Call, data: JSONBody[NewUser], parts: NamedDependency[Parts]) -> UserShown:
    """Make a user."""
    note_deed(request, target=data.name, detail=f"role {data.role}")
    return shown(parts.identity.add_user(data.name, data.password, ROLES[data.role]))


@patch(
    "/api/users/{user_id:int}",
    sync_to_thread=True,
    guards=_Proved,
    opt={"audit": "users.change"},
)
def change_user(
    request: Call,
    user_id: UserId,
    data: JSONBody[UserChange],
    parts: NamedDependency[Parts],
) -> UserShown:
    """Change role, password, whether one may log in. Another role ends all sessions."""
    member = parts.identity.people.get(user_id)
    note_deed(request, target=member.name, detail=described(data))
    return change_member(parts.identity, user_id, data)


def change_member(identity: Identity, user_id: int, data: UserChange) -> UserShown:
    """Carry a change out. Raises UnknownUser, LastAdmin, WeakPassword, TooBusy."""
    if data.password is not None:
        identity.change_password(user_id, data.password)
    values: dict[str, Any] = {}
    if data.role is not None:
        values["role"] = ROLES[data.role]
    if data.is_enabled is not None:
        values["is_enabled"] = data.is_enabled
    if data.drop_second_factor:
        values["totp_secret"] = ""
    if values:
        identity.people.change(user_id, ends_sessions=True, **values)
    return shown(identity.people.get(user_id))


def described(data: UserChange) -> str:
    """What a change touches, for the audit log."""
    told = {
        "role": data.role, "enabled": data.is_enabled,
        "password": None if data.password is None else "changed",
        "second factor": "dropped" if data.drop_second_factor else None,
    }  # fmt: skip
    return ", ".join(f"{name} {value}" for name, value in told.items() if value is not None)


@delete(
    "/api/users/{user_id:int}",
    sync_to_thread=True,
    guards=_Proved,
    opt={"audit": "users.delete"},
)
def delete_user(request: Call, user_id: UserId, parts: NamedDependency[Parts]) -> None:
    """Delete a user with sessions and tokens."""
    note_deed(request, target=parts.identity.people.get(user_id).name)
    parts.identity.people.remove(user_id)


@get("/api/users/{user_id:int}/sessions", sync_to_thread=True, guards=_Admin)
def list_sessions(user_id: UserId, parts: NamedDependency[Parts]) -> list[Seat]:
    """Where a user is logged in."""
    parts.identity.people.get(user_id)
    return [seat_of(session) for session in parts.identity.people.sessions(user_id)]


@delete(
    "/api/users/{user_id:int}/sessions",
    sync_to_thread=True,
    guards=_Admin,
    opt={"audit": "users.sessions.end"},
)
def end_user_sessions(request: Call, user_id: UserId, parts: NamedDependency[Parts]) -> None:
    """Log a user out everywhere."""
    note_deed(request, target=parts.identity.people.get(user_id).name)
    parts.identity.people.close_sessions(user_id)


@get("/api/tokens", sync_to_thread=True, guards=_Admin)
def list_tokens(parts: NamedDependency[Parts]) -> list[Token]:
    """All API tokens, without their secrets."""
    return list(parts.identity.people.tokens())


@post("/api/tokens", sync_to_thread=True, guards=_Proved, opt={"audit": "tokens.create"})
def create_token(
    request: Call, data: JSONBody[NewToken], parts: NamedDependency[Parts]
) -> TokenMade:
    """Make a token for oneself. Its text is in this answer and nowhere else."""
    token, text = parts.identity.new_token(
        request.user, name=data.name, scope=data.scope, days=data.days
    )
    note_deed(request, target=token.id, detail=f"{data.name}, scope {data.scope}")
    return TokenMade(token=token, text=text)


@delete(
    "/api/tokens/{token_id:str}",
    sync_to_thread=True,
    guards=_Admin,
    opt={"audit": "tokens.revoke"},
)
def revoke_token(token_id: FromPath[str], parts: NamedDependency[Parts]) -> None:
    """Revoke a token: its next request is refused."""
    parts.identity.people.remove_token(token_id)


@get("/api/audit", sync_to_thread=True, guards=_Admin)
def list_audit(
    parts: NamedDependency[Parts],
    before: Annotated[int | None, QueryParameter(ge=1, le=1 << 62)] = None,
    count: Annotated[int, QueryParameter(ge=1, le=500)] = 100,
) -> AuditPage:
    """Who did what, the newest first."""
    records = tuple(parts.identity.records.page(before=before, count=count))
    more = len(records) == count and records[-1].n > 1
    return AuditPage(records=records, before=records[-1].n if more else None)


@get("/api/audit/verify", sync_to_thread=True, guards=_Admin)
def verify_audit(parts: NamedDependency[Parts]) -> AuditState:
    """Check the whole chain."""
    n, digest = parts.identity.records.head()
    broken = parts.identity.records.verify()
    return AuditState(whole=broken is None, records=n, first_break=broken, digest=digest)


USERS = (
    list_users, create_user, change_user, delete_user, list_sessions, end_user_sessions,
    list_tokens, create_token, revoke_token, list_audit, verify_audit,
)  # fmt: skip
