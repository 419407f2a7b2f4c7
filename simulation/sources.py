"""The market, and sources that hear most of it and write it to raw with the real writer.

The market makes each snapshot once. A source hears it a little later, or not at all; its network
keeps the order. What a source has taken is noted here for the checks, in the market's own terms.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from mdhub.runtime.backoff import Backoff
from mdhub.streams.errors import StreamsError
from mdhub.streams.port import Log
from mdhub_ingest.writer import RawWriter
from simulation.server import SimServer, connect
from simulation.world import MS, SECOND, Host, Process, World

__all__ = ["SYMBOLS", "Made", "Market", "Source", "Taken"]

SYMBOLS: Final = ("rb2701", "m2701", "IF2612")
EXCHANGES: Final = {"rb2701": "SHFE", "m2701": "DCE", "IF2612": "CFFEX"}
OPENS_S: Final = 10 * 3_600
IDLE_NS: Final = 100 * MS


class Made(NamedTuple):
    """One snapshot of the market; symbol and volume name it."""

    symbol: str
    volume: int
    last: float


class Taken(NamedTuple):
    """What one run of a source has taken, in its order, and whether that run still lives."""

    source: str
    session: int
    made: list[Made]
    process: Process


class _Quiet:
    """Says nothing: the trace has its own lines."""

    def info(self, event: str, /, **fields: Any) -> None: ...
    def warning(self, event: str, /, **fields: Any) -> None: ...
    def error(self, event: str, /, **fields: Any) -> None: ...
    def debug(self, event: str, /, **fields: Any) -> None: ...


QUIET: Final[Any] = _Quiet()


class Market:
    """Makes snapshots until it closes."""

    def __init__(self, world: World, *, every_ms: float) -> None:
        self._world = world
        self._every_ms = every_ms
        self._volumes = dict.fromkeys(SYMBOLS, 0)
        self.made: dict[tuple[str, int], Made] = {}
        self.listeners: list[Callable[[Made, int], None]] = []
        self.closed = False
        self._begun_ns = world.now_ns
        world.later(0, self._tick)

    def _tick(self) -> None:
        if self.closed:
            return
        world = self._world
        random = world.random
        symbol = SYMBOLS[int(random.random() * len(SYMBOLS))]
        self._volumes[symbol] += 1 + int(random.random() * 9)
        made = Made(symbol, self._volumes[symbol], 3000.0 + int(random.random() * 8))
        self.made[symbol, made.volume] = made
        for hear in self.listeners:
            hear(made, (world.now_ns - self._begun_ns) // MS)
        world.later(world.uniform_ms(1.0, 2 * self._every_ms), self._tick)


class Source:
    """One account, supervised: its child process is started again when it dies."""

    def __init__(
        self, world: World, server: SimServer, name: str, host: Host, *, hears: float
    ) -> None:
        self._world = world
        self._server = server
        self.name = name
        self._host = host
        self._hears = hears
        self._session = 0
        self.runs: list[Taken] = []
        self.process = self._start()
        self._arrives_ns = 0

    def hear(self, made: Made, at_ms: int) -> None:
        """A snapshot is on its way to this source's child, if the front sent it."""
        world = self._world
        if world.random.random() >= self._hears:
            return
        self._arrives_ns = max(self._arrives_ns + 1, world.now_ns + world.uniform_ms(0, 20))
        child = self.process
        world.later(self._arrives_ns - world.now_ns, lambda: child.arrived(made, at_ms))

    def kill(self) -> None:
        """Kill the child; the supervisor starts another one, with a session of its own."""
        if self.process.dead:
            return
        self._world.fault(self.name, "killed with %d unwritten", self.process.writer.waiting)
        self.process.kill()
        self._world.later(self._world.uniform_ms(50, 300), self._restart)

    def _restart(self) -> None:
        self.process = self._start()

    def _start(self) -> Child:
        self._session += 1
        child = Child(self._world, self._server, self.name, self._host, session=self._session)
        self.runs.append(child.taken)
        return child


class Child(Process):
    """The part of an ingest child between callback and log."""

    def __init__(
        self, world: World, server: SimServer, name: str, host: Host, *, session: int
    ) -> None:
        super().__init__(world, name, host)
        self.taken = Taken(name, session, [], self)
        self.writer = RawWriter(
            source=name,
            session=session,
            shards=1,
            connect=lambda: connect(server, "ingest", self),
            logger=QUIET,
        )
        self._backoff = Backoff(first_s=0.02, ceiling_s=0.2, random=world.random)
        self._log: Log | None = None
        self._have = 0
        self._held: list[tuple[Made, int]] = []
        self._idle = False
        self.spawn(self._step, world.uniform_ms(0, 20))

    def arrived(self, made: Made, at_ms: int) -> None:
        """Take a snapshot in the callback; while the process stands still the socket has it."""
        if self.dead:
            return
        if self.world.now_ns < self.paused_until_ns:
            self._held.append((made, at_ms))
            return
        for each in (*self._held, (made, at_ms)):
            self._take(*each)
        self._held.clear()
        if self._idle:
            self._idle = False
            self.wake(self.world.uniform_ms(0.2, 8))

    def _take(self, made: Made, at_ms: int) -> None:
        self.taken.made.append(made)
        self.writer.take(self.host.wall_ns(), _fields(made, at_ms))

    def _step(self) -> int:
        """One round of `RawWriter._write`, without waiting."""
        for each in self._held:
            self._take(*each)
        self._held.clear()
        try:
            if self._log is None:
                self._log = connect_of(self.writer)
                self._have = self.writer._ask(self._log, 0)
            self._have = self.writer._flush(self._log, 0, self._have, self._backoff)
        except StreamsError as error:
            self._log = None
            self.world.say(self.name, "%s: starts over", type(error).__name__)
            return int(self._backoff.next_s() * SECOND)
        if self.writer.waiting:
            return MS
        self._idle = True
        return IDLE_NS


def connect_of(writer: RawWriter) -> Log:
    """Connect as the writer does after each failure."""
    return writer._connect()


def _fields(made: Made, at_ms: int) -> tuple[Any, ...]:
    seconds, ms = divmod(at_ms, 1_000)
    hours, rest = divmod(OPENS_S + seconds, 3_600)
    text = f"{hours:02}:{rest // 60:02}:{rest % 60:02}"
    last, volume = made.last, made.volume
    return (
        made.symbol, EXCHANGES[made.symbol], "20261118", "20261118", text, ms, last, volume,
        last * volume, 1e6, 3000.0, 3010.0, 2990.0, None, None, 3001.0, 3002.0, 1e6, 3300.0,
        2700.0, last, [(last - 1, 5)], [(last + 1, 7)],
    )  # fmt: skip
