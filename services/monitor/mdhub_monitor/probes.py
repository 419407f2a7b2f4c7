"""Collects facts from the server and the host. Thin: no rule is here."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from mdhub.health.watched import NOTE, decode_watched
from mdhub.runtime.heartbeat import decode_beat
from mdhub.streams.ids import id_parts
from mdhub.streams.port import FIRST_ID, Log
from mdhub.streams.topology import CLEAN, RAW, Stream
from mdhub.wire.codec import DecodeError, decode_clean_header, decode_clean_tick
from mdhub.wire.ticks import Flag
from mdhub_monitor.asked import NOTHING, Asked, asked_of
from mdhub_monitor.rules.clocks import Offset
from mdhub_monitor.rules.readers import ReaderFact
from mdhub_monitor.rules.server import ServerFact
from mdhub_monitor.rules.services import BeatFact
from mdhub_monitor.rules.shards import ShardFact

__all__ = [
    "Outside",
    "Sample",
    "read_asked",
    "read_beats",
    "read_latencies",
    "read_outside",
    "read_server",
]

MS_NS: Final = 1_000_000
BEHIND_COUNT: Final = 1_000
LATENCY_SAMPLE: Final = 200
_CLEAN_FIELDS: Final = 4


@dataclass(frozen=True, slots=True)
class Outside:
    """Everything but the market, as of one look."""

    beats: Mapping[str, BeatFact] = field(default_factory=dict)
    server: ServerFact = field(default_factory=ServerFact)
    shards: list[ShardFact] = field(default_factory=list)
    readers: list[ReaderFact] = field(default_factory=list)
    contracts: int = 0
    """Rows of the contract table the hub was given."""


def read_asked(log: Log, before: Asked) -> Asked:
    """What accounts ask for; one that cannot be read changes nothing."""
    note = log.note(NOTE)
    try:
        return NOTHING if note is None else asked_of(decode_watched(note))
    except DecodeError:
        return before


def read_beats(log: Log) -> dict[str, BeatFact]:
    """Newest heartbeat of every service instance; unreadable ones are left out."""
    facts: dict[str, BeatFact] = {}
    for instance, payload in log.beats().items():
        try:
            beat = decode_beat(payload)
        except DecodeError:
            continue
        facts[instance] = BeatFact(
            beat.service, beat.pid, beat.ts_ns, beat.state, beat.counters, beat.host
        )
    return facts


def read_server(log: Log, folder: Path) -> ServerFact:
    """Ask the server; how far its wall clock is from ours follows from two looks at ours."""
    before_ns, steady_ns = time.time_ns(), time.monotonic_ns()
    facts = log.server_facts()
    after_ns, server_ns = time.time_ns(), facts.now_ms * MS_NS
    free, total = _disk(folder)
    return ServerFact(
        used_bytes=facts.used_bytes,
        limit_bytes=facts.limit_bytes,
        fsync_delayed=facts.fsync_delayed,
        call_ms=(time.monotonic_ns() - steady_ns) / MS_NS,
        offset=Offset(server_ns - after_ns, server_ns + MS_NS - before_ns),
        disk_free_bytes=free,
        disk_total_bytes=total,
    )


def read_outside(log: Log, *, shards: int, server: ServerFact, contracts: int) -> Outside:
    """Heartbeats, shards and readers."""
    beats = read_beats(log)
    facts: list[ShardFact] = []
    readers: list[ReaderFact] = []
    for shard in range(shards):
        lead, at = log.watch(shard)
        behind = log.entries(RAW, shard=shard, first=b"(" + at.raw, count=BEHIND_COUNT)
        facts.append(
            ShardFact(shard, at.n, at.log_ns, at.market_ns, lead.epoch, lead.beat, len(behind))
        )
        for stream in (RAW, CLEAN):
            readers += _readers(log, stream, shard)
    return Outside(beats, server, facts, readers, contracts)


class Sample(NamedTuple):
    """Newest ticks of clean."""

    newest: bytes
    """Id of the newest entry."""
    latencies_ms: list[float]
    """From gateway callback to commit."""
    unconfirmed: int
    """Of them accepted without a second source agreeing."""


def read_latencies(log: Log, shard: int, after: bytes) -> Sample:
    """Look at the newest ticks behind `after`."""
    entries = log.entries(CLEAN, shard=shard, count=LATENCY_SAMPLE, newest_first=True)
    found: list[float] = []
    unconfirmed = 0
    for entry_id, fields in entries:
        if id_parts(entry_id) <= id_parts(after):
            break
        if len(fields) == _CLEAN_FIELDS and fields[2] == b"t":
            try:
                header, tick = decode_clean_header(fields[1]), decode_clean_tick(fields[3])
            except DecodeError:
                continue
            found.append((header.arb_ns - tick.recv_ns) / MS_NS)
            unconfirmed += bool(tick.flags & Flag.UNCONFIRMED)
    return Sample(entries[0][0] if entries else after, found, unconfirmed)


def _readers(log: Log, stream: Stream, shard: int) -> list[ReaderFact]:
    first, newest = (
        log.entries(stream, shard=shard, count=1, newest_first=last) for last in (False, True)
    )
    first_ms, newest_ms = (_ms(held[0][0] if held else FIRST_ID) for held in (first, newest))
    found: list[ReaderFact] = []
    for name, each in log.cursors(shard, stream).items():
        unread = log.entries(stream, shard=shard, first=b"(" + each.cursor, count=1)
        found.append(
            ReaderFact(
                reader=f"{stream.name} {shard} {name}",
                at_ms=_ms(each.cursor),
                age_ms=each.age_ms,
                first_ms=first_ms,
                next_ms=_ms(unread[0][0]) if unread else 0,
                newest_ms=newest_ms,
            )
        )
    return found


def _ms(entry_id: bytes) -> int:
    return id_parts(entry_id)[0]


def _disk(folder: Path) -> tuple[int | None, int | None]:
    try:
        usage = shutil.disk_usage(folder)
    except OSError:
        return None, None
    return usage.free, usage.total
