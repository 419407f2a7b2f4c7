"""Runs of a whole chain (hub or floor) on this machine; the result is raw samples."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mdhub.host.ports import free_port_pair
from mdhub.host.stack import Host, HubPlan, Publisher
from mdhub.runtime.heartbeat import decode_beat
from mdhub.runtime.keeper import ChildSpec

WARM_UP_NS = 2_000_000_000


@dataclass(frozen=True)
class Load:
    """What is played: two sources of one market."""

    ticks_per_s: float
    seconds: float
    profile: str = "fast"
    shards: int = 1
    publishers: int = 1
    monitor: bool = False


@dataclass(frozen=True)
class Samples:
    """Receive times and latencies (ns) of every tick after the warm-up."""

    recv_ns: array[int]
    latency_ns: array[int]

    def percentile_ms(self, share: float) -> float:
        ordered = sorted(self.latency_ns)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] / 1e6

    def rate(self) -> float:
        span_ns = max(self.recv_ns) - min(self.recv_ns)
        return len(self.recv_ns) * 1e9 / span_ns if span_ns else 0.0

    def trend_ms(self) -> float:
        """Median latency of the last fifth minus that of the first fifth: a backlog grows."""
        fifth = max(1, len(self.latency_ns) // 5)
        first, last = sorted(self.latency_ns[:fifth]), sorted(self.latency_ns[-fifth:])
        return (last[len(last) // 2] - first[len(first) // 2]) / 1e6


def run_hub(load: Load) -> Samples:
    """Play a load through a hub of real processes."""
    with _folder() as folder:
        port = free_port_pair()
        ports = [port] + [free_port_pair() for _ in range(load.publishers - 1)]
        sources = [_source("A", load, ""), _source("B", load, "lag_ms=5-30")]
        plan = HubPlan(
            folder=folder / "data",
            profile="single" if load.profile == "single" else "fast",
            shards=load.shards,
            publishers=tuple(Publisher(f"P{i}", p) for i, p in enumerate(ports)),
            sources=tuple(json.dumps(source) for source in sources),
        )
        host = Host(plan)
        try:
            host.start_server()
            host.start("arbiter", "publisher", *(["monitor"] if load.monitor else []))
            host.wait_leader()
            client = _client(host, "hub", f"tcp://127.0.0.1:{port}", folder / "samples")
            host.start("ingest")
            _wait_ended(host, load.seconds)
            time.sleep(1.0)
            _end(client)
        finally:
            host.stop()
        return _read(folder / "samples")


def run_floor(load: Load) -> Samples:
    """Play the same load through the bare hops."""
    with _folder() as folder:
        port = free_port_pair()
        plan = HubPlan(folder=folder / "data", profile="fast")
        host = Host(plan)
        try:
            host.start_server()
            client = _client(host, "floor", f"tcp://127.0.0.1:{port}", folder / "samples")
            _floor(host, "publish", "--port", port)
            _floor(host, "move")
            time.sleep(1.0)
            start_ns = time.time_ns() + 1_000_000_000
            for name, late_ns in (("A", 0), ("B", 15_000_000)):
                _floor(
                    host, "produce", "--name", name, "--rate", load.ticks_per_s,
                    "--seconds", load.seconds, "--start-ns", start_ns + late_ns,
                )  # fmt: skip
            time.sleep(load.seconds + 2.5)
            _end(client)
        finally:
            host.stop()
        return _read(folder / "samples")


def _source(name: str, load: Load, misbehave: str) -> dict[str, Any]:
    sim = {"seed": 7, "ticks_per_s": load.ticks_per_s}
    return {"name": name, "sim": sim, "misbehave": misbehave, "play_s": load.seconds}


def _floor(host: Host, *arguments: str | float) -> None:
    command = [sys.executable, "-m", "bench.floor", *map(str, arguments)]
    name = f"floor {len(host.keeper.children)}"
    environment = {"MDHUB_REDIS_URL": host.url}
    host.keeper.want(ChildSpec(name, lambda _: command, environment, restart_after_success=False))
    host.keeper.converge()


def _client(host: Host, kind: str, endpoint: str, out: Path) -> subprocess.Popen[str]:
    command = [
        sys.executable, "-m", "bench.client", "--kind", kind, "--out", str(out), endpoint,
    ]  # fmt: skip
    child = host.keeper.want(
        ChildSpec("client", lambda _: command, stdout=subprocess.PIPE, restart_after_success=False)
    )
    host.keeper.converge()
    child.output().readline()
    if child.process is None:
        raise SystemExit("the benchmark's client did not start")
    return child.process


def _end(client: subprocess.Popen[str]) -> None:
    client.terminate()
    client.wait(30)
    if client.stdout is not None:
        client.stdout.close()


def _wait_ended(host: Host, seconds: float) -> None:
    log = host.open_log()
    deadline_s = time.monotonic() + seconds * 3 + 30
    try:
        while time.monotonic() < deadline_s:
            host.keeper.converge()
            beats = {name: decode_beat(payload) for name, payload in log.beats().items()}
            sources = [beats.get("ingest:A"), beats.get("ingest:B")]
            if all(beat is not None and beat.state == "ended" for beat in sources):
                return
            time.sleep(0.2)
    finally:
        log.close()


def _read(path: Path) -> Samples:
    flat = array("q")
    flat.frombytes(path.read_bytes())
    recv, latency = flat[0::2], flat[1::2]
    if not recv:
        raise SystemExit("the run gave no samples: see the services' messages above")
    first = min(recv)
    kept = [i for i, at in enumerate(recv) if at - first >= WARM_UP_NS]
    return Samples(array("q", [recv[i] for i in kept]), array("q", [latency[i] for i in kept]))


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="mdhub-bench-") as name:
        yield Path(name)
