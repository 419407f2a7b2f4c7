"""The bare floor as a chain: the processes of `bench.floor` on a server of the same profile."""

from __future__ import annotations

import time
from dataclasses import dataclass

from bench.chain.scene import Scene, bench_module
from bench.load import START_IN_S
from mdhub.host.ports import free_port_pair

B_LATE_NS = 15_000_000
"""Source B comes later, as in the hub's load."""


@dataclass(frozen=True)
class FloorChain:
    """Two producers, a mover, a publisher; followed by bare ZeroMQ clients."""

    def start(self, scene: Scene) -> None:
        """Start server, mover, publisher and clients."""
        scene.host.start_server()
        port = free_port_pair()
        self._hop(scene, "publish", "publish", "--port", port)
        self._hop(scene, "move", "move")
        for _ in range(scene.load.clients):
            endpoint = f"tcp://127.0.0.1:{port}"
            scene.client(*bench_module("client"), endpoint, "--kind", "floor")

    def play(self, scene: Scene) -> None:
        """Start both producers."""
        start_ns = time.time_ns() + int(START_IN_S * 1e9)
        for name, late_ns in (("A", 0), ("B", B_LATE_NS)):
            self._hop(
                scene, f"produce {name}", "produce", "--name", name,
                "--rate", scene.load.ticks_per_s, "--seconds", scene.load.seconds,
                "--start-ns", start_ns + late_ns,
            )  # fmt: skip

    def ended(self, scene: Scene) -> bool:
        """Both producers are done."""
        return scene.finished("produce A", "produce B")

    def _hop(self, scene: Scene, name: str, *arguments: str | float) -> None:
        environment = {"MDHUB_REDIS_URL": scene.host.url}
        scene.child(name, *bench_module("floor"), *arguments, environment=environment)
