"""A hub as a strategy sees it: connect, iterate, be told."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from itertools import count
from typing import Final, Self

import zmq

from mdhub.sdk.connection import Link, parse_endpoint
from mdhub.sdk.errors import EndpointError, HubClosed, ReplacedError
from mdhub.sdk.events import (
    Delivery,
    EpochChange,
    Gap,
    Message,
    Position,
    SchemaMismatch,
    Stall,
    Statistics,
)
from mdhub.sdk.greetings import Contracts, Greetings, SchemaPolicy
from mdhub.sdk.stream import Event, Stream, plan, unreachable
from mdhub.sdk.tracker import Limits, Tracker
from mdhub.wire.codec import DecodeError, decode_clean_tick, decode_marker, decoder
from mdhub.wire.entries import MarkerKind, QualityMark
from mdhub.wire.live import HeaderFlag, LiveHeader
from mdhub.wire.requests import HelloReply
from mdhub.wire.ticks import CleanTick

__all__ = ["Hub", "connect"]

POLL_MS: Final = 50
"""Longest wait inside the pump: so soon are `stop` and Ctrl-C noticed."""

OnGap = Callable[[Position, Position, str, bool], None]
OnEpoch = Callable[[EpochChange], None]
OnQuality = Callable[[str, str, str], None]
OnStall = Callable[[Stall], None]
OnSchema = Callable[[SchemaMismatch], None]

_decode_quality: Final = decoder(QualityMark)
_logger: Final = logging.getLogger("mdhub")


def connect(
    *endpoints: str,
    timeout_s: float = 10.0,
    repair_timeout_s: float = 5.0,
    schema: SchemaPolicy = "warn",
) -> Hub:
    """Connect to one or more publishers of one hub; one that answers is enough.

    `repair_timeout_s`: how long a hole may hold back what comes behind it before it is given up
    and reported. `schema`: what becomes of a publisher whose wire contract is not the one of this
    SDK (another release): `warn` says so once and goes on, `strict` raises SchemaError, here or,
    for a publisher that answers later, while iterating. One whose `v` is newer is always refused.
    Raises EndpointError, SchemaError, and HubUnreachable if nobody answers within `timeout_s`.
    """
    if schema not in ("warn", "strict"):
        raise ValueError(f"schema was {schema!r}, expected 'warn' or 'strict'")
    if not endpoints:
        raise EndpointError("no endpoint was given, expected e.g. 'tcp://127.0.0.1:5555'")
    hub = Hub(endpoints, timeout_s=timeout_s, repair_timeout_s=repair_timeout_s, schema=schema)
    try:
        hub.hello()
    except BaseException:
        hub.close()
        raise
    return hub


class Hub:
    """Connection to a hub; made by `connect`, a context manager.

    One iteration at a time: a newer one ends the older with ReplacedError. Iterate in any one
    thread; `stop` and `close` may be called from others. Callbacks are called by the iterating
    thread, in order with the ticks; what they raise comes out of the iteration.

    Loss is never silent: without the callback for it an entry that could not be recovered, a
    stall, its end, a new epoch and a publisher of another contract are each one WARNING of the
    `logging` logger "mdhub".
    """

    def __init__(
        self,
        endpoints: tuple[str, ...],
        *,
        timeout_s: float,
        repair_timeout_s: float,
        schema: SchemaPolicy = "warn",
    ) -> None:
        self.statistics = Statistics()
        self.on_gap: OnGap | None = None
        """Called with (start, end, cause, recovered); both ends included.

        Without it gaps that stay are logged."""
        self.on_epoch: OnEpoch | None = None
        """Called when the log was cut back or is new; without it that is logged."""
        self.on_quality: OnQuality | None = None
        """Called with (`symbol.EXCHANGE`, quality, cause); empty quality = good."""
        self.on_stall: OnStall | None = None
        """Called when the hub's log stands still, and when it moves again; else logged."""
        self.on_schema: OnSchema | None = None
        """Called when a publisher turns out to have another wire contract; else logged."""
        self.info: HelloReply | None = None
        """What the first publisher to answer said of itself."""
        self._timeout_s = timeout_s
        self._ids = count(1)
        self._limits = Limits(patience_ns=int(repair_timeout_s * 1e9))
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._closed = False
        parsed = [parse_endpoint(text) for text in dict.fromkeys(endpoints)]
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._links = [Link(self._context, endpoint) for endpoint in parsed]
        self._greetings = Greetings(self._links, self._ids)
        self._contracts = Contracts(schema)
        self._stream: Stream | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ticks(
        self, *patterns: str, start: str = "live", idle_s: float | None = None
    ) -> Iterator[CleanTick]:
        """Follow instruments from now on: each accepted tick once, in order.

        `patterns` are fnmatch on symbol.EXCHANGE, e.g. "rb2610.SHFE" or "IF*.CFFEX"; none = all.
        `start`: "live", or "snapshot" for the last value of each instrument first, and then
        whatever came after it. `idle_s` ends the iteration after so long without a tick, counted
        from the join.
        Raises PatternError; while iterating HubUnreachable, HubClosed and ReplacedError.
        """
        deliveries = self._begin(patterns, start, idle_s)
        return (tick for tick, _ in deliveries)

    def deliveries(
        self, *patterns: str, start: str = "live", idle_s: float | None = None
    ) -> Iterator[Delivery]:
        """Follow as `ticks` does, with the facts of each delivery: position, replayed, snapshot."""
        deliveries = self._begin(patterns, start, idle_s)
        return (Delivery.of(tick, header) for tick, header in deliveries)

    def stop(self) -> None:
        """End the iteration under way, from any thread, within 50 ms of its next step."""
        self._stop.set()

    def close(self) -> None:
        """End everything at once; what is under way ends with HubClosed. May be repeated."""
        self._closed = True
        with self._lock:
            for link in self._links:
                link.close()
            self._context.destroy(linger=0)

    def hello(self) -> HelloReply:
        """Ask who is there, until somebody answers. Raises HubUnreachable, SchemaError."""
        with self._lock:
            self._check_open()
            self._greetings.again()
        deadline_s = time.monotonic() + self._timeout_s
        answers: dict[str, HelloReply] = {}
        while not answers:
            if time.monotonic() > deadline_s:
                raise unreachable(self._links, self._timeout_s)
            with self._lock:
                self._check_open()
                answers = self._hello_turn()
        for news in self._judged(answers):
            self._tell(news)
        self.info = next(iter(answers.values()))
        return self.info

    @property
    def schema_mismatches(self) -> tuple[SchemaMismatch, ...]:
        """Publishers known to have another wire contract than this SDK."""
        return tuple(self._contracts.mismatches.values())

    def _hello_turn(self) -> dict[str, HelloReply]:
        poller = zmq.Poller()
        self._greetings.expire(time.monotonic_ns())
        self._greetings.ask(time.monotonic_ns(), unheard=True)
        for link in self._links:
            poller.register(link.dealer, zmq.POLLIN)
        poller.poll(POLL_MS)
        for link in self._links:
            for frames in link.answers():
                try:
                    self._greetings.reply(link, frames, now_ns=time.monotonic_ns())
                except DecodeError:  # something else listens there
                    self.statistics.malformed += 1
        return self._greetings.take()

    def _judged(self, answers: dict[str, HelloReply]) -> list[SchemaMismatch]:
        judged = [self._contracts.judge(endpoint, reply) for endpoint, reply in answers.items()]
        return [mismatch for mismatch in judged if mismatch is not None]

    def _begin(
        self, patterns: tuple[str, ...], start: str, idle_s: float | None
    ) -> Iterator[tuple[CleanTick, LiveHeader]]:
        wanted = plan(patterns, start)
        info = self.info or self.hello()
        with self._lock:
            self._check_open()
            self._stop.clear()
            tracker = Tracker(
                everything=wanted.everything, limits=self._limits, statistics=self.statistics
            )
            stream = Stream(
                self._links,
                wanted,
                tracker,
                shards=[shard.shard for shard in info.shards],
                ids=self._ids,
                greetings=self._greetings,
                timeout_s=self._timeout_s,
            )
            self._stream = stream
        return self._run(stream, idle_s)

    def _run(self, stream: Stream, idle_s: float | None) -> Iterator[tuple[CleanTick, LiveHeader]]:
        try:
            yield from self._follow(stream, idle_s)
        finally:
            self._release(stream)

    def _follow(
        self, stream: Stream, idle_s: float | None
    ) -> Iterator[tuple[CleanTick, LiveHeader]]:
        last_s = time.monotonic()
        while not self._stop.is_set():
            for event in self._pump(stream):
                if not isinstance(event, Message):
                    self._tell(event)
                    continue
                tick = self._tick(event)
                if tick is None:
                    continue
                yield tick, event.header
                if self._stop.is_set():
                    return
                last_s = time.monotonic()
            if not stream.joined:
                last_s = time.monotonic()
            elif idle_s is not None and time.monotonic() - last_s > idle_s:
                return

    def _release(self, stream: Stream) -> None:
        """Drop the filters, so that nothing piles up while nobody iterates."""
        with self._lock:
            if stream is self._stream and not self._closed:
                self._stream = None
                for link in self._links:
                    link.subscribe(())

    def _pump(self, stream: Stream) -> list[Event | SchemaMismatch]:
        with self._lock:
            self._check_open()
            if stream is not self._stream:
                raise ReplacedError("a newer iteration on this hub has ended this one")
            events = stream.pump(POLL_MS)
            answers = self._greetings.take()
        return [*events, *self._judged(answers)]

    def _tick(self, message: Message) -> CleanTick | None:
        """Decode a tick to deliver; markers are told, not delivered."""
        if not message.topic.startswith(b"tick."):
            if message.topic.startswith(b"quality."):
                self._tell_quality(message)
            return None
        header = message.header
        try:
            tick = decode_clean_tick(message.payload)
        except DecodeError:
            self.statistics.malformed += 1
            at = Position(header.shard, header.epoch, header.n, header.k, message.name)
            self._tell(Gap(at, at, "malformed", recovered=False))
            return None
        self.statistics.delivered += 1
        if header.hflags & HeaderFlag.REPLAYED:
            self.statistics.replayed += 1
        return tick

    def _tell(self, event: Event | SchemaMismatch) -> None:
        if isinstance(event, Gap):
            self._tell_gap(event)
        elif isinstance(event, EpochChange) and self.on_epoch is not None:
            self.on_epoch(event)
        elif isinstance(event, Stall) and self.on_stall is not None:
            self.on_stall(event)
        elif isinstance(event, SchemaMismatch) and self.on_schema is not None:
            self.on_schema(event)
        else:
            _logger.warning(_words(event))

    def _tell_gap(self, gap: Gap) -> None:
        self.statistics.gaps += 1
        if not gap.recovered:
            self.statistics.unrecovered += gap.size or 1
        if self.on_gap is not None:
            self.on_gap(gap.start, gap.end, gap.cause, gap.recovered)
        elif not gap.recovered:
            _logger.warning("gap not recovered (%s): %s", gap.cause, _range_of(gap))

    def _tell_quality(self, message: Message) -> None:
        if self.on_quality is None:
            return
        try:
            marker = decode_marker(message.payload)
            if marker.kind == MarkerKind.QUALITY:
                mark = _decode_quality(marker.body)
                self.on_quality(message.name, mark.quality, mark.cause)
        except DecodeError:
            self.statistics.malformed += 1

    def _check_open(self) -> None:
        if self._closed:
            raise HubClosed("this hub was closed; connect again")


def _range_of(gap: Gap) -> str:
    start, end = gap.start, gap.end
    if start.k is not None and end.k is not None:
        return f"{start.instrument or f'shard {start.shard}'} k {start.k} to {end.k}"
    return f"{start.instrument or f'shard {start.shard}'} n {start.n} to {end.n}"


def _words(event: Event | SchemaMismatch) -> str:
    match event:
        case EpochChange():
            return (
                f"shard {event.shard}: epoch {event.epoch} follows {event.old_epoch}; what came "
                f"after n {event.resume_after_n} is withdrawn (to n {event.withdrawn_to_n or '-'})"
            )
        case Stall(stalled=True):
            return f"shard {event.shard}: the hub stands still ({event.cause})"
        case Stall():
            return f"shard {event.shard}: the hub moves again"
        case _:
            return f"{event}; what both sides know is understood"
