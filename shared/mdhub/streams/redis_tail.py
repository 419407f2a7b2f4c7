# HOT: one XREAD reply per call, passed on as it came.
"""Cursor reader of one stream: XREAD with an own cursor, no consumer groups.

(XREADGROUP strands entries when a reply is lost; an own cursor cannot.)
"""

from __future__ import annotations

from typing import Final

from mdhub.streams.client import Link
from mdhub.streams.port import Entry

__all__ = ["SLACK_S", "RedisTail"]

SLACK_S: Final = 1.0
"""How much longer than asked to a server may take to say that nothing came."""
MAX_BLOCK_MS: Final = 1_000
SWIFT_BLOCK_MS: Final = 200
"""Where silence must be noticed soon."""


class RedisTail:
    """Implements `mdhub.streams.port.Tail`."""

    def __init__(
        self, url: str, *, name: str, key: str, after: bytes, slack_s: float = SLACK_S
    ) -> None:
        self._max_block_ms = SWIFT_BLOCK_MS if slack_s < SLACK_S else MAX_BLOCK_MS
        self._link = Link(url, name=name, timeout_s=self._max_block_ms / 1000 + slack_s)
        self._key = key
        self._cursor = after
        self._asked = False

    @property
    def cursor(self) -> bytes:
        return self._cursor

    def fileno(self) -> int:
        return self._link.fileno()

    def ask(self, *, block_ms: int, count: int) -> None:
        if self._asked:
            return
        if block_ms > 0:
            block = min(block_ms, self._max_block_ms)
            self._link.send(
                "XREAD", "COUNT", count, "BLOCK", block, "STREAMS", self._key, self._cursor
            )
        else:
            self._link.send("XREAD", "COUNT", count, "STREAMS", self._key, self._cursor)
        self._asked = True

    def take(self) -> list[Entry]:
        reply = self._link.receive()
        self._asked = False
        if not reply:
            return []
        entries: list[Entry] = reply[0][1]
        self._cursor = entries[-1][0]
        return entries

    def read(self, *, block_ms: int, count: int) -> list[Entry]:
        self.ask(block_ms=block_ms, count=count)
        return self.take()

    def close(self) -> None:
        self._link.close()
