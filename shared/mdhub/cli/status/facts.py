"""Reads the state of a hub from its log: one look, frozen."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from mdhub.health.model import decode_health
from mdhub.runtime.heartbeat import ENDED, Beat, decode_beat, leading
from mdhub.streams.ids import id_parts
from mdhub.streams.port import FIRST_ID, Leadership, Log, ServerFacts
from mdhub.streams.topology import CLEAN, RAW, TOPOLOGY, Stream
from mdhub.streams.trim import FORGOTTEN_MS
from mdhub.wire.codec import DecodeError

__all__ = ["GONE_MS", "HubFacts", "Service", "Shard", "Source", "StreamFacts", "read_facts"]

BEAT_PATIENCE_S: Final = 1.5
"""A leader commits at least every 0.1 s; on a busy machine it may take longer."""
GONE_MS: Final = 86_400_000
"""Who has been silent for a day was taken out of service: not listed, not missed."""
ENDED_LISTED_MS: Final = 600_000
"""Who said that it ends is listed for so long."""
_POLL_S: Final = 0.05
_RATES_MAX_AGE_NS: Final = 5_000_000_000


@dataclass(frozen=True, slots=True)
class Service:
    """Newest heartbeat of a service instance."""

    instance: str
    pid: int
    state: str
    age_ms: int
    counters: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Source:
    """A source: what it delivers (monitor), has (itself) and what became of it (arbiter)."""

    name: str
    state: str
    ticks_per_s: float | None
    waiting: int
    won: int
    duplicate: int
    late: int
    rejected: int


@dataclass(frozen=True, slots=True)
class StreamFacts:
    """A stream; ages are None while it is empty."""

    name: str
    shard: int | None
    length: int
    bytes: int
    oldest_age_ms: int | None
    newest_age_ms: int | None


@dataclass(frozen=True, slots=True)
class Shard:
    """Who leads a shard and how far it is."""

    shard: int
    token: int
    epoch: int
    incarnation: str
    led: bool
    """A leader has taken this server process, and its beat moves."""
    n: int
    lag_ms: int | None
    """Newest raw entry against the newest one whose outputs are in clean."""
    cursor_lag_ms: Mapping[str, int | None]
    """Registered readers against the newest entry of what they read."""


@dataclass(frozen=True, slots=True)
class HubFacts:
    """One look at a hub."""

    server: ServerFacts
    shards: tuple[Shard, ...]
    services: tuple[Service, ...]
    sources: tuple[Source, ...]
    streams: tuple[StreamFacts, ...]
    configured_shards: int | None = None
    """What the configuration says, where it says anything; `shards` has as many as the log."""


def read_facts(log: Log, configured_shards: int | None, *, silent_ms: int) -> HubFacts:
    """Look once. Takes 0.1 s while all shards are led, up to 1.5 s otherwise."""
    shards = log.shards() or configured_shards or 1
    led = _led(log, range(shards))
    server = log.server_facts()
    listed = (s for s in _services(log.beats(), time.time_ns()) if s.age_ms <= _listed_ms(s))
    services = tuple(listed)
    fresh = [s for s in services if s.age_ms <= silent_ms and s.state != ENDED]
    streams = [
        _stream(log, stream, shard, server.now_ms)
        for stream in TOPOLOGY.values()
        for shard in (range(shards) if stream.sharded else (None,))
    ]
    return HubFacts(
        server=server,
        shards=tuple(_shard(log, shard, leader, moves) for shard, (leader, moves) in led.items()),
        services=services,
        sources=tuple(_sources(services, fresh, _rates(log.health(), time.time_ns()))),
        streams=tuple(streams),
        configured_shards=configured_shards,
    )


def _listed_ms(service: Service) -> int:
    return ENDED_LISTED_MS if service.state == ENDED else GONE_MS


def _led(log: Log, shards: Iterable[int]) -> dict[int, tuple[Leadership, bool]]:
    """Leadership of each shard, and whether its beat moves (by no clock but ours)."""
    first = {shard: log.leadership(shard) for shard in shards}
    found = {shard: (leader, False) for shard, leader in first.items()}
    deadline_s = time.monotonic() + BEAT_PATIENCE_S
    while time.monotonic() < deadline_s:
        for shard, before in first.items():
            now = log.leadership(shard)
            moves = now.beat != before.beat and now.incarnation == log.incarnation(shard)
            found[shard] = (now, found[shard][1] or moves)
        if all(moves for _, moves in found.values()):
            break
        time.sleep(_POLL_S)
    return found


def _shard(log: Log, shard: int, leader: Leadership, moves: bool) -> Shard:  # noqa: FBT001 - private
    newest = {stream.name: _newest_id(log, stream, shard) for stream in (RAW, CLEAN)}
    at = log.positions(shard)
    cursors = {
        reader: _lag_ms(newest[stream.name], at_reader.cursor)
        for stream in (RAW, CLEAN)
        for reader, at_reader in sorted(log.cursors(shard, stream).items())
        if at_reader.age_ms <= FORGOTTEN_MS
    }
    return Shard(
        shard=shard,
        token=leader.token,
        epoch=leader.epoch,
        incarnation=leader.incarnation[:8],
        led=moves,
        n=at.n,
        lag_ms=_lag_ms(newest[RAW.name], at.raw),
        cursor_lag_ms=cursors,
    )


def _newest_id(log: Log, stream: Stream, shard: int) -> bytes:
    newest = log.entries(stream, shard=shard, count=1, newest_first=True)
    return newest[0][0] if newest else FIRST_ID


def _lag_ms(newest: bytes, position: bytes) -> int | None:
    if FIRST_ID in {newest, position}:
        return None
    return max(0, id_parts(newest)[0] - id_parts(position)[0])


def _stream(log: Log, stream: Stream, shard: int | None, now_ms: int) -> StreamFacts:
    at = shard or 0
    ends = (
        log.entries(stream, shard=at, count=1),
        log.entries(stream, shard=at, count=1, newest_first=True),
    )
    # What is written while we look is newer than the server's time asked for before.
    oldest, newest = (max(0, now_ms - id_parts(end[0][0])[0]) if end else None for end in ends)
    length, used = log.length(stream, shard=at), log.memory_bytes(stream, shard=at)
    return StreamFacts(stream.name, shard, length, used, oldest, newest)


def _services(payloads: Mapping[str, bytes], now_ns: int) -> Iterable[Service]:
    for instance, payload in sorted(payloads.items()):
        try:
            beat: Beat = decode_beat(payload)
        except DecodeError:
            continue
        age_ms = max(0, now_ns - beat.ts_ns) // 1_000_000
        yield Service(instance, beat.pid, beat.state, age_ms, beat.counters)


def _sources(
    services: Iterable[Service], fresh: Iterable[Service], rates: Mapping[str, float]
) -> Iterable[Source]:
    became: Counter[str] = Counter()
    arbiters = [service for service in fresh if service.instance.startswith("arbiter:")]
    for counters in leading((arbiter.state, arbiter.counters) for arbiter in arbiters):
        became.update(counters)
    for service in services:
        kind, _, name = service.instance.partition(":")
        if kind == "ingest":
            yield Source(
                name=name,
                state=service.state,
                ticks_per_s=rates.get(name),
                waiting=service.counters.get("waiting", 0),
                won=became[f"accepted:{name}"],
                duplicate=became[f"duplicate:{name}"],
                late=became[f"late:{name}"],
                rejected=became[f"rejected:{name}"],
            )


def _rates(payload: bytes | None, now_ns: int) -> dict[str, float]:
    """What the monitor says of each source in its health report, unless that is old."""
    try:
        report = decode_health(payload or b"")
    except DecodeError:
        return {}
    if now_ns - report.ts_ns > _RATES_MAX_AGE_NS:
        return {}
    return {facts.name: facts.ticks_per_s for facts in report.sources}
