"""A hub in one thread: the in-memory log, two sources, and leaders that come and go."""

from __future__ import annotations

from collections import defaultdict
from copy import deepcopy
from itertools import count
from random import Random
from threading import Event
from typing import Any

import msgspec

from mdhub.calendar import Calendar
from mdhub.streams.memory import MemoryServer
from mdhub.streams.port import Leadership, Log
from mdhub.streams.topology import CLEAN, RAW
from mdhub.wire.codec import decode_clean_header, decode_clean_tick, decode_marker, encode
from mdhub.wire.entries import EpochMark, MarkerKind, QualityMark
from mdhub_arbiter.candidate import may_be_cut, take_leadership
from mdhub_arbiter.leader import Leader
from mdhub_arbiter.recovery import Recovered, recover
from mdhub_arbiter.settings import Settings, Wanted
from tests.support.faulty import Faults, faulty
from tests.unit.arbiter.builders import WEDNESDAY, china_ns, market_clock_entry, raw

CALENDAR = Calendar.load()
SYMBOLS = ("rb2701", "m2701", "MA701", "SR705")


class CaughtUp(Event):
    """Set when everything in raw is committed and no snapshot is under way (or after `loops`)."""

    def __init__(self, log: Log, leader: Leader, loops: int = 1_000) -> None:
        super().__init__()
        self._log = log
        self._leader = leader
        self._loops = count(loops, -1)

    def is_set(self) -> bool:
        newest = self._log.entries(RAW, count=1, newest_first=True)[0][0]
        done = self._log.positions(0).raw == newest and not self._leader._snapshotter.busy
        return done or next(self._loops) <= 0


def symbol_of(field: bytes, payload: bytes) -> str | None:
    """Instrument of a clean entry, if it is about one."""
    if field == b"t":
        return decode_clean_tick(payload).symbol
    marker = decode_marker(payload)
    if marker.kind != MarkerKind.QUALITY:
        return None
    return msgspec.msgpack.decode(marker.body, type=QualityMark).symbol


class Stage:
    """The server, and what sources have sent so far. Market time stands at Wednesday 10:00."""

    def __init__(self, seed: int = 0) -> None:
        self.server = MemoryServer()
        self.faults = Faults()
        self.random = Random(seed)
        self.calendar: Calendar | None = CALENDAR
        self._seqs: dict[str, int] = defaultdict(int)
        self._ms: dict[str, int] = defaultdict(int)

    @property
    def log(self) -> Log:
        return self.server.log("arbiter")

    def lead(self, *, durable: bool = True, wall_ns: int = 1_000_000_000) -> Leader:
        """Recover and take over, as a new arbiter process does."""
        log = faulty(self.server.log("arbiter"), self.faults)
        seen = log.leadership(0)
        recovered = recover(log, 0)
        cut = may_be_cut(log, 0, seen=seen, agrees=recovered.agrees, durable=durable)
        leadership = take_leadership(log, 0, seen=seen, at=recovered.at, wall_ns=wall_ns, cut=cut)
        assert leadership is not None
        return self.leader(log, leadership, recovered)

    def leader(self, log: Log, leadership: Leadership, recovered: Recovered) -> Leader:
        return Leader(
            log,
            shard=0,
            instance="arbiter:A",
            leadership=leadership,
            recovered=recovered,
            since_ns=0,
            wanted=Wanted(Settings(), calendar=self.calendar),
        )

    def work(self, leader: Leader) -> None:
        """Let the leader commit everything there is."""
        leader.run(CaughtUp(self.server.log("arbiter"), leader))

    def snap(self, leader: Leader) -> None:
        """Let the leader take a snapshot, as it does every 10 s."""
        leader._due.snapshot_s = leader._due.clock_s = 0.0
        leader.run(CaughtUp(self.server.log("arbiter"), leader))
        leader._due.clock_s = 0.0
        leader.run(CaughtUp(self.server.log("arbiter"), leader))

    def open_market(self) -> None:
        """Set the market clock, so that ticks of Wednesday 10:00 are in time."""
        self._append("monitor", [market_clock_entry(china_ns(WEDNESDAY), 0, 0.0)[1]], "c")

    def ticks(self, amount: int) -> None:
        """Both sources deliver what the market makes; now and then one is lost or corrupt."""
        for _ in range(amount):
            symbol = self.random.choice(SYMBOLS)
            self._ms[symbol] += 1
            for source in self.random.sample("AB", 2):
                if self.random.random() < 0.9:
                    self._append(source, [encode(self._tick(source, symbol))], "t")

    def copy(self, payload: bytes) -> None:
        """A source delivers a tick once more."""
        self._append("B", [payload], "t")

    def _tick(self, source: str, symbol: str) -> Any:
        step = self._ms[symbol]
        czce = symbol in {"MA701", "SR705"}
        ms = 0 if czce else step * 10 % 1000
        second = step // 4 % 60 if czce else step * 10 // 1000 % 60
        volume = -1 if self.random.random() < 0.05 else step
        return raw(
            f"10:00:{second:02}.{ms}", symbol=symbol, exchange="", source=source, volume=volume,
            seq=self._seqs[source] + 1,
        )  # fmt: skip

    def _append(self, writer: str, payloads: list[bytes], kinds: str) -> None:
        self._seqs[writer] += 1
        log = self.server.log("monitor" if writer == "monitor" else "ingest")
        log.raw_append(
            0, writer=writer, session=1, first_seq=self._seqs[writer], kinds=kinds,
            payloads=payloads,
        )  # fmt: skip

    def remember(self) -> tuple[Any, Any, Any, Any]:
        """What a power loss would leave of the log if it came now."""
        server = self.server
        return deepcopy((server.streams, server.last_ids, server.shards, self._seqs))

    def restart(self, remembered: tuple[Any, Any, Any, Any] | None = None) -> None:
        """Restart the server, cut back to what was remembered (or not at all)."""
        if remembered is not None:
            streams, last_ids, shards, seqs = deepcopy(remembered)
            self.server.streams, self.server.last_ids = streams, last_ids
            self.server.shards, self._seqs = shards, seqs
        self.server.restart()

    def headers(self) -> list[tuple[int, str | None, int | None, int]]:
        """(n, symbol, k, epoch) of every clean entry."""
        found = []
        for _, (_, header, field, payload) in self.log.entries(CLEAN, count=1_000_000):
            head = decode_clean_header(header)
            symbol = symbol_of(field, payload)
            found.append((head.n, symbol, head.k, head.epoch))
        return found

    def ticks_in_clean(self) -> int:
        """How many ticks were accepted."""
        return sum(fields[2] == b"t" for _, fields in self.log.entries(CLEAN, count=1_000_000))

    def epoch_marks(self) -> list[tuple[int, EpochMark]]:
        """(n, mark) of every epoch marker in clean."""
        found = []
        for _, (_, header, field, payload) in self.log.entries(CLEAN, count=1_000_000):
            if field == b"m" and decode_marker(payload).kind == MarkerKind.EPOCH:
                mark = msgspec.msgpack.decode(decode_marker(payload).body, type=EpochMark)
                found.append((decode_clean_header(header).n, mark))
        return found

    def assert_numbers_run_on(self) -> None:
        """Check that n has no hole over all of clean, k none within an instrument."""
        headers = self.headers()
        assert [n for n, *_ in headers] == list(range(1, len(headers) + 1))
        for symbol in SYMBOLS:
            ks = [k for _, of, k, _ in headers if of == symbol]
            assert ks == list(range(1, len(ks) + 1)), symbol
