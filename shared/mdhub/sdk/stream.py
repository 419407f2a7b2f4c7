# HOT: `Stream.pump` runs once per batch, `_take_live` once per message.
"""One iteration on a hub: filters, joining, repair, and the pump between sockets and tracker."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Final

import zmq

from mdhub.sdk.catchup import CatchUp
from mdhub.sdk.connection import BATCH, Link, unreachable
from mdhub.sdk.events import Cause, Message, Stall
from mdhub.sdk.greetings import Greetings, hello_request
from mdhub.sdk.joining import Joining, chunks_of
from mdhub.sdk.lane import Output
from mdhub.sdk.plan import Plan
from mdhub.sdk.reader import Reader
from mdhub.sdk.requests import MAX_REPLAY, Call, Calls, Reply
from mdhub.sdk.stall import StallWatch
from mdhub.sdk.tracker import Tails, Tracker, Want
from mdhub.wire.codec import DecodeError, decode_heartbeat, decode_live_header
from mdhub.wire.live import Heartbeat, HubState, LiveHeader
from mdhub.wire.requests import (
    EndReply,
    HelloReply,
    ReplayRequest,
    RequestName,
    TailsReply,
    TailsRequest,
)
from mdhub.wire.ticks import SCHEMA_VERSION
from mdhub.wire.topics import HEARTBEAT_TOPIC

__all__ = ["Event", "Stream"]

EARLY_MESSAGES: Final = 50_000
"""Kept per shard before its base is known; older ones go, and are replayed as a hole."""
TAILS_EVERY_NS: Final = 1_000_000_000
_BATCHES_BEFORE_JOIN: Final = 100
_PAUSE_NS: Final = 500_000_000
"""A strategy that does not come back for so long has not listened."""
_BUSY_NS: Final = 1_000_000_000
"""After so long without a pump, or behind, what is missing may be the strategy's own doing."""

Event = Output | Stall


