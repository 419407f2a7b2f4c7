"""Clients that were made for another contract: one event each, so that operators see them.

Bounds: 1,024 clients remembered (the longest silent one is forgotten), 64 events waiting,
20 events a minute. Policy: beyond them nothing is written. Counters: `seen`, `untold`.
"""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Final
from uuid import uuid4

from mdhub import __version__
from mdhub.runtime.logging import Logger
from mdhub.wire.codec import encode
from mdhub.wire.digest import schema_digest
from mdhub.wire.ops import Event, EventKind, Severity
from mdhub.wire.requests import HelloRequest
from mdhub.wire.ticks import SCHEMA_VERSION

__all__ = ["Mismatches"]

REMEMBERED: Final = 1_024
WAITING: Final = 64
PER_MINUTE: Final = 20
MAX_CHARS: Final = 64
"""Of a client's name and digest in an event: they are the client's words."""
_MINUTE_NS: Final = 60_000_000_000


class Mismatches:
    """Told every `hello`; `flush` writes what is due. One thread."""

    def __init__(
        self,
        publisher_id: str,
        *,
        logger: Logger,
        wall_ns: Callable[[], int] = time.time_ns,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self.seen = 0
        """Clients (by address, name and digest) found to differ."""
        self.untold = 0
        """Of these without an event."""
        self._publisher_id = publisher_id
        self._logger = logger
        self._wall_ns = wall_ns
        self._monotonic_ns = monotonic_ns
        self._known: OrderedDict[tuple[str, str, str], None] = OrderedDict()
        self._waiting: deque[bytes] = deque()
        self._minute_ns = 0
        self._this_minute = 0

    def greeted(self, hello: HelloRequest, address: str) -> None:
        """Compare digests; a client that tells none, or ours, is none of our business."""
        if hello.digest in {"", schema_digest()}:
            return
        who = (address, hello.client[:MAX_CHARS], hello.digest[:MAX_CHARS])
        if who in self._known:
            self._known.move_to_end(who)
            return
        self._known[who] = None
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        self.seen += 1
        if len(self._waiting) >= WAITING or not self._may_tell():
            self.untold += 1
            return
        self._waiting.append(self._event(*who, v=hello.v))

    def flush(self, append: Callable[[bytes], object]) -> None:
        """Write what waits. An event whose write fails is gone: the log line below has it."""
        while self._waiting:
            append(self._waiting.popleft())

    def _may_tell(self) -> bool:
        now_ns = self._monotonic_ns()
        if not self._minute_ns or now_ns - self._minute_ns >= _MINUTE_NS:
            self._minute_ns, self._this_minute = now_ns, 0
        self._this_minute += 1
        return self._this_minute <= PER_MINUTE

    def _event(self, address: str, client: str, digest: str, *, v: int) -> bytes:
        facts = {
            "publisher": self._publisher_id,
            "address": address,
            "client": client,
            "client_digest": digest,
            "client_v": v,
            "digest": schema_digest(),
            "v": SCHEMA_VERSION,
            "release": __version__,
        }
        self._logger.warning("schema_mismatch", **facts)
        subject = f"{client or 'client'} at {address or 'unknown address'}"
        event = Event(
            SCHEMA_VERSION, uuid4().hex, self._wall_ns(), "publisher",
            EventKind.SCHEMA_MISMATCH, subject, Severity.WARNING, "", facts,
        )  # fmt: skip
        return encode(event)
