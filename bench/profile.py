"""Where a service spends its time: a load on the hub, and py-spy on one process of it."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from bench.chain.hub import HubChain
from bench.chain.scene import Scene, scene_of
from bench.environment import bench_python
from bench.load import Load
from bench.model import BenchError
from bench.progress import Progress
from bench.usage import children_named

WARM_UP_S = 2.0
START_S = 10.0
SERVICES = ("arbiter", "publisher", "ingest", "monitor", "client")
SUFFIX = {"flamegraph": "svg", "speedscope": "json"}


@dataclass(frozen=True)
class Wish:
    """What to look at, for how long, under which load."""

    service: str
    seconds: float
    ticks_per_s: float
    kind: str
    out: Path
    native: bool = False


def profile(wish: Wish) -> Path:
    """Record one process under load. Raises BenchError."""
    spy = bench_python().with_name("py-spy")
    seconds = START_S + WARM_UP_S + wish.seconds
    load = Load(wish.ticks_per_s, seconds, WARM_UP_S, monitor=wish.service == "monitor")
    progress = Progress(WARM_UP_S + wish.seconds)
    with scene_of(load) as scene:
        chain = HubChain()
        chain.start(scene)
        chain.play(scene)
        scene.rest(WARM_UP_S)
        progress.begin(f"{wish.service} under {wish.ticks_per_s:,.0f} ticks/s")
        pid = _pid(scene, wish.service)
        command = [
            str(spy), "record", "--pid", str(pid), "--duration", str(max(1, round(wish.seconds))),
            "--format", wish.kind, "--rate", "500", "--output", str(wish.out),
            *(["--native"] if wish.native else []),
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or not wish.out.exists():
        said = (done.stderr or done.stdout).strip()
        raise BenchError(
            f"py-spy could not look at {wish.service}: {said}. It must be allowed to trace: run as "
            "root, or `sysctl kernel.yama.ptrace_scope=0`"
        )
    return wish.out


def _pid(scene: Scene, service: str) -> int:
    """The process of a service; of ingest the one of source A, not its supervisor."""
    for name, state in scene.host.keeper.children.items():
        if name.split()[0] == service and state.process is not None:
            pid = state.process.pid
            return children_named(pid).get("ingest A", pid) if service == "ingest" else pid
    raise BenchError(f"no {service} runs")
