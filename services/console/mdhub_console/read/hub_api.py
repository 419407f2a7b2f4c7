"""GET /api/status, health, sources, coverage, alerts, schedule, leadership, settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.params import PathParameter

from mdhub.calendar.note import SUPERVISOR
from mdhub.config import load
from mdhub.config.show import settings as settings_of
from mdhub.runtime.standing import read_beat, speaks
from mdhub.streams.topology import EVENTS
from mdhub.wire.ops import EventKind
from mdhub_console.identity.guards import requires
from mdhub_console.identity.model import Role
from mdhub_console.live.named import CanaryFacts, CoverageFacts
from mdhub_console.live.rows import EventRow, event_of, event_row
from mdhub_console.parts import Parts
from mdhub_console.read.alerts import Alerts, alerts_of
from mdhub_console.read.errors import NothingKnown, UnknownSource
from mdhub_console.read.paging import Page, Range, page_of
from mdhub_console.read.status import Health, Source, Status, health_of, sources_of, status_of

__all__ = [
    "alerts",
    "coverage",
    "health",
    "leadership",
    "schedule",
    "settings",
    "source",
    "sources",
    "status",
    "supervised",
]

SourceName = Annotated[str, PathParameter(max_length=64, description="Name of a source.")]
OF_SCHEDULE: Final = frozenset(
    {EventKind.SESSION, EventKind.SCHEDULE, EventKind.CHECKLIST, EventKind.CALENDAR}
)
FORGOTTEN_MS: Final = 24 * 3_600_000
"""A supervisor that is silent for so long does not come back."""
SHOWN: Final = 50


class SourceCoverage(msgspec.Struct, frozen=True, kw_only=True):
    """How many contracts a source was asked for, and has shown."""

    name: str
    subscribed: int
    confirmed: int


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """Contracts of the wanted universe, canaries, and what each source covers."""

    age_ms: int | None
    coverage: CoverageFacts
    canaries: list[CanaryFacts]
    sources: list[SourceCoverage]


class Supervised(msgspec.Struct, frozen=True, kw_only=True):
    """A source as its supervisor runs it."""

    supervisor: str
    source: str
    age_ms: int
    """Of the supervisor's heartbeat."""
    heard: bool
    """Whether the supervisor still speaks; if not, what follows is what it said last."""
    wanted: bool
    held: bool
    running: bool
    quarantined: bool


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """Where the trading day stands, who runs, what happened last."""

    age_ms: int | None
    market_ns: int
    trading_day: int
    session: str
    next_open_ns: int
    horizon_days: int
    sources: list[Supervised]
    events: list[EventRow]


class ShardLead(msgspec.Struct, frozen=True, kw_only=True):
    """Who leads a shard and how far it is, as the log itself says."""

    shard: int
    token: int
    epoch: int
    beat: int
    resigned: bool
    incarnation: str
    n: int
    log_ns: int
    market_ns: int
    leader: str
    """By the health report."""
    standby: str


class Leadership(msgspec.Struct, frozen=True, kw_only=True):
    """Of all shards, and the newest changes."""

    shards: list[ShardLead]
    events: list[EventRow]


class SettingRow(msgspec.Struct, frozen=True, kw_only=True):
    """One value in force; secrets are redacted."""

    key: str
    value: Any
    origin: str


@get("/api/status", guards=[requires(Role.VIEWER)], sync_to_thread=False)
def status(parts: NamedDependency[Parts]) -> Status:
    """Everything the first page says, each with its age."""
    live = parts.live
    return status_of(live.view, now_ns=live.now_ns(), silent_ms=live.silent_ms)


@get("/api/health", guards=[requires(Role.VIEWER)], sync_to_thread=False)
def health(parts: NamedDependency[Parts]) -> Health:
    """The newest health report, and how far it can be believed."""
    live = parts.live
    return health_of(live.view, now_ns=live.now_ns(), silent_ms=live.silent_ms)


@get("/api/sources", guards=[requires(Role.VIEWER)], sync_to_thread=False)
def sources(parts: NamedDependency[Parts]) -> list[Source]:
    """Every source that monitor or arbiters speak of."""
    live = parts.live
    return sources_of(live.view, now_ns=live.now_ns(), silent_ms=live.silent_ms)


@get("/api/sources/{name:str}", guards=[requires(Role.VIEWER)], sync_to_thread=False)
def source(parts: NamedDependency[Parts], name: SourceName) -> Source:
    """One source."""
    live = parts.live
    found = sources_of(live.view, now_ns=live.now_ns(), silent_ms=live.silent_ms)
    one = next((each for each in found if each.name == name), None)
    if one is None:
        known = ", ".join(each.name for each in found) or "none"
        raise UnknownSource(f"source was {name!r}; the hub knows {known}")
    return one


