"""A recorded day as a raw log of two sources, watched offline: what the monitor would have said.

The second source is derived: it loses 1 % at random and comes 5 to 30 ms later. An outage is a
function that says what becomes of a snapshot: a delay in ns, or None = it does not come.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from heapq import heappop, heappush
from random import Random
from typing import NamedTuple

from mdhub.calendar import Calendar
from mdhub.market.snapshot import Snapshot, raw_tick
from mdhub.wire.codec import control, encode
from mdhub.wire.entries import Clock, ControlKind
from mdhub_monitor.learn import Habit
from mdhub_monitor.rules.connection import Connections
from mdhub_monitor.rules.problem import Ledger, Problem, Said
from mdhub_monitor.rules.services import BEAT_LIMIT_NS, BeatFact, Now, ServiceWatch
from mdhub_monitor.rules.shards import service_problems
from mdhub_monitor.watch import MarketWatch

SECOND_NS = 1_000_000_000
CLOCK_NS = 100_000_000
LOOK_NS = SECOND_NS // 2

Outage = Callable[[str, Snapshot], int | None]
"""Source and snapshot -> delay in ns; None = it is not delivered, `STUCK` = the last one again."""

STUCK = -1


class Hurt(NamedTuple):
    """What becomes of the process of source A, beside its ticks, from one moment to another."""

    begin_ns: int
    end_ns: int
    beats: bool = True
    """Whether its heartbeats go on."""
    disconnects: bool = False
    """Whether it says itself that its connection was lost, and is back."""
    replaced: bool = False
    """Whether a new process, so a new session, comes at the end."""


class Processes:
    """Heartbeats and events of the sources' processes, through the rules about them."""

    def __init__(self, hurt: Hurt) -> None:
        self.connections = Connections()
        self._hurt = hurt
        self._services = ServiceWatch(BEAT_LIMIT_NS)
        self._beats: dict[str, BeatFact] = {}
        self._told = ""

    def session(self, source: str, now_ns: int) -> int:
        return 1 + (source == "A" and self._hurt.replaced and now_ns >= self._hurt.end_ns)

    def look(self, watch: MarketWatch, now_ns: int) -> list[Problem]:
        hurts = self._hurt.begin_ns <= now_ns < self._hurt.end_ns
        for source in watch.facts.sources:
            if self._hurt.beats or source != "A" or not hurts:
                second_ns = now_ns - now_ns % SECOND_NS
                beat = BeatFact("ingest", self.session(source, now_ns), second_ns, "connected", {})
                self._beats[f"ingest:{source}"] = beat
        told = "disconnected" if hurts else "connected"
        if self._hurt.disconnects and told != self._told:
            self._told = told
            self.connections.told("A", told, now_ns)
        now = Now(now_ns, now_ns)
        self._services.look(self._beats, now)
        nobody: frozenset[str] = frozenset()
        sessions = {name: seen.session for name, seen in watch.facts.sources.items()}
        return [
            *service_problems(self._beats, self._services.down(now), nobody),
            *self.connections.look(sessions, now_ns, day=watch.trading_day, unwanted=nobody),
        ]


class Heard(NamedTuple):
    """Something the monitor said, and when by market time."""

    at_ns: int
    change: str
    key: str


def healthy(source: str, snapshot: Snapshot) -> int | None:
    """No outage."""
    del source, snapshot
    return 0


class Watched:
    """Folds a day through facts and rules; `heard` is everything that was said."""

    def __init__(
        self,
        *,
        calendar: Calendar,
        sources: tuple[str, ...] = ("A", "B"),
        outage: Outage = healthy,
        habits: dict[str, Habit] | None = None,
        hurt: Hurt = Hurt(0, 0),  # noqa: B008 - immutable
        seed: int = 1,
    ) -> None:
        self.processes = Processes(hurt)
        self.watch = MarketWatch(calendar, habits)
        self.ledger = Ledger()
        self.heard: list[Heard] = []
        self.ticks = 0
        self._sources = sources
        self._outage = outage
        self._random = Random(seed)
        self._now_ns = 0
        self._look_ns = 0
        self._waiting: list[tuple[int, int, str, Snapshot]] = []
        self._last: dict[tuple[str, str], Snapshot] = {}

    def run(self, snapshots: Iterable[Snapshot], *, until_ns: int = 0) -> list[Heard]:
        """Fold snapshots, then let time pass until then."""
        for snapshot in snapshots:
            self._advance(snapshot.made_ns)
            for source in self._sources:
                delay_ns = self._delay_ns(source, snapshot)
                if delay_ns == STUCK:
                    self._push_again(source, snapshot)
                    continue
                if delay_ns is not None:
                    item = (snapshot.made_ns + delay_ns, self.ticks, source, snapshot)
                    heappush(self._waiting, item)
                    self._last[source, snapshot.symbol] = snapshot
                    self.ticks += 1
        self._advance(until_ns)
        return self.heard

    def _push_again(self, source: str, snapshot: Snapshot) -> None:
        last = self._last.get((source, snapshot.symbol))
        if last is not None:
            heappush(self._waiting, (snapshot.made_ns, self.ticks, source, last))
            self.ticks += 1

    def _delay_ns(self, source: str, snapshot: Snapshot) -> int | None:
        outage_ns = self._outage(source, snapshot)
        if outage_ns is None or outage_ns == STUCK or source == self._sources[0]:
            return outage_ns
        if self._random.random() < 0.01:
            return None
        return outage_ns + self._random.randrange(5, 30) * 1_000_000

    def _advance(self, to_ns: int) -> None:
        """Deliver what is due; clocks and looks in between. Long quiet times go by the second."""
        if not self._now_ns:
            self._now_ns = to_ns - SECOND_NS
            self.watch.anchor(0, self._now_ns, self._now_ns, 1.0)
        while self._now_ns < to_ns:
            idle = not self._waiting and to_ns - self._now_ns > 2 * SECOND_NS and self._resting()
            step_ns = SECOND_NS if idle else CLOCK_NS
            self._now_ns = min(self._now_ns + step_ns, to_ns)
            self._deliver()
            self._clock()

    def _resting(self) -> bool:
        return not any(p.stretch.open for p in self.watch.facts.products.values())

    def _deliver(self) -> None:
        while self._waiting and self._waiting[0][0] <= self._now_ns:
            at_ns, _, source, snapshot = heappop(self._waiting)
            tick = raw_tick(
                snapshot, source=source, session=self.processes.session(source, at_ns), seq=1,
                recv_ns=at_ns,
            )  # fmt: skip
            self.watch.fold(0, (b"1-1", [b"t", encode(tick)]))

    def _clock(self) -> None:
        body = control(ControlKind.CLOCK, "arbiter", 1, 1, self._now_ns, Clock(self._now_ns))
        self.watch.fold(0, (b"1-1", [b"c", body]))
        if self._now_ns >= self._look_ns:
            self._look_ns = self._now_ns + LOOK_NS
            problems = self.watch.look() + self.processes.look(self.watch, self._now_ns)
            for said in self.ledger.look(problems, self._now_ns):
                self.heard.append(_heard(said, self._now_ns))


def _heard(said: Said, now_ns: int) -> Heard:
    return Heard(now_ns, said.change, said.finding.key)
