"""Peers as chains. Each has one source: none of them takes one of two copies."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from bench.chain.scene import Scene
from bench.load import START_IN_S
from mdhub.host.ports import free_port_pair
from mdhub.runtime.ports import port_problem

LOOPBACK = "127.0.0.1"
SERVER_START_S = 10.0


@dataclass
class VnpyChain:
    """vnpy's RPC server in the source's process, its RPC client in the strategy's."""

    python: Path
    port: int = 0

    def start(self, scene: Scene) -> None:
        """Start the clients: ZeroMQ connects to what comes later."""
        self.port = free_port_pair()
        for _ in range(scene.load.clients):
            scene.client(str(self.python), "-m", "bench.vnpy_rpc", "client", *_at(self.port))

    def play(self, scene: Scene) -> None:
        """Start the publisher."""
        _publish(scene, self.python, "bench.vnpy_rpc", self.port)

    def ended(self, scene: Scene) -> bool:
        """The publisher is done."""
        return scene.finished("publisher")


@dataclass
class JetStreamChain:
    """A NATS server with a stream on disk, a publisher that waits for acknowledgements."""

    python: Path
    server: Path
    port: int = 0

    def start(self, scene: Scene) -> None:
        """Start the server, then the clients, which make the stream."""
        self.port = free_port_pair()
        scene.child(
            "server", self.server, "--addr", LOOPBACK, "--port", self.port,
            "--jetstream", "--store_dir", scene.folder / "jetstream",
        )  # fmt: skip
        scene.wait(lambda: bool(port_problem(LOOPBACK, self.port)), "nats-server", SERVER_START_S)
        for _ in range(scene.load.clients):
            scene.client(str(self.python), "-m", "bench.jetstream", "client", *_at(self.port))

    def play(self, scene: Scene) -> None:
        """Start the publisher."""
        _publish(scene, self.python, "bench.jetstream", self.port)

    def ended(self, scene: Scene) -> bool:
        """The publisher is done: everything was acknowledged."""
        return scene.finished("publisher")


def _at(port: int) -> tuple[str, str]:
    return ("--port", str(port))


def _publish(scene: Scene, python: Path, module: str, port: int) -> None:
    scene.child(
        "publisher", python, "-m", module, "publish", *_at(port),
        "--rate", scene.load.ticks_per_s, "--seconds", scene.load.seconds,
        "--start-ns", time.time_ns() + int(START_IN_S * 1e9),
    )  # fmt: skip
