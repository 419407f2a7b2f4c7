"""Real processes: memory with 25,000 contracts, and the time of a cold start."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import zmq

from bench.chain.hub import HubChain
from bench.chain.recording import write_rows
from bench.chain.scene import Scene, scene_of
from bench.load import SEED, Load
from bench.model import BenchError, Value
from bench.settings import Settings
from bench.usage import peak_rss_mb
from mdhub.host.ports import free_port_pair
from mdhub.market.snapshot import Snapshot
from mdhub.market.synthetic import SyntheticMarket
from mdhub.runtime.heartbeat import decode_beat

LISTED = 28_000
"""So many that 25,000 of them trade within the few ticks each has."""
EACH = 4
"""Snapshots of each contract; of a tenth, which trade seldom, fewer."""
SNAPSHOT_S = 12.0
"""Longer than from one snapshot of the state to the next."""
COLD_START_S = 30.0


def memory(settings: Settings) -> list[Value]:
    """Most memory ever resident, after all contracts have traded and a snapshot was taken."""
    load = Load(ticks_per_s=1_000, seconds=120)
    contracts = settings.contracts(LISTED)
    with scene_of(load) as scene:
        path = scene.folder / "market.csv"
        write_rows(path, islice(_market(contracts), contracts * EACH * 9 // 10))
        chain = HubChain(kind="quiet", recording=path)
        chain.start(scene)
        chain.play(scene)
        scene.wait(lambda: chain.ended(scene), "the sources to end", load.seconds)
        traded = contracts * 9 // 10
        scene.wait(lambda: _instruments(scene) >= traded, f"{traded} contracts", 60)
        scene.rest(1.0 if settings.quick else SNAPSHOT_S)
        children = scene.host.keeper.children
        weighed = {"arbiter": "arbiter A", "publisher": "publisher P0", "SDK": "client"}
        processes = {what: children[name].process for what, name in weighed.items()}
        values = [Value("contracts", "", [float(_instruments(scene))])]
        values += [
            Value(what, "MB", [peak_rss_mb(process.pid)])
            for what, process in processes.items()
            if process is not None
        ]
    return values


def cold_start(settings: Settings) -> list[Value]:
    """`mdhub up` on an empty folder, from the call to the first clean tick at a subscriber."""
    return [Value("to first clean tick", "s", [_start_once() for _ in range(settings.rounds)])]


def _market(contracts: int) -> Iterator[Snapshot]:
    """Contracts trade at one pace here: the simulation's lets half of them trade seldom."""
    seen: Counter[str] = Counter()
    market = SyntheticMarket(seed=SEED, ticks_per_s=contracts * 1.5, contracts=contracts)
    for snapshot in market.snapshots():
        seen[snapshot.symbol] += 1
        if seen[snapshot.symbol] <= EACH:
            yield snapshot


def _instruments(scene: Scene) -> int:
    log = scene.host.open_log()
    try:
        beat = log.beats().get("arbiter:A")
    finally:
        log.close()
    return decode_beat(beat).counters.get("instruments", 0) if beat else 0


def _start_once() -> float:
    port = free_port_pair()
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MDHUB_")}
    with tempfile.TemporaryDirectory(prefix="mdhub-bench-") as name, zmq.Context() as context:
        socket = context.socket(zmq.SUB)
        socket.setsockopt(zmq.RECONNECT_IVL, 5)
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.SUBSCRIBE, b"tick.")
        socket.connect(f"tcp://127.0.0.1:{port}")
        said = Path(name) / "up.log"
        command = [
            sys.executable, "-m", "mdhub.cli.app", "up",
            "--data", str(Path(name) / "data"), "--port", str(port), "--profile", "fast",
        ]  # fmt: skip
        began_s = time.perf_counter()
        with said.open("w") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        try:
            came = bool(socket.poll(int(COLD_START_S * 1000)))
            took_s = time.perf_counter() - began_s
        finally:
            process.terminate()
            process.wait(15)
            socket.close()
        if not came:
            raise BenchError(f"no tick within {COLD_START_S:g} s; {said.read_text()[-500:]}")
    return took_s
