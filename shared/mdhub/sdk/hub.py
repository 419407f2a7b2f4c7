"""A hub as a strategy sees it: connect, iterate, be told."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from functools import partial
from itertools import count
from pathlib import Path
from typing import Self

import zmq

from mdhub.sdk.access import CERTAIN
from mdhub.sdk.callbacks import Callbacks
from mdhub.sdk.connection import Link, parse_endpoint, unreachable
from mdhub.sdk.errors import EndpointError, HubClosed, ReplacedError
from mdhub.sdk.events import (
    Cause,
    Delivery,
    Gap,
    Message,
    Outcome,
    Position,
    SchemaMismatch,
)
from mdhub.sdk.greetings import Contracts, Greetings, SchemaPolicy
from mdhub.sdk.keys import ClientKeys, KeyPair, client_keys
from mdhub.sdk.operations import follow
from mdhub.sdk.pace import POLL_MS, News, Pace, SlowPolicy
from mdhub.sdk.plan import Start, plan
from mdhub.sdk.stream import Stream
from mdhub.sdk.tracker import Limits, Tracker
from mdhub.wire.codec import DecodeError, decode_clean_tick, decode_event, decode_log_line
from mdhub.wire.live import HeaderFlag, LiveHeader
from mdhub.wire.ops import LEVELS, Event, LogLine
from mdhub.wire.requests import HelloReply
from mdhub.wire.ticks import CleanTick
from mdhub.wire.topics import status_topic

__all__ = ["Hub", "connect"]

Taken = tuple[CleanTick, LiveHeader, int]
"""A tick, what it came with, and how many older ones it stands for beside itself."""


def connect(
    *endpoints: str,
    timeout_s: float = 10.0,
    repair_timeout_s: float = 5.0,
    schema: SchemaPolicy = "warn",
    server_key: str | Path | None = None,
    key: str | Path | KeyPair | None = None,
) -> Hub:
    """Connect to one or more publishers of one hub; one that answers is enough.

    `repair_timeout_s`: how long a hole may hold back what comes behind it before it is given up
    and reported. `schema`: what becomes of a publisher whose wire contract is not the one of this
    SDK (another release): `warn` says so once and goes on, `strict` raises SchemaError, here or,
    for a publisher that answers later, while iterating. One whose `v` is newer is always refused.
    `server_key`, `key`: for publishers that want keys (docs/curve.md) their public key or a file
    with it, and a file with our own pair; by default the files that MDHUB_SERVER_KEY and
    MDHUB_CLIENT_KEY name, else no keys; "" = no keys whatever they name.
    Raises EndpointError, BadKey, SchemaError, HubUnreachable if nobody answers within `timeout_s`,
    and AccessDenied (a HubUnreachable) if those who are there do not let us in.
    """
    if schema not in ("warn", "strict"):
        raise ValueError(f"schema was {schema!r}, expected 'warn' or 'strict'")
    if not endpoints:
        raise EndpointError("no endpoint was given, expected e.g. 'tcp://127.0.0.1:5555'")
    hub = Hub(
        endpoints,
        timeout_s=timeout_s,
        repair_timeout_s=repair_timeout_s,
        schema=schema,
        keys=client_keys(server_key, key),
    )
    try:
        hub.hello()
    except BaseException:
        hub.close()
        raise
    return hub


class Hub(Callbacks):
    """Connection to a hub; made by `connect`, a context manager.

    One iteration at a time: a newer one ends the older with ReplacedError. Iterate in any one
    thread; `stop` and `close` may be called from others. Callbacks are called by the iterating
    thread, in order with the ticks; what they raise comes out of the iteration.

    Loss is never silent: without the callback for it an entry that could not be recovered, a
    stall, its end, a new epoch, a publisher of another contract and one that does not let us in
    are each one WARNING of the `logging` logger "mdhub".
    """

    def __init__(
        self,
        endpoints: tuple[str, ...],
        *,
        timeout_s: float,
        repair_timeout_s: float,
        schema: SchemaPolicy = "warn",
        keys: ClientKeys | None = None,
    ) -> None:
        super().__init__()
        self.info: HelloReply | None = None
        """What the first publisher to answer said of itself."""
        self._timeout_s = timeout_s
        self._ids = count(1)
        self._limits = Limits(patience_ns=int(repair_timeout_s * 1e9))
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._closed = False
        parsed = [parse_endpoint(text) for text in dict.fromkeys(endpoints)]
        self._follow_operations = partial(follow, parsed, keys=keys, closed=lambda: self._closed)
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._links = [Link(self._context, endpoint, keys) for endpoint in parsed]
        self._greetings = Greetings(self._links, self._ids)
        self._contracts = Contracts(schema)
        self._stream: Stream | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ticks(
        self,
        *patterns: str,
        start: Start = "live",
        idle_s: float | None = None,
        slow: SlowPolicy = "all",
        too_slow_s: float = 5.0,
    ) -> Iterator[CleanTick]:
        """Follow instruments: each accepted tick once, in order.

        `patterns` are fnmatch on symbol.EXCHANGE, e.g. "rb2610.SHFE" or "IF*.CFFEX"; none = all.
        `start`: from where.
            "live": from now on.
            "snapshot": the last value of each instrument first, then whatever came after it.
            "session": from the begin of the present trading day, as the hub received it.
            a datetime with a time zone: from what the hub received then or later.
            an (epoch, n) or a Position such as `Delivery.position`: what comes behind it; on a hub
            of several shards a list with one Position of each.
            Replay joins live with no hole and no repeat.
        `idle_s` ends the iteration after so long without a tick, counted from the join.
        `slow`: what becomes of a strategy that does not keep up.
            "all": it gets every tick, late. 500,000 messages wait here, as many as the publisher
            keeps there; what is lost beyond is replayed, and told as a gap of cause `slow_reader`.
            "conflate": of the ticks of an instrument that wait only the newest is delivered; the
            others are counted (`Delivery.skipped`, `Statistics.skipped`). Quality, epochs and gaps
            are told all the same.
            "disconnect": after `too_slow_s` seconds behind TooSlow ends the iteration.
        Raises PatternError and ValueError; while iterating HubUnreachable, StartUnavailable,
        TooSlow, HubClosed and ReplacedError.
        """
        deliveries = self._begin(patterns, start, idle_s, Pace(slow, too_slow_s))
        return (tick for tick, _, _ in deliveries)

    def deliveries(
        self,
        *patterns: str,
        start: Start = "live",
        idle_s: float | None = None,
        slow: SlowPolicy = "all",
        too_slow_s: float = 5.0,
    ) -> Iterator[Delivery]:
        """Follow as `ticks` does, with the facts of each delivery: position, replayed, snapshot."""
        deliveries = self._begin(patterns, start, idle_s, Pace(slow, too_slow_s))
        return (Delivery.of(tick, header, skipped) for tick, header, skipped in deliveries)

    def status(self, *kinds: str, idle_s: float | None = None) -> Iterator[Event]:
        """Follow the hub's events from now on, of these kinds (docs/wire.md); none = all.

        On sockets of its own: iterate it beside `ticks`, in any thread. Ended by `close`.
        """
        topics = [status_topic(kind) for kind in kinds] or [b"status."]
        return self._follow_operations(topics, decode_event, idle_s=idle_s)

    def logs(self, level: str = "info", *, idle_s: float | None = None) -> Iterator[LogLine]:
        """Follow the services' log lines of this level and above; as `status` otherwise."""
        if level not in LEVELS:
            raise ValueError(f"level was {level!r}, expected one of {', '.join(LEVELS)}")
        topics = [f"log.{each}.".encode() for each in LEVELS[LEVELS.index(level) :]]
        return self._follow_operations(topics, decode_log_line, idle_s=idle_s)

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
        """Ask who is there, until somebody answers.

        Raises HubUnreachable, AccessDenied, SchemaError.
        """
        with self._lock:
            self._check_open()
            self._greetings.again()
        deadline_s = time.monotonic() + self._timeout_s
        answers: dict[str, HelloReply] = {}
        while not answers:
            if time.monotonic() > deadline_s or self._denied:
                raise unreachable(self._links, self._timeout_s)
            with self._lock:
                self._check_open()
                answers = self._hello_turn()
        for news in self._judged(answers):
            self._tell(news)
        for link in self._links:
            if link.refusal is not None:
                self._tell(link.refusal)
        self.info = next(iter(answers.values()))
        return self.info

    @property
    def schema_mismatches(self) -> tuple[SchemaMismatch, ...]:
        """Publishers known to have another wire contract than this SDK."""
        return tuple(self._contracts.mismatches.values())

    @property
    def _denied(self) -> bool:
        """Whether there is nobody left who might let us in."""
        refusals = [link.refusal for link in self._links]
        return all(refusal is not None and refusal.cause in CERTAIN for refusal in refusals)

    def _hello_turn(self) -> dict[str, HelloReply]:
        poller = zmq.Poller()
        self._greetings.expire(time.monotonic_ns())
        self._greetings.ask(time.monotonic_ns(), unheard=True)
        for link in self._links:
            poller.register(link.dealer, zmq.POLLIN)
        poller.poll(POLL_MS)
        for link in self._links:
            link.access(time.monotonic_ns())
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
        self, patterns: tuple[str, ...], start: Start, idle_s: float | None, pace: Pace
    ) -> Iterator[Taken]:
        wanted = plan(patterns, start)
        info = self.info or self.hello()
        shards = [shard.shard for shard in info.shards]
        wanted.check_shards(shards)
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
                shards=shards,
                ids=self._ids,
                greetings=self._greetings,
                timeout_s=self._timeout_s,
            )
            self._stream = stream
        return self._run(stream, idle_s, pace)

    def _run(self, stream: Stream, idle_s: float | None, pace: Pace) -> Iterator[Taken]:
        try:
            yield from self._follow(stream, idle_s, pace)
        finally:
            self._release(stream)

    def _follow(self, stream: Stream, idle_s: float | None, pace: Pace) -> Iterator[Taken]:
        last_s = time.monotonic()
        for event, skipped in pace.events(
            stream, lambda timeout_ms: self._pump(stream, timeout_ms)
        ):
            if self._stop.is_set():
                return
            if isinstance(event, Message):
                tick = self._tick(event)
                if tick is not None:
                    self.statistics.skipped += skipped
                    yield tick, event.header, skipped
                    last_s = time.monotonic()
            elif event is not None:
                self._tell(event)
            elif not stream.joined:
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

    def _pump(self, stream: Stream, timeout_ms: int) -> list[News]:
        with self._lock:
            self._check_open()
            if stream is not self._stream:
                raise ReplacedError("a newer iteration on this hub has ended this one")
            events = stream.pump(timeout_ms)
            answers = self._greetings.take()
            now_ns = time.monotonic_ns()
            access = [news for link in self._links if (news := link.access(now_ns))]
        return [*events, *access, *self._judged(answers)]

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
            self._tell(Gap(at, at, Cause.UNKNOWN, Outcome.UNREADABLE))
            return None
        self.statistics.delivered += 1
        if header.hflags & HeaderFlag.REPLAYED:
            self.statistics.replayed += 1
        return tick

    def _check_open(self) -> None:
        if self._closed:
            raise HubClosed("this hub was closed; connect again")
