# HOT: clean entry in, three frames out; the loop body runs once per batch, `_publish` per tick.
"""One thread between the log and the clients.

It waits for three things at once: the cursor readers of the shards, requests, and time. Live
messages go first; answers get the time between, 2 ms at most per turn. Heartbeats wait for
nobody: a server that hangs is told as `stalled`, it does not silence the publisher.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

import zmq

from mdhub.runtime.heartbeat import ENDED, beat_payload
from mdhub.runtime.logging import Logger
from mdhub.runtime.metrics import Board
from mdhub.streams.errors import NotReady, StreamsError
from mdhub.streams.port import Entry, Log
from mdhub.streams.topology import CLEAN, EVENTS
from mdhub.wire.codec import encode
from mdhub.wire.live import Heartbeat, HubState, LiveHeader
from mdhub.wire.ops import EventKind
from mdhub.wire.ticks import SCHEMA_VERSION
from mdhub.wire.topics import heartbeat_topic
from mdhub_publisher.access import CurveFiles
from mdhub_publisher.answers import Answers
from mdhub_publisher.clients import Clients, Sent
from mdhub_publisher.frames import live_frames
from mdhub_publisher.hops import Hops
from mdhub_publisher.mismatches import Mismatches
from mdhub_publisher.notices import Notices
from mdhub_publisher.operations import Operations
from mdhub_publisher.shard import Phase, Shard
from mdhub_publisher.sockets import Sockets, send_live
from mdhub_publisher.source import Follow, Source

__all__ = ["Fanout", "FanoutSettings"]

HEARTBEAT_NS: Final = 200_000_000
LATE_NS: Final = 100_000_000
HOUSEKEEPING_NS: Final = 1_000_000_000
ANSWER_BUDGET_NS: Final = 2_000_000
IDLE_MS: Final = 50
CONNECTING_MS: Final = 10
BLOCKED_MS: Final = 5
_REQUESTS_PER_TURN: Final = 64
_SUBSCRIPTIONS_PER_TURN: Final = 2_000


@dataclass(frozen=True, slots=True)
class FanoutSettings:
    """Who this publisher is and where it listens."""

    publisher_id: str = "A"
    bind: str = "127.0.0.1"
    port: int = 5555
    shards: int = 1
    curve: CurveFiles | None = None
    """Serve with keys; None = whoever reaches the ports is served."""
    confirmed: bool = False
    """Whether only what a replica has is shown."""


class Fanout:
    """Binds at once (raises ServiceError if it cannot); `run` until `stop` says so.

    `open_log`: its connections should give up long before two heartbeats are due, since
    connecting and old replays wait for the server.
    """

    def __init__(
        self,
        settings: FanoutSettings,
        open_log: Callable[[], Log],
        *,
        logger: Logger,
        idle: Callable[[], object] = bool,
    ) -> None:
        """`idle` is called when there is nothing to do."""
        self._settings = settings
        self._sockets = Sockets(
            bind=settings.bind, port=settings.port, publisher_id=settings.publisher_id,
            curve=settings.curve, logger=logger,
        )  # fmt: skip
        self.access = self._sockets.access
        self._live = self._sockets.live
        self._requests = self._sockets.requests
        self._send = partial(send_live, self._live)
        self._poller = zmq.Poller()
        self._poller.register(self._live, zmq.POLLIN)
        self._poller.register(self._requests, zmq.POLLIN)
        if self.access is not None:
            self._poller.register(self.access.handler, zmq.POLLIN)
        self._logger = logger
        self.shards = {
            number: Shard(number, on_hole=self._say_hole) for number in range(settings.shards)
        }
        self.source = Source(
            open_log,
            list(self.shards.values()),
            watch=self._watch,
            unwatch=self._unwatch,
            logger=logger,
            confirm=self._name if settings.confirmed else "",
        )
        self.operations = Operations(
            partial(send_live, self._live),
            watch=lambda fileno: self._poller.register(fileno, zmq.POLLIN),
            unwatch=self._poller.unregister,
        )
        notices = Notices(EventKind.SCHEMA_MISMATCH, logger=logger)
        self.mismatches = Mismatches(settings.publisher_id, notices=notices)
        self._answers = Answers(
            self.shards,
            publisher_id=settings.publisher_id,
            log=lambda: self.source.log,
            wall_ns=time.time_ns,
            greeted=self.mismatches.greeted,
        )
        self.clients = Clients(self._answers, send=self._reply, monotonic_ns=time.monotonic_ns)
        self.board, self.hops = Board(self._name), Hops(self._name)
        self.published = 0
        self.late_heartbeats = 0
        self._idle = idle
        self._next_heartbeat_ns = 0
        self._next_housekeeping_ns = 0
        self._next_said_ns = 0

    def run(self, stop: Callable[[], bool]) -> None:
        """Serve until `stop()` is true (asked at least 20 times a second), then close.

        Raises Unusable if the log cannot be used and trying again does not help.
        """
        try:
            while not stop():
                self.turn()
            self._say_ended()
        finally:
            self.close()

    def turn(self) -> None:
        """Wait for something to do, at most 50 ms, and do it."""
        source = self.source
        ready = dict(self._poller.poll(self._patience_ms()))
        if not ready:
            self._idle()
        now_ns = time.monotonic_ns()
        self.board.round()
        self._heartbeat_if_due(now_ns)
        try:
            for fileno, follow in list(source.follows.items()):
                entries = follow.entries(now_ns, arrived=fileno in ready)
                if entries is not None:
                    self._publish(follow.shard, entries)
            # Only a server that has just answered is given what must be waited for.
            if source.observe(now_ns) and now_ns >= self._next_housekeeping_ns:
                self._housekeep_if_allowed(now_ns)
        except StreamsError as error:
            source.lost(error, now_ns)
        source.advance(now_ns)
        self._heartbeat_if_due(time.monotonic_ns())
        self.operations.turn(source.log if source.settled else None, ready, now_ns)
        if self.access is not None:
            self.access.answer()
            self.access.look(now_ns)
        if self._live in ready:
            self._drain_subscriptions()
        if self._requests in ready:
            self._take_requests()
        if self.clients:
            self.clients.step(ANSWER_BUDGET_NS)

    def close(self) -> None:
        """Close log and sockets."""
        self.operations.close()
        self.source.close()
        self._sockets.close()

    def _publish(self, shard: Shard, entries: list[Entry]) -> None:
        accept, send, time_ns, number = shard.accept, self._send, time.time_ns, shard.shard
        clean, pub_ns = None, 0
        for entry in entries:
            clean = accept(entry)
            if clean is not None:
                pub_ns = time_ns()
                send(live_frames(clean, number, pub_ns))
                self.published += 1
        if clean is not None:
            self.hops.sample(clean, pub_ns)
        if shard.phase is not Phase.LIVE:
            shard.batch_done(len(entries))

    def _say_hole(self, shard: int, first_n: int, last_n: int) -> None:
        self._logger.warning("overtaken", shard=shard, first_n=first_n, last_n=last_n)

    def _patience_ms(self) -> int:
        if self.clients:
            return BLOCKED_MS if self.clients.blocked else 0
        return IDLE_MS if self.source.settled else CONNECTING_MS

    def _heartbeat_if_due(self, now_ns: int) -> None:
        if now_ns < self._next_heartbeat_ns:
            return
        if now_ns > self._next_heartbeat_ns + LATE_NS and self._next_heartbeat_ns:
            self.late_heartbeats += 1
        self._next_heartbeat_ns = now_ns + HEARTBEAT_NS
        for shard in self.shards.values():
            self._send(self._heartbeat_frames(shard, shard.state(now_ns)))
        if now_ns >= self._next_said_ns:
            self._next_said_ns = now_ns + HOUSEKEEPING_NS
            self.board.say(self._state(now_ns), self.counters())

    def _heartbeat_frames(self, shard: Shard, state: HubState) -> list[bytes]:
        header = LiveHeader(
            SCHEMA_VERSION, shard.shard, shard.epoch, None, None, None, None, time.time_ns(), 0
        )
        at = shard.positions
        body = Heartbeat(
            SCHEMA_VERSION, self._settings.publisher_id, self._settings.port + 1, shard.n,
            at.log_ns, at.market_ns, state,
        )  # fmt: skip
        return [heartbeat_topic(shard.shard), encode(header), encode(body)]

    def _housekeep_if_allowed(self, now_ns: int) -> None:
        """Write what is due; a server that refuses writes is read on all the same."""
        outage = self.source.outage
        try:
            self._housekeep(now_ns)
        except NotReady as error:
            outage.away(error)
        else:
            outage.back()

    def _housekeep(self, now_ns: int) -> None:
        self._next_housekeeping_ns = now_ns + HOUSEKEEPING_NS
        log = self.source.log
        if log is None:
            return
        for shard in self.shards.values():
            if shard.phase is Phase.LIVE:
                log.set_cursor(shard.shard, CLEAN, reader=self._name, cursor=shard.cursor)
        self._beat(log, self._state(now_ns))
        append = partial(log.append, EVENTS)
        self.mismatches.notices.flush(append)
        if self.access is not None:
            self.access.notices.flush(append)

    def _state(self, now_ns: int) -> HubState:
        """The worst of all shards."""
        states = {shard.state(now_ns) for shard in self.shards.values()}
        return next((s for s in (HubState.STALLED, HubState.HOLDING) if s in states), HubState.OK)

    @property
    def _name(self) -> str:
        return f"publisher:{self._settings.publisher_id}"

    def _beat(self, log: Log, state: str) -> None:
        log.beat(self._name, beat_payload("publisher", self._name, state, self.counters()))

    def _say_ended(self) -> None:
        """Stopped on purpose: nobody shall miss this instance."""
        log = self.source.log
        if log is not None:
            with contextlib.suppress(StreamsError):
                self._beat(log, ENDED)

    def counters(self) -> dict[str, int]:
        """Counters for the service heartbeat."""
        shards = self.shards.values()
        return {
            "published": self.published,
            "n": max(s.n for s in shards),
            "requests": self.clients.requests,
            "answering": len(self.clients),
            "late_heartbeats": self.late_heartbeats,
            "ring_entries": sum(len(s.ring) for s in shards),
            "duplicates": sum(s.duplicates for s in shards),
            "holes": sum(s.holes for s in shards),
            "undecodable": sum(s.framer.undecodable for s in shards),
            "unknown_kinds": sum(s.framer.unknown_kinds for s in shards),
            "ring_dropped": sum(s.ring.dropped for s in shards),
            "instruments": sum(len(s.last) for s in shards),
            "evicted": sum(s.last.evicted for s in shards),
            "refused": self._answers.refused,
            "busy": self.clients.busy,
            "asked_again": self.clients.asked_again,
            "clients_dropped": self.clients.dropped,
            "reconnects": self.source.reconnects,
            "schema_mismatches": self.mismatches.notices.seen,
            "schema_mismatches_untold": self.mismatches.notices.untold,
            **(self.access.counters() if self.access is not None else {}),
            **self.operations.counters(),
            **self.source.counters(),
            **self.source.outage.counters(),
        }

    def _watch(self, follow: Follow) -> None:
        self._poller.register(follow.fileno, zmq.POLLIN)
        if follow.gate is not None:
            self._poller.register(follow.gate.fileno, zmq.POLLIN)

    def _unwatch(self, follow: Follow) -> None:
        self._poller.unregister(follow.fileno)
        if follow.gate is not None:
            self._poller.unregister(follow.gate.fileno)

    def _drain_subscriptions(self) -> None:
        try:
            for _ in range(_SUBSCRIPTIONS_PER_TURN):
                frame = self._live.recv(zmq.NOBLOCK, copy=False)
                if self.access is not None:
                    self.access.subscribed(frame)
        except zmq.Again:
            pass

    def _take_requests(self) -> None:
        try:
            for _ in range(_REQUESTS_PER_TURN):
                parts = self._requests.recv_multipart(zmq.NOBLOCK, copy=False)
                if self.access is not None and not self.access.admits(parts[-1]):
                    continue
                self.clients.request([part.bytes for part in parts], _address(parts[-1]))
        except zmq.Again:
            pass

    def _reply(self, identity: bytes, frames: list[bytes]) -> Sent:
        try:
            self._requests.send_multipart([identity, *frames], zmq.NOBLOCK)
        except zmq.Again:
            return Sent.FULL
        except zmq.ZMQError as error:
            if error.errno == zmq.EHOSTUNREACH:
                return Sent.GONE
            raise
        return Sent.OK


def _address(part: zmq.Frame) -> str:
    """Return the address a message came from, as far as the transport tells."""
    try:
        return str(part.get("Peer-Address"))
    except zmq.ZMQError:
        return ""
