"""Around every request: is it meant for us, who asks, and what becomes of it in the audit log."""

from __future__ import annotations

from typing import Any, Final

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.exceptions import HTTPException
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from mdhub.runtime.logging import Logger
from mdhub.wire.errors import MdhubError
from mdhub_console.identity.audit import Deed, Result
from mdhub_console.identity.cookies import session_secret
from mdhub_console.identity.model import User
from mdhub_console.identity.service import Identity
from mdhub_console.server.origin import Doors

__all__ = ["IdentityMiddleware", "note_deed"]

BEARER: Final = "bearer "
THREADS: Final = 8
"""Requests that ask the database at once; the others wait."""
AUDIT: Final = "audit"
OPEN: Final = "open_before_setup"
"""Option of a handler that is served before the first user is there."""
_OK: Final = 400
_FAULT: Final = 500
_TURNED_AWAY: Final = frozenset({429, 503})


def note_deed(connection: ASGIConnection[Any, Any, Any, Any], **fields: str) -> None:
    """Say more about the deed that is going on: `who`, `target`, `detail`."""
    connection.scope["state"].setdefault("deed", {}).update(fields)


class IdentityMiddleware(ASGIMiddleware):
    """Sets `request.user` (a User, or None) and `request.auth` (a Session, or None)."""

    scopes = (ScopeType.HTTP, ScopeType.WEBSOCKET)

    def __init__(self, identity: Identity, doors: Doors, logger: Logger | None) -> None:
        self._identity = identity
        self._doors = doors
        self._logger = logger

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        connection: ASGIConnection[Any, Any, Any, Any] = ASGIConnection(scope)
        self._place(connection)
        scope["user"], scope["auth"] = None, None
        options = scope["route_handler"].opt
        if not options.get("needs_nobody"):
            limiter = _limiter(connection)
            await run_sync(self._identify, connection, bool(options.get(OPEN)), limiter=limiter)
        if AUDIT not in options:
            await next_app(scope, receive, send)
            return
        await self._audited(connection, receive, send, next_app)

    def _place(self, connection: ASGIConnection[Any, Any, Any, Any]) -> None:
        """Find out from where and for whom. Raises HTTPException (421) if it is not for us."""
        scope, headers = connection.scope, connection.headers
        peer = (scope.get("client") or ("", 0))[0]
        state = scope["state"]
        state["address"] = self._doors.sender(peer, headers.get("x-forwarded-for", ""))
        proto = headers.get("x-forwarded-proto", "")
        state["scheme"] = self._doors.scheme(peer, scope["scheme"], proto)
        if not self._doors.is_ours(headers.get("host", "")):
            raise HTTPException(
                "the name in Host is not one of this console's: add it to allowed_hosts",
                status_code=421,
            )

    def _identify(self, connection: ASGIConnection[Any, Any, Any, Any], is_open: bool) -> None:  # noqa: FBT001 - run_sync
        if self._identity.needs_setup():
            if not is_open:
                raise HTTPException(
                    "no user has been set up yet: `mdhub run console --setup-link` prints where",
                    status_code=503, extra={"setup": True},
                )  # fmt: skip
            return
        told = connection.headers.get("authorization", "")
        if told:
            if told.lower().startswith(BEARER):
                connection.scope["user"] = self._identity.of_token(told[len(BEARER) :])
            return
        secret = session_secret(connection)
        found = self._identity.of_session(secret) if secret else None
        if found is not None:
            connection.scope["user"], connection.scope["auth"] = found

    async def _audited(
        self,
        connection: ASGIConnection[Any, Any, Any, Any],
        receive: Receive,
        send: Send,
        next_app: ASGIApp,
    ) -> None:
        """Write one record of what came of it; do nothing if it could not be written."""
        limiter = _limiter(connection)
        await run_sync(self._identity.records.check_writable, limiter=limiter)
        status = 500

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                deed = _deed(connection, status)
                if deed is not None:
                    await run_sync(self._record, deed, limiter=limiter)
            await send(message)

        await next_app(connection.scope, receive, watched)

    def _record(self, deed: Deed) -> None:
        try:
            self._identity.record(deed)
        except MdhubError as error:  # it has happened: the answer must say so
            if self._logger is not None:
                self._logger.error(
                    "audit_lost", reason=str(error), who=deed.who, action=deed.action,
                    target=deed.target, result=deed.result,
                )  # fmt: skip


def _deed(connection: ASGIConnection[Any, Any, Any, Any], status: int) -> Deed | None:
    """Return what to write; None = nothing (strangers cannot fill the log)."""
    scope = connection.scope
    user: User | None = scope["user"]
    said: dict[str, str] = scope["state"].get("deed", {})
    who = said.get("who") or (user.signature if user else "")
    if not who or (user is None and status in _TURNED_AWAY):
        return None
    target = said.get("target") or "/".join(map(str, scope["path_params"].values()))
    result: Result = "ok" if status < _OK else "refused" if status < _FAULT else "failed"
    return Deed(
        who=who, action=scope["route_handler"].opt[AUDIT], target=target, result=result,
        address=scope["state"]["address"], detail=said.get("detail", "") or f"status {status}",
    )  # fmt: skip


def _limiter(connection: ASGIConnection[Any, Any, Any, Any]) -> CapacityLimiter:
    """One per application and event loop."""
    state = connection.app.state
    found: CapacityLimiter | None = state.get("identity_limiter")
    if found is None:
        found = state.identity_limiter = CapacityLimiter(THREADS)
    return found
