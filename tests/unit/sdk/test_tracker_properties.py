"""A whole hub in a hundred lines: publishers that lag, lose and repeat, and one client."""

from __future__ import annotations

from collections import deque
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mdhub.sdk.events import EpochChange, Gap, Message
from mdhub.sdk.tracker import Limits, Tails, Tracker, Want
from mdhub.wire.codec import marker
from mdhub.wire.entries import EpochMark
from mdhub.wire.live import LiveHeader
from mdhub.wire.topics import Selection

NAMES = ("a.X", "b.X", "c.X", "d.X")
MS = 1_000_000


class Log:
    """The clean log: entries by n, and where each epoch begins."""

    def __init__(self) -> None:
        self.entries: list[Message] = []
        self.epochs: list[tuple[int, int]] = []
        self.open_epoch(0)

    @property
    def epoch(self) -> int:
        return self.epochs[-1][0]

    def open_epoch(self, resume_n: int) -> None:
        del self.entries[resume_n:]
        self.epochs.append((len(self.epochs) + 1, resume_n))
        body = marker("epoch", 0, EpochMark(self.epoch, resume_n, "i"))
        self._add(b"epoch.0.", None, body, "")

    def tick(self, name: str) -> None:
        k = sum(m.name == name for m in self.entries) + 1
        self._add(b"tick." + name.encode(), k, b"", name)

    def _add(self, topic: bytes, k: int | None, payload: bytes, name: str) -> None:
        n = len(self.entries) + 1
        header = LiveHeader(1, 0, self.epoch, n, k, f"{n}-{self.epoch}", 0, 0, 0)
        self.entries.append(Message(topic, header, payload, name))


