"""The writer of a source: prepared ticks through the outbox into raw, and its CPU per tick."""

from __future__ import annotations

import time
from functools import partial
from itertools import islice
from threading import Event, Thread

from bench.load import SEED
from bench.model import Value
from bench.settings import Settings
from bench.stages.timing import server
from mdhub.market.snapshot import Snapshot
from mdhub.market.synthetic import SyntheticMarket
from mdhub.runtime.logging import service_logger
from mdhub.streams.open import open_log
from mdhub.streams.port import FIRST_ID, LeadRequest
from mdhub_ingest.writer import RawWriter

TICKS = 200_000
MARKET_RATE = 2_000.0


def ingest(settings: Settings) -> list[Value]:
    """Stamp, number, encode and append as fast as it goes; the market is made beforehand."""
    market = SyntheticMarket(seed=SEED, ticks_per_s=MARKET_RATE)
    snapshots = list(islice(market.snapshots(), settings.few(TICKS)))
    with server("fast") as url:
        log = open_log(url, service="arbiter", prefix="bench:")
        log.take(0, LeadRequest(0, FIRST_ID, 1, b"lead"))
        log.close()
        runs = [_written(url, snapshots, session) for session in range(1, settings.rounds + 1)]
    amount = len(snapshots)
    return [
        Value("ticks", "/s", [amount / wall_s for wall_s, _ in runs]),
        Value("CPU per tick", "us", [cpu_s * 1e6 / amount for _, cpu_s in runs]),
    ]


def _written(url: str, snapshots: list[Snapshot], session: int) -> tuple[float, float]:
    """Wall and CPU seconds until the log has everything."""
    writer = RawWriter(
        source="A", session=session, shards=1,
        connect=partial(open_log, url, service="ingest", prefix="bench:"),
        logger=service_logger("bench", "A"), counters=dict,
    )  # fmt: skip
    done = Event()
    thread = Thread(target=writer.run, args=(done,))
    began_s, cpu_s = time.perf_counter(), time.process_time()
    thread.start()
    for snapshot in snapshots:
        writer.emit(snapshot)
    done.set()
    thread.join()
    return time.perf_counter() - began_s, time.process_time() - cpu_s
