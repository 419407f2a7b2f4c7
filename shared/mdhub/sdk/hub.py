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
from mdhub.sdk.events import Delivery, EpochChange, Gap, Message, Position, Stall, Statistics
from mdhub.sdk.requests import Call, Calls, Reply
from mdhub.sdk.stream import Event, Stream, plan, unreachable
from mdhub.sdk.tracker import Limits, Tracker
from mdhub.wire.codec import DecodeError, decode_clean_tick, decode_marker, decoder
from mdhub.wire.entries import MarkerKind, QualityMark
from mdhub.wire.live import HeaderFlag, LiveHeader
from mdhub.wire.requests import HelloReply, HelloRequest
from mdhub.wire.ticks import SCHEMA_VERSION, CleanTick

__all__ = ["Hub", "connect"]

POLL_MS: Final = 50
"""Longest wait inside the pump: so soon are `stop` and Ctrl-C noticed."""

OnGap = Callable[[Position, Position, str, bool], None]
OnEpoch = Callable[[EpochChange], None]
OnQuality = Callable[[str, str, str], None]
OnStall = Callable[[Stall], None]

_decode_quality: Final = decoder(QualityMark)
_logger: Final = logging.getLogger("mdhub")


def connect(*endpoints: str, timeout_s: float = 10.0, repair_timeout_s: float = 5.0) -> Hub:
    """Connect to one or more publishers of one hub; one that answers is enough.

    `repair_timeout_s`: how long a hole may hold back what comes behind it before it is given up
    and reported. Raises EndpointError, and HubUnreachable if nobody answers within `timeout_s`.
    """
    if not endpoints:
        raise EndpointError("no endpoint was given, expected e.g. 'tcp://127.0.0.1:5555'")
    hub = Hub(endpoints, timeout_s=timeout_s, repair_timeout_s=repair_timeout_s)
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
    stall, its end and a new epoch are each one WARNING of the `logging` logger "mdhub".
    """

    def __init__(
        self, endpoints: tuple[str, ...], *, timeout_s: float, repair_timeout_s: float
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
        """Ask who is there, until somebody answers. Raises HubUnreachable."""
        answers: list[HelloReply] = []

        def done(reply: Reply | None) -> None:
            if isinstance(reply, HelloReply):
                answers.append(reply)

        call = Call(lambda req_id: HelloRequest(SCHEMA_VERSION, req_id), done=done)
        calls = [Calls([link], self._ids) for link in self._links]
        deadline_s = time.monotonic() + self._timeout_s
        while not answers:
            if time.monotonic() > deadline_s:
                raise unreachable(self._links, self._timeout_s)
            with self._lock:
                self._check_open()
                self._hello_turn(calls, call)
        self.info = answers[0]
        return answers[0]

    def _hello_turn(self, calls: list[Calls], call: Call) -> None:
        poller = zmq.Poller()
        now_ns = time.monotonic_ns()
        for link, at_link in zip(self._links, calls, strict=True):
            at_link.expire(now_ns)
            if at_link.free("hello", now_ns=now_ns):
                at_link.start("hello", call, now_ns=now_ns)
            poller.register(link.dealer, zmq.POLLIN)
        poller.poll(POLL_MS)
        for link, at_link in zip(self._links, calls, strict=True):
            for frames in link.answers():
                try:
                    at_link.reply(link, frames, now_ns=time.monotonic_ns())
                except DecodeError:  # something else listens there
                    self.statistics.malformed += 1

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

    def _pump(self, stream: Stream) -> list[Event]:
        with self._lock:
            self._check_open()
            if stream is not self._stream:
                raise ReplacedError("a newer iteration on this hub has ended this one")
            return stream.pump(POLL_MS)

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

    def _tell(self, event: Event) -> None:
        if isinstance(event, Gap):
            self.statistics.gaps += 1
            if not event.recovered:
                self.statistics.unrecovered += event.size or 1
            if self.on_gap is not None:
                self.on_gap(event.start, event.end, event.cause, event.recovered)
            elif not event.recovered:
                _logger.warning("gap not recovered (%s): %s", event.cause, _range_of(event))
        elif isinstance(event, EpochChange):
            if self.on_epoch is not None:
                self.on_epoch(event)
            else:
                _logger.warning(
                    "shard %d: epoch %d follows %d; what came after n %d is withdrawn (to n %s)",
                    event.shard, event.epoch, event.old_epoch, event.resume_after_n,
                    event.withdrawn_to_n or "-",
                )  # fmt: skip
        elif isinstance(event, Stall):
            if self.on_stall is not None:
                self.on_stall(event)
            elif event.stalled:
                _logger.warning("shard %d: the hub stands still (%s)", event.shard, event.cause)
            else:
                _logger.warning("shard %d: the hub moves again", event.shard)

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
