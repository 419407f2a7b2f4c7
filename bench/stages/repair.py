"""A client that misses 5,000 messages while 1,000 a second come behind them."""

from __future__ import annotations

import statistics
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import mdhub
from bench.chain.scene import Scene, scene_of
from bench.load import Load
from bench.model import BenchError, Value
from bench.settings import Settings
from mdhub.host.ports import free_port_pair
from mdhub.host.stack import URL_VARIABLE
from mdhub.sdk.connection import Link
from mdhub.streams.ids import clean_id, id_parts, make_id
from mdhub.streams.open import open_log
from mdhub.streams.port import FIRST_ID, CleanBatch, LeadRequest, Log, Positions
from mdhub.wire.codec import decode_live_header, encode
from mdhub.wire.entries import CleanHeader
from mdhub.wire.ticks import SCHEMA_VERSION, CleanTick

MISSED = 5_000
GAPS = 200
ENTRIES_PER_COMMIT = 1_000
PREFIX = "bench:"
RINGS = {"ring": 200_000, "stream": 1_000}
"""How much the publisher has in memory: all of the gap, or next to nothing of it."""
PATIENCE_S = 20.0


def repair(settings: Settings) -> list[Value]:
    """From noticing a gap of 5,000 to its delivery in order, from memory and from the stream."""
    return [
        value
        for name, ring in RINGS.items()
        for value in _values(name, _repairs_ms(settings, ring))
    ]


def _values(name: str, repairs_ms: list[float]) -> list[Value]:
    ranks = statistics.quantiles(repairs_ms, n=100, method="inclusive")
    return [
        Value(f"{name}, gaps", "", [float(len(repairs_ms))]),
        Value(f"{name}, p50", "ms", [ranks[49]]),
        Value(f"{name}, p99", "ms", [ranks[98]]),
        Value(f"{name}, max", "ms", [max(repairs_ms)]),
    ]


class _Market:
    """Writes clean entries of one instrument, as a leading arbiter would."""

    def __init__(self, log: Log) -> None:
        self._log = log
        leader = log.take(0, LeadRequest(0, FIRST_ID, 1, b"lead"))
        self._token = leader.token
        self._at = FIRST_ID
        self._ms = id_parts(leader.lead_id)[0]
        self.n = 0
        self.write(1)

    def write(self, count: int) -> None:
        """Commit that many entries in one step."""
        self._ms = max(self._ms + 1, time.time_ns() // 1_000_000)
        raw = make_id(self._ms, 0)
        now_ns = time.time_ns()
        clean = []
        for j in range(count):
            self.n += 1
            header = encode(CleanHeader(SCHEMA_VERSION, self.n, self.n, 1, now_ns))
            clean.append((clean_id(raw, j), header, b"t", encode(_tick(self.n))))
        at = Positions(raw=raw, clean=clean[-1][0], n=self.n, log_ns=now_ns, market_ns=now_ns)
        self._log.clean_append(0, CleanBatch(self._token, self._at, at, clean))
        self._at = raw


def _tick(volume: int) -> CleanTick:
    empty = (None,) * 13
    return CleanTick(
        SCHEMA_VERSION, "rb2610", "SHFE", 20261123, 0, 0, "A", 0, 3_000.0, volume, *empty,
        [(2_999.0, 7)], [(3_001.0, 5)],
    )  # fmt: skip


@dataclass
class _Client:
    """Follows everything, and loses on order what comes over its live socket."""

    hub: mdhub.Hub
    lost: range = range(0)
    repairs_ms: list[float] = field(default_factory=list)
    error: BaseException | None = None

    def lose_on_order(self, link: Link) -> None:
        """Drop live messages whose n is in `lost`."""
        live = link.live

        def some() -> list[list[bytes]]:
            return [m for m in live() if decode_live_header(m[1]).n not in self.lost]

        link.live = some  # type: ignore[method-assign]

    def run(self) -> None:
        """Iterate until the hub is stopped."""
        try:
            for _ in self.hub.ticks("*"):
                pass
        except BaseException as error:  # noqa: BLE001 - told by the thread that waits
            self.error = error


def _repairs_ms(settings: Settings, ring: int) -> list[float]:
    gaps = 3 if settings.quick else GAPS
    with scene_of(Load(ticks_per_s=1, seconds=1)) as scene:
        scene.host.start_server()
        log = open_log(scene.host.url, service="arbiter", prefix=PREFIX)
        market = _Market(log)
        port = free_port_pair()
        scene.child(
            "publisher", sys.executable, "-m", "bench.small_ring",
            "--port", port, "--prefix", PREFIX, "--ring", ring,
            environment={URL_VARIABLE: scene.host.url},
        )  # fmt: skip
        with mdhub.connect(f"tcp://127.0.0.1:{port}") as hub:
            client = _Client(hub)
            client.lose_on_order(hub._links[0])  # noqa: SLF001 - losing is no service
            thread = threading.Thread(target=client.run)
            thread.start()
            try:
                _play(scene, market, client, gaps)
            finally:
                hub.stop()
                thread.join(PATIENCE_S)
        log.close()
    return client.repairs_ms


def _play(scene: Scene, market: _Market, client: _Client, gaps: int) -> None:
    hub = client.hub
    _flow(scene, market, client, lambda: hub.statistics.delivered > 0)
    for _ in range(gaps):
        hub.gaps.clear()
        client.lost = range(market.n + 1, market.n + 1 + MISSED)
        for _ in range(MISSED // ENTRIES_PER_COMMIT):
            market.write(ENTRIES_PER_COMMIT)
        missed_n = market.n
        _flow(scene, market, client, lambda: any(_end(g) >= missed_n for g in list(hub.gaps)))  # noqa: B023
        if not all(gap.recovered for gap in hub.gaps):
            raise BenchError(f"a gap was not recovered: {list(hub.gaps)}")
        client.repairs_ms.append(max(gap.open_ns for gap in hub.gaps) / 1e6)


def _end(gap: mdhub.Gap) -> int:
    return gap.end.n or 0


def _flow(scene: Scene, market: _Market, client: _Client, until: Callable[[], bool]) -> None:
    """Write 1,000 entries a second until a condition holds. Raises BenchError."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not until():
        if client.error is not None or time.monotonic() > deadline_s:
            raise BenchError(f"the client did not repair: {client.error}; {scene.log_tail()}")
        market.write(10)
        time.sleep(0.01)
