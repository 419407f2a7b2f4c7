"""GET /api/events, /api/logs, /api/rejected: pages of the streams, filtered on this side."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from mdhub.streams.port import Entry
from mdhub.streams.topology import EVENTS, LOGS, REJECTED
from mdhub.wire.ops import LEVELS, Severity
from mdhub_console.identity.guards import requires
from mdhub_console.identity.model import Role
from mdhub_console.live.choice import BadChoice, LineFilter
from mdhub_console.live.line_counts import LineCounts, line_counts
from mdhub_console.live.rows import (
    EventRow,
    LogRow,
    RejectedRow,
    event_of,
    event_row,
    held_log,
    log_row,
    rejected_row,
)
from mdhub_console.live.sse import Level, Services, Since, Text, level_of
from mdhub_console.live.view import ReasonTrend
from mdhub_console.parts import Parts
from mdhub_console.read.paging import After, Before, Limit, Page, Shard, page_of, range_of, shard_in

__all__ = ["events", "log_counts", "logs", "rejected", "rejected_counts"]

Word = Annotated[str, QueryParameter(max_length=200)]
SEVERITIES: Final = tuple(str(each) for each in Severity)


class RejectedCounts(msgspec.Struct, frozen=True, kw_only=True):
    """How often each reason came, in the last 15 minutes."""

    reasons: list[ReasonTrend]
    minutes: int


@get("/api/events", guards=[requires(Role.VIEWER)], sync_to_thread=True)
def events(  # noqa: PLR0913 - parameters of a request
    parts: NamedDependency[Parts],
    *,
    kind: Word = "",
    severity: Word = "info",
    subject: Word = "",
    correlation: Word = "",
    before: Before = "",
    after: After = "",
    limit: Limit = 100,
) -> Page[EventRow]:
    """Events, newest first. `kind`: comma-separated; without it all."""
    if severity not in SEVERITIES:
        raise BadChoice(f"severity was {severity!r}, expected one of {', '.join(SEVERITIES)}")
    kinds = frozenset(filter(None, kind.split(",")))
    least = SEVERITIES.index(severity)

    def parse(entry: Entry) -> EventRow | None:
        event = event_of(entry)
        if event is None or (kinds and event.kind not in kinds):
            return None
        known = SEVERITIES.index(event.severity) if event.severity in SEVERITIES else least
        if known < least or subject not in {"", event.subject}:
            return None
        return event_row(entry[0], event) if correlation in {"", event.correlation_id} else None

    with parts.log.borrow() as log:
        return page_of(log, EVENTS, parse, within=range_of(before, after), limit=limit)


@get("/api/logs", guards=[requires(Role.VIEWER)], sync_to_thread=True)
def logs(  # noqa: PLR0913 - parameters of a request
    parts: NamedDependency[Parts],
    *,
    level: Level = LEVELS[0],
    service: Services = "",
    text: Text = "",
    since: Since = 0,
    before: Before = "",
    after: After = "",
    limit: Limit = 200,
) -> Page[LogRow]:
    """Log lines of all services, newest first."""
    chosen = LineFilter(
        level_of(level), frozenset(filter(None, service.split(","))), text.lower(), since * 10**6
    )

    def parse(entry: Entry) -> LogRow | None:
        row = log_row(entry)
        return row if row is not None and chosen.passes(held_log(row)) else None

    within = range_of(before, after, since_ms=since)
    with parts.log.borrow() as log:
        return page_of(log, LOGS, parse, within=within, limit=limit)


@get("/api/logs/counts", guards=[requires(Role.VIEWER)], sync_to_thread=True)
def log_counts(
    parts: NamedDependency[Parts],
    *,
    level: Level = LEVELS[0],
    service: Services = "",
    text: Text = "",
) -> LineCounts:
    """How many of the newest lines (50,000 at most) match, and how many each choice would add."""
    services = frozenset(filter(None, service.split(",")))
    chosen = LineFilter(level_of(level), services, text.lower())
    return line_counts(parts.live.view.rows("logs"), chosen)


@get("/api/rejected", guards=[requires(Role.VIEWER)], sync_to_thread=True)
def rejected(  # noqa: PLR0913 - parameters of a request
    parts: NamedDependency[Parts],
    *,
    source: Word = "",
    reason: Word = "",
    verdict: Word = "",
    symbol: Word = "",
    shard: Shard = 0,
    before: Before = "",
    after: After = "",
    limit: Limit = 100,
) -> Page[RejectedRow]:
    """Ticks of a shard that were refused, late or held, with the raw tick, newest first."""

    def parse(entry: Entry) -> RejectedRow | None:
        row = rejected_row(shard, entry, whole=True)
        if row is None or source not in {"", row.source} or reason not in {"", row.reason}:
            return None
        names = {"", row.symbol, f"{row.symbol}.{row.exchange}"}
        return row if verdict in {"", row.verdict} and symbol in names else None

    within = range_of(before, after)
    with parts.log.borrow() as log:
        return page_of(log, REJECTED, parse, within=within, limit=limit, shard=shard_in(log, shard))


@get("/api/rejected/counts", guards=[requires(Role.VIEWER)], sync_to_thread=False)
def rejected_counts(parts: NamedDependency[Parts]) -> RejectedCounts:
    """How often each reason came, minute by minute, of all shards."""
    reasons = parts.live.view.reasons(now_ns=parts.live.now_ns())
    return RejectedCounts(reasons=reasons, minutes=15)
