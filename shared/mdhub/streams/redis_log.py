# HOT: raw_append and clean_append carry every tick; keys are built once, arguments in one list.
"""The log on a real server (Redis >= 7.0 or Valkey)."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import astuple
from itertools import chain
from typing import Any, Final

import msgspec

from mdhub.streams import functions
from mdhub.streams.client import CALL_TIMEOUT_S, Link
from mdhub.streams.errors import NoLeader, NotReady, ServerError, Unusable
from mdhub.streams.ids import id_parts
from mdhub.streams.port import (
    FIRST_ID,
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
from mdhub.streams.redis_tail import RedisTail
from mdhub.streams.topology import CLEAN, EVENTS, RAW, REJECTED, Keys, Stream

__all__ = ["KEPT_SNAPSHOTS", "RedisLog"]

KEPT_SNAPSHOTS: Final = 2
_HALF_DONE_MS: Final = 600_000
_DONE_TTL_MS: Final = 86_400_000
_MAX_CHUNKS: Final = 100_000
_ROWS_A_CALL: Final = 500
_SAVED_AT: Final = b""
"""Field of the contracts that is no symbol: when they were last given, in ms."""
_ONE_FIELD: Final = {"events": "e", "commands": "c", "logs": "l"}

_CURSOR: Final = re.compile(rb"(\d{1,20}-\d{1,20}) (\d{1,15})")

_encode: Final = msgspec.msgpack.encode
_decode_manifest: Final = msgspec.msgpack.Decoder(tuple[bytes, int, str, int, int, int]).decode


class RedisLog:
    """Implements `mdhub.streams.port.Log`; one connection, checked against the topology table."""

    def __init__(
        self, url: str, *, service: str, keys: Keys, timeout_s: float = CALL_TIMEOUT_S
    ) -> None:
        self._url = url
        self._service = service
        self._keys = keys
        self._link = Link(url, name=f"mdhub-{service}", timeout_s=timeout_s)
        functions.ensure_loaded(self._link)
        self._incarnation = _run_id(self._link)
        self._raw_keys: dict[int, tuple[str, ...]] = {}
        self._clean_keys: dict[int, tuple[str, ...]] = {}

    def incarnation(self) -> str:
        return self._incarnation

    def tail(self, stream: Stream, *, shard: int = 0, after: bytes) -> RedisTail:
        return RedisTail(
            self._url,
            name=f"mdhub-{self._service}-{stream.name}",
            key=self._keys.stream(stream, shard),
            after=after,
        )

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
        if newest_first:
            reply = self._link.call("XREVRANGE", key, last, first, "COUNT", count)
        else:
            reply = self._link.call("XRANGE", key, first, last, "COUNT", count)
        entries: list[Entry] = reply
        return entries

    def positions(self, shard: int) -> Positions:
        return _positions(self._hash(self._keys.positions(shard)))

    def ask_positions(self, shards: Sequence[int]) -> None:
        self._link.ask(*(("HGETALL", self._keys.positions(shard)) for shard in shards))

    def take_positions(self) -> list[Positions] | None:
        replies = self._link.answers()
        return None if replies is None else [_positions(_pairs(flat)) for flat in replies]

    def leadership(self, shard: int) -> Leadership:
        fields = self._hash(self._keys.leader(shard))
        return Leadership(
            token=int(fields.get(b"token", 0)),
            incarnation=fields.get(b"incarnation", b"").decode(),
            lead_id=fields.get(b"lead_id", FIRST_ID),
            epoch=int(fields.get(b"epoch", 0)),
            beat=int(fields.get(b"beat", 0)),
        )

    def writer_position(self, shard: int, writer: str) -> WriterPosition:
        stored = self._link.call("HGET", self._keys.writers(shard), writer)
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
        keys = self._raw_keys.get(shard) or self._bind_raw(shard)
        newest: int = self._link.call(
            "FCALL", functions.RAW_APPEND, 3, *keys,
            writer, session, first_seq, lost, kinds, *payloads,
        )  # fmt: skip
        return newest

    def clean_append(self, shard: int, batch: CleanBatch, *, wait: bool = True) -> None:
        keys = self._clean_keys.get(shard) or self._bind_clean(shard)
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
        (self._link.call if wait else self._link.post)(*args)

    def take(self, shard: int, request: LeadRequest) -> Leadership:
        RAW.check_writer(self._service)
        keys = self._keys
        lead_id, beat = self._link.call(
            "FCALL", functions.TAKE, 4,
            keys.stream(RAW, shard), keys.writers(shard), keys.positions(shard),
            keys.leader(shard),
            request.expected_token, request.expected_clean, self._incarnation, request.epoch,
            self._service, request.entry,
        )  # fmt: skip
        # Nothing is read back: another candidate may have taken over by now.
        token = request.expected_token + 1
        return Leadership(token, self._incarnation, lead_id, request.epoch, int(beat))

    def save_chunk(self, shard: int, *, snapshot: bytes, part: str, data: bytes) -> None:
        # It expires unless the snapshot is committed: a leader may die half-way.
        self._link.call("SET", self._chunk(shard, snapshot, part), data, "PX", _HALF_DONE_MS)

    def commit_snapshot(self, shard: int, *, token: int, manifest: Manifest) -> None:
        parts = [self._chunk(shard, manifest.raw, part) for part in manifest.parts()]
        dropped = self._link.call(
            "FCALL", functions.COMMIT_SNAPSHOT, 2 + len(parts),
            self._keys.snapshots(shard), self._keys.leader(shard), *parts,
            token, _encode(astuple(manifest)), KEPT_SNAPSHOTS,
        )  # fmt: skip
        for old in dropped:
            gone = _manifest(old)
            if gone is not None:
                self._drop_chunks(shard, gone)

    def manifests(self, shard: int) -> list[Manifest]:
        stored = self._link.call("LRANGE", self._keys.snapshots(shard), 0, -1)
        return [manifest for item in stored if (manifest := _manifest(item)) is not None]

    def load_chunk(self, shard: int, *, snapshot: bytes, part: str) -> bytes | None:
        data: bytes | None = self._link.call("GET", self._chunk(shard, snapshot, part))
        return data

    def set_cursor(self, shard: int, stream: Stream, *, reader: str, cursor: bytes) -> None:
        value = b"%b %d" % (cursor, _wall_ms())
        self._link.call("HSET", self._keys.cursors(shard), f"{stream.name}:{reader}", value)

    def cursors(self, shard: int, stream: Stream) -> dict[str, ReaderCursor]:
        now_ms, found = _wall_ms(), {}
        for name, value in self._hash(self._keys.cursors(shard)).items():
            of_stream, _, reader = name.decode(errors="replace").partition(":")
            registered = _CURSOR.fullmatch(value)
            if of_stream == stream.name and registered:
                found[reader] = ReaderCursor(registered[1], now_ms - int(registered[2]))
        return found

    def drop_cursor(self, shard: int, stream: Stream, *, reader: str) -> None:
        self._link.call("HDEL", self._keys.cursors(shard), f"{stream.name}:{reader}")

    def trim(self, shard: int, *, token: int, stream: Stream, min_id: bytes) -> int:
        went: int = self._link.call(
            "FCALL", functions.TRIM, 2,
            self._keys.stream(stream, shard), self._keys.leader(shard), token, min_id, TRIM_STEP,
        )  # fmt: skip
        return went

    def memory_bytes(self, stream: Stream, *, shard: int = 0) -> int:
        used = self._link.call("MEMORY", "USAGE", self._keys.stream(stream, shard))
        return int(used or 0)

    def length(self, stream: Stream, *, shard: int = 0) -> int:
        count: int = self._link.call("XLEN", self._keys.stream(stream, shard))
        return count

    def trimmed(self, stream: Stream, *, shard: int = 0) -> int:
        key = self._keys.stream(stream, shard)
        if not self._link.call("EXISTS", key):
            return 0
        facts: dict[bytes, int] = _pairs(self._link.call("XINFO", "STREAM", key))
        return facts[b"entries-added"] - facts[b"length"]

    def server_facts(self) -> ServerFacts:
        about, memory = _info(self._link, "server"), _info(self._link, "memory")
        seconds, micros = self._link.call("TIME")
        name = about.get("server_name", "redis")
        return ServerFacts(
            version=f"{name} {about.get(f'{name}_version', '?')}",
            now_ms=int(seconds) * 1000 + int(micros) // 1000,
            used_bytes=int(memory.get("used_memory", 0)),
            limit_bytes=int(memory.get("maxmemory", 0)),
        )

    def check_writable(self) -> None:
        # The server judges its state before it runs a function, and nobody leads this key.
        nobody = self._keys.shards()
        with contextlib.suppress(NoLeader):
            self._link.call("FCALL", functions.TRIM, 2, nobody, nobody, 0, b"0-0", 1)

    def durable(self) -> bool:
        # A connection of its own: one that asks what it may not ask is closed.
        link = Link(self._url, name=f"mdhub-{self._service}-config")
        try:
            flat = link.call("CONFIG", "GET", "append*")
        except NotReady:
            raise
        except (ServerError, Unusable):  # renamed or forbidden, as managed servers do
            return False
        finally:
            link.close()
        settings = dict(zip(flat[::2], flat[1::2], strict=True))
        return (settings.get(b"appendonly"), settings.get(b"appendfsync")) == (b"yes", b"always")

    def claim_shards(self, shards: int) -> int:
        return int(self._link.call("SET", self._keys.shards(), shards, "NX", "GET") or shards)

    def shards(self) -> int | None:
        held = self._link.call("GET", self._keys.shards())
        return None if held is None else int(held)

    def append(self, stream: Stream, payload: bytes) -> bytes:
        stream.check_writer(self._service)
        new_id: bytes = self._link.call(
            "XADD", self._keys.stream(stream), "MAXLEN", "~", stream.max_entries or 0, "*",
            _ONE_FIELD[stream.name], payload,
        )  # fmt: skip
        return new_id

    def command_done(self, command_id: str, event: bytes) -> bool:
        EVENTS.check_writer(self._service)
        first: int = self._link.call(
            "FCALL", functions.COMMAND_DONE, 2,
            self._keys.command_done(command_id), self._keys.stream(EVENTS),
            event, _DONE_TTL_MS, EVENTS.max_entries,
        )  # fmt: skip
        return first == 1

    def command_is_done(self, command_id: str) -> bool:
        found: int = self._link.call("EXISTS", self._keys.command_done(command_id))
        return found == 1

    def save_contracts(self, rows: Mapping[str, bytes], *, gone: Sequence[str] = ()) -> None:
        key = self._keys.contracts()
        pairs = list(rows.items())
        for at in range(0, len(pairs), _ROWS_A_CALL):
            self._link.call("HSET", key, *chain.from_iterable(pairs[at : at + _ROWS_A_CALL]))
        for at in range(0, len(gone), _ROWS_A_CALL):
            self._link.call("HDEL", key, *gone[at : at + _ROWS_A_CALL])
        if rows:
            self._link.call("HSET", key, _SAVED_AT, _wall_ms())

    def contracts(self) -> CachedContracts:
        rows = self._hash(self._keys.contracts())
        saved_at = rows.pop(_SAVED_AT, b"0")
        age_ms = max(0, _wall_ms() - int(saved_at)) if saved_at.isdigit() else _wall_ms()
        named = {name.decode(errors="replace"): row for name, row in rows.items()}
        return CachedContracts(named, age_ms)

    def beat(self, instance: str, payload: bytes) -> None:
        self._link.call("HSET", self._keys.beats(), instance, payload)

    def beats(self) -> dict[str, bytes]:
        return {k.decode(errors="replace"): v for k, v in self._hash(self._keys.beats()).items()}

    def close(self) -> None:
        self._link.close()

    def _bind_raw(self, shard: int) -> tuple[str, ...]:
        RAW.check_writer(self._service)
        keys = self._keys
        bound = (keys.stream(RAW, shard), keys.writers(shard), keys.leader(shard))
        self._raw_keys[shard] = bound
        return bound

    def _bind_clean(self, shard: int) -> tuple[str, ...]:
        CLEAN.check_writer(self._service)
        keys = self._keys
        bound = (
            keys.stream(CLEAN, shard),
            keys.stream(REJECTED, shard),
            keys.positions(shard),
            keys.leader(shard),
        )
        self._clean_keys[shard] = bound
        return bound

    def _hash(self, key: str) -> dict[bytes, bytes]:
        return _pairs(self._link.call("HGETALL", key))

    def _chunk(self, shard: int, snapshot: bytes, part: str) -> str:
        return self._keys.snapshot_chunk(shard, snapshot.decode(), part)

    def _drop_chunks(self, shard: int, manifest: Manifest) -> None:
        for part in manifest.parts():
            self._link.call("UNLINK", self._chunk(shard, manifest.raw, part))


def _pairs(flat: list[Any]) -> dict[bytes, Any]:
    return dict(zip(flat[::2], flat[1::2], strict=True))


def _positions(fields: dict[bytes, bytes]) -> Positions:
    return Positions(
        raw=fields.get(b"raw", FIRST_ID),
        clean=fields.get(b"clean", FIRST_ID),
        n=int(fields.get(b"n", 0)),
        log_ns=int(fields.get(b"log_ns", 0)),
        market_ns=int(fields.get(b"market_ns", 0)),
        digest=fields.get(b"digest", b"").decode(),
    )


def _manifest(stored: bytes) -> Manifest | None:
    """Read a manifest; None if it is damaged: a snapshot that nobody can use."""
    try:
        manifest = Manifest(*_decode_manifest(stored))
        id_parts(manifest.raw)
    except ValueError:  # msgspec's errors are ValueErrors
        return None
    return manifest if 0 < manifest.state_chunks < _MAX_CHUNKS else None


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


def _run_id(link: Link) -> str:
    run_id = _info(link, "server").get("run_id")
    if run_id is None:
        raise ServerError("the server's INFO has no run_id")
    return run_id


def _info(link: Link, section: str) -> dict[str, str]:
    info: bytes = link.call("INFO", section)
    lines = (line.partition(":") for line in info.decode().splitlines())
    return {name: value for name, colon, value in lines if colon}
