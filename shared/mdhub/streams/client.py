# HOT: every log call goes through `Link`; it binds the connection once and parses nothing itself.
"""The one place that makes Redis connections.

A `Link` is one connection for one life: no retries (a retried write is a duplicate), no silent
reconnect (the server behind a new connection may be another one), explicit timeouts. After
`UnknownOutcome` it is closed for good; the caller starts over with a new one.
"""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import urlsplit

from hiredis import pack_command
from redis import exceptions
from redis.backoff import NoBackoff
from redis.connection import Connection, parse_url
from redis.retry import Retry

from mdhub.streams.errors import (
    Fenced,
    NoLeader,
    NotReady,
    PositionMoved,
    SequenceHole,
    ServerError,
    StreamsError,
    Superseded,
    UnknownOutcome,
    Unusable,
)
from mdhub.streams.sentinel import (
    ASK_S,
    STALL_S,
    Sentinels,
    check_master,
    find_master,
    is_sentinel,
    parse_sentinels,
)
from mdhub.streams.states import STATES

__all__ = ["CALL_TIMEOUT_S", "Link", "describe_url"]

CALL_TIMEOUT_S: Final = 2.0
CONNECT_TIMEOUT_S: Final = 1.0

_REFUSALS: Final[dict[str, type[ServerError]]] = {
    "NOLEAD": NoLeader,
    "FENCED": Fenced,
    "POSITION": PositionMoved,
    "ORDER": PositionMoved,
    "SUPERSEDED": Superseded,
    "HOLE": SequenceHole,
}
_NOT_READY: Final = ("LOADING", "OOM", "MISCONF", "READONLY", "MASTERDOWN", "NOREPLICAS", "BUSY")
_STATE_OF: Final[tuple[tuple[type[Exception], str], ...]] = (
    (exceptions.BusyLoadingError, "loading"),
    (exceptions.OutOfMemoryError, "oom"),
    (exceptions.ReadOnlyError, "readonly"),
    (exceptions.MasterDownError, "masterdown"),
)
_LOGIN: Final = (
    exceptions.AuthenticationError,
    exceptions.AuthenticationWrongNumberOfArgsError,
)
_NO_RIGHT: Final = ("ACL failure in script", "executing the script can't")
"""How a function says that its caller may not do what it does."""
_ELSEWHERE: Final = (exceptions.AskError, exceptions.TryAgainError)
"""A node of a cluster says that it is not the one to ask; MOVED is a kind of ASK."""
_MANY: Final = ("redis+cluster", "rediss+cluster")
"""Schemes of addresses that name several servers."""
_TOO_MANY: Final = "max number of clients"
_UNKNOWN_COMMANDS: Final = re.compile(
    r"unknown (sub)?command .?(FUNCTION|FCALL|LOAD|LIST)\b", re.IGNORECASE
)
_LOST: Final = (exceptions.ConnectionError, exceptions.TimeoutError, OSError)


def describe_url(url: str) -> str:
    """Name a server for messages without user or password."""
    try:
        if is_sentinel(url):
            return parse_sentinels(url).shown
        parts = urlsplit(url)
        if parts.scheme == "unix":
            return f"unix:{parts.path}"
        if parts.scheme in _MANY:
            return parts.netloc.rpartition("@")[2]
        return f"{parts.hostname or 'localhost'}:{parts.port or 6379}"
    except (ValueError, Unusable):  # its text may quote a part of the password
        return "(an address that was not understood)"


