"""Rows of the console: entries of the log by field name, each encoded once. Pure.

Every row begins with its stream id; a browser gives it back to go on where it was.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import msgspec

from mdhub.market.products import exchange_of
from mdhub.streams.port import Entry
from mdhub.wire import ticks
from mdhub.wire.codec import (
    DecodeError,
    decode_event,
    decode_log_line,
    decode_raw_tick,
    decode_rejected_header,
)
from mdhub.wire.ops import LEVELS, Event
from mdhub_console.live.named import RawTick, named

__all__ = [
    "EventRow",
    "LogRow",
    "RejectedRow",
    "Row",
    "event_of",
    "event_row",
    "log_row",
    "rejected_row",
    "row_of",
]

MAX_TEXT: Final = 4_000
"""Characters of a row that a text filter looks at."""

encode_json: Final = msgspec.json.Encoder().encode


class EventRow(msgspec.Struct, frozen=True, kw_only=True):
    """An event, as the API shows it."""

    id: str
    """Stream id."""
    ts_ns: int
    service: str
    kind: str
    subject: str
    severity: str
    correlation_id: str
    body: dict[str, Any]


class LogRow(msgspec.Struct, frozen=True, kw_only=True):
    """A log line, as the API shows it."""

    id: str
    ts_ns: int
    level: str
    service: str
    event: str
    correlation_id: str
    fields: dict[str, Any]


class RejectedRow(msgspec.Struct, frozen=True, kw_only=True):
    """A tick that was refused, is late or held."""

    id: str
    shard: int
    ts_ms: int
    """When it came into raw, by the server's clock."""
    raw_id: str
    verdict: str
    reason: str
    source: str
    symbol: str = ""
    """Empty where the raw payload cannot be read."""
    exchange: str = ""
    """As sent, else by the product; empty = neither is known."""
    update_time: str = ""
    update_ms: int = 0
    last: float | None = None
    volume: int | None = None
    tick: RawTick | None = None


class Row(NamedTuple):
    """A row as windows hold it: what filters look at, and what is sent."""

    id: bytes
    json: bytes
    level: int = 0
    """Of log lines: place in `LEVELS`; what is not known stands above all."""
    name: str = ""
    """Service of a line, kind of an event, reason of a rejection."""
    text: str = ""
    """In lower case: what a text filter looks at."""
    ts_ns: int = 0

    @property
    def size(self) -> int:
        """Bytes it takes, about."""
        return len(self.json) + 2 * len(self.text) + 200


def row_of(entry_id: bytes, shown: object, **facts: Any) -> Row:
    """Encode what is shown of an entry."""
    return Row(entry_id, encode_json(shown), **facts)


def event_of(entry: Entry) -> Event | None:
    """Decode an event; None = somebody else's broken one."""
    try:
        return decode_event(entry[1][1])
    except (DecodeError, IndexError):
        return None


def event_row(entry_id: bytes, event: Event) -> EventRow:
    """Name the fields of an event."""
    return EventRow(
        id=entry_id.decode(),
        ts_ns=event.ts_ns,
        service=event.service,
        kind=event.kind,
        subject=event.subject,
        severity=event.severity,
        correlation_id=event.correlation_id,
        body=event.body,
    )


def log_row(entry: Entry) -> LogRow | None:
    """Name the fields of a log line; None = a broken one."""
    try:
        line = decode_log_line(entry[1][1])
    except (DecodeError, IndexError):
        return None
    return LogRow(
        id=entry[0].decode(),
        ts_ns=line.ts_ns,
        level=line.level,
        service=line.service,
        event=line.event,
        correlation_id=line.correlation_id,
        fields=line.fields,
    )


def rejected_row(shard: int, entry: Entry, *, whole: bool = False) -> RejectedRow | None:
    """Name the fields of a rejected entry, `whole` with the raw tick; None = a broken one."""
    entry_id, fields = entry
    try:
        header = decode_rejected_header(fields[1])
    except (DecodeError, IndexError):
        return None
    tick = _tick(fields)
    facts: dict[str, Any] = {}
    if tick is not None:
        facts = {
            "symbol": tick.symbol,
            "exchange": tick.exchange or exchange_of(tick.symbol) or "",
            "update_time": tick.update_time,
            "update_ms": tick.update_ms,
            "last": tick.last,
            "volume": tick.volume,
            "tick": named(RawTick, tick) if whole else None,
        }
    return RejectedRow(
        id=entry_id.decode(),
        shard=shard,
        ts_ms=int(entry_id.partition(b"-")[0]),
        raw_id=header.raw_id,
        verdict=header.verdict,
        reason=header.reason,
        source=header.source,
        **facts,
    )


def rank_of(level: str) -> int:
    """Place of a level; one of a later release is shown whatever was asked for."""
    return LEVELS.index(level) if level in LEVELS else len(LEVELS)


def held_log(row: LogRow) -> Row:
    """A line as the window holds it."""
    facts = " ".join(f"{name}={value}" for name, value in row.fields.items())
    text = f"{row.service} {row.event} {facts} {row.correlation_id}"[:MAX_TEXT].lower()
    return row_of(
        row.id.encode(),
        row,
        level=rank_of(row.level),
        name=row.service,
        text=text,
        ts_ns=row.ts_ns,
    )


def _tick(fields: list[bytes]) -> ticks.RawTick | None:
    try:
        return decode_raw_tick(fields[3])
    except (DecodeError, IndexError):
        return None
