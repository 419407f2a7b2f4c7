"""Asks a server by WAIT which of its replicas have what was read from it."""

from __future__ import annotations

from typing import Final

from mdhub.streams.client import Link
from mdhub.streams.errors import NotReady, UnknownOutcome

__all__ = ["RedisConfirmer"]

_MARK_MS: Final = 600_000
"""The mark of a reader that is gone vanishes."""


class RedisConfirmer:
    """Implements `mdhub.streams.port.Confirmer`.

    WAIT counts replicas that have the newest write of its own connection, so each question writes
    a mark first. Replication is one ordered stream: whoever has the mark has everything that the
    server had executed before it, and nothing can be read that was not executed. This holds only
    if all reads come from the same server process, hence the run id is compared at the begin (a
    connection never changes process). A mark that was refused proves nothing, whatever WAIT says.
    """

    def __init__(self, url: str, *, name: str, key: str, run_id: str, timeout_s: float) -> None:
        self._link = Link(url, name=name, timeout_s=timeout_s)
        self._key = key
        self._asked = False
        self._refused = False
        """The mark under way was."""
        info: bytes = self._link.call("INFO", "server")
        if b"run_id:" + run_id.encode() not in info:
            self._link.close()
            raise UnknownOutcome("another server process answers at the address by now")

    def fileno(self) -> int:
        return self._link.fileno()

    def ask(self, *, wait_ms: int) -> None:
        if not self._asked:
            self._link.ask(("SET", self._key, b"1", "PX", _MARK_MS), ("WAIT", 1, wait_ms))
            self._asked = True

    def take(self) -> int | None:
        if not self._asked:
            return None
        try:
            replies = self._link.answers()
        except NotReady:
            self._refused = True
            return self.take()
        if replies is None:
            return None
        refused, self._asked, self._refused = self._refused, False, False
        return 0 if refused else int(replies[-1])

    def close(self) -> None:
        self._link.close()