class Link:
    """One connection to the server. Replies are raw RESP2: bytes, ints and lists.

    An address of Sentinels leads to the master they name at this moment, and no call waits longer
    than `STALL_S` then. Raises Unusable if the address or the login is wrong. No message shows
    the password.
    """

    def __init__(self, url: str, *, name: str, timeout_s: float = CALL_TIMEOUT_S) -> None:
        self.watched = is_sentinel(url)
        """Whether Sentinels may name another server than this one."""
        if self.watched:
            timeout_s = min(timeout_s, STALL_S)
            url = _master_of(parse_sentinels(url), name=name, timeout_s=timeout_s)
        self.url = url
        """Plain address of the server this one is connected to."""
        self._where = describe_url(url)
        self._owed = 0
        """Replies to `ask` that are not read yet."""
        self._kept: list[Any] = []
        settings = _settings(url)
        self._secret = str(settings.get("password") or "")
        self._connection: Any = _connection(settings, name=name, timeout_s=timeout_s)
        try:
            self._connection.connect()
        except Exception as error:
            raise self._translate(error) from error
        self._send = self._connection.send_packed_command
        self._receive = self._connection.read_response
        if self.watched:
            self._check_master()

    def _check_master(self) -> None:
        try:
            check_master(self, self._where)
        except StreamsError:
            self.close()
            raise

    def call(self, *args: Any) -> Any:
        """Send one command and wait for its reply."""
        try:
            if self._owed:
                self._settle()
            self._send([pack_command(args)], check_health=False)
            return self._receive()
        except Exception as error:
            raise self._translate(error) from error

    def send(self, *args: Any) -> None:
        """Send a command whose reply `receive` will fetch."""
        try:
            self._send([pack_command(args)], check_health=False)
        except Exception as error:
            raise self._translate(error) from error

    def receive(self) -> Any:
        """Wait for the reply of the command sent before."""
        try:
            return self._receive()
        except Exception as error:
            raise self._translate(error) from error

    def post(self, *args: Any) -> None:
        """Send a command without a reply of interest; the next call raises what it is refused."""
        try:
            self._settle()
            self._kept.clear()
            self._send([pack_command(args)], check_health=False)
            self._owed = 1
        except Exception as error:
            raise self._translate(error) from error

    def ask(self, *commands: tuple[Any, ...]) -> None:
        """Send commands whose replies `answers` will have; other calls may come between."""
        self._kept.clear()
        for command in commands:
            self.send(*command)
            self._owed += 1

    def answers(self) -> list[Any] | None:
        """Replies to what was asked, in order; None if they are not here yet. Does not wait."""
        try:
            while self._owed:
                if self.fileno() >= 0 and not self._connection.can_read(timeout=0):
                    return None
                self._owed -= 1
                self._kept.append(self._receive())
        except Exception as error:
            raise self._translate(error) from error
        answers, self._kept = self._kept, []
        return answers

    def replies(self) -> list[Any]:
        """Replies to what was asked, in order; waits for them."""
        try:
            self._settle()
        except Exception as error:
            raise self._translate(error) from error
        replies, self._kept = self._kept, []
        return replies

    def _settle(self) -> None:
        while self._owed:
            self._owed -= 1
            self._kept.append(self._receive())

    def fileno(self) -> int:
        """File descriptor that becomes readable when a reply arrives; -1 when closed."""
        sock = self._connection._get_socket()  # noqa: SLF001 - there is no public way
        return -1 if sock is None else int(sock.fileno())

    def close(self) -> None:
        """Close the connection; always safe."""
        self._send = self._receive = _closed
        self._connection.disconnect()

    def _translate(self, error: Exception) -> Exception:
        if isinstance(error, StreamsError):
            return error
        text = self._without_secret(str(error))
        for kind, state in _STATE_OF:
            if isinstance(error, kind):
                return self._not_ready(state, text)
        if isinstance(error, _ELSEWHERE):
            self.close()
            return UnknownOutcome(f"server {self._where} names another node: {text}", state="moved")
        if isinstance(error, exceptions.ClusterDownError):
            self.close()
            return self._not_ready("clusterdown", text)
        unusable = _unusable_state(error)
        if unusable:
            self.close()
            return Unusable(unusable, self._said(unusable, text))
        if isinstance(error, exceptions.ResponseError):
            return self._refusal(text)
        if isinstance(error, _LOST):
            self.close()
            return self._lost(error, text)
        return error

    def _lost(self, error: Exception, text: str) -> StreamsError:
        if _TOO_MANY in text:
            return self._not_ready("maxclients", text)
        hangs = isinstance(error, exceptions.TimeoutError) and "connecting" not in text
        state = "hanging" if hangs else "unreachable"
        return UnknownOutcome(f"no answer from server {self._where}: {text}", state=state)

    def _not_ready(self, state: str, text: str) -> NotReady:
        return NotReady(state, f"server {self._where} refuses: {state} ({text.rstrip('.')})")

    def _said(self, state: str, text: str) -> str:
        row = STATES[state]
        return f"server {self._where}: {row.meaning} ({text.rstrip('.')}): {row.way_out}"

    def _without_secret(self, text: str) -> str:
        """A server may quote what it was sent."""
        return text.replace(self._secret, "***") if self._secret else text

    def _refusal(self, text: str) -> ServerError:
        code, _, rest = text.partition(" ")
        if code in _REFUSALS:
            return _REFUSALS[code](rest)
        if code in _NOT_READY:
            return self._not_ready(code.lower(), text)
        if _TOO_MANY in text:
            return self._not_ready("maxclients", text)
        return ServerError(f"server {self._where}: {text}")


def _unusable_state(error: Exception) -> str:
    """Name the state if the error says that waiting does not help; else empty."""
    if isinstance(error, _LOGIN):
        return "login"
    if isinstance(error, exceptions.NoPermissionError):
        return "forbidden"
    if isinstance(error, exceptions.InvalidResponse):
        return "foreign"
    text = str(error)
    if isinstance(error, exceptions.ResponseError):
        if any(words in text for words in _NO_RIGHT):
            return "forbidden"
        if _UNKNOWN_COMMANDS.search(text):
            return "outdated"
    return ""


def _master_of(sentinels: Sentinels, *, name: str, timeout_s: float) -> str:
    patience_s = min(timeout_s, ASK_S)
    return find_master(sentinels, lambda url: Link(url, name=name, timeout_s=patience_s))


def _closed(*_: Any, **__: Any) -> Any:
    raise UnknownOutcome("this connection was closed after an earlier failure")


def _not_understood() -> Unusable:
    row = STATES["address"]
    return Unusable(row.name, f"{row.meaning}: {row.way_out}")


def _settings(url: str) -> dict[str, Any]:
    try:
        settings: dict[str, Any] = parse_url(url)  # type: ignore[no-untyped-call]
    except ValueError:  # its text may quote a part of the password
        raise _not_understood() from None
    return settings


def _connection(settings: dict[str, Any], *, name: str, timeout_s: float) -> Any:
    own = {
        "socket_timeout": timeout_s,
        "socket_connect_timeout": min(CONNECT_TIMEOUT_S, timeout_s),
        "retry": Retry(NoBackoff(), 0),
        "protocol": 2,
        "client_name": name,
        "driver_info": None,
    }
    kind = settings.pop("connection_class", Connection)
    try:
        return kind(**(settings | own))
    except TypeError:  # an option behind `?` that redis does not know
        raise _not_understood() from None
