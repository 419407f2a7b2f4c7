"""THE list of what is measured. A row's name is what `--only` takes and results keep."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from bench.chain.floor import FloorChain
from bench.chain.hub import HubChain
from bench.chain.peers import JetStreamChain, VnpyChain
from bench.chain.scene import Chain
from bench.environment import bench_python, nats_server
from bench.load import Load
from bench.model import Value
from bench.settings import Settings
from bench.stages.core import codec, decide_alone
from bench.stages.functions import arbiter, functions, reader
from bench.stages.gateway import gateway
from bench.stages.ingest import ingest
from bench.stages.keys import keys
from bench.stages.monitor import monitor
from bench.stages.processes import cold_start, memory
from bench.stages.repair import repair
from bench.stages.snapshot import snapshot

HUB, FLOOR, VNPY, NATS = "hub", "floor", "vnpy RPC", "NATS JetStream"
TABS = "with open tabs"

MakeChain = Callable[[Settings], Chain]


@dataclass(frozen=True)
class Side:
    """One of the chains that a row compares, run in turn with the others."""

    name: str
    load: Load
    chain: MakeChain
    x: float | None = None


@dataclass(frozen=True)
class Stage:
    """A row of single values. `full_s`: about how long it takes, not quick, per round."""

    name: str
    title: str
    measure: Callable[[Settings], list[Value]]
    full_s: float


@dataclass(frozen=True)
class Comparison:
    """A row of end-to-end runs: each round runs every side once, so a slow minute hits all."""

    name: str
    title: str
    sides: Callable[[Settings], list[Side]]
    axis: str = ""


@dataclass(frozen=True)
class Search:
    """A row that raises the load until a side cannot keep up."""

    name: str
    title: str
    sides: Callable[[Settings], list[Side]]
    rates: tuple[float, ...]
    axis: str = "ticks/s"

    def rates_of(self, settings: Settings) -> tuple[float, ...]:
        """The steps; a quick run takes two small ones."""
        return (250.0, 500.0) if settings.quick else self.rates


Row = Stage | Comparison | Search


def _hub(_: Settings) -> Chain:
    return HubChain()


def _floor(_: Settings) -> Chain:
    return FloorChain()


def _vnpy(settings: Settings) -> Chain:
    return VnpyChain(bench_python(may_install=settings.may_install))


def _nats(settings: Settings) -> Chain:
    python = bench_python(may_install=settings.may_install)
    return JetStreamChain(python, nats_server(may_install=settings.may_install))


def _load(settings: Settings, ticks_per_s: float) -> Load:
    return Load(settings.rate(ticks_per_s), settings.seconds, settings.warm_up_s)


def _beside_floor(ticks_per_s: float) -> Callable[[Settings], list[Side]]:
    def sides(settings: Settings) -> list[Side]:
        load = _load(settings, ticks_per_s)
        return [Side(HUB, load, _hub), Side(FLOOR, load, _floor)]

    return sides


def _price(name: str, change: Callable[[Load], Load]) -> Callable[[Settings], list[Side]]:
    """The plain hub, and the hub with one thing changed."""

    def sides(settings: Settings) -> list[Side]:
        load = _load(settings, 1_000)
        return [Side(HUB, load, _hub), Side(name, change(load), _hub)]

    return sides


def _by_tabs(settings: Settings) -> list[Side]:
    """A console that nobody looks at, and the same one with many open tabs."""
    load = replace(_load(settings, 1_000), monitor=True, tabs=0)
    return [Side(HUB, load, _hub), Side(TABS, replace(load, tabs=settings.tabs), _hub)]


def _peers(ticks_per_s: float) -> Callable[[Settings], list[Side]]:
    def sides(settings: Settings) -> list[Side]:
        load = _load(settings, ticks_per_s)
        return [
            Side(HUB, load, _hub),
            Side(FLOOR, load, _floor),
            Side(VNPY, load, _vnpy),
            Side(NATS, load, _nats),
        ]

    return sides


def _by_load(settings: Settings) -> list[Side]:
    rates = [250, 1_000] if settings.quick else [500, 1_000, 2_000, 5_000, 10_000, 15_000]
    sides = []
    for rate in rates:
        load = _load(settings, rate)
        sides += [Side(HUB, load, _hub, rate), Side(FLOOR, load, _floor, rate)]
    return sides


def _by_shards(settings: Settings) -> list[Side]:
    load = _load(settings, 5_000)
    return [
        Side(HUB, replace(load, shards=n), _hub, n)
        for n in ((1, 2) if settings.quick else (1, 2, 4))
    ]


def _by_contracts(settings: Settings) -> list[Side]:
    load = _load(settings, 400)
    numbers = [settings.contracts(number) for number in (1, 1_000, 25_000)]
    return [Side(HUB, replace(load, contracts=n), _hub, n) for n in dict.fromkeys(numbers)]


def _by_clients(settings: Settings) -> list[Side]:
    load = _load(settings, 1_000)
    numbers = (1, 3) if settings.quick else (1, 5, 20)
    return [
        side
        for n in numbers
        for side in (
            Side(HUB, replace(load, clients=n), _hub, n),
            Side(FLOOR, replace(load, clients=n), _floor, n),
        )
    ]


CATALOGUE: tuple[Row, ...] = (
    Stage("codec", "Messages", codec, 1),
    Stage("decide", "`decide`, raw entries of all exchanges mixed", decide_alone, 2),
    Stage("functions", "Function writes at batch 100", functions, 3),
    Stage("reader", "Reader of raw", reader, 1),
    Stage("arbiter", "Arbiter: read, decide, commit", arbiter, 6),
    Stage("monitor", "Monitor: fold raw, look", monitor, 4),
    Stage("snapshot", "Snapshot of the arbiter's state", snapshot, 3),
    Stage("ingest", "Writer of a source, prepared ticks", ingest, 4),
    Stage("gateway", "Gateway child, prepared ticks of the library", gateway, 55),
    Stage("repair", "Repair of a gap of 5,000 messages", repair, 90),
    Stage("memory", "Most memory resident", memory, 12),
    Stage("cold-start", "`mdhub up` on an empty folder", cold_start, 3),
    Comparison("chain-1000", "2 x 1,000 ticks/s", _beside_floor(1_000)),
    Comparison("chain-20000", "2 x 20,000 ticks/s", _beside_floor(20_000)),
    Search(
        "sustained", "Highest sustained load", _beside_floor(0),
        (2_000, 5_000, 7_500, 10_000, 12_500, 15_000, 17_500, 20_000, 25_000, 30_000, 40_000),
    ),
    Comparison(
        "price-single", "Price of profile `single` (appendfsync always)",
        _price("profile single", lambda load: replace(load, profile="single")),
    ),
    Comparison(
        "price-standby", "Price of a standby arbiter",
        _price("with standby", lambda load: replace(load, standby=True)),
    ),
    Comparison(
        "price-publisher", "Price of a second publisher",
        _price("two publishers", lambda load: replace(load, publishers=2)),
    ),
    Comparison(
        "price-monitor", "Price of the monitor",
        _price("with monitor", lambda load: replace(load, monitor=True)),
    ),
    Comparison(
        "price-keys", "Price of CURVE keys between publisher and client",
        _price("with keys", lambda load: replace(load, keys=True)),
    ),
    Comparison("price-tabs", "Price of 200 open tabs of the console", _by_tabs),
    Stage("keys", "Live messages publisher to client, plain and with keys", keys, 3),
    Comparison("peers-1000", "Peers, 1,000 ticks/s", _peers(1_000)),
    Comparison("peers-5000", "Peers, 5,000 ticks/s", _peers(5_000)),
    Comparison("grow-load", "Growing load", _by_load, axis="ticks/s"),
    Comparison("grow-shards", "Growing number of shards, 5,000 ticks/s", _by_shards, axis="shards"),
    Comparison(
        "grow-contracts", "Growing number of contracts, 400 ticks/s", _by_contracts,
        axis="contracts",
    ),
    Comparison(
        "grow-clients", "Growing number of clients, 1,000 ticks/s", _by_clients, axis="clients"
    ),
)  # fmt: skip

PEERS_LACK = {
    HUB: "nothing of it: the race of two copies, checks, log, numbering and gap repair all run",
    FLOOR: "no checks, no choice of copies by content, no numbering, no gap repair, no heartbeats",
    VNPY: "one source, no race of copies; no log, no numbering, no gap repair, no replay: what a "
    "client misses is gone and nobody notices",
    NATS: "one source, no race of copies, no checks of ticks; numbers and keeps a log on disk, "
    "but with default settings does not sync it before it acknowledges",
}
"""What each side of the peer rows does not do."""
