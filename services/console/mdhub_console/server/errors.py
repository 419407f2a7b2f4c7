"""Errors as they leave: one table from what went wrong to application/problem+json (RFC 9457).

Never a traceback, the text of a database, or a secret: an unknown error leaves as "internal error".
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import msgspec
from litestar import Request, Response
from litestar.exceptions import (
    ClientException,
    HTTPException,
    NotAuthorizedException,
    ValidationException,
)
from litestar.response import Redirect, Template

from mdhub.accounts.errors import (
    AccountExists,
    BadAccount,
    RevisionConflict,
    SealBroken,
    StoreUnavailable,
    UnknownAccount,
)
from mdhub.accounts.keyring import BadKeys
from mdhub.streams.errors import StreamsError
from mdhub.wire.errors import MdhubError
from mdhub_console.accounts.errors import NoAccountStore
from mdhub_console.identity.errors import (
    CodeNeeded,
    IdentityError,
    LastAdmin,
    LinkRefused,
    LockedOut,
    LoginRefused,
    NoMasterKey,
    ProofNeeded,
    SetupRefused,
    StoreAway,
    TooBusy,
    UnknownUser,
    UserExists,
    WeakPassword,
    WrongProof,
)
from mdhub_console.live.choice import BadChoice
from mdhub_console.live.streams import TooManyTabs
from mdhub_console.live.tapes import TooManyContracts
from mdhub_console.orders.errors import OrderRefused, UnknownAlert, UnknownCommand
from mdhub_console.read.errors import NothingKnown, UnknownInstrument, UnknownSource

__all__ = ["HANDLERS", "Problem", "problem_of"]

PROBLEM_JSON: Final = "application/problem+json"


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The body of every error answer."""

    type: str
    """`mdhub:<word>`: what a program may compare."""
    title: str
    status: int
    detail: str = ""
    instance: str = ""
    """Path that was asked for."""
    fields: Mapping[str, str] | None = None
    """What was wrong with which field."""

    @property
    def word(self) -> str:
        """The type, without its scheme."""
        return self.type.partition(":")[2]


@dataclass(frozen=True, slots=True)
class Row:
    """How one kind of error leaves. `says` = its own sentence may be shown."""

    status: HTTPStatus
    word: str
    says: bool = True
    detail: str = ""


TABLE: Final[tuple[tuple[type[Exception], Row], ...]] = (
    (UnknownAccount, Row(HTTPStatus.NOT_FOUND, "unknown-account")),
    (AccountExists, Row(HTTPStatus.CONFLICT, "account-exists")),
    (RevisionConflict, Row(HTTPStatus.CONFLICT, "revision-conflict")),
    (BadAccount, Row(HTTPStatus.UNPROCESSABLE_ENTITY, "bad-account")),
    (SealBroken, Row(HTTPStatus.INTERNAL_SERVER_ERROR, "seal-broken")),
    (StoreUnavailable, Row(
        HTTPStatus.SERVICE_UNAVAILABLE, "store-unavailable", says=False,
        detail="the database of the accounts does not answer; try again",
    )),
    (BadKeys, Row(
        HTTPStatus.SERVICE_UNAVAILABLE, "no-keys", says=False,
        detail="the master keys that seal secrets cannot be read by the console; see key_file of "
        "[accounts]",
    )),
    (NoAccountStore, Row(HTTPStatus.NOT_FOUND, "no-account-store")),
    (BadChoice, Row(HTTPStatus.BAD_REQUEST, "bad-parameter")),
    (TooManyTabs, Row(HTTPStatus.SERVICE_UNAVAILABLE, "too-many-tabs")),
    (TooManyContracts, Row(HTTPStatus.SERVICE_UNAVAILABLE, "too-many-contracts")),
    (UnknownSource, Row(HTTPStatus.NOT_FOUND, "unknown-source")),
    (UnknownAlert, Row(HTTPStatus.NOT_FOUND, "unknown-alert")),
    (UnknownCommand, Row(HTTPStatus.NOT_FOUND, "unknown-command")),
    (UnknownInstrument, Row(HTTPStatus.NOT_FOUND, "unknown-instrument")),
    (NothingKnown, Row(HTTPStatus.SERVICE_UNAVAILABLE, "nothing-known")),
    (OrderRefused, Row(HTTPStatus.CONFLICT, "refused")),
    (LoginRefused, Row(HTTPStatus.UNAUTHORIZED, "login-refused")),
    (CodeNeeded, Row(HTTPStatus.UNAUTHORIZED, "code-needed")),
    (LockedOut, Row(HTTPStatus.TOO_MANY_REQUESTS, "locked-out")),
    (TooBusy, Row(HTTPStatus.SERVICE_UNAVAILABLE, "too-busy")),
    (WeakPassword, Row(HTTPStatus.UNPROCESSABLE_ENTITY, "weak-password")),
    (ProofNeeded, Row(HTTPStatus.FORBIDDEN, "proof-needed")),
    (WrongProof, Row(HTTPStatus.FORBIDDEN, "wrong-proof")),
    (SetupRefused, Row(HTTPStatus.FORBIDDEN, "setup-refused")),
    (NoMasterKey, Row(HTTPStatus.CONFLICT, "no-master-key")),
    (LinkRefused, Row(HTTPStatus.FORBIDDEN, "link-refused")),
    (UnknownUser, Row(HTTPStatus.NOT_FOUND, "unknown-user")),
    (UserExists, Row(HTTPStatus.CONFLICT, "user-exists")),
    (LastAdmin, Row(HTTPStatus.CONFLICT, "last-admin")),
    (StoreAway, Row(HTTPStatus.SERVICE_UNAVAILABLE, "database-unavailable")),
    (StreamsError, Row(
        HTTPStatus.SERVICE_UNAVAILABLE, "log-unavailable", says=False,
        detail="the log does not answer; try again",
    )),
)  # fmt: skip
"""The first that fits counts."""

