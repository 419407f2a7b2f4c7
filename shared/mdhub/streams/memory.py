"""In-memory twin of the log: same promises, no server. For tests and offline runs.

`MemoryServer` is what the server holds; `MemoryLog` is one service's view of it. `restart`
makes a new incarnation, which nobody can write to before a leader took it.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from uuid import uuid4

from mdhub.streams.errors import (
    Fenced,
    NoLeader,
    PositionMoved,
    SequenceHole,
    Superseded,
    UnknownOutcome,
)
from mdhub.streams.ids import id_less, id_parts, is_from, is_until, make_id
from mdhub.streams.memory_confirmer import MemoryConfirmer
from mdhub.streams.memory_entries import drop_before, size_of
from mdhub.streams.memory_shard import HeldShard
from mdhub.streams.memory_tail import MemoryTail
from mdhub.streams.notes import MemoryNotes
from mdhub.streams.port import (
    FIRST_ID,
    CachedContracts,
    CleanBatch,
    Entry,
    Leadership,
    LeadRequest,
    Manifest,
    Positions,
    ReaderCursor,
    ServerFacts,
    WriterPosition,
)
from mdhub.streams.topology import CLEAN, EVENTS, RAW, REJECTED, Stream

__all__ = ["MemoryLog", "MemoryServer", "MemoryTail"]

KEPT_SNAPSHOTS = 2


class MemoryServer:
    """All streams and positions of one hub, guarded by one lock."""

    def __init__(self, wall_ns: Callable[[], int] = time.time_ns) -> None:
        self._wall_ns = wall_ns
        self.lock = threading.Condition()
        self.incarnation = uuid4().hex
        self.streams: dict[tuple[str, int], list[Entry]] = {}
        self.last_ids: dict[tuple[str, int], bytes] = {}
        self.trimmed: Counter[tuple[str, int]] = Counter()
        self.shards: dict[int, HeldShard] = {}
        self.beats: dict[str, bytes] = {}
        self.notes: dict[str, bytes] = {}
        self.done: set[str] = set()
        self.tails: list[MemoryTail] = []
        self.durable = True
        """Whether it claims to have each append on disk before it is answered."""
        self.replicas = 0
        """Replicas that have everything."""
        self.shard_count: int | None = None
        self.contracts: dict[str, bytes] = {}
        self.contracts_ms = 0

    def log(self, service: str) -> MemoryLog:
        """Open the log as one service."""
        return MemoryLog(self, service)

    def restart(self) -> None:
        """Become another server process: nothing can be written before a leader takes it."""
        with self.lock:
            self.incarnation = uuid4().hex
            for shard in self.shards.values():
                shard.led = ""
            for tail in self.tails:
                tail.wake()
            self.lock.notify_all()

    def now_ms(self) -> int:
        """Its wall time."""
        return self._wall_ns() // 1_000_000

    def shard(self, shard: int) -> HeldShard:
        return self.shards.setdefault(shard, HeldShard())

    def add(self, stream: Stream, shard: int, fields: list[bytes], entry_id: bytes = b"") -> bytes:
        key = (stream.name, shard if stream.sharded else 0)
        new_id = entry_id or self._next_id(key)
        self.last_ids[key] = new_id
        self.streams.setdefault(key, []).append((new_id, fields))
        for tail in self.tails:
            tail.told(key)
        self.lock.notify_all()
        return new_id

    def held(self, stream: Stream, shard: int) -> list[Entry]:
        return self.streams.get((stream.name, shard if stream.sharded else 0), [])

    def drop(self, key: tuple[str, int], min_id: bytes) -> int:
        with self.lock:
            self.trimmed[key] += (went := drop_before(self.streams.get(key, []), min_id))
        return went

    def _next_id(self, key: tuple[str, int]) -> bytes:
        now_ms = self.now_ms()
        ms, seq = id_parts(self.last_ids.get(key, FIRST_ID))
        return make_id(now_ms, 0) if now_ms > ms else make_id(ms, seq + 1)


class MemoryLog(MemoryNotes):
    """Implements `mdhub.streams.port.Log`."""

    patience_s = 2.0

    def __init__(self, server: MemoryServer, service: str) -> None:
        super().__init__(server.notes)
        self._server = server
        self._service = service
        self._incarnation = server.incarnation
        self._asked: list[Positions] = []

    def incarnation(self, shard: int = 0) -> str:  # noqa: ARG002 - one server holds all
        return self._incarnation

    def tail(self, stream: Stream, *, shard: int = 0, after: bytes) -> MemoryTail:
        return MemoryTail(self._server, (stream.name, shard if stream.sharded else 0), after)

    def confirmer(self, shard: int, *, reader: str) -> MemoryConfirmer:  # noqa: ARG002
        return MemoryConfirmer(self._server)

    def entries(
        self,
        stream: Stream,
        *,
        shard: int = 0,
        first: bytes = b"-",
        last: bytes = b"+",
        count: int = 1000,
        newest_first: bool = False,
    ) -> list[Entry]:
        with self._server.lock:
            every = self._server.held(stream, shard)
            chosen = [e for e in every if is_from(first, e[0]) and is_until(last, e[0])]
        return (chosen[::-1] if newest_first else chosen)[:count]

    def positions(self, shard: int) -> Positions:
        return self._held(shard).positions

    def ask_positions(self, shards: Sequence[int]) -> None:
        self._asked = [self.positions(shard) for shard in shards]

    def take_positions(self) -> list[Positions] | None:
        asked, self._asked = self._asked, []
        return asked

    def leadership(self, shard: int) -> Leadership:
        return self._held(shard).leader

    def watch(self, shard: int) -> tuple[Leadership, Positions]:
        held = self._held(shard)
        return held.leader, held.positions

    def keep_lead(self, shard: int, *, token: int) -> int:
        RAW.check_writer(self._service)
        with self._server.lock:
            held = self._held(shard)
            self._check_fence(held, token)
            held.leader = replace(held.leader, beat=held.leader.beat + 1)
            return held.leader.beat

    def resign(self, shard: int, *, token: int) -> None:
        RAW.check_writer(self._service)
        with self._server.lock:
            held = self._held(shard)
            self._check_fence(held, token)
            held.leader = replace(held.leader, resigned=True)

    def writer_position(self, shard: int, writer: str) -> WriterPosition:
        return self._held(shard).writers.get(writer, WriterPosition())

    def raw_append(  # noqa: PLR0913 - the port's own signature
        self,
        shard: int,
        *,
        writer: str,
        session: int,
        first_seq: int,
        kinds: str,
        payloads: Sequence[bytes],
        lost: int = 0,
    ) -> int:
        RAW.check_writer(self._service)
        with self._server.lock:
            have = self._check_raw(shard, writer, session, first_seq, lost)
            seq = first_seq
            for i, (kind, payload) in enumerate(zip(kinds, payloads, strict=True)):
                last = seq + lost - 1 if i == 0 and lost else seq
                if last > have:
                    self._server.add(RAW, shard, [kind.encode(), payload])
                    have = last
                seq = last + 1
            self._held(shard).writers[writer] = WriterPosition(session, have)
            return have

    def _check_raw(self, shard: int, writer: str, session: int, first_seq: int, lost: int) -> int:
        held = self._held(shard)
        if not held.led:
            raise NoLeader("no leader has taken this server yet")
        at = held.writers.get(writer, WriterPosition())
        if session < at.session:
            raise Superseded(f"writer {writer} has session {at.session}")
        have = at.seq if session == at.session else 0
        if first_seq > have + 1:
            raise SequenceHole(f"expected seq {have + 1}, found {first_seq}")
        if lost and first_seq <= have < first_seq + lost - 1:
            raise SequenceHole(f"lost range overlaps seq {have}")
        return have

    def clean_append(self, shard: int, batch: CleanBatch, *, wait: bool = True) -> None:  # noqa: ARG002
        CLEAN.check_writer(self._service)
        with self._server.lock:
            held = self._held(shard)
            self._check_clean(held, batch)
            for entry_id, header, name, payload in batch.clean:
                self._server.add(CLEAN, shard, [b"h", header, name, payload], entry_id)
            for entry_id, header, payload in batch.rejected:
                self._server.add(REJECTED, shard, [b"h", header, b"t", payload], entry_id)
                held.rejected_id = entry_id
            clean = batch.clean[-1][0] if batch.clean else held.positions.clean
            held.positions = replace(batch.position, clean=clean)
            held.leader = replace(held.leader, beat=held.leader.beat + 1)

    def _check_clean(self, held: HeldShard, batch: CleanBatch) -> None:
        self._check_fence(held, batch.token)
        if held.positions.raw != batch.expected_raw:
            raise PositionMoved(f"committed raw position is {held.positions.raw!r}")
        if id_less(batch.position.raw, held.positions.raw):
            raise PositionMoved(f"position would go back to {batch.position.raw!r}")
        for last, ids in (
            (held.positions.clean, [c[0] for c in batch.clean]),
            (held.rejected_id, [r[0] for r in batch.rejected]),
        ):
            newest = last
            for entry_id in ids:
                if not id_less(newest, entry_id):
                    raise PositionMoved(f"{entry_id!r} after {newest!r}")
                newest = entry_id

    def take(self, shard: int, request: LeadRequest) -> Leadership:
        RAW.check_writer(self._service)
        with self._server.lock:
            held = self._held(shard)
            if held.leader.token != request.expected_token:
                raise Fenced(f"token in force is {held.leader.token}")
            if held.positions.clean != request.expected_clean:
                raise PositionMoved(f"newest clean entry is {held.positions.clean!r}")
            if request.epoch < held.leader.epoch:
                raise PositionMoved(f"epoch would go back to {request.epoch}")
            lead_id = self._server.add(RAW, shard, [b"c", request.entry])
            if held.led == self._incarnation:
                lead_id = held.leader.lead_id
            held.led = self._incarnation
            token = request.expected_token + 1
            held.writers[self._service] = WriterPosition(token, 1)
            held.leader = Leadership(
                token, self._incarnation, lead_id, request.epoch, held.leader.beat
            )
            return held.leader

    def save_chunk(self, shard: int, *, snapshot: bytes, part: str, data: bytes) -> None:
        self._held(shard).chunks[snapshot, part] = data

    def commit_snapshot(self, shard: int, *, token: int, manifest: Manifest) -> None:
        with self._server.lock:
            held = self._held(shard)
            self._check_fence(held, token)
            held.manifests.insert(0, manifest)
            for old in held.manifests[KEPT_SNAPSHOTS:]:
                for part in old.parts():
                    held.chunks.pop((old.raw, part), None)
            del held.manifests[KEPT_SNAPSHOTS:]

    def manifests(self, shard: int) -> list[Manifest]:
        return list(self._held(shard).manifests)

    def load_chunk(self, shard: int, *, snapshot: bytes, part: str) -> bytes | None:
        return self._held(shard).chunks.get((snapshot, part))

    def set_cursor(self, shard: int, stream: Stream, *, reader: str, cursor: bytes) -> None:
        self._held(shard).cursors[stream.name, reader] = (cursor, self._server.now_ms())

    def cursors(self, shard: int, stream: Stream) -> dict[str, ReaderCursor]:
        now_ms = self._server.now_ms()
        return {
            reader: ReaderCursor(cursor, now_ms - wall_ms)
            for (of_stream, reader), (cursor, wall_ms) in self._held(shard).cursors.items()
            if of_stream == stream.name
        }

    def drop_cursor(self, shard: int, stream: Stream, *, reader: str) -> None:
        self._held(shard).cursors.pop((stream.name, reader), None)

    def trim(self, shard: int, *, token: int, stream: Stream, min_id: bytes) -> int:
        with self._server.lock:
            self._check_fence(self._held(shard), token)
            return self._server.drop((stream.name, shard), min_id)

    def drop_old(self, stream: Stream, *, min_id: bytes) -> int:
        stream.check_capped()
        return self._server.drop((stream.name, 0), min_id)

    def memory_bytes(self, stream: Stream, *, shard: int = 0) -> int:
        return size_of(self._server.held(stream, shard))

    def length(self, stream: Stream, *, shard: int = 0) -> int:
        return len(self._server.held(stream, shard))

    def trimmed(self, stream: Stream, *, shard: int = 0) -> int:
        return self._server.trimmed[stream.name, shard if stream.sharded else 0]

    def server_facts(self) -> ServerFacts:
        used = sum(map(size_of, self._server.streams.values()))
        return ServerFacts("memory", self._server.now_ms(), used, 0)

    def check_writable(self) -> None:
        """Memory takes writes."""

    def durable(self) -> bool:
        return self._server.durable

    def claim_shards(self, shards: int) -> int:
        with self._server.lock:
            self._server.shard_count = self._server.shard_count or shards
            return self._server.shard_count

    def shards(self) -> int | None:
        return self._server.shard_count

    def append(self, stream: Stream, payload: bytes) -> bytes:
        stream.check_writer(self._service)
        with self._server.lock:
            new_id = self._server.add(stream, 0, [stream.name[0].encode(), payload])
            held = self._server.streams[stream.name, 0]
            del held[: len(held) - (stream.max_entries or 0)]
            return new_id

    def command_done(self, command_id: str, event: bytes) -> bool:
        with self._server.lock:
            if command_id in self._server.done:
                return False
            self._server.done.add(command_id)
        self.append(EVENTS, event)
        return True

    def command_is_done(self, command_id: str) -> bool:
        return command_id in self._server.done

    def save_contracts(self, rows: Mapping[str, bytes], *, gone: Sequence[str] = ()) -> None:
        self._server.contracts |= rows
        for symbol in gone:
            self._server.contracts.pop(symbol, None)
        if rows:
            self._server.contracts_ms = self._server.now_ms()

    def contracts(self) -> CachedContracts:
        age_ms = self._server.now_ms() - self._server.contracts_ms
        return CachedContracts(dict(self._server.contracts), age_ms)

    def beat(self, instance: str, payload: bytes) -> None:
        self._server.beats[instance] = payload

    def beats(self) -> dict[str, bytes]:
        return dict(self._server.beats)

    def close(self) -> None:
        """Nothing to close."""

    def _held(self, shard: int) -> HeldShard:
        if self._incarnation != self._server.incarnation:
            raise UnknownOutcome("the server of this connection is gone")
        return self._server.shard(shard)

    def _check_fence(self, held: HeldShard, token: int) -> None:
        if not held.led:
            raise NoLeader("no leader has taken this server yet")
        if held.leader.token != token:
            raise Fenced(f"token in force is {held.leader.token}")
