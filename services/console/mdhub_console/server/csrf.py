"""Nobody else's page may act in a user's name.

An unsafe request by cookie needs the session's token, in the header `x-csrf-token` or the form
field `csrf_token`, and must not come from another origin. Where nobody is logged in yet (login,
set-up) there is nothing to be stolen but the login itself: the browser must say that the page was
ours, or the header must be there, which no foreign form can add. A request with an API token is
nobody's browser.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Any, Final

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.exceptions import PermissionDeniedException
from litestar.handlers import BaseRouteHandler

from mdhub_console.identity.cookies import session_secret
from mdhub_console.server.origin import is_own_origin

__all__ = ["FIELD", "HEADER", "check_csrf", "csrf_token", "own_page"]

HEADER: Final = "x-csrf-token"
FIELD: Final = "csrf_token"
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
FORMS: Final = ("application/x-www-form-urlencoded", "multipart/form-data")

Connection = ASGIConnection[Any, Any, Any, Any]


def csrf_token(connection: Connection) -> str:
    """Return the token of a session; of nobody's visit a constant that only the header may bear."""
    secret = session_secret(connection)
    return hashlib.sha256(f"csrf:{secret}".encode()).hexdigest() if secret else "none"


async def check_csrf(connection: Connection, _: BaseRouteHandler) -> None:
    """Guard of the whole application. Raises PermissionDenied (403)."""
    if not isinstance(connection, Request) or connection.method in SAFE or _by_token(connection):
        return
    own = is_own_origin(connection.headers, scheme=connection.scope["state"]["scheme"])
    if own is False:
        raise PermissionDeniedException("the request comes from another site")
    told = connection.headers.get(HEADER, "") or await _in_form(connection)
    if connection.scope["user"] is None:
        if own or HEADER in connection.headers:
            return
    elif secrets.compare_digest(told.encode(), csrf_token(connection).encode()):
        return
    raise PermissionDeniedException(
        f"the header {HEADER} (or the field {FIELD}) was expected to hold the session's token; "
        "GET /api/me tells it"
    )


async def own_page(connection: Connection, _: BaseRouteHandler) -> None:
    """Guard of what is read by GET and goes on: no other site's page may hold it open (403)."""
    if is_own_origin(connection.headers, scheme=connection.scope["state"]["scheme"]) is False:
        raise PermissionDeniedException("the request comes from another site")


def _by_token(connection: Connection) -> bool:
    return connection.scope["user"] is not None and connection.scope["auth"] is None


async def _in_form(request: Request[Any, Any, Any]) -> str:
    if not request.headers.get("content-type", "").startswith(FORMS):
        return ""
    found = (await request.form()).get(FIELD, "")
    return found if isinstance(found, str) else ""
