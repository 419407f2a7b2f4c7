"""A stand-in for the arbiter: leads a shard of the in-memory log and writes clean entries."""

from __future__ import annotations

import time
from dataclasses import replace

import msgspec

from mdhub.streams.ids import clean_id
from mdhub.streams.memory import MemoryServer
from mdhub.streams.port import FIRST_ID, CleanBatch, CleanOut, LeadRequest, Manifest, Positions
from mdhub.streams.topology import RAW
from mdhub.wire.codec import decode_clean_header, encode, marker
from mdhub.wire.entries import CleanHeader, EpochMark, MarkerKind, QualityMark
from mdhub.wire.ticks import CleanTick

_EMPTY = (None,) * 15


def clean_tick(name: str, volume: int, trading_day: int = 20260803) -> CleanTick:
    """Build a tick whose volume tells it from all others of its instrument."""
    symbol, exchange = name.split(".")
    return CleanTick(
        1, symbol, exchange, trading_day, volume, volume, "A", 0, 1.0, volume, *_EMPTY[:13], [], []
    )


class CleanWriter:
    """Writes ticks with the right n, k and ids. `volumes` is the truth, by instrument."""

    def __init__(self, server: MemoryServer, *, shard: int = 0) -> None:
        self.server = server
        self.shard = shard
        self.n = 0
        self.k: dict[str, int] = {}
        self.newest: dict[str, tuple[bytes, bytes, bytes]] = {}
        self.truth: list[tuple[str, int]] = []
        self.epoch = 0
        self.token = 0
        self.trading_day = 20260803
        self._position = Positions()
        self.log = server.log("arbiter")

    def lead(self, *, new_epoch: bool = True, resume_after_n: int | None = None) -> None:
        """Take the shard and commit the epoch marker."""
        self.log = self.server.log("arbiter")
        held = self.log.leadership(self.shard)
        self._position = self.log.positions(self.shard)
        self.epoch = max(self.epoch + 1, 1) if new_epoch else self.epoch
        leader = self.log.take(
            self.shard, LeadRequest(held.token, self._position.clean, self.epoch, b"lead")
        )
        self.token = leader.token
        resume_n = self.n if resume_after_n is None else resume_after_n
        self.n = resume_n + 1
        header = encode(CleanHeader(1, self.n, None, self.epoch, 1))
        mark = EpochMark(self.epoch, resume_n, self.log.incarnation())
        newest_raw = self.log.entries(RAW, shard=self.shard, newest_first=True, count=1)[0][0]
        out = (clean_id(newest_raw, 0), header, b"m", marker(MarkerKind.EPOCH, 1, mark))
        self._commit(newest_raw, [out])

    def tick(self, *names: str) -> None:
        """Commit one tick for each name."""
        raw = self._raw()
        self._commit(raw, [self._tick_out(raw, j, name) for j, name in enumerate(names)])

    def quality(self, name: str, quality: str) -> None:
        """Commit a quality marker."""
        raw = self._raw()
        header = self._header(name)
        symbol, exchange = name.split(".")
        body = marker(MarkerKind.QUALITY, 1, QualityMark(symbol, exchange, quality, "test"))
        self._commit(raw, [(clean_id(raw, 0), header, b"m", body)])

    def other(self, kind: str) -> None:
        """Commit a marker of the whole shard."""
        self.n += 1
        header = encode(CleanHeader(1, self.n, None, self.epoch, 1))
        raw = self._raw()
        self._commit(raw, [(clean_id(raw, 0), header, b"m", marker(kind, 1, []))])

    def beat(self) -> None:
        """Move log time on without any output, as a leader does ten times a second."""
        self._commit(self._raw(), [])

    def snapshot(self) -> None:
        """Commit a snapshot of the last ticks, as publishers read it."""
        at = self._position
        rows = list(self.newest.values())
        chunks = [rows[::2], rows[1::2]]
        for i, chunk in enumerate(chunks):
            self.log.save_chunk(
                self.shard, snapshot=at.raw, part=f"last-{i}", data=msgspec.msgpack.encode(chunk)
            )
        self.log.commit_snapshot(
            self.shard, token=self.token, manifest=Manifest(at.raw, self.n, "", 0, 2, 1)
        )

    def forget_after(self, n: int) -> None:
        """Cut the log back to n, as a power loss would; `restart` and `lead` must follow."""
        held = self.server.streams["clean", self.shard]
        keep = [e for e in held if decode_clean_header(e[1][1]).n <= n]
        held[:] = keep
        last = keep[-1][0] if keep else FIRST_ID
        state = self.server.shard(self.shard)
        state.positions = replace(state.positions, clean=last, n=n)
        self.n = n
        self.k = {}
        for _, fields in keep:
            if fields[2] == b"t":
                tick = msgspec.msgpack.decode(fields[3], type=CleanTick)
                self.k[tick.vt_symbol] = decode_clean_header(fields[1]).k or 0

    def _raw(self) -> bytes:
        with self.server.lock:
            return self.server.add(RAW, self.shard, [b"t", b""])

    def _header(self, name: str) -> bytes:
        self.n += 1
        self.k[name] = self.k.get(name, 0) + 1
        return encode(CleanHeader(1, self.n, self.k[name], self.epoch, time.time_ns()))

    def _tick_out(self, raw: bytes, j: int, name: str) -> CleanOut:
        header = self._header(name)
        payload = encode(clean_tick(name, self.n, self.trading_day))
        self.truth.append((name, self.n))
        out = (clean_id(raw, j), header, b"t", payload)
        self.newest[name] = (out[0], header, payload)
        return out

    def _commit(self, raw: bytes, outputs: list[CleanOut]) -> None:
        before = self._position
        at = Positions(
            raw=raw, clean=outputs[-1][0] if outputs else before.clean, n=self.n,
            log_ns=max(time.time_ns(), before.log_ns + 1), market_ns=1,
        )  # fmt: skip
        self.log.clean_append(self.shard, CleanBatch(self.token, before.raw, at, outputs))
        self._position = at
