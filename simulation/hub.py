"""A hub: server, two sources, two arbiters, two publishers, one client, and what breaks them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from mdhub.streams.ids import id_parts
from mdhub.streams.port import FIRST_ID
from mdhub.streams.topology import CLEAN, RAW
from simulation.arbiters import Arbiter, Supervised
from simulation.checks import check
from simulation.client import Client
from simulation.faults import Faults
from simulation.publishers import Line, Publisher, Sent
from simulation.server import SimServer
from simulation.sources import Market, Source
from simulation.world import MS, SECOND, Host, Process, Violation, World

__all__ = ["PROFILES", "Hub"]

PROFILES: Final = ("single", "fast", "replicated")
MARKET_GOES_ON_NS: Final = 300 * MS
"""After the last fault, so that something new must come through."""
PATIENCE_NS: Final = 6 * SECOND
LOOK_NS: Final = 50 * MS


class Hub:
    """Everything of one run."""

    def __init__(self, world: World) -> None:
        self.world = world
        random = world.random
        self.profile = random.choice(PROFILES)
        names = (
            "server",
            "arbiter A",
            "arbiter B",
            "publisher P",
            "publisher Q",
            "X",
            "Y",
            "client",
        )
        self.hosts = {name: Host(world) for name in names}
        self.server = SimServer(world, self.hosts["server"], profile=self.profile)
        self.lines = [Line(world), Line(world)]
        self.sent: Sent = {}
        self.market = Market(world, every_ms=random.choice((8.0, 14.0, 30.0)))
        hears = random.choice((0.8, 0.95, 1.0))
        self.sources = [
            Source(world, self.server, name, self.hosts[name], hears=hears) for name in "XY"
        ]
        self.market.listeners = [source.hear for source in self.sources]
        self.arbiters = [self._arbiter(f"arbiter {name}") for name in "AB"]
        ring = random.choice((4, 1_000))
        self.publishers = [
            self._publisher(f"publisher {name}", line, ring)
            for name, line in zip("PQ", self.lines, strict=True)
        ]
        self.client = Client(world, self.hosts["client"], self.lines)
        if self.profile != "single":
            world.later(world.uniform_ms(20, 300), self._sync)

    def _arbiter(self, name: str) -> Supervised:
        return Supervised(
            self.world, name, lambda: Arbiter(self.world, self.server, name, self.hosts[name])
        )

    def _publisher(self, name: str, line: Line, ring: int) -> Supervised:
        def start() -> Publisher:
            host = self.hosts[name]
            return Publisher(
                self.world, self.server, name, host, lines=[line], sent=self.sent, ring=ring
            )

        return Supervised(self.world, name, start)

    def _sync(self) -> None:
        if not self.server.down:
            self.server.sync()
        self.world.later(self.world.uniform_ms(20, 500), self._sync)

    def supervised(self) -> list[Supervised | Source]:
        """Everything that is started again when it dies."""
        return [*self.arbiters, *self.publishers, *self.sources]

    def processes(self) -> list[Process]:
        """Every process that lives now."""
        kept: list[Process] = [each.process for each in self.supervised()]
        return [p for p in (*kept, self.client) if not p.dead]

    def run(self, *, faulty_ns: int) -> None:
        """Run with faults, then heal and wait for everything to come through; check it.

        Raises Violation.
        """
        world = self.world
        Faults(self, for_ns=faulty_ns)
        world.run_until(world.now_ns + faulty_ns)
        world.run_until(world.now_ns + MARKET_GOES_ON_NS)
        self.market.closed = True
        self._settle(world.now_ns + PATIENCE_NS)
        check(self)

    def _settle(self, deadline_ns: int) -> None:
        world = self.world
        while not all(done() for _, done in self._goals()):
            if world.now_ns >= deadline_ns:
                missed = [name for name, done in self._goals() if not done()]
                raise Violation(f"{PATIENCE_NS // SECOND} s after the last fault: {missed[0]}")
            world.run_until(world.now_ns + LOOK_NS)

    def _goals(self) -> list[tuple[str, Callable[[], bool]]]:
        return [
            ("a source has unwritten ticks", self._written),
            ("raw is not decided", self._decided),
            ("the client lacks entries", self._delivered),
        ]

    def _written(self) -> bool:
        children = [source.process for source in self.sources]
        return not any(
            c.dead or c.writer.waiting or c.world.now_ns < c.paused_until_ns for c in children
        )

    def _decided(self) -> bool:
        raw = reversed(self.server.history[RAW.name])
        newest = next((entry_id for entry_id, fields in raw if fields[0] == b"t"), FIRST_ID)
        return id_parts(self.server.shard(0).positions.raw) >= id_parts(newest)

    def _delivered(self) -> bool:
        view = self.client.view
        if view is None or view.n < self.clean_n:
            return False
        # As many entries of an epoch that was cut back are not what clean has.
        epoch = self.server.shard(0).leader.epoch
        return not view.rows or view.rows[-1][0] == epoch

    @property
    def clean_n(self) -> int:
        """How many entries clean has had that stand."""
        return len(self.server.history[CLEAN.name])
