"""POST /api/login, /api/logout, and what one does about oneself: /api/me."""

from __future__ import annotations

import hashlib
from typing import Any

from litestar import Request, Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import structs

from mdhub_console.identity.api.forms import Login, Me, MeChange, NewPassword, Proof, me_of
from mdhub_console.identity.cookies import cookie_of, no_cookie, session_secret
from mdhub_console.identity.guards import proved_in_person, requires, session_of
from mdhub_console.identity.middleware import note_deed
from mdhub_console.identity.model import Role
from mdhub_console.parts import Parts
from mdhub_console.server.csrf import csrf_token

__all__ = ["DOOR"]

Call = Request[Any, Any, Any]


@post(
    "/api/login",
    status_code=200,
    sync_to_thread=True,
    request_max_body_size=16_384,
    opt={"open_before_setup": True, "audit": "login"},
)
def log_in(request: Call, data: JSONBody[Login], parts: NamedDependency[Parts]) -> Response[Me]:
    """Log in; the cookie of the answer is the session. 401, 429 and 503 say why not."""
    identity = parts.identity
    note_deed(request, who=data.name or "-")
    address = request.scope["state"]["address"]
    secret = identity.log_in(data.name, data.password, code=data.code, address=address)
    old = session_secret(request)
    if old:
        identity.close_session(old)
    user, _ = identity.of_session(secret) or (None, None)
    token = hashlib.sha256(f"csrf:{secret}".encode()).hexdigest()
    assert user is not None  # noqa: S101 - made this moment
    return Response(me_of(user, token), cookies=[cookie_of(request, secret)])


@post(
    "/api/logout",
    status_code=204,
    sync_to_thread=True,
    guards=[requires(Role.VIEWER)],
    opt={"audit": "logout"},
)
def log_out(request: Call, parts: NamedDependency[Parts]) -> Response[None]:
    """End the session."""
    parts.identity.close_session(session_secret(request))
    return Response(None, cookies=[no_cookie(request)])


@get("/api/me", sync_to_thread=False, guards=[requires(Role.VIEWER)])
def show_me(request: Call) -> Me:
    """Who one is, and the token for changes."""
    return me_of(request.user, csrf_token(request))


@patch("/api/me", sync_to_thread=True, guards=[requires(Role.VIEWER)])
def change_me(request: Call, data: JSONBody[MeChange], parts: NamedDependency[Parts]) -> Me:
    """Choose language and theme."""
    told = {name: value for name, value in structs.asdict(data).items() if value is not None}
    user = parts.identity.people.change(request.user.id, **told).user if told else request.user
    return me_of(user, csrf_token(request))


@post(
    "/api/me/prove",
    status_code=204,
    sync_to_thread=True,
    request_max_body_size=16_384,
    guards=[requires(Role.VIEWER)],
    opt={"audit": "prove"},
)
def prove(request: Call, data: JSONBody[Proof], parts: NamedDependency[Parts]) -> None:
    """Give the password again; for five minutes credentials may be changed."""
    session = session_of(request)
    if session is not None:
        user = request.user
        parts.identity.prove(user, session, password=data.password, code=data.code)


@post(
    "/api/me/password",
    status_code=204,
    sync_to_thread=True,
    guards=[requires(Role.VIEWER), proved_in_person],
    opt={"audit": "password"},
)
def change_password(
    request: Call, data: JSONBody[NewPassword], parts: NamedDependency[Parts]
) -> None:
    """Change one's own password; one's other sessions end."""
    session = session_of(request)
    keep = session.digest if session else ""
    parts.identity.change_password(request.user.id, data.password, keep=keep)


@delete(
    "/api/me/sessions",
    sync_to_thread=True,
    guards=[requires(Role.VIEWER)],
    opt={"audit": "sessions.end"},
)
def end_sessions(request: Call, parts: NamedDependency[Parts]) -> None:
    """End one's other sessions."""
    session = session_of(request)
    parts.identity.people.close_sessions(request.user.id, but=session.digest if session else "")


DOOR = (log_in, log_out, show_me, change_me, prove, change_password, end_sessions)
