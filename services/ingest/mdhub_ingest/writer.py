# HOT: one thread per source; one append in flight, what arrives meanwhile is coalesced.
"""Writes a source's outboxes to the raw log.

The log decides what it has: after every (re)connection its own position is asked and everything
after it is sent again; entries it already has are skipped by the function.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from threading import Event, Lock
from typing import Any, Final

from mdhub.market.snapshot import Snapshot, received
from mdhub.metrics.histogram import Histogram
from mdhub.runtime.backoff import Backoff
from mdhub.runtime.heartbeat import BEAT_EVERY_S, ENDED, beat_payload
from mdhub.runtime.logging import Logger
from mdhub.runtime.metrics import Board
from mdhub.runtime.outage import Outage
from mdhub.streams.errors import StreamsError, Superseded, TopologyError
from mdhub.streams.port import Log
from mdhub.streams.topology import EVENTS
from mdhub.wire.codec import control, encode
from mdhub.wire.entries import ControlKind, LostRange
from mdhub.wire.ticks import SCHEMA_VERSION
from mdhub.wire.topics import shard_of
from mdhub_ingest.outbox import Batch, Outbox

__all__ = ["RawWriter"]

BATCH: Final = 500
IDLE_S: Final = 0.1
ANNOUNCED_MAX: Final = 100
"""Events that wait for the log; the oldest go first (they are log lines as well)."""


class RawWriter:
    """Takes snapshots from a source's thread, appends them from its own.

    It also writes the source's heartbeat, while `alive` says that the source's own loop goes round.
    `idle` is called when nothing came for 0.1 s.
    """

    def __init__(  # noqa: PLR0913 - who writes, where to, and what the heartbeat says
        self,
        *,
        source: str,
        session: int,
        shards: int,
        connect: Callable[[], Log],
        logger: Logger,
        counters: Callable[[], dict[str, int]] = dict,
        alive: Callable[[], bool] = lambda: True,
        idle: Callable[[], object] = lambda: None,
    ) -> None:
        self._source = source
        self._session = session
        self._shards = shards
        self._connect = connect
        self._logger = logger
        self._outage = Outage(logger)
        self._counters = counters
        self._alive = alive
        self._idle = idle
        self._announced: deque[bytes] = deque(maxlen=ANNOUNCED_MAX)
        self._outboxes: Sequence[Outbox] = [Outbox() for _ in range(shards)]
        self._lock = Lock()
        self._arrived = Event()
        self.board = Board(f"ingest:{source}")
        self.delays = Histogram()
        """Callback to acknowledged, of the oldest tick of each append."""
        self._sent = [0] * shards
        """Newest seq that was ever sent."""
        self._resent = 0
        self._reconnects = 0
        self._beat_due_s = 0.0
        self._closed = False
        self.superseded = False

    def emit(self, snapshot: Snapshot) -> None:
        """Take one snapshot as of now."""
        self.take(time.time_ns(), received(snapshot))

    def take(self, recv_ns: int, fields: tuple[Any, ...]) -> None:
        """Number and enqueue RawTick's fields from `symbol` to `asks`. Never blocks on the log."""
        if self._closed:
            return
        shard = shard_of(fields[0], self._shards)
        with self._lock:
            outbox = self._outboxes[shard]
            head = (SCHEMA_VERSION, self._source, self._session, outbox.next_seq, recv_ns)
            # Kept by a clock that nobody sets: a step of wall time throws nothing away.
            outbox.put(time.monotonic_ns(), encode(head + fields))
        if not self._arrived.is_set():
            self._arrived.set()

    def close(self) -> None:
        """Take no more: what comes now comes after the end."""
        self._closed = True

    def announce(self, event: bytes) -> None:
        """Take an event for the `events` stream; written at most once. From any thread."""
        self._announced.append(event)

    @property
    def waiting(self) -> int:
        """Ticks the log does not have yet."""
        with self._lock:
            return sum(outbox.waiting for outbox in self._outboxes)

    def run(self, stop: Event) -> None:
        """Append until `stop` is set and everything taken so far is in the log.

        Ends early, having said so, if another run has taken over. The log was usable at the
        start: whatever it says now, the writer waits for it.
        """
        backoff = Backoff(first_s=0.02, ceiling_s=0.2)
        while not (stop.is_set() and not self.waiting):
            try:
                self._write(stop, backoff)
            except Superseded as error:
                self.superseded = True
                self._logger.error("superseded", reason=str(error))
                return
            except TopologyError as error:
                self._logger.error("stopped", reason=str(error))
                return
            except StreamsError as error:
                self._outage.away(error)
                self._reconnects += 1
                self.board.say("waiting", self._counts())
                time.sleep(backoff.next_s())

    def _write(self, stop: Event, backoff: Backoff) -> None:
        log = self._connect()
        try:
            have = [self._ask(log, shard) for shard in range(self._shards)]
            while not (stop.is_set() and not self.waiting):
                if not self.waiting and not self._arrived.wait(IDLE_S):
                    self._idle()
                self._arrived.clear()
                # One batch each: a backlog starves neither another shard nor the heartbeat.
                for shard in range(self._shards):
                    have[shard] = self._flush(log, shard, have[shard], backoff)
                self._write_events(log)
                if self._alive():
                    self._beat(log, "running")
            self._write_events(log)
            self._beat_due_s = 0.0
            self._beat(log, ENDED)
        finally:
            log.close()

    def _write_events(self, log: Log) -> None:
        while self._announced:
            log.append(EVENTS, self._announced.popleft())

    def _ask(self, log: Log, shard: int) -> int:
        """What the log has now; less than it had if it was cut back."""
        at = log.writer_position(shard, self._source)
        have = at.seq if at.session == self._session else 0
        with self._lock:
            self._outboxes[shard].acknowledge(have, time.monotonic_ns())
        return have

    def _flush(self, log: Log, shard: int, have: int, backoff: Backoff) -> int:
        outbox = self._outboxes[shard]
        with self._lock:
            batch = outbox.batch(have, BATCH)
        if batch is None:
            return have
        have = self._append(log, shard, batch)
        backoff.reset()
        self._outage.back()
        now_ns = time.monotonic_ns()
        if batch.payloads:
            self.delays.observe(now_ns - batch.taken_ns)
        with self._lock:
            outbox.acknowledge(have, now_ns)
        return have

    def _append(self, log: Log, shard: int, batch: Batch) -> int:
        kinds, payloads = "t" * len(batch.payloads), batch.payloads
        last_seq = batch.first_seq + batch.lost + len(payloads) - 1
        self._resent += max(0, min(self._sent[shard], last_seq) - batch.first_seq - batch.lost + 1)
        self._sent[shard] = max(self._sent[shard], last_seq)
        if batch.lost:
            kinds, payloads = "c" + kinds, [self._lost(batch), *payloads]
        return log.raw_append(
            shard,
            writer=self._source,
            session=self._session,
            first_seq=batch.first_seq,
            kinds=kinds,
            payloads=payloads,
            lost=batch.lost,
        )

    def _lost(self, batch: Batch) -> bytes:
        last = batch.first_seq + batch.lost - 1
        body = LostRange(batch.first_seq, last, "the log was away longer than the buffer lasts")
        return control(ControlKind.LOST, self._source, self._session, last, time.time_ns(), body)

    def _beat(self, log: Log, state: str) -> None:
        now_s = time.monotonic()
        if now_s < self._beat_due_s:
            return
        self._beat_due_s = now_s + BEAT_EVERY_S
        counters = self._counts()
        self.board.say(state, counters)
        instance = self.board.member
        log.beat(instance, beat_payload("ingest", instance, state, counters))
        if not counters["waiting"]:
            self._outage.back()

    def _counts(self) -> dict[str, int]:
        with self._lock:
            taken = sum(outbox.next_seq - 1 for outbox in self._outboxes)
            waiting = sum(outbox.waiting for outbox in self._outboxes)
            dropped = sum(outbox.dropped for outbox in self._outboxes)
        return {
            "taken": taken,
            "waiting": waiting,
            "dropped": dropped,
            "resent": self._resent,
            "reconnects": self._reconnects,
            **self._outage.counters(),
            **self._counters(),
        }