_UNKNOWN: Final = Row(
    HTTPStatus.INTERNAL_SERVER_ERROR, "internal", says=False, detail="internal error; see the log"
)


def problem_of(error: Exception, path: str) -> Problem:
    """Return what may be said of an error."""
    if isinstance(error, HTTPException):
        return _of_http(error, path)
    if isinstance(error, msgspec.ValidationError):
        return _of_http(ClientException(str(error)), path)
    row = next((row for kind, row in TABLE if isinstance(error, kind)), _UNKNOWN)
    detail = error.sentence if row.says and isinstance(error, MdhubError) else row.detail
    return Problem(
        type=f"mdhub:{row.word}", title=row.status.phrase, status=row.status, detail=detail,
        instance=path, fields=error.problems or None if isinstance(error, BadAccount) else None,
    )  # fmt: skip


def _of_http(error: HTTPException, path: str) -> Problem:
    status = HTTPStatus(error.status_code)
    fields = _fields(error) if isinstance(error, ValidationException) else None
    detail = error.detail if status < HTTPStatus.INTERNAL_SERVER_ERROR else _UNKNOWN.detail
    return Problem(
        type=f"mdhub:{status.phrase.lower().replace(' ', '-')}", title=status.phrase,
        status=status, detail=detail, instance=path, fields=fields,
    )  # fmt: skip


def _fields(error: ValidationException) -> dict[str, str] | None:
    extra: Any = error.extra
    if not isinstance(extra, list):
        return None
    return {
        str(each.get("key", "")): str(each.get("message", ""))
        for each in extra
        if isinstance(each, dict)
    }


def answer(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Turn any error into its problem; a person gets a page, or is led to where it goes on."""
    problem = problem_of(error, request.url.path)
    if problem.word == _UNKNOWN.word:
        _say(request, error)
    if _wants_page(request):
        way = _way_on(request, error)
        if way:
            return Redirect(way, status_code=303)
        context = {"problem": problem}
        return Template("error.html", context=context, status_code=problem.status)
    return Response(
        problem, status_code=problem.status, media_type=PROBLEM_JSON, headers=_headers(error)
    )


def _headers(error: Exception) -> dict[str, str]:
    if isinstance(error, IdentityError) and error.retry_after_s:
        return {"retry-after": str(error.retry_after_s)}
    headers = error.headers if isinstance(error, HTTPException) else None
    return dict(headers or {})


def _say(request: Request[Any, Any, Any], error: Exception) -> None:
    """Tell our own log what nobody outside is told: the kind, and where, never the text."""
    logger = request.app.state.get("logger")
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    if logger is not None:
        logger.error(
            "request_failed", kind=type(error).__name__, where=where, path=request.url.path
        )


def _wants_page(request: Request[Any, Any, Any]) -> bool:
    path, accept = request.url.path, request.headers.get("accept", "")
    return "text/html" in accept and not path.startswith(("/api/", "/schema"))


def _way_on(request: Request[Any, Any, Any], error: Exception) -> str:
    """Where a person goes on; empty = nowhere."""
    if (
        isinstance(error, HTTPException)
        and isinstance(error.extra, dict)
        and "setup" in error.extra
    ):
        return "/setup"
    here = request.url.path if request.method == "GET" else "/"
    if isinstance(error, NotAuthorizedException):
        return f"/login?next={quote(here)}"
    if isinstance(error, ProofNeeded):
        return f"/prove?next={quote(here)}"
    return ""


HANDLERS: Final[dict[int | type[Exception], Any]] = {Exception: answer}
