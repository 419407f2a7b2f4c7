"""Cursor reader of the in-memory twin."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mdhub.streams.errors import UnknownOutcome
from mdhub.streams.ids import id_less
from mdhub.streams.port import Entry

if TYPE_CHECKING:
    from mdhub.streams.memory import MemoryServer

__all__ = ["MemoryTail"]


class MemoryTail:
    """Implements `mdhub.streams.port.Tail`."""

    def __init__(self, server: MemoryServer, key: tuple[str, int], after: bytes) -> None:
        self._server = server
        self._incarnation = server.incarnation
        self._key = key
        self._cursor = after
        self._count = 0
        self._deadline = 0.0
        self._asked = False
        self._readable, self._writable = os.pipe()
        os.set_blocking(self._readable, False)
        os.set_blocking(self._writable, False)
        server.tails.append(self)

    @property
    def cursor(self) -> bytes:
        return self._cursor

    def fileno(self) -> int:
        return self._readable

    def told(self, key: tuple[str, int]) -> None:
        """An entry came into a stream: of another one `take` would only wait."""
        if key == self._key:
            self.wake()

    def wake(self) -> None:
        if self._asked:
            with contextlib.suppress(BlockingIOError):
                os.write(self._writable, b"!")

    def ask(self, *, block_ms: int, count: int) -> None:
        with self._server.lock:
            if self._asked:
                return
            self._asked = True
            self._count = count
            self._deadline = time.monotonic() + block_ms / 1000
            if self._newer():
                self.wake()

    def take(self) -> list[Entry]:
        with self._server.lock:
            while not (entries := self._newer()) and self._alive():
                left = self._deadline - time.monotonic()
                if left <= 0:
                    break
                self._server.lock.wait(left)
            self._asked = False
            self._drain()
            if not self._alive():
                raise UnknownOutcome("the server of this connection is gone")
            if entries:
                self._cursor = entries[-1][0]
            return entries

    def read(self, *, block_ms: int, count: int) -> list[Entry]:
        self.ask(block_ms=block_ms, count=count)
        return self.take()

    def close(self) -> None:
        with self._server.lock:
            if self in self._server.tails:
                self._server.tails.remove(self)
                os.close(self._readable)
                os.close(self._writable)

    def _alive(self) -> bool:
        return self._incarnation == self._server.incarnation

    def _newer(self) -> list[Entry]:
        entries = self._server.streams.get(self._key, [])
        start = _first_after(entries, self._cursor)
        return entries[start : start + self._count]

    def _drain(self) -> None:
        try:
            while os.read(self._readable, 4096):
                pass
        except BlockingIOError:
            pass


def _first_after(entries: Sequence[Entry], cursor: bytes) -> int:
    start = len(entries)
    while start and id_less(cursor, entries[start - 1][0]):
        start -= 1
    return start
