"""The page of oneself: language, theme, password, second factor, sessions."""

from __future__ import annotations

import secrets
from typing import Any, Final

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import URLEncodedBody
from litestar.response import Redirect
from litestar.types import Guard

from mdhub.wire.errors import MdhubError
from mdhub_console.identity.api.forms import MeChange
from mdhub_console.identity.guards import proved_in_person, requires, session_of
from mdhub_console.identity.model import Role
from mdhub_console.identity.totp import SECRET_BYTES, enrolment_uri, secret_text
from mdhub_console.pages.fields import field, page
from mdhub_console.parts import Parts

__all__ = ["PROFILE"]

Call = Request[Any, Any, Any]
Fields = URLEncodedBody[dict[str, str]]
_Viewer: Final[list[Guard]] = [requires(Role.VIEWER)]
_Proved: Final[list[Guard]] = [requires(Role.VIEWER), proved_in_person]
_SEE_OTHER: Final = 303


def _profile(
    request: Call, parts: Parts, error: Exception | None = None, secret: str = ""
) -> Response[Any]:
    people = parts.identity.people
    user = request.user
    return page(
        "profile.html", request, error, member=people.get(user.id),
        sessions=people.sessions(user.id), secret=secret,
        uri=enrolment_uri(secret, name=user.name) if secret else "",
    )  # fmt: skip


@get("/profile", sync_to_thread=True, include_in_schema=False, guards=_Viewer)
def show_profile(request: Call, parts: NamedDependency[Parts]) -> Response[Any]:
    """What one may change about oneself."""
    return _profile(request, parts)


@post("/profile", sync_to_thread=True, include_in_schema=False, guards=_Viewer)
def change_profile(request: Call, data: Fields, parts: NamedDependency[Parts]) -> Response[Any]:
    """Choose language and theme."""
    told: dict[str, Any] = {
        name: field(data, name) for name in ("language", "theme") if field(data, name)
    }
    try:
        msgspec.convert(told, MeChange)
    except msgspec.ValidationError as error:
        return _profile(request, parts, error)
    if told:
        parts.identity.people.change(request.user.id, **told)
    return Redirect("/profile", status_code=_SEE_OTHER)


@post(
    "/profile/password",
    sync_to_thread=True,
    include_in_schema=False,
    guards=_Proved,
    opt={"audit": "password"},
)
def change_password(request: Call, data: Fields, parts: NamedDependency[Parts]) -> Response[Any]:
    """Change the password; other sessions end."""
    session = session_of(request)
    keep = session.digest if session else ""
    try:
        parts.identity.change_password(request.user.id, field(data, "password"), keep=keep)
    except MdhubError as error:
        return _profile(request, parts, error)
    return Redirect("/profile", status_code=_SEE_OTHER)


@post(
    "/profile/second-factor",
    sync_to_thread=True,
    include_in_schema=False,
    guards=_Proved,
    opt={"audit": "second_factor"},
)
def change_second_factor(
    request: Call, data: Fields, parts: NamedDependency[Parts]
) -> Response[Any]:
    """Show a new secret; with a code of it, turn the second factor on; or turn it off."""
    identity, secret = parts.identity, field(data, "secret")
    if field(data, "action") == "drop":
        identity.drop_second_factor(request.user.id)
    elif not secret:
        try:
            identity.seal.check()
        except MdhubError as error:
            return _profile(request, parts, error)
        return _profile(request, parts, secret=secret_text(secrets.token_bytes(SECRET_BYTES)))
    else:
        try:
            identity.confirm_second_factor(request.user.id, secret, field(data, "code").strip())
        except MdhubError as error:
            return _profile(request, parts, error, secret)
    return Redirect("/profile", status_code=_SEE_OTHER)


@post(
    "/profile/sessions",
    sync_to_thread=True,
    include_in_schema=False,
    guards=_Viewer,
    opt={"audit": "sessions.end"},
)
def end_sessions(request: Call, parts: NamedDependency[Parts]) -> Response[Any]:
    """End one's other sessions."""
    session = session_of(request)
    parts.identity.people.close_sessions(request.user.id, but=session.digest if session else "")
    return Redirect("/profile", status_code=_SEE_OTHER)


PROFILE = (show_profile, change_profile, change_password, change_second_factor, end_sessions)
