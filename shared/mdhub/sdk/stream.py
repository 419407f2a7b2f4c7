# HOT: `Stream.pump` runs once per batch, `_take_live` once per message.
"""One iteration on a hub: filters, joining, repair, and the pump between sockets and tracker."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import zmq

from mdhub.sdk.connection import Link
from mdhub.sdk.errors import HubError, HubUnreachable, PatternError
from mdhub.sdk.events import Message, Stall
from mdhub.sdk.greetings import Greetings, hello_request
from mdhub.sdk.joining import Base, Joining, chunks_of
from mdhub.sdk.lane import Output
from mdhub.sdk.requests import Call, Calls, Reply
from mdhub.sdk.stall import StallWatch
from mdhub.sdk.tracker import Tails, Tracker, Want
from mdhub.wire.codec import DecodeError, decode_heartbeat, decode_live_header
from mdhub.wire.errors import WireError
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
from mdhub.wire.topics import HEARTBEAT_TOPIC, Selection, subscription_prefixes

__all__ = ["Event", "Plan", "Stream", "plan", "unreachable"]

MAX_REPLAY: Final = 5_000
MAX_PATTERN_CHARS: Final = 64
EARLY_MESSAGES: Final = 200_000
"""Kept per shard before its base is known; older ones go, and are replayed as a hole."""
TAILS_EVERY_NS: Final = 1_000_000_000
_TOPICS_REMEMBERED: Final = 400_000
_SHARD_TOPICS: Final = (b"epoch.", b"phase.", b"marker.")

Event = Output | Stall


@dataclass(frozen=True, slots=True)
class Plan:
    """What to follow, checked."""

    patterns: tuple[str, ...]
    prefixes: tuple[bytes, ...]
    everything: bool
    snapshot: bool


def plan(patterns: tuple[str, ...], start: str) -> Plan:
    """Check patterns and start. Raises PatternError or ValueError."""
    if start not in ("live", "snapshot"):
        raise ValueError(f"start was {start!r}, expected 'live' or 'snapshot'")
    patterns = tuple(dict.fromkeys(patterns)) or ("*",)
    everything = "*" in patterns
    for pattern in patterns:
        if len(pattern) > MAX_PATTERN_CHARS:
            raise PatternError(
                f"pattern {pattern[:20]!r}... has {len(pattern)} characters, "
                f"expected at most {MAX_PATTERN_CHARS}"
            )
    try:
        covered = [p for pattern in patterns for p in subscription_prefixes(pattern)]
    except WireError as error:
        raise PatternError(str(error)) from None
    if everything:
        covered = [b"tick.", b"quality.", *_SHARD_TOPICS]
    else:
        covered.append(b"epoch.")
    # Heartbeats last: the first one to arrive shows that the filters before it are in force.
    prefixes = (*dict.fromkeys(covered), HEARTBEAT_TOPIC)
    return Plan(patterns, prefixes, everything, start == "snapshot")


def unreachable(links: list[Link], timeout_s: float) -> HubUnreachable:
    """Build the error that says what was tried and what to check."""
    tried = ", ".join(link.endpoint.live for link in links)
    return HubUnreachable(
        f"no publisher answered within {timeout_s:g} s; tried {tried} (and the port above each, "
        "for requests). Check that a publisher runs there (`mdhub up`), that it listens on "
        "an address this host can reach (`--bind`), and that both ports are open"
    )


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
        self._selection = Selection(wanted.patterns)
        self._tracker = tracker
        self._statistics = tracker.statistics
        self._calls = Calls(links, ids)
        self._greetings = greetings
        self._chunks = chunks_of(wanted.patterns)
        now_ns = time.monotonic_ns()
        self._timeout_s = timeout_s
        self._deadline_ns = now_ns + int(timeout_s * 1e9)
        self._joining = {
            shard: Joining(shard, wanted.patterns, snapshot=wanted.snapshot, read=self._read)
            for shard in shards
        }
        self._early: dict[int, deque[Message]] = {
            shard: deque(maxlen=EARLY_MESSAGES) for shard in shards
        }
        self._stalls = {shard: StallWatch(shard, now_ns) for shard in shards}
        self._events: list[Event] = []
        self._names: dict[bytes, str | None] = {}
        self._next_tails_ns = dict.fromkeys(shards, 0)
        self._last_pump_ns = now_ns
        self._poller = zmq.Poller()
        for link in links:
            link.subscribe(wanted.prefixes)
            self._poller.register(link.sub, zmq.POLLIN)
            self._poller.register(link.dealer, zmq.POLLIN)

    @property
    def joined(self) -> bool:
        """Whether every shard has its base: from here nothing is missed."""
        return all(self._tracker.joined(shard) for shard in self._joining)

    def pump(self, timeout_ms: int) -> list[Event]:
        """Wait for messages, at most `timeout_ms`; return what there is to deliver and tell.

        Raises HubUnreachable if no heartbeat came within the time given for it.
        """
        self._excuse(time.monotonic_ns())
        ready = dict(self._poller.poll(timeout_ms))
        now_ns = time.monotonic_ns()
        drained = self._take_live(ready, now_ns)
        self._take_answers(ready, now_ns)
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

    # Live messages

    def _take_live(self, ready: dict[object, int], now_ns: int) -> bool:
        """Read what is here; True if nothing was left behind."""
        drained = True
        for link in self._links:
            if link.sub not in ready:
                continue
            messages = link.live()
            drained = drained and not messages
            link.heard_ns = now_ns
            for frames in messages:
                self._take_message(frames, now_ns)
        return drained

    def _take_message(self, frames: list[bytes], now_ns: int) -> None:
        if frames[0].startswith(HEARTBEAT_TOPIC):
            self._take_heartbeat(frames, now_ns)
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

    def _read(self, frames: list[bytes]) -> Message | None:
        """Make a message of three frames; None if it is not for us or not one."""
        try:
            topic, header, payload = frames
            name = self._names[topic] if topic in self._names else self._name(topic)
            if name is None:
                return None
            return Message(topic, decode_live_header(header), payload, name)
        except (ValueError, DecodeError):
            self._statistics.malformed += 1
            return None

    def _name(self, topic: bytes) -> str | None:
        """Read the instrument from a topic; None = not ours, empty = of the whole shard."""
        kind, _, rest = topic.decode().partition(".")
        name: str | None = ""
        if kind in ("tick", "quality"):
            exchange, _, symbol = rest[:-1].partition(".")
            name = f"{symbol}.{exchange}"
            if not self._selection.matches(name):
                name = None
        if len(self._names) >= _TOPICS_REMEMBERED:
            self._names.clear()
        self._names[topic] = name
        return name

    def _take_heartbeat(self, frames: list[bytes], now_ns: int) -> None:
        try:
            _, head, body = frames
            header, beat = decode_live_header(head), decode_heartbeat(body)
        except (ValueError, DecodeError):
            self._statistics.malformed += 1
            return
        shard = header.shard
        if shard not in self._stalls:
            return
        news = self._stalls[shard].heard(beat.log_ns, now_ns)
        if news is not None:
            self._events.append(news)
        if self._tracker.joined(shard):
            self._tracker.heard(shard, epoch=header.epoch, n=beat.n, now_ns=now_ns)
        else:
            self._join_at(header, beat, now_ns)

    def _join_at(self, header: LiveHeader, beat: Heartbeat, now_ns: int) -> None:
        """Begin a shard; a publisher that is still reading the log does not know where it is."""
        self._deadline_ns = 0
        if header.epoch and beat.state != HubState.HOLDING:
            joining = self._joining[header.shard]
            if joining.refusal:
                raise HubError(f"the publisher refuses to let us join: {joining.refusal}")
            joining.heard(epoch=header.epoch, n=beat.n)
            self._join_if_ready(joining, now_ns)

    def _join_if_ready(self, joining: Joining, now_ns: int) -> None:
        if joining.base is None or self._tracker.joined(joining.shard):
            return
        base: Base = joining.base
        shard = joining.shard
        self._tracker.join(
            shard, epoch=base.epoch, n=base.n, known=base.known.items(), known_n=base.known_n
        )
        self._events += base.snapshot
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
        for joining in self._joining.values():
            self._join_if_ready(joining, now_ns)

    def _ask(self, now_ns: int) -> None:
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
            if isinstance(reply, EndReply):
                self._tracker.answered(
                    want,
                    epoch=reply.epoch,
                    scanned_n=reply.scanned_to_n,
                    more=reply.more,
                    now_ns=now_ns,
                )
            else:
                self._tracker.failed(want, now_ns=now_ns)

        patterns = list(want.patterns)
        return Call(
            lambda req_id: ReplayRequest(
                SCHEMA_VERSION, req_id, RequestName.REPLAY, want.shard, want.epoch,
                want.after_n, MAX_REPLAY, patterns,
            ),
            done=done,
            message=message,
        )  # fmt: skip

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
        if now_ns - self._last_pump_ns > TAILS_EVERY_NS // 2:
            for watch in self._stalls.values():
                watch.excuse(now_ns)
            for link in self._links:
                link.heard_ns = link.heard_ns and now_ns

    def _judge(self, now_ns: int) -> None:
        if self._deadline_ns and now_ns > self._deadline_ns:
            raise unreachable(self._links, self._timeout_s)
        for watch in self._stalls.values():
            news = watch.judge(now_ns)
            if news is not None:
                self._events.append(news)