@get("/api/coverage", guards=[requires(Role.VIEWER)], sync_to_thread=False)
def coverage(parts: NamedDependency[Parts]) -> Coverage:
    """Contracts wanted, seen and silent; canaries beside their learned limits."""
    live = parts.live
    known = health_of(live.view, now_ns=live.now_ns(), silent_ms=live.silent_ms)
    if known.report is None:
        raise NothingKnown(known.sentence)
    each_source = [
        SourceCoverage(name=s.name, subscribed=s.subscribed, confirmed=s.confirmed)
        for s in known.report.sources
    ]
    return Coverage(
        age_ms=known.age_ms,
        coverage=known.report.coverage,
        canaries=known.report.canaries,
        sources=each_source,
    )


@get("/api/alerts", guards=[requires(Role.VIEWER)], sync_to_thread=False)
def alerts(parts: NamedDependency[Parts]) -> Alerts:
    """Alerts that last, silences, channels."""
    return alerts_of(parts.live.view, now_ns=parts.live.now_ns())


@get("/api/schedule", guards=[requires(Role.VIEWER)], sync_to_thread=True)
def schedule(parts: NamedDependency[Parts]) -> Schedule:
    """Where the trading day stands, what the supervisors run, what the schedule did last."""
    live = parts.live
    now_ns = live.now_ns()
    known = status_of(live.view, now_ns=now_ns, silent_ms=live.silent_ms)
    return Schedule(
        age_ms=known.age_ms,
        market_ns=known.market_ns,
        trading_day=known.trading_day,
        session=known.session,
        next_open_ns=known.next_open_ns,
        horizon_days=known.horizon_days,
        sources=supervised(live.view.beats, silent_ms=live.silent_ms, now_ns=now_ns),
        events=_events(parts, OF_SCHEDULE).rows,
    )


@get("/api/leadership", guards=[requires(Role.VIEWER)], sync_to_thread=True)
def leadership(parts: NamedDependency[Parts]) -> Leadership:
    """Who leads each shard, in which epoch, and the newest changes of leadership."""
    report = parts.live.view.report
    facts = {each.shard: each for each in report.shards} if report else {}
    shards: list[ShardLead] = []
    with parts.log.borrow() as log:
        for shard in range(log.shards() or 1):
            leader, at = log.watch(shard)
            told = facts.get(shard)
            shards.append(
                ShardLead(
                    shard=shard,
                    token=leader.token,
                    epoch=leader.epoch,
                    beat=leader.beat,
                    resigned=leader.resigned,
                    incarnation=leader.incarnation[:8],
                    n=at.n,
                    log_ns=at.log_ns,
                    market_ns=at.market_ns,
                    leader=told.leader if told else "",
                    standby=told.standby if told else "",
                )
            )
    return Leadership(shards=shards, events=_events(parts, {EventKind.LEADERSHIP}).rows)


@get("/api/settings", guards=[requires(Role.ADMIN)], sync_to_thread=True)
def settings(parts: NamedDependency[Parts]) -> list[SettingRow]:
    """The configuration in force on this host, with origins and without secrets."""
    rows = settings_of(load(parts.settings.config))
    return [SettingRow(key=row.key, value=row.value, origin=row.origin) for row in rows]


def _events(parts: Parts, kinds: frozenset[EventKind] | set[EventKind]) -> Page[EventRow]:
    def parse(entry: tuple[bytes, list[bytes]]) -> EventRow | None:
        event = event_of(entry)
        wanted = event is not None and event.kind in kinds
        return event_row(entry[0], event) if event is not None and wanted else None

    with parts.log.borrow() as log:
        return page_of(log, EVENTS, parse, within=Range(), limit=SHOWN)


def supervised(beats: Mapping[str, bytes], *, silent_ms: int, now_ns: int) -> list[Supervised]:
    """Every source as its supervisor's heartbeat has it.

    One that is silent is heard of no more where another supervisor has its source, and after a day.
    """
    found: list[Supervised] = []
    for instance, payload in sorted(beats.items()):
        beat = read_beat(payload) if instance.startswith(SUPERVISOR) else None
        if beat is None or now_ns - beat.ts_ns > FORGOTTEN_MS * 1_000_000:
            continue
        heard = speaks(beat, silent_ms, now_ns)
        said = beat.counters
        names = sorted(key.partition(":")[2] for key in said if key.startswith("wanted:"))
        found += [
            Supervised(
                supervisor=instance,
                source=name,
                age_ms=(now_ns - beat.ts_ns) // 1_000_000,
                heard=heard,
                wanted=bool(said.get(f"wanted:{name}")),
                held=bool(said.get(f"held:{name}")),
                running=bool(said.get(f"running:{name}")),
                quarantined=bool(said.get(f"quarantined:{name}")),
            )
            for name in names
        ]
    taken = {each.source for each in found if each.heard}
    return [each for each in found if each.heard or each.source not in taken]
