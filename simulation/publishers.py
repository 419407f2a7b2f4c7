"""Publishers: the real Source, Shard and Answers between the log and clients' links.

What is here instead of sockets is a `Line` per client: in order, late, and cut on order. What a
publisher has sent is noted for the checks.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Final

from mdhub.runtime.backoff import Backoff
from mdhub.streams.errors import StreamsError
from mdhub.streams.port import Entry
from mdhub.streams.topology import CLEAN
from mdhub.wire.codec import encode
from mdhub.wire.live import Heartbeat, LiveHeader
from mdhub.wire.ticks import SCHEMA_VERSION
from mdhub.wire.topics import heartbeat_topic
from mdhub_publisher.answers import Answer, Answers
from mdhub_publisher.frames import live_frames
from mdhub_publisher.ring import Ring
from mdhub_publisher.shard import Phase, Shard
from mdhub_publisher.source import Follow, Source
from simulation.server import SimServer, SimTail, connect
from simulation.sources import QUIET
from simulation.world import MS, Host, Process, World

__all__ = ["Line", "Publisher", "Sent"]

HEARTBEAT_NS: Final = 200 * MS
Sent = dict[tuple[int, int], bytes]
"""`(epoch, n)` of everything any publisher has sent -> payload."""
Frames = list[bytes]


class Line:
    """The way from one publisher's place to one client; it outlives the publisher's process."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.cut_until_ns = 0
        self.loss = 0.0
        self._live: deque[tuple[int, Frames]] = deque()
        self._answers: deque[tuple[int, Frames]] = deque()
        self.heard_ns = 0
        self.publisher: Publisher | None = None
        self.greeted = True
        self.holding = False

    def send(self, frames: Frames) -> None:
        """Publish; lost while the line is cut."""
        world = self._world
        lost = self.loss and world.random.random() < self.loss
        if world.now_ns >= self.cut_until_ns and not lost:
            self._live.append((world.now_ns + MS, frames))

    def reply(self, frames: Frames) -> None:
        """Answer a request; lost while the line is cut."""
        if self._world.now_ns >= self.cut_until_ns:
            self._answers.append((self._world.now_ns + MS, frames))

    def live(self) -> list[Frames]:
        """Receive what has arrived."""
        found = _arrived(self._live, self._world.now_ns)
        if found:
            self.heard_ns = self._world.now_ns
        return found

    def answers(self) -> list[Frames]:
        """Receive answers that have arrived."""
        return _arrived(self._answers, self._world.now_ns)

    # As the SDK's Calls want a link

    def alive(self, now_ns: int) -> bool:
        return now_ns - self.heard_ns < 1_000 * MS

    def prompt(self, now_ns: int) -> bool:
        return not self.holding and now_ns - self.heard_ns < 500 * MS

    def ask(self, request: bytes) -> bool:
        """Send a request to whichever process listens there now."""
        publisher = self.publisher
        if publisher is None or publisher.dead:
            return False
        if self._world.now_ns >= self.cut_until_ns:
            publisher.asked(self, request)
        return True


def _arrived(queue: deque[tuple[int, Frames]], now_ns: int) -> list[Frames]:
    found = []
    while queue and queue[0][0] <= now_ns:
        found.append(queue.popleft()[1])
    return found


class Publisher(Process):
    """One publisher process; its loop is that of Fanout."""

    def __init__(  # noqa: PLR0913 - what a publisher stands between
        self,
        world: World,
        server: SimServer,
        name: str,
        host: Host,
        *,
        lines: list[Line],
        sent: Sent,
        ring: int,
    ) -> None:
        super().__init__(world, name, host)
        self._lines = lines
        self._sent = sent
        self.shard = Shard(0, ring=Ring(max_entries=ring))
        self.source = Source(
            lambda: connect(server, "publisher", self),
            [self.shard],
            watch=_nothing,
            unwatch=_nothing,
            logger=QUIET,
        )
        self.source._backoff = Backoff(first_s=0.05, ceiling_s=1.0, random=world.random)
        self._answers = Answers(
            {0: self.shard}, publisher_id=name, log=lambda: self.source.log, wall_ns=host.wall_ns
        )
        self._asked: deque[tuple[Line, Answer]] = deque()
        self._heartbeat_ns = 0
        self._housekeeping_ns = 0
        for line in lines:
            line.publisher = self
        self.spawn(self._step, world.uniform_ms(0, 20))

    def asked(self, line: Line, request: bytes) -> None:
        """Take a request in."""
        self._asked.append((line, self._answers.begin(request)))

    def _step(self) -> int:
        source, now_ns = self.source, self.world.now_ns
        self._heartbeat_if_due(now_ns)
        try:
            for follow in list(source.follows.values()):
                tail: Any = follow.tail
                if isinstance(tail, SimTail) and tail.ready:
                    self._publish(follow.shard, follow.take())
            if source.observe(now_ns) and now_ns >= self._housekeeping_ns:
                self._housekeep(now_ns)
        except StreamsError as error:
            self.world.say(self.name, "%s: starts over", type(error).__name__)
            source.lost(error, now_ns)
        source.advance(now_ns)
        self._answer()
        if source.settled:
            return self.world.uniform_ms(4, 24)
        return 10 * MS

    def _publish(self, shard: Shard, entries: list[Entry]) -> None:
        for entry in entries:
            clean = shard.accept(entry)
            if clean is not None:
                self._sent[clean.epoch, clean.n] = clean.payload
                self._send(live_frames(clean, shard.shard, self.host.wall_ns()))
        if shard.phase is not Phase.LIVE:
            shard.batch_done(len(entries))

    def _send(self, frames: Frames) -> None:
        for line in self._lines:
            line.send(frames)

    def _heartbeat_if_due(self, now_ns: int) -> None:
        if now_ns < self._heartbeat_ns:
            return
        self._heartbeat_ns = now_ns + HEARTBEAT_NS
        shard = self.shard
        header = LiveHeader(
            SCHEMA_VERSION, 0, shard.epoch, None, None, None, None, self.host.wall_ns(), 0
        )
        body = Heartbeat(
            SCHEMA_VERSION, self.name, 0, shard.n, shard.positions.log_ns,
            shard.positions.market_ns, shard.state(now_ns),
        )  # fmt: skip
        self._send([heartbeat_topic(0), encode(header), encode(body)])

    def _housekeep(self, now_ns: int) -> None:
        self._housekeeping_ns = now_ns + 1_000 * MS
        log = self.source.log
        if log is not None and self.shard.phase is Phase.LIVE:
            log.set_cursor(0, CLEAN, reader=self.name, cursor=self.shard.cursor)

    def _answer(self) -> None:
        """Give answers their turns: a few frames each, as between two polls."""
        for _ in range(min(len(self._asked), 4)):
            line, answer = self._asked.popleft()
            for _ in range(64):
                frames = next(answer, self)
                if frames is self:
                    break
                if isinstance(frames, list):
                    line.reply(frames)
            else:
                self._asked.append((line, answer))


def _nothing(_follow: Follow) -> None:
    """Readiness is asked of the tail itself."""
