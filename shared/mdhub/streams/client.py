# HOT: every log call goes through `Link`; it binds the connection once and parses nothing itself.
"""The one place that makes Redis connections.

A `Link` is one connection for one life: no retries (a retried write is a duplicate), no silent
reconnect (the server behind a new connection may be another one), explicit timeouts. After
`UnknownOutcome` it is closed for good; the caller starts over with a new one.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

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
)

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
_NOT_READY: Final = ("LOADING", "OOM", "MISCONF", "READONLY", "MASTERDOWN", "NOREPLICAS")
_STATE_OF: Final[tuple[tuple[type[Exception], str], ...]] = (
    (exceptions.BusyLoadingError, "loading"),
    (exceptions.OutOfMemoryError, "oom"),
    (exceptions.ReadOnlyError, "readonly"),
)
_LOST: Final = (exceptions.ConnectionError, exceptions.TimeoutError, OSError)


def describe_url(url: str) -> str:
    """Name a server for messages without user or password."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return f"unix:{parts.path}"
    return f"{parts.hostname or 'localhost'}:{parts.port or 6379}"


class Link:
    """One connection to the server. Replies are raw RESP2: bytes, ints and lists."""

    def __init__(self, url: str, *, name: str, timeout_s: float = CALL_TIMEOUT_S) -> None:
        self._where = describe_url(url)
        self._connection: Any = _connection(url, name=name, timeout_s=timeout_s)
        try:
            self._connection.connect()
        except Exception as error:
            raise self._translate(error) from error
        self._send = self._connection.send_command
        self._receive = self._connection.read_response

    def call(self, *args: Any) -> Any:
        """Send one command and wait for its reply."""
        try:
            self._send(*args, check_health=False)
            return self._receive()
        except Exception as error:
            raise self._translate(error) from error

    def send(self, *args: Any) -> None:
        """Send a command whose reply `receive` will fetch."""
        try:
            self._send(*args, check_health=False)
        except Exception as error:
            raise self._translate(error) from error

    def receive(self) -> Any:
        """Wait for the reply of the command sent before."""
        try:
            return self._receive()
        except Exception as error:
            raise self._translate(error) from error

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
        for kind, state in _STATE_OF:
            if isinstance(error, kind):
                return NotReady(state, f"server {self._where} refuses: {state} ({error})")
        if isinstance(error, exceptions.AuthenticationError):
            return ServerError(f"server {self._where} refuses the login: {error}")
        if isinstance(error, exceptions.ResponseError):
            return self._refusal(str(error))
        if isinstance(error, _LOST):
            self.close()
            return UnknownOutcome(f"no answer from server {self._where}: {error}")
        return error

    def _refusal(self, text: str) -> ServerError:
        code, _, rest = text.partition(" ")
        if code in _REFUSALS:
            return _REFUSALS[code](rest)
        if code in _NOT_READY:
            return NotReady(code.lower(), f"server {self._where} refuses: {text}")
        return ServerError(f"server {self._where}: {text}")


def _closed(*_: Any, **__: Any) -> Any:
    raise UnknownOutcome("this connection was closed after an earlier failure")


def _connection(url: str, *, name: str, timeout_s: float) -> Any:
    try:
        settings: dict[str, Any] = parse_url(url)  # type: ignore[no-untyped-call]
    except ValueError as error:
        raise StreamsError(
            f"server address was not understood ({error}); "
            "expected redis://host:port, rediss://host:port or unix:///path/to/socket"
        ) from None
    kind = settings.pop("connection_class", Connection)
    return kind(
        **settings,
        socket_timeout=timeout_s,
        socket_connect_timeout=CONNECT_TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
        client_name=name,
        driver_info=None,
    )
