# HOT: raw_append and clean_append carry every tick; keys are built once, arguments in one list.
"""The log on a real server (Redis >= 7.0 or Valkey), or over the masters of a cluster."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any, Final

import msgspec

from mdhub.streams import functions, health
from mdhub.streams.client import CALL_TIMEOUT_S, Link
from mdhub.streams.cluster import open_nodes
from mdhub.streams.nodes import Node
from mdhub.streams.notes import RedisNotes
from mdhub.streams.port import (
    TRIM_STEP,
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
from mdhub.streams.redis_confirmer import RedisConfirmer
from mdhub.streams.redis_contracts import read_rows, save_rows
from mdhub.streams.redis_replies import (
    as_pairs,
    read_cursors,
    read_leadership,
    read_manifest,
    read_positions,
)
from mdhub.streams.redis_tail import SLACK_S, RedisTail
from mdhub.streams.sentinel import STALL_S
from mdhub.streams.topology import CLEAN, EVENTS, RAW, REJECTED, Keys, Stream

__all__ = ["KEPT_SNAPSHOTS", "RedisLog"]

KEPT_SNAPSHOTS: Final = 2
_HALF_DONE_MS: Final = 600_000
_DONE_TTL_MS: Final = 86_400_000
_ONE_FIELD: Final = {"events": "e", "commands": "c", "logs": "l"}

_encode: Final = msgspec.msgpack.encode


@dataclass(slots=True)
class _Shard:
    """Where a shard lives, and the keys of its two appends once their writer was checked."""

    node: Node
    link: Link
    raw_keys: tuple[str, ...] = ()
    clean_keys: tuple[str, ...] = ()


class RedisLog(RedisNotes):
    """Implements `mdhub.streams.port.Log`; each call goes to the server that holds its key.

    One connection for each server, one life for all: see `mdhub.streams.cluster`.
    """

    def __init__(
        self, url: str, *, service: str, keys: Keys, timeout_s: float = CALL_TIMEOUT_S
    ) -> None:
        self._service = service
        self._keys = keys
        self._timeout_s = timeout_s
        self._nodes = open_nodes(url, name=f"mdhub-{service}", timeout_s=timeout_s)
        self._shards: dict[int, _Shard] = {}
        self._asked: list[tuple[Link, list[int]]] = []
        """Connections that owe positions, each with their places in `_found`."""
        self._found: list[Positions] = []

    def incarnation(self, shard: int = 0) -> str:
        return self._at(shard).node.run_id

    def tail(self, stream: Stream, *, shard: int = 0, after: bytes) -> RedisTail:
        key = self._keys.stream(stream, shard)
        node = self._nodes.of(key)
        return RedisTail(
            node.url,
            name=f"mdhub-{self._service}-{stream.name}",
            key=key,
            after=after,
            slack_s=STALL_S if node.link.watched else SLACK_S,
        )

    def confirmer(self, shard: int, *, reader: str) -> RedisConfirmer:
        node = self._at(shard).node
        return RedisConfirmer(
            node.url,
            name=f"mdhub-{self._service}-confirm",
            key=self._keys.confirmed(shard, reader),
            run_id=node.run_id,
            timeout_s=self._timeout_s,
        )

    @property
    def patience_s(self) -> float:
        return STALL_S if self._at(0).link.watched else CALL_TIMEOUT_S

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
        key = self._keys.stream(stream, shard)
        link = self._of(key)
        if newest_first:
            reply = link.call("XREVRANGE", key, last, first, "COUNT", count)
        else:
            reply = link.call("XRANGE", key, first, last, "COUNT", count)
        entries: list[Entry] = reply
        return entries

    def positions(self, shard: int) -> Positions:
        return read_positions(self._at(shard).link.call("HGETALL", self._keys.positions(shard)))

    def ask_positions(self, shards: Sequence[int]) -> None:
        places: dict[str, tuple[Link, list[int]]] = {}
        for place, shard in enumerate(shards):
            node = self._at(shard).node
            places.setdefault(node.url, (node.link, []))[1].append(place)
        self._asked, self._found = list(places.values()), [Positions()] * len(shards)
        for link, asked in self._asked:
            link.ask(*(("HGETALL", self._keys.positions(shards[place])) for place in asked))

    def take_positions(self) -> list[Positions] | None:
        while self._asked:
            link, places = self._asked[-1]
            replies = link.answers()
            if replies is None:
                return None
            for place, flat in zip(places, replies, strict=True):
                self._found[place] = read_positions(flat)
            self._asked.pop()
        found, self._found = self._found, []
        return found

    def leadership(self, shard: int) -> Leadership:
        return read_leadership(self._at(shard).link.call("HGETALL", self._keys.leader(shard)))

    def watch(self, shard: int) -> tuple[Leadership, Positions]:
        link = self._at(shard).link
        link.ask(("HGETALL", self._keys.leader(shard)), ("HGETALL", self._keys.positions(shard)))
        leader, positions = link.replies()
        return read_leadership(leader), read_positions(positions)

    def keep_lead(self, shard: int, *, token: int) -> int:
        RAW.check_writer(self._service)
        beat: int = self._at(shard).link.call(
            "FCALL", functions.KEEP_LEAD, 1, self._keys.leader(shard), token
        )
        return beat

    def resign(self, shard: int, *, token: int) -> None:
        RAW.check_writer(self._service)
        leader = self._keys.leader(shard)
        self._at(shard).link.call("FCALL", functions.RESIGN, 1, leader, token)

    def writer_position(self, shard: int, writer: str) -> WriterPosition:
        stored = self._at(shard).link.call("HGET", self._keys.writers(shard), writer)
        if stored is None:
            return WriterPosition()
        session, seq = stored.split(b":")
        return WriterPosition(int(session), int(seq))

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
        at = self._shards.get(shard) or self._at(shard)
        newest: int = at.link.call(
            "FCALL", functions.RAW_APPEND, 3, *(at.raw_keys or self._bind_raw(shard, at)),
            writer, session, first_seq, lost, kinds, *payloads,
        )  # fmt: skip
        return newest

    def clean_append(self, shard: int, batch: CleanBatch, *, wait: bool = True) -> None:
        lives = self._shards.get(shard) or self._at(shard)
        keys = lives.clean_keys or self._bind_clean(shard, lives)
        at = batch.position
        args: list[Any] = [
            "FCALL", functions.CLEAN_APPEND, 4, *keys,
            batch.token, batch.expected_raw, at.raw, at.n, at.log_ns, at.market_ns, at.digest,
            len(batch.clean), len(batch.rejected),
        ]  # fmt: skip
        for clean in batch.clean:
            args += clean
        for rejected in batch.rejected:
            args += rejected
        (lives.link.call if wait else lives.link.post)(*args)

    def take(self, shard: int, request: LeadRequest) -> Leadership:
        RAW.check_writer(self._service)
        keys, at = self._keys, self._at(shard)
        lead_id, beat = at.link.call(
            "FCALL", functions.TAKE, 4,
            keys.stream(RAW, shard), keys.writers(shard), keys.positions(shard),
            keys.leader(shard),
            request.expected_token, request.expected_clean, at.node.run_id, request.epoch,
            self._service, request.entry,
        )  # fmt: skip
        # Nothing is read back: another candidate may have taken over by now.
        token = request.expected_token + 1
        return Leadership(token, at.node.run_id, lead_id, request.epoch, int(beat))

    def save_chunk(self, shard: int, *, snapshot: bytes, part: str, data: bytes) -> None:
        # It expires unless the snapshot is committed: a leader may die half-way.
        chunk = self._chunk(shard, snapshot, part)
        self._at(shard).link.call("SET", chunk, data, "PX", _HALF_DONE_MS)

    def commit_snapshot(self, shard: int, *, token: int, manifest: Manifest) -> None:
        parts = [self._chunk(shard, manifest.raw, part) for part in manifest.parts()]
        dropped = self._at(shard).link.call(
            "FCALL", functions.COMMIT_SNAPSHOT, 2 + len(parts),
            self._keys.snapshots(shard), self._keys.leader(shard), *parts,
            token, _encode(astuple(manifest)), KEPT_SNAPSHOTS,
        )  # fmt: skip
        for old in dropped:
            gone = read_manifest(old)
            if gone is not None:
                self._drop_chunks(shard, gone)

    def manifests(self, shard: int) -> list[Manifest]:
        stored = self._at(shard).link.call("LRANGE", self._keys.snapshots(shard), 0, -1)
        return [manifest for item in stored if (manifest := read_manifest(item)) is not None]

    def load_chunk(self, shard: int, *, snapshot: bytes, part: str) -> bytes | None:
        chunk = self._chunk(shard, snapshot, part)
        data: bytes | None = self._at(shard).link.call("GET", chunk)
        return data

    def set_cursor(self, shard: int, stream: Stream, *, reader: str, cursor: bytes) -> None:
        value = b"%b %d" % (cursor, _wall_ms())
        self._at(shard).link.call(
            "HSET", self._keys.cursors(shard), f"{stream.name}:{reader}", value
        )

    def cursors(self, shard: int, stream: Stream) -> dict[str, ReaderCursor]:
        return read_cursors(self._hash(self._keys.cursors(shard)), stream.name, now_ms=_wall_ms())

    def drop_cursor(self, shard: int, stream: Stream, *, reader: str) -> None:
        self._at(shard).link.call("HDEL", self._keys.cursors(shard), f"{stream.name}:{reader}")

    def trim(self, shard: int, *, token: int, stream: Stream, min_id: bytes) -> int:
        keys = self._keys.stream(stream, shard), self._keys.leader(shard)
        link = self._at(shard).link
        return int(link.call("FCALL", functions.TRIM, 2, *keys, token, min_id, TRIM_STEP))

    def drop_old(self, stream: Stream, *, min_id: bytes) -> int:
        stream.check_capped()
        key = self._keys.stream(stream)
        return int(self._of(key).call("XTRIM", key, "MINID", "~", min_id, "LIMIT", TRIM_STEP))

    def memory_bytes(self, stream: Stream, *, shard: int = 0) -> int:
        key = self._keys.stream(stream, shard)
        return int(self._of(key).call("MEMORY", "USAGE", key) or 0)

    def length(self, stream: Stream, *, shard: int = 0) -> int:
        key = self._keys.stream(stream, shard)
        return int(self._of(key).call("XLEN", key))

    def trimmed(self, stream: Stream, *, shard: int = 0) -> int:
        key = self._keys.stream(stream, shard)
        link = self._of(key)
        if not link.call("EXISTS", key):
            return 0
        facts: dict[bytes, int] = as_pairs(link.call("XINFO", "STREAM", key))
        return facts[b"entries-added"] - facts[b"length"]

    def server_facts(self) -> ServerFacts:
        return health.facts(self._nodes.every())

    def check_writable(self) -> None:
        health.check_writable(self._nodes.every(), prefix=self._keys.prefix)

    def durable(self) -> bool:
        return health.durable(self._nodes.every(), name=f"mdhub-{self._service}-config")

    def claim_shards(self, shards: int) -> int:
        key = self._keys.shards()
        return int(self._of(key).call("SET", key, shards, "NX", "GET") or shards)

    def shards(self) -> int | None:
        key = self._keys.shards()
        held = self._of(key).call("GET", key)
        return None if held is None else int(held)

    def append(self, stream: Stream, payload: bytes) -> bytes:
        stream.check_writer(self._service)
        key = self._keys.stream(stream)
        new_id: bytes = self._of(key).call(
            "XADD", key, "MAXLEN", "~", stream.max_entries or 0, "*",
            _ONE_FIELD[stream.name], payload,
        )  # fmt: skip
        return new_id

    def command_done(self, command_id: str, event: bytes) -> bool:
        EVENTS.check_writer(self._service)
        events = self._keys.stream(EVENTS)
        first: int = self._of(events).call(
            "FCALL", functions.COMMAND_DONE, 2, self._keys.command_done(command_id), events,
            event, _DONE_TTL_MS, EVENTS.max_entries,
        )  # fmt: skip
        return first == 1

    def command_is_done(self, command_id: str) -> bool:
        key = self._keys.command_done(command_id)
        found: int = self._of(key).call("EXISTS", key)
        return found == 1

    def save_contracts(self, rows: Mapping[str, bytes], *, gone: Sequence[str] = ()) -> None:
        key = self._keys.contracts()
        save_rows(self._of(key), key, rows, gone=gone)

    def contracts(self) -> CachedContracts:
        key = self._keys.contracts()
        return read_rows(self._of(key), key)

    def beat(self, instance: str, payload: bytes) -> None:
        key = self._keys.beats()
        self._of(key).call("HSET", key, instance, payload)

    def beats(self) -> dict[str, bytes]:
        return {k.decode(errors="replace"): v for k, v in self._hash(self._keys.beats()).items()}

    def close(self) -> None:
        self._nodes.close()

    def _at(self, shard: int) -> _Shard:
        """Where a shard lives; bound once, since all its keys share a slot."""
        found = self._shards.get(shard)
        if found is None:
            node = self._nodes.of(self._keys.leader(shard))
            found = self._shards[shard] = _Shard(node, node.link)
        return found

    def _of(self, key: str) -> Link:
        return self._nodes.of(key).link

    def _bind_raw(self, shard: int, at: _Shard) -> tuple[str, ...]:
        RAW.check_writer(self._service)
        keys = self._keys
        at.raw_keys = (keys.stream(RAW, shard), keys.writers(shard), keys.leader(shard))
        return at.raw_keys

    def _bind_clean(self, shard: int, at: _Shard) -> tuple[str, ...]:
        CLEAN.check_writer(self._service)
        keys = self._keys
        at.clean_keys = (
            keys.stream(CLEAN, shard),
            keys.stream(REJECTED, shard),
            keys.positions(shard),
            keys.leader(shard),
        )
        return at.clean_keys

    def _hash(self, key: str) -> dict[bytes, bytes]:
        return as_pairs(self._of(key).call("HGETALL", key))

    def _chunk(self, shard: int, snapshot: bytes, part: str) -> str:
        return self._keys.snapshot_chunk(shard, snapshot.decode(), part)

    def _drop_chunks(self, shard: int, manifest: Manifest) -> None:
        for part in manifest.parts():
            self._at(shard).link.call("UNLINK", self._chunk(shard, manifest.raw, part))


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000
