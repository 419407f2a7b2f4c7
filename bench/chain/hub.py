"""The hub as a chain: real services, started as `mdhub up` starts them."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.chain.console import open_tabs, start_console
from bench.chain.recording import write_recording
from bench.chain.scene import Scene, bench_module, plan_of, sources_of
from bench.load import Load
from mdhub.host.ports import free_port_pair
from mdhub.host.stack import Host, Publisher, service_module
from mdhub.runtime.heartbeat import decode_beat
from mdhub.sdk.keys import (
    CLIENT_KEY_VARIABLE,
    SERVER_KEY_VARIABLE,
    new_pair,
    write_pair,
    write_public,
)

SNAPSHOTS_PER_CONTRACT = 1.9
"""A contract has two snapshots a second at most: for more, market time runs faster."""


@dataclass
class HubChain:
    """Server, arbiters (one per shard), publishers; followed by clients of the SDK."""

    kind: str = "hub"
    recording: Path | None = None
    """Played as fast as it goes, instead of the load's market."""

    def start(self, scene: Scene) -> None:
        """Start all but the sources, in the order of `mdhub up`."""
        load = scene.load
        ports = [free_port_pair() for _ in range(load.publishers)]
        keys = _keys(scene.folder) if load.keys else _Keys()
        recording, speed = (
            (self.recording, 0.0) if self.recording else _market_file(scene.folder, load)
        )
        plan = plan_of(
            scene.folder,
            load,
            shards=load.shards,
            publishers=tuple(
                Publisher(f"P{i}", port, "127.0.0.1", *keys.publisher)
                for i, port in enumerate(ports)
            ),
            sources=sources_of(load, recording, speed),
        )
        scene.host = Host(plan, stderr=scene.log)
        scene.host.start_server()
        scene.host.start("arbiter", "publisher", *(["monitor"] if load.monitor else []))
        scene.host.wait_leader()
        if load.standby:
            _start_standby(scene)
        if load.tabs is not None:
            open_tabs(scene, start_console(scene))
        for number in range(load.clients):
            endpoint = f"tcp://127.0.0.1:{ports[number % len(ports)]}"
            scene.client(
                *bench_module("client"), endpoint, "--kind", self.kind, environment=keys.client
            )

    def play(self, scene: Scene) -> None:
        """Start ingest."""
        scene.host.start("ingest")

    def ended(self, scene: Scene) -> bool:
        """Both sources say that they have ended, and that all is written."""
        log = scene.host.open_log()
        try:
            beats = {name: decode_beat(payload) for name, payload in log.beats().items()}
        finally:
            log.close()
        sources = [beats.get("ingest:A"), beats.get("ingest:B")]
        return all(beat is not None and beat.state == "ended" for beat in sources)


@dataclass(frozen=True)
class _Keys:
    """Key files of a run; none: everything is plain."""

    publisher: tuple[Path, Path] | tuple[()] = ()
    client: Mapping[str, str] = field(default_factory=dict)


def _keys(folder: Path) -> _Keys:
    server, client, clients = new_pair(), new_pair(), folder / "clients"
    write_pair(folder / "server.key_secret", server, name="server")
    write_pair(folder / "client.key_secret", client, name="client")
    write_public(folder / "server.key", server.public, name="server")
    write_public(clients / "client.key", client.public, name="client")
    named = {
        SERVER_KEY_VARIABLE: str(folder / "server.key"),
        CLIENT_KEY_VARIABLE: str(folder / "client.key_secret"),
    }
    return _Keys((folder / "server.key_secret", clients), named)


def _start_standby(scene: Scene) -> None:
    """A second arbiter, which waits for the first one to fail."""
    scene.child(
        "standby", sys.executable, "-m", service_module("arbiter"),
        "--prefix", "mdhub:", "--id", "B", "--shard", 0, "--shards", 1,
        "--profile", scene.load.profile,
        environment={"MDHUB_REDIS_URL": scene.host.url},
    )  # fmt: skip


def _market_file(folder: Path, load: Load) -> tuple[Path | None, float]:
    """A recording where the simulation has no knob for what is asked; and its speed."""
    if load.contracts is None:
        return None, 1.0
    speed = max(1.0, load.ticks_per_s / (load.contracts * SNAPSHOTS_PER_CONTRACT))
    slow = replace(load, ticks_per_s=load.ticks_per_s / speed)
    path = folder / "market.csv"
    write_recording(path, slow, market_s=(load.seconds + 1) * speed)
    return path, speed
