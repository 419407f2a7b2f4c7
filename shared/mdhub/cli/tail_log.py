"""`mdhub tail --rejected`, `--events` and `--logs`: follow streams of the log."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Final, Generic, TypeVar

import msgspec

from mdhub.cli.formats import Format, named_tick, writer
from mdhub.cli.hubs import HubAddress
from mdhub.cli.pipe import reader_may_leave
from mdhub.cli.scrolling import scrolling_table
from mdhub.cli.speaker import Speaker
from mdhub.market.products import exchange_of
from mdhub.runtime.backoff import Backoff
from mdhub.runtime.outage import Outage
from mdhub.streams import open_log
from mdhub.streams.errors import StreamsError
from mdhub.streams.ids import id_parts
from mdhub.streams.port import FIRST_ID, Entry, Log
from mdhub.streams.topology import EVENTS, LOGS, REJECTED, Stream
from mdhub.wire.codec import (
    DecodeError,
    decode_event,
    decode_log_line,
    decode_raw_tick,
    decode_rejected_header,
)
from mdhub.wire.entries import RejectedHeader
from mdhub.wire.ops import LEVELS, Event, LogLine, Severity
from mdhub.wire.ticks import CHINA_TIME, RawTick
from mdhub.wire.topics import instrument_matcher

__all__ = ["LogFilter", "follow_events", "follow_lines", "follow_rejected"]

LOOK_BACK: Final = 5_000
"""Entries in which the newest rows that pass are looked for."""
BLOCK_MS: Final = 200
READ_COUNT: Final = 500
REJECTED_COLUMNS: Final = ("time", "source", "verdict", "reason", "contract", "last")
LINE_COLUMNS: Final = ("time", "level", "service", "event", "facts")
EVENT_COLUMNS: Final = ("time", "severity", "kind", "subject", "facts")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which entries are shown."""

    patterns: Sequence[str] = ("*",)
    """Instruments of rejected ticks; one without an exchange is known by its product."""
    source: str | None = None
    """Of rejected ticks the source, of events the subject, of lines `service` or `service:id`."""
    reasons: Sequence[str] = ()
    """Reasons of rejected ticks; empty = all."""
    kinds: Sequence[str] = ()
    """Kinds of events; empty = all."""
    severity: Severity = Severity.INFO
    """Events of this severity and above."""
    level: str = "info"
    """Lines of this level and above."""
    since_ms: int | None = None
    """All rows from this moment on, by the server's clock; None = the newest `last`."""
    last: int = 10
    """So many of the newest rows first."""
    count: int | None = None
    """End after so many."""


@dataclass(frozen=True, slots=True)
class Shape(Generic[T]):
    """How the rows of a stream are printed."""

    line: Callable[[T], str]
    named: Callable[[T], Mapping[str, Any]]
    cells: Callable[[T], Sequence[str]]
    columns: Sequence[str]


@dataclass(frozen=True, slots=True)
class Rejection:
    """One rejected entry; `tick` is None where the raw payload cannot be read."""

    ms: int
    header: RejectedHeader
    tick: RawTick | None


def follow_rejected(hub: HubAddress, form: Format, chosen: LogFilter) -> int:
    """Print what the arbiter refused, with its reason, until Ctrl-C or until enough came."""
    matches = instrument_matcher(list(chosen.patterns)).match
    everything = "*" in chosen.patterns

    def parse(entry: Entry) -> Rejection | None:
        row = _rejection(entry)
        if row is None or chosen.source not in {None, row.header.source}:
            return None
        if chosen.reasons and row.header.reason not in chosen.reasons:
            return None
        return row if everything or (row.tick and matches(_vt_symbol(row.tick))) else None

    shape = Shape(_rejected_line, _named_rejection, _rejected_cells, REJECTED_COLUMNS)
    return _follow(hub, REJECTED, parse, _writer(form, shape), chosen)


