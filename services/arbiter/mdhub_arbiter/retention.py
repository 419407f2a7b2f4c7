"""The leader trims its shard's streams, a little every few seconds."""

from __future__ import annotations

import time
from typing import Final
from uuid import uuid4

from mdhub.streams.port import Log
from mdhub.streams.topology import CLEAN, EVENTS, RAW, REJECTED, Stream
from mdhub.streams.trim import RETENTION, TrimPlan, plan_trim
from mdhub.wire.codec import encode
from mdhub.wire.ops import Event, EventKind, Severity
from mdhub.wire.ticks import SCHEMA_VERSION

__all__ = ["Retention"]

EVERY_S: Final = 5.0


class Retention:
    """Applies `plan_trim`; a reader that is overtaken is named in an event."""

    def __init__(self, log: Log, *, shard: int, token: int) -> None:
        self._log = log
        self._shard = shard
        self._token = token
        self._due_s = time.monotonic() + EVERY_S

    def step(self, now_s: float) -> None:
        """Trim if it is time to."""
        if now_s < self._due_s:
            return
        self._due_s = now_s + EVERY_S
        for stream in (RAW, CLEAN, REJECTED):
            self._trim(stream)

    def _trim(self, stream: Stream) -> None:
        plan = self._plan(stream)
        if plan is None:
            return
        self._log.trim(self._shard, token=self._token, stream=stream, min_id=plan.min_id)
        for reader in plan.overtaken:
            self._tell(stream, reader, plan)

    def _plan(self, stream: Stream) -> TrimPlan | None:
        first = self._log.entries(stream, shard=self._shard, count=1)
        last = self._log.entries(stream, shard=self._shard, count=1, newest_first=True)
        if not first or not last:
            return None
        manifests = self._log.manifests(self._shard)
        hard = (manifests[-1].raw if manifests else first[0][0]) if stream is RAW else None
        return plan_trim(
            first=first[0][0],
            last=last[0][0],
            used_bytes=self._log.memory_bytes(stream, shard=self._shard),
            budget=RETENTION[stream.name],
            hard=hard,
            soft=self._soft_cursors(stream),
        )

    def _soft_cursors(self, stream: Stream) -> dict[str, bytes]:
        return {
            name: cursor
            for name, cursor in self._log.cursors(self._shard).items()
            if name.partition(":")[0] in stream.readers
        }

    def _tell(self, stream: Stream, reader: str, plan: TrimPlan) -> None:
        body = {"stream": stream.name, "min_id": plan.min_id.decode(), "shard": self._shard}
        event = Event(
            SCHEMA_VERSION, uuid4().hex, time.time_ns(), "arbiter", EventKind.RETENTION, reader,
            Severity.WARNING, "", body,
        )  # fmt: skip
        self._log.append(EVENTS, encode(event))
