"""The log's server with a disk, and connections that can fail. Rules of writing: MemoryServer.

Profile `single`: every append is on disk before it is answered. `fast`: the disk is some time
behind, a power loss cuts everything back to it. `replicated`: a replica is some time behind, a
failover promotes it. What was cut back is cut back in all streams and positions alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any, Final, cast

from mdhub.streams.errors import NotReady, StreamsError, UnknownOutcome
from mdhub.streams.ids import id_parts
from mdhub.streams.memory import MemoryLog, MemoryServer
from mdhub.streams.port import CleanBatch, Entry, Leadership, LeadRequest, Log, Manifest, Positions
from mdhub.streams.topology import CLEAN, RAW, Stream
from simulation.world import MS, Host, Killed, Process, Violation, World

__all__ = ["SimLog", "SimServer", "SimTail", "connect"]

KEPT: Final = (RAW.name, CLEAN.name)
"""Streams whose whole history the checks want."""
WRITES: Final = frozenset({
    "raw_append", "clean_append", "take", "save_chunk", "commit_snapshot", "set_cursor", "append",
    "command_done", "save_contracts", "beat",
})  # fmt: skip
"""What a server that is full refuses."""


class SimServer(MemoryServer):
    """One server over all its lives."""

    def __init__(self, world: World, host: Host, *, profile: str) -> None:
        super().__init__(host.wall_ns)
        self.world = world
        self.profile = profile
        self.durable = profile == "single"
        self.down = False
        self.full_until_ns = 0
        self.stalled_until_ns = 0
        self.slow_until_ns = 0
        self.disturbed_ns = 0
        self.lives = 0
        self.cuts = 0
        """Lives that began with less than was answered."""
        self.history: dict[str, list[Entry]] = {name: [] for name in KEPT}
        """Everything of raw and clean that stands, trimmed or not."""
        self.holder: Process | None = None
        self.token = 0
        """Of the last take-over that stands; noted here, apart from the log's own books."""
        self.next_fault = 0
        """Number of the call that fails next; 0 = none does."""
        self.calls = 0
        self.call_fault: Callable[[Process, str, Callable[[], Any]], Any] | None = None
        self._images: list[tuple[Any, ...]] = []
        self.incarnation = "life-0"
        self.sync()

    def shard(self, shard: int) -> Any:
        return self.shards.get(shard) or super().shard(shard)

    def add(self, stream: Stream, shard: int, fields: list[bytes], entry_id: bytes = b"") -> bytes:
        key = (stream.name, shard if stream.sharded else 0)
        new_id = entry_id or self._next_id(key)
        self.last_ids[key] = new_id
        entry = (new_id, fields)
        self.streams.setdefault(key, []).append(entry)
        if stream.name in KEPT:
            self.history[stream.name].append(entry)
        return new_id

    # Disk

    def sync(self) -> None:
        """Bring what is held to disk (or to the replica)."""
        shards = {
            number: replace(
                shard,
                writers=dict(shard.writers),
                manifests=list(shard.manifests),
                chunks=dict(shard.chunks),
                cursors=dict(shard.cursors),
            )
            for number, shard in self.shards.items()
        }
        streams = {key: list(entries) for key, entries in self.streams.items()}
        image = (
            streams, dict(self.last_ids), Counter(self.trimmed), shards, set(self.done),
            self.holder, self.token,
        )  # fmt: skip
        # A log that is lost altogether is another story: cut back is to where somebody leads.
        self._images = [kept for kept in (*self._images[-1:], image) if kept[-1]]

    def stop(self) -> None:
        """Die; connections are gone, the disk stays."""
        self.down = True
        self.disturbed_ns = self.world.now_ns

    def start(self, *, cut: bool = False, older: bool = False) -> None:
        """Live again, from memory written out to the end or cut back to the disk."""
        self.lives += 1
        self.incarnation = f"life-{self.lives}"
        if cut and self._images:
            before = self._sizes()
            self._restore(0 if older else -1)
            self.cuts += self._sizes() != before
        for shard in self.shards.values():
            shard.led = ""
        self.down = False
        self.disturbed_ns = self.world.now_ns
        self.sync()

    def _sizes(self) -> list[int]:
        return [len(entries) for entries in self.history.values()]

    def _restore(self, number: int) -> None:
        streams, last_ids, trimmed, shards, done, self.holder, self.token = self._images[number]
        self.streams, self.last_ids, self.trimmed, self.shards, self.done = (
            streams, last_ids, trimmed, shards, done,
        )  # fmt: skip
        self._images = []
        for name, history in self.history.items():
            newest = id_parts(last_ids.get((name, 0), b"0-0"))
            while history and id_parts(history[-1][0]) > newest:
                history.pop()

    # Calls

    def call(self, log: SimLog, name: str, act: Callable[[], Any]) -> Any:
        """Let a process do something on the server, as well as that goes now."""
        process = log.process
        if process.dead:
            raise Killed
        log.refused()
        self.calls += 1
        world = self.world
        if world.now_ns < self.stalled_until_ns:
            world.wait(process, self.stalled_until_ns)
        elif world.now_ns < self.slow_until_ns and name in WRITES:
            world.wait(process, world.now_ns + world.uniform_ms(1, 60))
        if self.calls >= self.next_fault > 0 and self.call_fault is not None:
            return self.call_fault(process, name, lambda: self.execute(log, name, act))
        return self.execute(log, name, act)

    def execute(self, log: SimLog, name: str, act: Callable[[], Any]) -> Any:
        """Do it, if the connection still leads to this life of the server."""
        if self.down or log.life != self.incarnation:
            raise UnknownOutcome("the server of this connection is gone")
        if self.world.now_ns < self.full_until_ns and name in WRITES:
            raise NotReady("oom", "OOM command not allowed when used memory > 'maxmemory'")
        return act()

    def check_fenced(self, what: str, token: int) -> None:
        """Whatever a fenced function lets pass must be of the leader in office."""
        if token != self.token:
            raise Violation(f"{what} of token {token} went through; in office is {self.token}")