def follow_events(hub: HubAddress, form: Format, chosen: LogFilter) -> int:
    """Print events until Ctrl-C or until enough came."""

    def parse(entry: Entry) -> Event | None:
        try:
            event = decode_event(entry[1][1])
        except DecodeError:
            return None
        wanted = not chosen.kinds or event.kind in chosen.kinds
        wanted = wanted and _rank(event.severity) >= _rank(chosen.severity)
        return event if wanted and chosen.source in {None, event.subject} else None

    shape = Shape(_event_line, _named_event, _event_cells, EVENT_COLUMNS)
    return _follow(hub, EVENTS, parse, _writer(form, shape), chosen)


def follow_lines(hub: HubAddress, form: Format, chosen: LogFilter) -> int:
    """Print log lines of the services until Ctrl-C or until enough came."""

    def parse(entry: Entry) -> LogLine | None:
        try:
            line = decode_log_line(entry[1][1])
        except DecodeError:
            return None
        known = LEVELS.index(line.level) if line.level in LEVELS else len(LEVELS)
        names = {None, line.service, _who(line)}
        return line if known >= LEVELS.index(chosen.level) and chosen.source in names else None

    shape = Shape(_line_line, _named_line, _line_cells, LINE_COLUMNS)
    return _follow(hub, LOGS, parse, _writer(form, shape), chosen)


def _who(line: LogLine) -> str:
    return f"{line.service}:{line.fields.get('instance', '')}"


