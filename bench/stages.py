"""Single stages, each alone on one core: codec, decide, functions, reader, snapshot."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import msgspec

from mdhub.host.stack import Host, HubPlan
from mdhub.market.snapshot import raw_tick
from mdhub.market.synthetic import SyntheticMarket
from mdhub.streams.ids import clean_id
from mdhub.streams.memory import MemoryServer
from mdhub.streams.open import open_log
from mdhub.streams.port import FIRST_ID, CleanBatch, Entry, LeadRequest, Log, Positions
from mdhub.streams.topology import RAW
from mdhub.wire.codec import control, decode_clean_tick, decode_raw_tick, encode
from mdhub.wire.entries import Clock, ConfigChange, ControlKind, Lead, MarketClock
from mdhub_arbiter.decide import Clean, decide
from mdhub_arbiter.leader import Leader
from mdhub_arbiter.recovery import recover
from mdhub_arbiter.settings import Settings, Wanted
from mdhub_arbiter.snapshots import Snapshotter
from mdhub_arbiter.state import State

Row = tuple[str, float, str]
SECOND_NS = 1_000_000_000
BATCH = 100


def run() -> list[Row]:
    """Every stage: name, value, unit."""
    ticks = _raw_log(100_000, ticks_per_s=2_000)
    return [*_codec(ticks), *_decide(ticks), *_functions(ticks), *_snapshot()]


def _raw_log(amount: int, *, ticks_per_s: float) -> list[Entry]:
    """A raw log of two sources that deliver one market, B after A."""
    market = SyntheticMarket(seed=7, ticks_per_s=ticks_per_s)
    wall_ns = time.time_ns()
    clock = MarketClock(market.start_ns, wall_ns, 1.0, "bench")
    setting = ConfigChange("market_clock", msgspec.Raw(encode(clock)))
    entries: list[Entry] = [
        _control(0, ControlKind.LEAD, Lead(1, "bench", "0-0", 0, 1, wall_ns)),
        _control(1, ControlKind.CONFIG, setting),
    ]
    clock_ns = 0
    for seq, snapshot in enumerate(islice(market.snapshots(), amount // 2), start=1):
        at_ns = wall_ns + snapshot.made_ns - market.start_ns
        if at_ns - clock_ns > SECOND_NS // 10:
            clock_ns = at_ns
            entries.append(_control(len(entries), ControlKind.CLOCK, Clock(at_ns)))
        for source in ("A", "B"):
            tick = raw_tick(snapshot, source=source, session=1, seq=seq, recv_ns=at_ns)
            entries.append((b"1-%d" % len(entries), [b"t", encode(tick)]))
    return entries


def _control(number: int, kind: str, body: object) -> Entry:
    return (b"1-%d" % number, [b"c", control(kind, "arbiter", 1, number + 1, 0, body)])


def _codec(entries: list[Entry]) -> Iterator[Row]:
    payloads = [fields[1] for _, fields in entries if fields[0] == b"t"]
    ticks = [decode_raw_tick(p) for p in payloads]
    yield (
        "raw tick, decode",
        _per_item_us(lambda: [decode_raw_tick(p) for p in payloads], len(payloads)),
        "us",
    )
    yield "raw tick, encode", _per_item_us(lambda: [encode(t) for t in ticks], len(ticks)), "us"
    clean = [e.payload for e in _outputs(entries) if isinstance(e, Clean) and e.field == b"t"]
    yield (
        "clean tick, decode",
        _per_item_us(lambda: [decode_clean_tick(p) for p in clean], len(clean)),
        "us",
    )
    yield "clean tick, size", sum(map(len, clean)) / len(clean), "bytes"


def _outputs(entries: list[Entry]) -> list[object]:
    state = State()
    return [out for entry_id, fields in entries for out in decide(state, entry_id, fields)]


def _decide(entries: list[Entry]) -> Iterator[Row]:
    yield "decide, raw entries", _rate(lambda: _outputs(entries), len(entries)), "/s"


def _functions(entries: list[Entry]) -> Iterator[Row]:
    for profile in ("fast", "single"):
        with _server(profile) as url:
            log = open_log(url, service="arbiter", prefix="bench:")
            lead = log.take(0, LeadRequest(0, FIRST_ID, 1, b"lead"))
            payloads = [fields[1] for _, fields in entries[:50_000]]
            yield f"raw_append, {profile}, batch {BATCH}", _appends(url, payloads), "entries/s"
            yield (
                f"clean_append, {profile}, batch {BATCH}",
                _commits(log, lead.token, payloads),
                "entries/s",
            )
            yield f"reader (XREAD), {profile}", _reads(log), "entries/s"
            yield f"arbiter, commit included, {profile}", _arbiter(url, entries), "raw/s"
            log.close()


def _appends(url: str, payloads: list[bytes]) -> float:
    log = open_log(url, service="ingest", prefix="bench:")

    def append() -> None:
        for start in range(0, len(payloads), BATCH):
            chunk = payloads[start : start + BATCH]
            log.raw_append(
                0,
                writer="A",
                session=1,
                first_seq=start + 1,
                kinds="t" * len(chunk),
                payloads=chunk,
            )

    rate = _rate(append, len(payloads), rounds=1)
    log.close()
    return rate


def _commits(log: Log, token: int, payloads: list[bytes]) -> float:
    def commit() -> None:
        at = FIRST_ID
        for start in range(0, len(payloads), BATCH):
            raw = b"%d-0" % (start + 1)
            chunk = payloads[start : start + BATCH]
            clean = [
                (clean_id(raw, j), b"header-of-20-bytes..", b"t", p) for j, p in enumerate(chunk)
            ]
            log.clean_append(0, CleanBatch(token, at, Positions(raw=raw, n=start), clean))
            at = raw

    return _rate(commit, len(payloads), rounds=1)


def _reads(log: Log) -> float:
    def read() -> int:
        tail = log.tail(RAW, after=FIRST_ID)
        seen = 0
        while entries := tail.read(block_ms=0, count=1_000):
            seen += len(entries)
        tail.close()
        return seen

    return _rate(read, read())


def _arbiter(url: str, entries: list[Entry]) -> float:
    """Read, fold and commit a raw log that is there already, as a leader does."""
    writer = open_log(url, service="arbiter", prefix="bench2:")
    writer.take(0, LeadRequest(0, FIRST_ID, 1, entries[0][1][1]))
    for start in range(1, len(entries), 500):
        chunk = entries[start : start + 500]
        writer.raw_append(
            0, writer="bench", session=1, first_seq=start,
            kinds="".join(f[0].decode() for _, f in chunk), payloads=[f[1] for _, f in chunk],
        )  # fmt: skip
    leader = _Leader(writer)
    return _rate(leader.catch_up, len(entries), rounds=1)


class _Leader:
    """The leader's loop without clock and housekeeping."""

    def __init__(self, log: Log) -> None:
        recovered = recover(log, 0)
        leadership = log.leadership(0)
        self._leader = Leader(
            log, shard=0, instance="bench", leadership=leadership, recovered=recovered, since_ns=0,
            wanted=Wanted(Settings()),
        )  # fmt: skip
        self._tail = log.tail(RAW, after=FIRST_ID)

    def catch_up(self) -> None:
        while entries := self._tail.read(block_ms=0, count=1_000):
            self._leader.commit(entries)