class SimLog(MemoryLog):
    """One connection of one process."""

    def __init__(self, server: SimServer, service: str, process: Process) -> None:
        super().__init__(server, service)
        self.sim = server
        self.process = process
        self.life = server.incarnation
        self._refused: StreamsError | None = None
        self.watched_ns = 0

    def tail(self, stream: Stream, *, shard: int = 0, after: bytes) -> Any:
        def act() -> SimTail:
            return SimTail(self, (stream.name, shard if stream.sharded else 0), after)

        return self.sim.call(self, "tail", act)

    def entries(
        self,
        stream: Stream,
        *,
        shard: int = 0,
        first: bytes = b"-",
        last: bytes = b"+",
        count: int = 1000,
        newest_first: bool = False,
    ) -> list[Entry]:
        def act() -> list[Entry]:
            held = self.sim.streams.get((stream.name, shard if stream.sharded else 0), [])
            start, stop = _first_from(held, first), _first_behind(held, last)
            if newest_first:
                return held[max(start, stop - count) : stop][::-1]
            return held[start : min(stop, start + count)]

        return cast("list[Entry]", self.sim.call(self, "entries", act))

    def ask_positions(self, shards: Any) -> None:
        self._asked = [self.positions(shard) for shard in shards]

    def clean_append(self, shard: int, batch: CleanBatch, *, wait: bool = True) -> None:
        def act() -> None:
            super(SimLog, self).clean_append(shard, batch)
            self.sim.check_fenced("a commit", batch.token)

        if not wait:
            try:
                self.sim.call(self, "clean_append", act)
            except StreamsError as error:
                self._refused = error  # the answer is read by the next call
            return
        self.sim.call(self, "clean_append", act)

    def keep_lead(self, shard: int, *, token: int) -> int:
        def act() -> int:
            beat = super(SimLog, self).keep_lead(shard, token=token)
            self.sim.check_fenced("a beat", token)
            return beat

        return cast("int", self.sim.call(self, "keep_lead", act))

    def watch(self, shard: int) -> tuple[Leadership, Positions]:
        def act() -> tuple[Leadership, Positions]:
            self.watched_ns = self.sim.world.now_ns
            return super(SimLog, self).watch(shard)

        return cast("tuple[Leadership, Positions]", self.sim.call(self, "watch", act))

    def take(self, shard: int, request: LeadRequest) -> Leadership:
        def act() -> Leadership:
            server = self.sim
            before = server.shard(shard).leader
            got = super(SimLog, self).take(shard, request)
            _check_take(server, self, before)
            server.token, server.holder = got.token, self.process
            server.world.say(
                self.process.name, "leads with token %d, epoch %d", got.token, got.epoch
            )
            return got

        return cast("Leadership", self.sim.call(self, "take", act))

    def commit_snapshot(self, shard: int, *, token: int, manifest: Manifest) -> None:
        def act() -> None:
            super(SimLog, self).commit_snapshot(shard, token=token, manifest=manifest)
            self.sim.check_fenced("a snapshot", token)

        self.sim.call(self, "commit_snapshot", act)

    def trim(self, shard: int, *, token: int, stream: Stream, min_id: bytes) -> int:
        def act() -> int:
            went = super(SimLog, self).trim(shard, token=token, stream=stream, min_id=min_id)
            self.sim.check_fenced("a trim", token)
            return went

        return cast("int", self.sim.call(self, "trim", act))

    def memory_bytes(self, stream: Stream, *, shard: int = 0) -> int:
        """Sample it: an entry is as large as another one."""
        return 250 * self.length(stream, shard=shard)

    def refused(self) -> None:
        """Raise what the answer to a commit that was not waited for says."""
        if self._refused is not None:
            error, self._refused = self._refused, None
            raise error


