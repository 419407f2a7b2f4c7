"""The cookie that holds a session's secret."""

from __future__ import annotations

from typing import Any, Final

from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie

__all__ = ["PLAIN", "SECURE", "cookie_of", "no_cookie", "session_secret"]

PLAIN: Final = "mdhub-session"
SECURE: Final = f"__Host-{PLAIN}"
"""Over TLS: a browser takes it from this host alone, over TLS alone."""

Connection = ASGIConnection[Any, Any, Any, Any]


def session_secret(connection: Connection) -> str:
    """Return what the browser sent; empty = nothing."""
    return connection.cookies.get(_name(connection), "")


def cookie_of(connection: Connection, secret: str) -> Cookie:
    """Return the cookie of a new session. It ends with the browser, or by the server."""
    return Cookie(
        key=_name(connection), value=secret, path="/", httponly=True, samesite="strict",
        secure=_is_secure(connection),
    )  # fmt: skip


def no_cookie(connection: Connection) -> Cookie:
    """Return the cookie that deletes it."""
    return Cookie(
        key=_name(connection), value="", path="/", httponly=True, samesite="strict",
        secure=_is_secure(connection), max_age=0,
    )  # fmt: skip


def _name(connection: Connection) -> str:
    return SECURE if _is_secure(connection) else PLAIN


def _is_secure(connection: Connection) -> bool:
    # A path that does not exist has an error page too, and no middleware has seen it.
    scheme = connection.scope["state"].get("scheme", connection.scope["scheme"])
    return bool(scheme == "https")