def _snapshot() -> Iterator[Row]:
    """A state with 25,000 contracts: how long one step holds the arbiter, and the whole."""
    state = State()
    for entry_id, fields in _raw_log(120_000, ticks_per_s=35_000):
        decide(state, entry_id, fields)
    server = MemoryServer()
    log = server.log("arbiter")
    log.take(0, LeadRequest(0, FIRST_ID, 1, b"lead"))
    snapshotter = Snapshotter(log, shard=0, token=1)
    began = time.perf_counter()
    snapshotter.begin(state, raw=b"1-0", wall_ns=0)
    longest = time.perf_counter() - began
    while snapshotter.busy:
        step = time.perf_counter()
        snapshotter.step()
        longest = max(longest, time.perf_counter() - step)
    yield "snapshot, contracts", float(len(state.instruments)), ""
    yield "snapshot, whole", (time.perf_counter() - began) * 1e3, "ms"
    yield "snapshot, longest step", longest * 1e3, "ms"


def _per_item_us(work: Callable[[], object], items: int) -> float:
    return 1e6 / _rate(work, items)


def _rate(work: Callable[[], object], items: int, *, rounds: int = 3) -> float:
    """Best of several rounds, items per second."""
    best = float("inf")
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - began)
    return items / best


@contextmanager
def _server(profile: str) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="mdhub-bench-") as name:
        plan = HubPlan(
            folder=Path(name) / "data", profile="single" if profile == "single" else "fast"
        )
        host = Host(plan)
        host.start_server()
        try:
            yield host.url
        finally:
            host.stop()