def _first_from(held: list[Entry], first: bytes) -> int:
    if first == b"-":
        return 0
    if first.startswith(b"("):
        return _bisect(held, id_parts(first[1:]), behind=True)
    return _bisect(held, id_parts(first), behind=False)


def _first_behind(held: list[Entry], last: bytes) -> int:
    if last == b"+":
        return len(held)
    if last.startswith(b"("):
        return _bisect(held, id_parts(last[1:]), behind=False)
    return _bisect(held, id_parts(last), behind=True)


def _bisect(held: list[Entry], wanted: tuple[int, int], *, behind: bool) -> int:
    low, high = 0, len(held)
    while low < high:
        middle = (low + high) // 2
        at = id_parts(held[middle][0])
        if at < wanted or (behind and at == wanted):
            low = middle + 1
        else:
            high = middle
    return low


def _check_take(server: SimServer, log: SimLog, before: Leadership) -> None:
    """Nobody takes the place of a leader that was alive, well and able to say so.

    A server that stands still is no excuse: nobody's beat is raised then, and no look counts.
    """
    holder = server.holder
    if holder is None or holder.dead or getattr(holder, "leading", 0) != server.token:
        return
    if before.resigned or before.incarnation != server.incarnation or holder.overdue:
        return
    well_ns = log.watched_ns - max(holder.disturbed_ns, server.disturbed_ns)
    if well_ns > UNDISTURBED_NS:
        raise Violation(
            f"{log.process.name} took over from {holder.name}, well for {well_ns // MS} ms"
        )


UNDISTURBED_NS: Final = 250 * MS
_PLAIN: Final = (
    "positions", "leadership", "writer_position", "raw_append", "save_chunk", "manifests",
    "load_chunk", "set_cursor", "cursors", "drop_cursor", "append", "command_done",
    "command_is_done", "save_contracts", "contracts", "beat", "resign",
    "server_facts", "durable", "shards",
)  # fmt: skip


def _wrapped(name: str) -> Callable[..., Any]:
    plain = getattr(MemoryLog, name)

    def method(self: SimLog, *args: Any, **kwargs: Any) -> Any:
        return self.sim.call(self, name, lambda: plain(self, *args, **kwargs))

    return method


for _name in _PLAIN:
    setattr(SimLog, _name, _wrapped(_name))

_numbers = count(1)


class SimTail:
    """Cursor reader without a socket: never blocks; `ready` says whether there is something."""

    def __init__(self, log: SimLog, key: tuple[str, int], after: bytes) -> None:
        self._log = log
        self._key = key
        self._count = 0
        self._number = next(_numbers)
        self.cursor = after

    def fileno(self) -> int:
        return self._number

    @property
    def ready(self) -> bool:
        """Whether `take` would not have to wait: entries, or a connection that is gone."""
        server = self._log.sim
        if server.down or self._log.life != server.incarnation:
            return True
        held = server.streams.get(self._key)
        return held is not None and bool(held) and held[-1][0] != self.cursor

    def ask(self, *, block_ms: int, count: int) -> None:  # noqa: ARG002 - time is simulated
        self._count = count

    def take(self) -> list[Entry]:
        return cast("list[Entry]", self._log.sim.call(self._log, "read", self._newer))

    def read(self, *, block_ms: int, count: int) -> list[Entry]:
        self.ask(block_ms=block_ms, count=count)
        return self.take()

    def close(self) -> None:
        """Nothing to close."""

    def _newer(self) -> list[Entry]:
        held = self._log.sim.streams.get(self._key, [])
        if not held or held[-1][0] == self.cursor:
            return []
        start = _bisect(held, id_parts(self.cursor), behind=True)
        found = held[start : start + self._count]
        if found:
            self.cursor = found[-1][0]
        return found


def connect(server: SimServer, service: str, process: Process) -> Log:
    """Open a connection. Raises UnknownOutcome while the server is down."""
    if process.dead:
        raise Killed
    if server.down:
        raise UnknownOutcome("connection refused")
    return cast("Log", SimLog(server, service, process))
