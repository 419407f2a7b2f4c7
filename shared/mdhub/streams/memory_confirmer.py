"""What the in-memory twin says of its replicas."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from mdhub.streams.errors import UnknownOutcome

if TYPE_CHECKING:
    from mdhub.streams.memory import MemoryServer

__all__ = ["MemoryConfirmer"]


class MemoryConfirmer:
    """Implements `mdhub.streams.port.Confirmer`; its answer is there at once."""

    def __init__(self, server: MemoryServer) -> None:
        self._server = server
        self._incarnation = server.incarnation
        self._asked = False
        self._readable, self._writable = os.pipe()

    def fileno(self) -> int:
        return self._readable

    def ask(self, *, wait_ms: int) -> None:  # noqa: ARG002 - nothing is waited for
        if not self._asked:
            self._asked = True
            os.write(self._writable, b"!")

    def take(self) -> int | None:
        if self._server.incarnation != self._incarnation:
            raise UnknownOutcome("the server is another one")
        if not self._asked:
            return None
        self._asked = False
        os.read(self._readable, 1)
        return self._server.replicas

    def close(self) -> None:
        for fileno in (self._readable, self._writable):
            os.close(fileno)
