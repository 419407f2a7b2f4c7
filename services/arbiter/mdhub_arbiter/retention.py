"""The leader trims its shard's streams: a plan every few seconds, carried out in bounded steps."""

from __future__ import annotations

from typing import Final
from uuid import uuid4

from mdhub.runtime.clock import SYSTEM, Clock
from mdhub.streams.ids import id_less, id_parts, make_id
from mdhub.streams.port import Log, ReaderCursor
from mdhub.streams.topology import CLEAN, EVENTS, RAW, REJECTED, TOPOLOGY, Stream
from mdhub.streams.trim import FORGOTTEN_MS, RETENTION, TrimPlan, plan_trim
from mdhub.wire.codec import encode
from mdhub.wire.ops import Event, EventKind, Severity
from mdhub.wire.ticks import SCHEMA_VERSION

__all__ = ["Retention"]

EVERY_S: Final = 5.0
OLD_EVERY_S: Final = 60.0


class Retention:
    """Applies `plan_trim`; each overtaking of a reader is told once, in an event.

    A step drops at most `TRIM_STEP` entries of each stream. As long as it finds some to drop, the
    next turn of the leader (100 ms) goes on: up to 200,000 entries/s and stream.

    The leader of shard 0 also drops what is too old in events, commands and logs, once a minute,
    by the server's clock: the newest entry of raw, of which there is one every 100 ms.
    """

    def __init__(self, log: Log, *, shard: int, token: int, clock: Clock = SYSTEM) -> None:
        self._clock = clock
        self._log = log
        self._shard = shard
        self._token = token
        self._due_s = clock.monotonic_s() + EVERY_S
        self._old_due_s = self._due_s
        self._left: dict[Stream, bytes] = {}
        """Streams not yet trimmed as far as planned, and how far that is."""
        self._told: dict[tuple[Stream, str], bytes] = {}
        """Readers that were overtaken and have not got beyond that since."""
        self._untold: list[bytes] = []
        """Events to write once there is room for them."""

    def step(self, now_s: float) -> None:
        """Plan if it is time to; go on with what was planned; tell whom that overtook."""
        if now_s >= self._due_s:
            self._due_s = now_s + EVERY_S
            self._plan_all()
        if self._shard == 0 and now_s >= self._old_due_s:
            self._old_due_s = now_s + OLD_EVERY_S
            self._drop_old()
        self._trim()
        self._tell_all()

    def make_room(self) -> None:
        """Trim all there is to trim, at once: the server is full and takes nothing else."""
        self._plan_all()
        while self._left:
            self._trim()
        self._tell_all()

    def _plan_all(self) -> None:
        for stream in (RAW, CLEAN, REJECTED):
            self._plan(stream)

    def _drop_old(self) -> None:
        newest = self._log.entries(RAW, count=1, newest_first=True)
        if not newest:
            return
        now_ms = id_parts(newest[0][0])[0]
        for stream in TOPOLOGY.values():
            if stream.keep_ms is not None and now_ms > stream.keep_ms:
                self._log.drop_old(stream, min_id=make_id(now_ms - stream.keep_ms, 0))

    def _tell_all(self) -> None:
        while self._untold:
            self._log.append(EVENTS, self._untold[0])
            del self._untold[0]

    def _trim(self) -> None:
        for stream, min_id in list(self._left.items()):
            if not self._log.trim(self._shard, token=self._token, stream=stream, min_id=min_id):
                del self._left[stream]

    def _plan(self, stream: Stream) -> None:
        readers = self._log.cursors(self._shard, stream)
        plan = self._planned(stream, readers)
        for reader, at in readers.items():
            told = self._told.get((stream, reader))
            if told is not None and not id_less(at.cursor, told):
                del self._told[stream, reader]
        if plan is None:
            self._left.pop(stream, None)
            return
        self._left[stream] = plan.min_id
        for reader in plan.overtaken:
            if (stream, reader) not in self._told:
                self._tell(stream, reader, cursor=readers[reader].cursor, min_id=plan.min_id)
                self._told[stream, reader] = plan.min_id
            if readers[reader].age_ms > FORGOTTEN_MS:
                self._log.drop_cursor(self._shard, stream, reader=reader)
                del self._told[stream, reader]

    def _planned(self, stream: Stream, readers: dict[str, ReaderCursor]) -> TrimPlan | None:
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
            soft=readers,
        )

    def _tell(self, stream: Stream, reader: str, *, cursor: bytes, min_id: bytes) -> None:
        body = {
            "stream": stream.name,
            "shard": self._shard,
            "after": cursor.decode(),
            "min_id": min_id.decode(),
        }
        event = Event(
            SCHEMA_VERSION, uuid4().hex, self._clock.wall_ns(), "arbiter", EventKind.RETENTION,
            reader, Severity.WARNING, "", body,
        )  # fmt: skip
        self._untold.append(encode(event))