class Publisher:
    """Sends what the log has, some time later; its pipe to the client may lose and repeat."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.sent_n = len(log.entries)
        self.epoch = log.epoch
        self.pipe: deque[Message | tuple[int, int]] = deque()

    def send(self, random: Random, *, loss: float, repeats: float) -> None:
        self._follow_epoch()
        if self.sent_n >= len(self.log.entries):
            return
        message = self.log.entries[self.sent_n]
        self.sent_n += 1
        self.epoch = message.header.epoch
        if random.random() >= loss:
            self.pipe.append(message)
        if random.random() < repeats:
            self.pipe.append(message)

    def heartbeat(self) -> None:
        self.pipe.append((self.epoch, self.sent_n))

    def replay(self, want: Want, limit: int) -> tuple[list[Message], int, bool] | None:
        known = [epoch for epoch, _ in self.log.epochs]
        if self.epoch != self.log.epoch or want.epoch not in known:
            return None
        cuts = [n for epoch, n in self.log.epochs if epoch > want.epoch]
        after_n = min([want.after_n, *cuts])
        selection, found = Selection(want.patterns), []
        for message in self.log.entries[after_n : self.sent_n]:
            if selection.matches(message.name) or message.topic == b"epoch.0.":
                found.append(message)
                if len(found) == limit:
                    scanned_n = message.header.n or 0
                    return found, scanned_n, scanned_n < self.sent_n
        return found, max(self.sent_n, 0), False

    def tails(self, epoch: int, since_n: int, selection: Selection) -> Tails | None:
        if self.epoch != epoch or self.log.epoch != epoch:
            return None
        rows = {
            m.name: m.header.k or 0
            for m in self.log.entries[: self.sent_n]
            if m.name and selection.matches(m.name) and (m.header.n or 0) > since_n
        }
        return Tails(epoch, 0, 0, []).plus(self.sent_n, [(name, k, "") for name, k in rows.items()])

    def _follow_epoch(self) -> None:
        cuts = [n for epoch, n in self.log.epochs if epoch > self.epoch]
        self.sent_n = min([self.sent_n, *cuts])


class World:
    """Drives a tracker against publishers, by one source of chance."""

    def __init__(self, seed: int, patterns: tuple[str, ...], *, loss: float) -> None:
        self.random = Random(seed)
        self.loss = loss
        self.patterns = patterns
        self.selection = Selection(patterns)
        self.log = Log()
        for _ in range(self.random.randrange(10)):
            self.log.tick(self.random.choice(NAMES))
        self.publishers = [Publisher(self.log) for _ in range(self.random.choice((1, 2)))]
        self.tracker = Tracker(
            everything="*" in patterns, limits=Limits(patience_ns=10**15, retry_ns=MS, go_on_ns=MS)
        )
        self.now_ns = 0
        self.got: list[Message] = []
        self.gaps: list[Gap] = []
        self.join_n = len(self.log.entries)
        self.lowest_n = self.join_n
        tails = self.publishers[0].tails(self.log.epoch, 0, self.selection)
        assert tails is not None
        known = [(name, k) for name, k, _ in tails.rows]
        self.tracker.join(0, epoch=self.log.epoch, n=self.join_n, known=known, known_n=self.join_n)
        self.asked: tuple[Want, Publisher] | None = None

    def step(self, *, cuts: float) -> None:
        self.now_ns += MS
        action = self.random.random()
        if action < 0.3:
            self.log.tick(self.random.choice(NAMES))
        elif action < 0.3 + cuts:
            resume_n = self.random.randint(max(0, len(self.log.entries) - 6), len(self.log.entries))
            self.log.open_epoch(resume_n)
            self.lowest_n = min(self.lowest_n, resume_n)
        for publisher in self.publishers:
            if self.random.random() < 0.7:
                publisher.send(self.random, loss=self.loss, repeats=0.1)
            if self.random.random() < 0.2:
                publisher.heartbeat()
        self.client(self.random.randrange(4))

    def client(self, messages: int) -> None:
        for _ in range(messages):
            self.receive(self.random.choice(self.publishers))
        self.ask()
        self.drain()

    def receive(self, publisher: Publisher) -> None:
        if not publisher.pipe:
            return
        item = publisher.pipe.popleft()
        if isinstance(item, tuple):
            self.tracker.heard(0, epoch=item[0], n=item[1], now_ns=self.now_ns)
        elif not item.name or self.selection.matches(item.name):
            self.tracker.offer(item, now_ns=self.now_ns)

    def ask(self) -> None:
        publisher = self.random.choice(self.publishers)
        if self.tracker.new_epoch(0):
            self.tracker.epochs(0, list(self.log.epochs), now_ns=self.now_ns)
        wanted = self.tracker.tails_wanted(0)
        if wanted and self.random.random() < 0.3:
            tails = publisher.tails(*wanted, self.selection)
            if tails:
                self.tracker.tails(0, tails)
        want = self.tracker.wanted(self.now_ns)
        if want is not None:
            self.answer(want, publisher)

    def answer(self, want: Want, publisher: Publisher) -> None:
        reply = publisher.replay(want, self.random.randint(1, 4))
        if reply is None or self.random.random() < self.loss:
            self.tracker.failed(want, now_ns=self.now_ns)
            return
        messages, scanned_n, more = reply
        for message in messages:
            if self.random.random() < 0.3:
                self.receive(self.random.choice(self.publishers))
            self.tracker.offer(message, now_ns=self.now_ns, want=want)
        epoch = self.log.epoch
        self.tracker.answered(want, epoch=epoch, scanned_n=scanned_n, more=more, now_ns=self.now_ns)

    def drain(self) -> None:
        for item in self.tracker.take():
            if isinstance(item, Message):
                self.got.append(item)
            elif isinstance(item, EpochChange):
                self.got = [m for m in self.got if (m.header.n or 0) <= item.resume_after_n]
            else:
                self.gaps.append(item)

    def settle(self) -> None:
        """Let everything arrive, without further loss."""
        self.loss = 0.0
        for _ in range(400):
            self.now_ns += MS
            for publisher in self.publishers:
                publisher.send(self.random, loss=0.0, repeats=0.0)
                publisher.heartbeat()
            self.client(6)

    def expected(self) -> list[Message]:
        return [
            m
            for m in self.log.entries[self.lowest_n :]
            if self.tracker._everything or (m.name and self.selection.matches(m.name))
        ]


def run(seed: int, patterns: tuple[str, ...], *, loss: float, cuts: float) -> World:
    world = World(seed, patterns, loss=loss)
    for _ in range(120):
        world.step(cuts=cuts)
    world.settle()
    return world


def by_name(messages: list[Message]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for m in messages:
        found.setdefault(m.name, []).append(m.header.n or 0)
    return found


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    loss=st.sampled_from((0.0, 0.05, 0.4)),
    cuts=st.sampled_from((0.0, 0.02)),
)
def test_a_client_of_everything_gets_each_entry_once_and_in_order(
    seed: int, loss: float, cuts: float
) -> None:
    """Whatever is lost, repeated or cut back on the way, the result is the log, in its order."""
    world = run(seed, ("*",), loss=loss, cuts=cuts)
    assert [m.header.n for m in world.got] == [m.header.n for m in world.expected()]
    assert [m.header.id for m in world.got] == [m.header.id for m in world.expected()]
    assert all(gap.recovered for gap in world.gaps)
    assert not world.tracker.waiting


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    loss=st.sampled_from((0.0, 0.05, 0.4)),
    cuts=st.sampled_from((0.0, 0.02)),
)
def test_a_filtered_client_gets_each_entry_of_its_instruments_once_and_in_order(
    seed: int, loss: float, cuts: float
) -> None:
    """Holes in n mean nothing to it, and holes in k are filled before anything later."""
    world = run(seed, ("a.X", "[bc].X"), loss=loss, cuts=cuts)
    assert by_name(world.got) == by_name(world.expected())
    assert sorted(m.header.id or "" for m in world.got) == sorted(
        m.header.id or "" for m in world.expected()
    )
    assert all(gap.recovered for gap in world.gaps)
    assert not world.tracker.waiting


@pytest.mark.parametrize("patterns", [("*",), ("a.X", "b.X", "c.X", "d.X")])
def test_without_loss_nothing_is_asked_for(patterns: tuple[str, ...]) -> None:
    """One publisher that loses nothing never makes a client ask for a replay."""
    tracker = Tracker(everything="*" in patterns)
    log = Log()
    for name in NAMES:
        log.tick(name)
    known = [(name, 1) for name in NAMES]
    tracker.join(0, epoch=1, n=5, known=known if "*" not in patterns else (), known_n=5)
    for i in range(50):
        log.tick(NAMES[i % 4])
        tracker.offer(log.entries[-1], now_ns=i)
        tracker.heard(0, epoch=1, n=len(log.entries), now_ns=i)
        assert tracker.wanted(i) is None
    assert len(tracker.take()) == 50