def _line_cells(line: LogLine) -> Sequence[str]:
    told = {"command": line.correlation_id} if line.correlation_id else {}
    fields = {name: value for name, value in line.fields.items() if name != "instance"} | told
    facts = " ".join(f"{name}={value}" for name, value in fields.items())
    return (_moment(line.ts_ns // 1_000_000), line.level, _who(line), line.event, facts)


def _line_line(line: LogLine) -> str:
    return " ".join(_line_cells(line))


def _named_line(line: LogLine) -> dict[str, Any]:
    return {"ts": _iso(line.ts_ns // 1_000_000)} | msgspec.structs.asdict(line)


def _rank(severity: str) -> int:
    """A severity of a later release is shown, whatever was asked for."""
    known = list(Severity)
    return known.index(Severity(severity)) if severity in known else len(known)


def _writer(form: Format, shape: Shape[T]) -> AbstractContextManager[Callable[[T], None]]:
    if form == "table":
        return scrolling_table(shape.cells, shape.columns)
    return nullcontext(writer(form, line=shape.line, named=shape.named))


def _follow(
    hub: HubAddress,
    stream: Stream,
    parse: Callable[[Entry], T | None],
    opened: AbstractContextManager[Callable[[T], None]],
    chosen: LogFilter,
) -> int:
    with suppress(KeyboardInterrupt), reader_may_leave(), opened as write:
        for shown, row in enumerate(_rows(hub, stream, parse, chosen), start=1):
            write(row)
            if shown == chosen.count:
                break
    return 0


def _rows(
    hub: HubAddress, stream: Stream, parse: Callable[[Entry], T | None], chosen: LogFilter
) -> Iterator[T]:
    """Of each shard the newest rows, or all since a moment; then what comes.

    A server that goes away is waited for, and said once; one that is not there at first raises.
    """
    after: list[bytes] = []
    outage, backoff = Outage(Speaker("tail")), Backoff(first_s=0.1, ceiling_s=1.0)
    while True:
        try:
            with closing(open_log(hub.url, service="cli", prefix=hub.prefix)) as log:
                yield from _held(
                    log, stream, parse, chosen, after, shards=_shards(log, hub, stream)
                )
                for entry in _following(log, stream, after):
                    outage.back()
                    backoff.reset()
                    if entry is not None and (row := parse(entry)) is not None:
                        yield row
        except StreamsError as error:
            if not after:
                raise
            outage.away(error)
            time.sleep(backoff.next_s())


def _shards(log: Log, hub: HubAddress, stream: Stream) -> int:
    return (log.shards() or hub.shards or 1) if stream.sharded else 1


def _held(
    log: Log,
    stream: Stream,
    parse: Callable[[Entry], T | None],
    chosen: LogFilter,
    after: list[bytes],
    *,
    shards: int,
) -> Iterator[T]:
    """The newest rows of the shards not yet in `after`, which grows by the cursor of each."""
    while len(after) < shards:
        if chosen.since_ms is not None:
            # A cursor just before the moment: what is held comes as if it were new.
            after.append(b"%d-%d" % (max(0, chosen.since_ms - 1), 2**64 - 1))
            continue
        held = log.entries(stream, shard=len(after), count=LOOK_BACK, newest_first=True)
        after.append(held[0][0] if held else FIRST_ID)
        newest = (row for entry in held if (row := parse(entry)) is not None)
        yield from reversed(list(islice(newest, chosen.last)))


def _following(log: Log, stream: Stream, after: list[bytes]) -> Iterator[Entry | None]:
    """Entries behind `after`, which moves on with them; None after each answer of the server."""
    with ExitStack() as stack:
        tails = [log.tail(stream, shard=shard, after=at) for shard, at in enumerate(after)]
        for tail in tails:
            stack.callback(tail.close)
        while True:
            for shard, tail in enumerate(tails):
                entries = tail.read(block_ms=max(1, BLOCK_MS // len(tails)), count=READ_COUNT)
                yield None
                for entry in entries:
                    after[shard] = entry[0]
                    yield entry


def _rejection(entry: Entry) -> Rejection | None:
    entry_id, fields = entry
    try:
        header = decode_rejected_header(fields[1])
    except DecodeError:
        return None
    try:
        tick = decode_raw_tick(fields[3])
    except DecodeError:
        tick = None
    return Rejection(id_parts(entry_id)[0], header, tick)


def _vt_symbol(tick: RawTick) -> str:
    """Fronts often leave the exchange empty."""
    return f"{tick.symbol}.{tick.exchange or exchange_of(tick.symbol) or ''}"


def _rejected_line(row: Rejection) -> str:
    header, tick = row.header, row.tick
    what = "(unreadable)" if tick is None else f"{tick.symbol} {tick.update_time} {tick.last}"
    return f"{_moment(row.ms)} {header.source} {header.verdict} {header.reason} {what}"


def _rejected_cells(row: Rejection) -> Sequence[str]:
    header, tick = row.header, row.tick
    name, last = ("(unreadable)", "-") if tick is None else (_vt_symbol(tick), f"{tick.last}")
    return (_moment(row.ms), header.source, header.verdict, header.reason, name, last)


def _named_rejection(row: Rejection) -> dict[str, Any]:
    """Header and all fields of the raw tick (null where it cannot be read)."""
    tick = dict.fromkeys(RawTick.__struct_fields__) if row.tick is None else named_tick(row.tick)
    return tick | {"ts": _iso(row.ms)} | msgspec.structs.asdict(row.header)


def _event_line(event: Event) -> str:
    return " ".join(_event_cells(event))


def _event_cells(event: Event) -> Sequence[str]:
    facts = " ".join(f"{name}={value}" for name, value in event.body.items())
    moment = _moment(event.ts_ns // 1_000_000)
    return (moment, event.severity, event.kind, event.subject, facts)


def _named_event(event: Event) -> dict[str, Any]:
    return {"ts": _iso(event.ts_ns // 1_000_000)} | msgspec.structs.asdict(event)


def _china(ms: int) -> datetime | None:
    """Return the time in China; None if it is beyond what a calendar has."""
    try:
        return datetime.fromtimestamp(ms / 1000, CHINA_TIME)
    except (ValueError, OverflowError, OSError):
        return None


def _moment(ms: int) -> str:
    moment = _china(ms)
    return f"{ms} ms" if moment is None else moment.strftime("%H:%M:%S.%f")[:-3]


def _iso(ms: int) -> str:
    moment = _china(ms)
    return f"{ms} ms" if moment is None else moment.isoformat(timespec="milliseconds")