class Stream:
    """Follows a plan over all links. Used by one thread at a time."""

    def __init__(  # noqa: PLR0913 - what an iteration consists of
        self,
        links: list[Link],
        wanted: Plan,
        tracker: Tracker,
        *,
        shards: list[int],
        ids: Iterator[int],
        greetings: Greetings,
        timeout_s: float,
    ) -> None:
        self._links = links
        self._tracker = tracker
        self._statistics = tracker.statistics
        self._read = Reader(wanted.patterns, tracker.statistics).read
        self._causes = tracker.causes
        self._calls = Calls(links, ids)
        self._greetings = greetings
        self._strangers = greetings.strangers
        self._chunks = chunks_of(wanted.patterns)
        now_ns = time.monotonic_ns()
        self._timeout_s = timeout_s
        self._deadline_ns = now_ns + int(timeout_s * 1e9)
        self._joining = {shard: _joining(shard, wanted, self._read) for shard in shards}
        self._early: dict[int, deque[Message]] = {
            shard: deque(maxlen=EARLY_MESSAGES) for shard in shards
        }
        self._stalls = {shard: StallWatch(shard, now_ns) for shard in shards}
        self._events: list[Event] = []
        self._next_tails_ns = dict.fromkeys(shards, 0)
        self._last_pump_ns = now_ns
        self.caught_up_ns = now_ns
        """When it was last seen that nothing was left behind, monotonic."""
        self._poller = zmq.Poller()
        for link in links:
            link.subscribe(wanted.prefixes)
            self._watch(link)

    @property
    def joined(self) -> bool:
        """Whether every shard has its base: from here nothing is missed."""
        return all(self._tracker.joined(shard) for shard in self._joining)

    @property
    def behind_ns(self) -> int:
        """How long the strategy has not kept up, as of the last pump; 0 = it does."""
        return self._last_pump_ns - self.caught_up_ns

    def count_waiting(self) -> int:
        """Count, and throw away, the live messages that were not read: this ends the stream."""
        return max(link.throw_away() for link in self._links)

    def pump(self, timeout_ms: int) -> list[Event]:
        """Wait for messages, at most `timeout_ms`; return what there is to deliver and tell.

        Raises HubUnreachable if no heartbeat came within the time given for it.
        """
        self._excuse(time.monotonic_ns())
        ready = dict(self._poller.poll(timeout_ms))
        now_ns = time.monotonic_ns()
        self._take_changes(ready, now_ns)
        drained = self._take_live(ready, now_ns)
        self._take_answers(ready, now_ns)
        self._renew_silent(now_ns)
        self._calls.expire(now_ns)
        self._greetings.expire(now_ns)
        reachable = any(link.alive(now_ns) for link in self._links)
        self._tracker.tick(now_ns=now_ns, reachable=reachable)
        self._ask(now_ns)
        self._events += self._tracker.take()
        if drained:
            self._judge(now_ns)
        self._last_pump_ns = now_ns
        events, self._events = self._events, []
        return events

    # Connections

    def _watch(self, link: Link) -> None:
        for socket in (link.sub, link.dealer, link.door.monitor):
            self._poller.register(socket, zmq.POLLIN)

    def _renew_silent(self, now_ns: int) -> None:
        """Replace connections that are half open: the other side will never end them."""
        for link in self._links:
            if link.silent(now_ns):
                self._causes.saw(Cause.NETWORK, now_ns)
                self._abandon(link, now_ns)
                self._poller.unregister(link.sub)
                self._poller.unregister(link.door.monitor)
                link.renew()
                self._watch(link)

    def _take_changes(self, ready: dict[object, int], now_ns: int) -> None:
        for link in self._links:
            if link.door.monitor in ready:
                link.door.listen(now_ns)
            for change in link.changes(now_ns):
                if change != "made":
                    self._causes.saw(Cause.NETWORK, now_ns)
                if change == "lost":
                    self._abandon(link, now_ns)
                elif change == "back":
                    self._greetings.back(link)

    def _abandon(self, link: Link, now_ns: int) -> None:
        self._calls.abandon(link, now_ns)
        self._greetings.abandon(link)

    # Live messages

    def _take_live(self, ready: dict[object, int], now_ns: int) -> bool:
        """Read what is here; True if nothing was here.

        Before the join nothing of it is delivered yet, so much more is read than a batch.
        """
        joined, most = self.joined, 0
        for link in self._links:
            if link.sub not in ready:
                continue
            link.heard_ns = now_ns
            for _ in range(1 if joined else _BATCHES_BEFORE_JOIN):
                messages = link.live()
                most = max(most, len(messages))
                for frames in messages:
                    self._take_message(link, frames, now_ns)
                if len(messages) < BATCH:
                    break
        if most < BATCH or not joined:
            self.caught_up_ns = now_ns
        elif now_ns - self.caught_up_ns > _BUSY_NS:
            self._causes.saw(Cause.SLOW_READER, now_ns)
        return not most

    def _take_message(self, link: Link, frames: list[bytes], now_ns: int) -> None:
        if frames[0].startswith(HEARTBEAT_TOPIC):
            self._take_heartbeat(link, frames, now_ns)
            return
        message = self._read(frames)
        if message is not None:
            self._offer(message, now_ns)

    def _offer(self, message: Message, now_ns: int, want: Want | None = None) -> None:
        shard = message.header.shard
        if self._tracker.joined(shard):
            self._tracker.offer(message, now_ns=now_ns, want=want)
        elif shard in self._early:
            self._early[shard].append(message)

    def _take_heartbeat(self, link: Link, frames: list[bytes], now_ns: int) -> None:
        try:
            _, head, body = frames
            header, beat = decode_live_header(head), decode_heartbeat(body)
        except (ValueError, DecodeError):
            self._statistics.malformed += 1
            return
        link.holding = beat.state == HubState.HOLDING
        shard = header.shard
        if shard not in self._stalls:
            return
        news = self._stalls[shard].heard(beat.log_ns, now_ns)
        if news is not None:
            self._events.append(news)
        if self._tracker.joined(shard):
            epoch, well = header.epoch, beat.state == HubState.OK
            self._tracker.heard(shard, epoch=epoch, n=beat.n, now_ns=now_ns, well=well)
        else:
            self._join_at(header, beat, now_ns)

    def _join_at(self, header: LiveHeader, beat: Heartbeat, now_ns: int) -> None:
        """Begin a shard; a publisher that is still reading the log does not know where it is."""
        self._deadline_ns = 0
        if header.epoch and beat.state != HubState.HOLDING:
            joining = self._joining[header.shard]
            joining.heard(epoch=header.epoch, n=beat.n)
            self._join_if_ready(joining, now_ns)

    def _join_if_ready(self, joining: Joining | CatchUp, now_ns: int) -> None:
        base, shard = joining.base, joining.shard
        if self._tracker.joined(shard):
            return
        self._events += joining.take()
        if joining.error is not None and not self._events:
            raise joining.error
        if base is None:
            return
        self._tracker.join(
            shard, epoch=base.epoch, n=base.n, known=base.known.items(), known_n=base.known_n
        )
        early = self._early.pop(shard)
        while early:
            self._tracker.offer(early.popleft(), now_ns=now_ns)

    # Requests

    def _take_answers(self, ready: dict[object, int], now_ns: int) -> None:
        for link in self._links:
            if link.dealer not in ready:
                continue
            for frames in link.answers():
                try:
                    if not self._calls.reply(link, frames, now_ns=now_ns):
                        self._greetings.reply(link, frames, now_ns=now_ns)
                except DecodeError:
                    self._statistics.malformed += 1
        if self._strangers != self._greetings.strangers:
            self._strangers = self._greetings.strangers
            self._causes.saw(Cause.PUBLISHER, now_ns)
        for joining in self._joining.values():
            self._join_if_ready(joining, now_ns)

    def _ask(self, now_ns: int) -> None:
        # Whether the publisher itself is new is known before what it replays is told: it answers
        # in order.
        if self._greetings.pressing and self._calls.free("question", now_ns=now_ns):
            self._greetings.ask(now_ns)
        if self._calls.free("replay", now_ns=now_ns):
            want = self._tracker.wanted(now_ns)
            if want is not None and not self._calls.start(
                "replay", self._replay(want), now_ns=now_ns
            ):
                self._tracker.failed(want, now_ns=now_ns)
        # A publisher takes two requests at a time: a replay, and a question or a greeting.
        if self._calls.free("question", now_ns=now_ns) and not self._greetings.under_way:
            question = self._question(now_ns)
            if question is None:
                self._greetings.ask(now_ns)
            else:
                self._calls.start("question", question, now_ns=now_ns)

    def _replay(self, want: Want) -> Call:
        def message(frames: list[bytes]) -> None:
            read = self._read(frames)
            if read is not None:
                self._offer(read, time.monotonic_ns(), want)

        def done(reply: Reply | None) -> None:
            now_ns = time.monotonic_ns()
            if not isinstance(reply, EndReply) or reply.epoch < want.epoch:
                self._tracker.failed(want, now_ns=now_ns)
            elif not self._tracker.answered(
                want,
                epoch=reply.epoch,
                scanned_n=reply.scanned_to_n,
                more=reply.more,
                now_ns=now_ns,
            ):
                self._calls.turn_away("replay", now_ns)

        patterns = list(want.patterns)
        return Call(
            lambda req_id: ReplayRequest(
                SCHEMA_VERSION,
                req_id,
                RequestName.REPLAY,
                want.shard,
                want.epoch,
                want.after_n,
                MAX_REPLAY,
                patterns,
            ),
            done=done,
            message=message,
        )

    def _question(self, now_ns: int) -> Call | None:
        """Choose what to ask next: a base, an epoch that was missed, or tails."""
        for shard, joining in self._joining.items():
            if not self._tracker.joined(shard):
                call = joining.call()
            elif self._tracker.new_epoch(shard):
                call = self._hello(shard)
            else:
                call = self._tails(shard, now_ns)
            if call is not None:
                return call
        return None

    def _hello(self, shard: int) -> Call:
        def done(reply: Reply | None) -> None:
            now_ns = time.monotonic_ns()
            infos = reply.shards if isinstance(reply, HelloReply) else []
            epochs = [info.epochs for info in infos if info.shard == shard]
            if epochs and self._tracker.epochs(shard, epochs[0], now_ns=now_ns):
                self._next_tails_ns[shard] = 0
            else:
                self._calls.turn_away("question", now_ns)

        return Call(hello_request, done=done)

    def _tails(self, shard: int, now_ns: int) -> Call | None:
        wanted = self._tracker.tails_wanted(shard)
        if wanted is None or now_ns < self._next_tails_ns[shard]:
            return None
        self._next_tails_ns[shard] = now_ns + TAILS_EVERY_NS
        return self._tails_call(shard, *wanted, Tails(wanted[0], 0, 0, []), self._chunks)

    def _tails_call(
        self, shard: int, epoch: int, since_n: int, so_far: Tails, chunks: list[list[str]]
    ) -> Call:
        """Ask about one chunk of patterns, then about the next; tell the tracker at the end."""

        def done(reply: Reply | None) -> None:
            if not isinstance(reply, TailsReply):
                return
            tails = so_far.plus(reply.now_n, reply.tails)
            if len(chunks) > 1:
                call = self._tails_call(shard, epoch, since_n, tails, chunks[1:])
                self._calls.start("question", call, now_ns=time.monotonic_ns())
            else:
                self._tracker.tails(shard, tails)

        return Call.tails(
            lambda req_id: TailsRequest(
                SCHEMA_VERSION, req_id, RequestName.TAILS, shard, epoch, since_n, chunks[0]
            ),
            done=done,
        )

    # Time

    def _excuse(self, now_ns: int) -> None:
        """Give no verdict on the hub after a pause in which the strategy did not listen."""
        pause_ns = now_ns - self._last_pump_ns
        if pause_ns > _BUSY_NS:
            self._causes.saw(Cause.SLOW_READER, now_ns)
        if pause_ns > _PAUSE_NS:
            for watch in self._stalls.values():
                watch.excuse(now_ns)
            for link in self._links:
                link.heard_ns = link.heard_ns and now_ns

    def _judge(self, now_ns: int) -> None:
        if self._deadline_ns and now_ns > self._deadline_ns:
            raise unreachable(self._links, self._timeout_s)
        judged = (watch.judge(now_ns) for watch in self._stalls.values())
        self._events += [news for news in judged if news is not None]


def _joining(
    shard: int, wanted: Plan, read: Callable[[list[bytes]], Message | None]
) -> Joining | CatchUp:
    begin = wanted.begin_of(shard)
    if begin in ("live", "snapshot"):
        return Joining(shard, wanted.patterns, snapshot=begin == "snapshot", read=read)
    return CatchUp(shard, wanted.patterns, begin=begin, read=read)
