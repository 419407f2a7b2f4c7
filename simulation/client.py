"""A strategy's host: the SDK's Tracker and Calls, fed by the lines of two publishers.

`View` is the strategy: it keeps what it was given and obeys what it is told, nothing else.
"""

from __future__ import annotations

from itertools import count
from typing import Any, Final

from mdhub.sdk.events import EpochChange, Gap, Message
from mdhub.sdk.requests import Call, Calls, Reply
from mdhub.sdk.tracker import Limits, Tracker, Want
from mdhub.wire.codec import DecodeError, decode_heartbeat, decode_live_header
from mdhub.wire.live import HubState
from mdhub.wire.requests import EndReply, HelloReply, HelloRequest, ReplayRequest, RequestName
from mdhub.wire.ticks import SCHEMA_VERSION
from mdhub.wire.topics import HEARTBEAT_TOPIC
from simulation.publishers import Frames, Line
from simulation.world import MS, SECOND, Host, Process, Violation, World

__all__ = ["Client", "View"]

MAX_REPLAY: Final = 5_000
SILENT_NS: Final = 1_500 * MS
Row = tuple[int, int, bytes, bytes]
"""epoch, n, topic, payload."""


class View:
    """What a strategy has: entries in order of n, less what was withdrawn."""

    def __init__(self, joined_n: int) -> None:
        self.joined_n = joined_n
        self.rows: list[Row] = []
        self.lost: list[Gap] = []

    @property
    def n(self) -> int:
        return self.rows[-1][1] if self.rows else self.joined_n

    def take(self, output: Message | Gap | EpochChange) -> None:
        """Take what the SDK delivers. Raises Violation at once if it is out of order."""
        if isinstance(output, Message):
            header = output.header
            n = header.n or 0
            if n != self.n + 1:
                raise Violation(f"the strategy has n {self.n} and is given n {n}")
            self.rows.append((header.epoch, n, output.topic, output.payload))
        elif isinstance(output, EpochChange):
            while self.rows and self.rows[-1][1] > output.resume_after_n:
                self.rows.pop()
            self.joined_n = min(self.joined_n, output.resume_after_n)
        elif not output.recovered:
            self.lost.append(output)
            raise Violation(
                f"the SDK gave up on {output.size} entries ({output.outcome}, cause {output.cause})"
            )


class Client(Process):
    """Follows everything of shard 0."""

    def __init__(self, world: World, host: Host, lines: list[Line]) -> None:
        super().__init__(world, "client", host)
        self._lines = lines
        self.tracker = Tracker(
            everything=True, limits=Limits(patience_ns=3_600 * SECOND, retry_ns=20 * MS)
        )
        links: Any = lines
        self._calls = Calls(links, count(1))
        self.view: View | None = None
        self._peers = [line.publisher for line in lines]
        self.spawn(self._step, world.uniform_ms(0, 20))

    def _step(self) -> int:
        now_ns = self.world.now_ns
        self._abandon_lost(now_ns)
        for line in self._lines:
            for frames in line.live():
                self._live(line, frames, now_ns)
            for frames in line.answers():
                link: Any = line
                self._calls.reply(link, frames, now_ns=now_ns)
        self._calls.expire(now_ns)
        if self.view is not None:
            self.tracker.tick(now_ns=now_ns, reachable=True)
            self._ask(now_ns)
            for output in self.tracker.take():
                self._told(self.view, output)
        return self.world.uniform_ms(4, 30)

    def _abandon_lost(self, now_ns: int) -> None:
        """No reply comes from a process that is gone, nor over a line that went silent."""
        for i, line in enumerate(self._lines):
            peer = line.publisher
            gone = peer is not self._peers[i] or peer is None or peer.dead
            if gone or now_ns - line.heard_ns > SILENT_NS:
                link: Any = line
                self._calls.abandon(link, now_ns)
                self._peers[i] = peer

    def _told(self, view: View, output: Message | Gap | EpochChange) -> None:
        if isinstance(output, EpochChange):
            self.world.say(
                self.name, "epoch %d, withdraws behind n %d (has n %d)", output.epoch,
                output.resume_after_n, view.n,
            )  # fmt: skip
        view.take(output)

    def _live(self, line: Line, frames: Frames, now_ns: int) -> None:
        if frames[0].startswith(HEARTBEAT_TOPIC):
            header, beat = decode_live_header(frames[1]), decode_heartbeat(frames[2])
            line.holding = beat.state == HubState.HOLDING
            if self.view is not None:
                well = beat.state == HubState.OK
                self.tracker.heard(0, epoch=header.epoch, n=beat.n, now_ns=now_ns, well=well)
            elif header.epoch and beat.state != HubState.HOLDING:
                self.tracker.join(0, epoch=header.epoch, n=beat.n)
                self.view = View(beat.n)
        elif self.view is not None:
            self.tracker.offer(_message(frames), now_ns=now_ns)

    def _ask(self, now_ns: int) -> None:
        calls = self._calls
        if calls.free("replay", now_ns=now_ns):
            want = self.tracker.wanted(now_ns)
            if want is not None and not calls.start("replay", self._replay(want), now_ns=now_ns):
                self.tracker.failed(want, now_ns=now_ns)
        if self.tracker.new_epoch(0) and calls.free("question", now_ns=now_ns):
            calls.start("question", self._hello(), now_ns=now_ns)

    def _replay(self, want: Want) -> Call:
        def message(frames: Frames) -> None:
            self.tracker.offer(_message(frames), now_ns=self.world.now_ns, want=want)

        def done(reply: Reply | None) -> None:
            now_ns = self.world.now_ns
            if not isinstance(reply, EndReply) or reply.epoch < want.epoch:
                self.tracker.failed(want, now_ns=now_ns)
            elif not self.tracker.answered(
                want, epoch=reply.epoch, scanned_n=reply.scanned_to_n, more=reply.more,
                now_ns=now_ns,
            ):  # fmt: skip
                self._calls.turn_away("replay", now_ns)

        return Call(
            lambda req_id: ReplayRequest(
                SCHEMA_VERSION, req_id, RequestName.REPLAY, want.shard, want.epoch, want.after_n,
                MAX_REPLAY, list(want.patterns),
            ),
            done=done,
            message=message,
        )  # fmt: skip

    def _hello(self) -> Call:
        def done(reply: Reply | None) -> None:
            now_ns = self.world.now_ns
            infos = reply.shards if isinstance(reply, HelloReply) else []
            epochs = [info.epochs for info in infos]
            if not epochs or not self.tracker.epochs(0, epochs[0], now_ns=now_ns):
                self._calls.turn_away("question", now_ns)

        return Call(lambda req_id: HelloRequest(SCHEMA_VERSION, req_id), done=done)


def _message(frames: Frames) -> Message:
    try:
        topic, header, payload = frames
        return Message(topic, decode_live_header(header), payload)
    except (ValueError, DecodeError) as error:
        raise Violation(f"a publisher sent what is no message: {error}") from error
