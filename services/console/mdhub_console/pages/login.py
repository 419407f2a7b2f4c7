"""The pages of coming in: login, set-up, and giving the password again."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.exceptions import PermissionDeniedException
from litestar.params import QueryParameter, URLEncodedBody
from litestar.response import Redirect

from mdhub_console.identity.cookies import cookie_of, no_cookie, session_secret
from mdhub_console.identity.demo_link import NAME as DEMO_NAME
from mdhub_console.identity.errors import IdentityError, WeakPassword
from mdhub_console.identity.guards import requires, session_of
from mdhub_console.identity.middleware import note_deed
from mdhub_console.identity.model import Role, UserName
from mdhub_console.pages.fields import field, is_near, local_path, page
from mdhub_console.parts import Parts

__all__ = ["LOGIN"]

Call = Request[Any, Any, Any]
Fields = URLEncodedBody[dict[str, str]]
_Next = Annotated[str, QueryParameter(name="next", max_length=500)]
_SMALL: Final = 16_384
_SEE_OTHER: Final = 303


@get("/login", sync_to_thread=False, include_in_schema=False)
def show_login(request: Call, next_page: _Next = "/") -> Response[Any]:
    """The form, for anybody; who is in already goes on."""
    if request.user is not None:
        return Redirect(local_path(next_page), status_code=_SEE_OTHER)
    return page("login.html", request, next=next_page, name="")


@post(
    "/login",
    sync_to_thread=True,
    include_in_schema=False,
    request_max_body_size=_SMALL,
    opt={"open_before_setup": True, "audit": "login"},
)
def log_in(request: Call, data: Fields, parts: NamedDependency[Parts]) -> Response[Any]:
    """Let somebody in, or show the form again with the reason."""
    identity, name = parts.identity, field(data, "name")
    note_deed(request, who=name or "-")
    try:
        secret = identity.log_in(
            name, field(data, "password"), code=field(data, "code").strip(),
            address=request.scope["state"]["address"],
        )  # fmt: skip
    except IdentityError as error:
        return page("login.html", request, error, next=field(data, "next"), name=name)
    old = session_secret(request)
    if old:
        identity.close_session(old)
    way = local_path(field(data, "next"))
    return Redirect(way, status_code=_SEE_OTHER, cookies=[cookie_of(request, secret)])


@post(
    "/logout",
    sync_to_thread=True,
    include_in_schema=False,
    guards=[requires(Role.VIEWER)],
    opt={"audit": "logout"},
)
def log_out(request: Call, parts: NamedDependency[Parts]) -> Response[Any]:
    """End the session."""
    parts.identity.close_session(session_secret(request))
    return Redirect("/login", status_code=_SEE_OTHER, cookies=[no_cookie(request)])


@get(
    "/setup",
    sync_to_thread=True,
    include_in_schema=False,
    opt={"open_before_setup": True},
)
def show_setup(
    request: Call,
    parts: NamedDependency[Parts],
    token: Annotated[str, QueryParameter(max_length=200)] = "",
) -> Response[Any]:
    """The form of the first user; once there is one, the login."""
    if not parts.identity.needs_setup():
        return Redirect("/login", status_code=_SEE_OTHER)
    _check_near(request, parts)
    return page("setup.html", request, token=token, name="")


@post(
    "/setup",
    sync_to_thread=True,
    include_in_schema=False,
    request_max_body_size=_SMALL,
    opt={"open_before_setup": True, "audit": "setup"},
)
def set_up(request: Call, data: Fields, parts: NamedDependency[Parts]) -> Response[Any]:
    """Make the first user, once."""
    _check_near(request, parts)
    token, name = field(data, "token").strip(), field(data, "name").strip()
    try:
        secret = parts.identity.set_up(
            token, name=_checked_name(name), password=field(data, "password"),
            address=request.scope["state"]["address"],
        )  # fmt: skip
    except IdentityError as error:
        return page("setup.html", request, error, token=token, name=name)
    note_deed(request, who=name)
    return Redirect("/", status_code=_SEE_OTHER, cookies=[cookie_of(request, secret)])


@get("/prove", sync_to_thread=False, include_in_schema=False, guards=[requires(Role.VIEWER)])
def show_prove(
    request: Call, parts: NamedDependency[Parts], next_page: _Next = "/"
) -> Response[Any]:
    """The form that asks for the password again."""
    return page("prove.html", request, next=next_page, of_demo=_is_of_demo(request, parts))


@post(
    "/prove",
    sync_to_thread=True,
    include_in_schema=False,
    request_max_body_size=_SMALL,
    guards=[requires(Role.VIEWER)],
    opt={"audit": "prove"},
)
def prove(request: Call, data: Fields, parts: NamedDependency[Parts]) -> Response[Any]:
    """Note that it is still the same person, and go on."""
    session = session_of(request)
    if session is not None:
        try:
            parts.identity.prove(
                request.user, session, password=field(data, "password"),
                code=field(data, "code").strip(),
            )  # fmt: skip
        except IdentityError as error:
            of_demo = _is_of_demo(request, parts)
            return page("prove.html", request, error, next=field(data, "next"), of_demo=of_demo)
    return Redirect(local_path(field(data, "next")), status_code=_SEE_OTHER)


def _is_of_demo(request: Call, parts: Parts) -> bool:
    """Whether somebody asks who came by the demo's link, so perhaps without a password."""
    return parts.demo is not None and request.user.name == DEMO_NAME


def _check_near(request: Call, parts: Parts) -> None:
    if not is_near(request) and not parts.settings.setup_remote:
        raise PermissionDeniedException(
            "the first user is made from this machine itself (or set setup_remote of [console])"
        )


def _checked_name(name: str) -> str:
    try:
        return msgspec.convert(name, UserName)
    except msgspec.ValidationError:
        raise WeakPassword(
            "the name was expected to have 1 to 64 letters, digits or _.@- and to begin with a "
            "letter or digit"
        ) from None


LOGIN = (show_login, log_in, log_out, show_setup, set_up, show_prove, prove)
