"""A source's writer on the in-memory log."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

from mdhub.market.snapshot import Snapshot
from mdhub.market.synthetic import SyntheticMarket
from mdhub.runtime.logging import Logger
from mdhub.streams.memory import MemoryServer
from mdhub.streams.port import LeadRequest, Log
from mdhub.streams.topology import RAW
from mdhub.wire.codec import decode_control, decode_raw_tick
from mdhub.wire.ticks import RawTick
from mdhub_ingest.writer import RawWriter
from tests.support.faulty import Faults, faulty
from tests.support.wait import until


def snapshots(amount: int) -> list[Snapshot]:
    """The first snapshots of a synthetic market."""
    made = SyntheticMarket(seed=3).snapshots()
    return [next(made) for _ in range(amount)]


class Desk:
    """One source, its writer, and the server it writes to."""

    def __init__(self, *, shards: int = 1, led: bool = True) -> None:
        self.server = MemoryServer()
        self.faults = Faults()
        self.shards = shards
        self.said = io.StringIO()
        self.alive = True
        if led:
            self.lead()
        self.writer = self.new_writer(session=1)

    def new_writer(self, session: int) -> RawWriter:
        return RawWriter(
            source="A",
            session=session,
            shards=self.shards,
            connect=self.connect,
            logger=Logger("ingest", "A", self.said),
            counters=lambda: {"own": 7},
            alive=lambda: self.alive,
        )

    def connect(self) -> Log:
        return faulty(self.server.log("ingest"), self.faults)

    def lead(self) -> None:
        for shard in range(self.shards):
            log = self.server.log("arbiter")
            at = log.positions(shard)
            token = log.leadership(shard).token
            log.take(shard, LeadRequest(token, at.clean, 1, b"lead"))

    def emit(self, amount: int) -> list[Snapshot]:
        made = snapshots(amount)
        for snapshot in made:
            self.writer.emit(snapshot)
        return made

    def flush(self) -> None:
        """Write everything taken, as at the end of a source."""
        stop = Event()
        stop.set()
        self.writer.run(stop)

    @contextmanager
    def running(self) -> Iterator[Event]:
        """Run the writer in its own thread."""
        stop = Event()
        thread = Thread(target=self.writer.run, args=(stop,))
        thread.start()
        try:
            yield stop
        finally:
            stop.set()
            thread.join(10)
            assert not thread.is_alive()

    def wait_written(self) -> None:
        until(lambda: not self.writer.waiting, "the writer to have written everything")

    def ticks(self, shard: int = 0) -> list[RawTick]:
        entries = self.server.log("cli").entries(RAW, shard=shard, count=1_000_000)
        return [decode_raw_tick(fields[1]) for _, fields in entries if fields[0] == b"t"]

    def seqs(self, shard: int = 0) -> list[int]:
        """Seq of every tick and lost entry in raw, the `lead` entries left out."""
        found = []
        for _, fields in self.server.log("cli").entries(RAW, shard=shard, count=1_000_000):
            if fields[0] == b"t":
                found.append(decode_raw_tick(fields[1]).seq)
            elif fields[1] != b"lead":
                found.append(decode_control(fields[1]).seq)
        return found
