"""The health report: facts and findings of now, as the monitor writes them about once a second.

It stands under one key of the server (`Log.save_health`, `Log.health`) as MessagePack arrays, like
everything on the wire: new fields are appended with defaults. `mdhub health`, the metrics, alerts,
the report of a trading day and the console all read it; nobody computes it twice.
"""

from __future__ import annotations

from typing import Final

import msgspec

from mdhub.wire.codec import decoder, encode

__all__ = [
    "SCHEMA",
    "CanaryFacts",
    "CoverageFacts",
    "Finding",
    "HealthReport",
    "ServerFacts",
    "ServiceFacts",
    "ShardFacts",
    "SourceFacts",
    "decode_health",
    "encode_health",
]

SCHEMA: Final = 1


class Finding(msgspec.Struct, array_like=True, frozen=True, kw_only=True):
    """Something that is wrong now. It begins once, ends once, and keeps its key between."""

    key: str
    """Names it for good: `rule:subject`."""
    rule: str
    """Name of the rule, a key of `mdhub.health.words` and a page of docs/ops."""
    subject: str
    """What it is about: a source, a service instance, a contract, a shard; empty for the hub."""
    severity: str
    """A `mdhub.wire.ops.Severity`: `error` wakes somebody."""
    since_ns: int
    """Wall time at which it began."""
    facts: dict[str, int | float | str] = {}
    """Numbers that the words of the rule name."""
    done: str = ""
    """What the hub did about it by itself: `restarted`, `quarantined`, ...; empty = nothing."""


class SourceFacts(msgspec.Struct, array_like=True, frozen=True, kw_only=True):
    """One source. Its ticks per second are of the last ten, the ranking is of the last hour."""

    name: str
    state: str
    """As its own heartbeat says."""
    wanted: bool = True
    """Whether it is to be connected now (schedule and operator)."""
    ticks_per_s: float = 0.0
    age_ms: int | None = None
    """Since its newest tick in raw; None = none seen yet."""
    win_rate: float | None = None
    """Share of accepted ticks that it delivered first."""
    lag_p50_ms: float | None = None
    """Behind the first source, of ticks that it did not deliver first."""
    lag_p99_ms: float | None = None
    gaps_per_h: float = 0.0
    duplicates_per_h: float = 0.0
    rejected_per_h: float = 0.0
    restarts: int = 0
    """Of this trading day."""
    subscribed: int = 0
    confirmed: int = 0
    rank: int = 0
    """1 = best; 0 = not ranked."""
    frozen: bool = False
    muted: str = ""
    down: str = ""
    score: float | None = None
    """Points of the ranking (docs/monitor.md); None = not ranked."""
    lag_ms: float = 0.0
    """Behind the first now: median of its last five seconds."""


class ServiceFacts(msgspec.Struct, array_like=True, frozen=True, kw_only=True):
    """One service instance."""

    instance: str
    state: str
    age_ms: int
    pid: int
    host: str = ""


class ShardFacts(msgspec.Struct, array_like=True, frozen=True, kw_only=True):
    """One shard of the log."""

    shard: int
    leader: str = ""
    """Instance that leads; empty = nobody."""
    standby: str = ""
    """Instance that stands by and agrees; empty = none."""
    epoch: int = 0
    n: int = 0
    log_age_ms: int = 0
    """Since log time last moved, by the monitor's clock."""
    behind: int = 0
    """Raw entries that are not decided yet."""


class ServerFacts(msgspec.Struct, array_like=True, frozen=True, kw_only=True):
    """The Redis or Valkey server."""

    used_bytes: int = 0
    limit_bytes: int = 0
    fsync_delayed: int = 0
    """Appends that waited for the disk, since the server started."""
    call_ms: float = 0.0
    """What a call took, of the last second: the slowest."""
    clock_offset_ms: float = 0.0
    """Its clock against this host's."""
    disk_free_bytes: int | None = None
    disk_total_bytes: int | None = None


class CanaryFacts(msgspec.Struct, array_like=True, frozen=True, kw_only=True):
    """One canary contract."""

    name: str
    """`symbol.EXCHANGE`."""
    age_ms: int
    limit_ms: int
    """Its own learned limit: older is silent."""
    open: bool
    """Whether it trades now."""
    by_source: dict[str, int] = {}
    """Age in ms of its newest tick from each source."""


class CoverageFacts(msgspec.Struct, array_like=True, frozen=True, kw_only=True):
    """Contracts of the wanted universe."""

    wanted: int = 0
    seen: int = 0
    """Of them with a tick in this trading day."""
    silent: int = 0
    """Of those that trade now, quieter than their own learned limit."""
    examples: list[str] = []
    """At most ten silent ones."""


class HealthReport(msgspec.Struct, array_like=True, frozen=True, kw_only=True):
    """Everything, as of `ts_ns`."""

    v: int = SCHEMA
    ts_ns: int = 0
    monitor: str = ""
    market_ns: int = 0
    trading_day: int = 0
    """YYYYMMDD; 0 = none now."""
    session: str = ""
    """`night`, `day`, `break`, `closed` or `holiday`: of the market as a whole."""
    next_open_ns: int = 0
    """Market time; 0 = beyond the calendar."""
    horizon_days: int = 0
    """Days that the calendar still covers."""
    accepted_per_s: float = 0.0
    """Entries committed to clean since the report before this one (about 1 s), markers included."""
    latency_p50_ms: float | None = None
    """Gateway callback to commit in clean."""
    latency_p99_ms: float | None = None
    gap_s_today: float = 0.0
    """Seconds of this trading day in which canaries were due and nobody delivered them."""
    sources: list[SourceFacts] = []
    services: list[ServiceFacts] = []
    shards: list[ShardFacts] = []
    server: ServerFacts = ServerFacts()
    canaries: list[CanaryFacts] = []
    coverage: CoverageFacts = CoverageFacts()
    findings: list[Finding] = []


decode_health: Final = decoder(HealthReport)
"""Raises DecodeError."""


def encode_health(report: HealthReport) -> bytes:
    """Encode for the server."""
    return encode(report)
