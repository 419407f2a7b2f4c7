"""Which role a route asks for. Every route has `requires(...)` or stands among the public ones.

Guards are coroutines though they wait for nothing: Litestar runs others in a thread each.
"""

from __future__ import annotations

from typing import Any, Final

from litestar.connection import ASGIConnection
from litestar.exceptions import NotAuthorizedException, PermissionDeniedException
from litestar.handlers import BaseRouteHandler

from mdhub_console.identity.errors import ProofNeeded
from mdhub_console.identity.model import Role, Session, User
from mdhub_console.identity.service import Identity

__all__ = [
    "Proved",
    "Requires",
    "check_proof",
    "proved",
    "proved_in_person",
    "requires",
    "session_of",
]

Connection = ASGIConnection[Any, Any, Any, Any]


class Requires:
    """A guard that lets pass who has at least this role."""

    def __init__(self, role: Role) -> None:
        self.role = role

    async def __call__(self, connection: Connection, _: BaseRouteHandler) -> None:
        """Raises NotAuthorized (401) for nobody, PermissionDenied (403) for too low a role."""
        user: User | None = connection.scope.get("user")
        if user is None:
            raise NotAuthorizedException("log in first")
        if user.role < self.role:
            raise PermissionDeniedException(
                f"this needs the role {self.role.word}; {user.name} has {user.role.word}"
            )


class Proved:
    """A guard that asks for the password again: changes of credentials, stopping everything."""

    def __init__(self, *, tokens: bool) -> None:
        """`tokens`: an API token, whose every request carries its secret, is proof enough."""
        self.tokens = tokens

    async def __call__(self, connection: Connection, _: BaseRouteHandler) -> None:
        """Raises as `check_proof`."""
        check_proof(connection, tokens=self.tokens)


def check_proof(connection: Connection, *, tokens: bool) -> None:
    """Raises ProofNeeded (403), PermissionDenied (403) for a token that is not enough."""
    session = session_of(connection)
    if session is None:
        if tokens:
            return
        raise PermissionDeniedException("this is done in the browser, not by a token")
    identity: Identity = connection.app.state.identity
    if not identity.has_proved(session):
        raise ProofNeeded("give your password again: POST /api/me/prove, or the page /prove")


def session_of(connection: Connection) -> Session | None:
    """Return the browser's session; None for a token and for nobody."""
    auth: Session | None = connection.scope.get("auth")
    return auth


_GUARDS: Final = {role: Requires(role) for role in Role}
proved: Final = Proved(tokens=True)
proved_in_person: Final = Proved(tokens=False)


def requires(role: Role) -> Requires:
    """Return the guard of a role, for `guards=[...]` of a handler."""
    return _GUARDS[role]
