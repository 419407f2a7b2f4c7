"""A whole cluster on this machine's loopback, whose nodes can be killed, paused and started again.

For tests and drills: a cluster on one machine survives nothing that the machine does not.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from mdhub.host.ports import free_port_pair
from mdhub.runtime.errors import ServiceError
from mdhub.runtime.parent import PARENT_VARIABLE
from mdhub.streams.client import Link
from mdhub.streams.cluster import SLOTS, cluster_info, slot_of
from mdhub.streams.errors import StreamsError
from mdhub.streams.server import find_server, wait_ready

__all__ = ["ClusterNode", "LocalCluster"]

_NODE: Final = Path(__file__).parent / "redis/cluster/node.conf"
_IN_THE_SOURCE_TREE: Final = Path(__file__).parents[3] / "deploy/redis/cluster/node.conf"
_PATIENCE_S: Final = 15.0
_POLL_S: Final = 0.02


@dataclass(slots=True)
class ClusterNode:
    """One server of the cluster: port for clients, the one above for the other nodes."""

    name: str
    port: int
    folder: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def ask(self, *command: Any) -> Any:
        """One command on a connection of its own. Raises StreamsError."""
        link = Link(self.url, name="mdhub-rig")
        try:
            return link.call(*command)
        finally:
            link.close()


class LocalCluster:
    """Context manager: masters first, then their replicas. Nodes end with this process.

    Each is started from `deploy/redis/cluster/node.conf` (a wheel has it, too).

    Belongs to the main thread, to which the death of the nodes is tied.
    """

    def __init__(
        self,
        folder: Path,
        *,
        masters: int = 3,
        replicas: int = 0,
        settings: Sequence[str] = (),
        binary: Path | None = None,
    ) -> None:
        """`replicas` are those of each master.

        `settings` are further arguments of each server, such as `--maxmemory`, `64mb`.
        """
        self._masters = masters
        self._replicas = replicas
        self._settings = settings
        self._binary = binary or find_server()
        self.nodes = [
            ClusterNode(f"node-{number}", free_port_pair(), folder / f"node-{number}")
            for number in range(masters * (1 + replicas))
        ]

    @property
    def url(self) -> str:
        """Address of the log."""
        return "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)

    def __enter__(self) -> Self:
        try:
            for node in self.nodes:
                self.start(node)
            self._join()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self, node: ClusterNode) -> None:
        """Start a node that does not run, with the data it has; returns at once."""
        node.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        node.process = subprocess.Popen(
            self._command(node),
            env={**os.environ, PARENT_VARIABLE: str(os.getpid())},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def kill(self, node: ClusterNode) -> None:
        """SIGKILL; returns when the process is gone."""
        process = _running(node)
        process.kill()
        process.wait()
        node.process = None

    def pause(self, node: ClusterNode) -> None:
        """SIGSTOP: the node accepts connections and says nothing."""
        _running(node).send_signal(signal.SIGSTOP)

    def resume(self, node: ClusterNode) -> None:
        """SIGCONT."""
        _running(node).send_signal(signal.SIGCONT)

    def wait_ready(self, timeout_s: float = _PATIENCE_S) -> None:
        """Wait until every slot is served by a master that answers. Raises ServerStartError."""
        wait_ready(self.url, timeout_s=timeout_s)

    def master_of(self, key: str) -> ClusterNode:
        """The node that serves a key now, as the first node that answers says."""
        slot = slot_of(key)
        for first, last, master, *_ in self._slots():
            if first <= slot <= last:
                return next(node for node in self.nodes if node.port == master[1])
        raise ServiceError(f"no node serves slot {slot}")

    def stop(self) -> None:
        """End all nodes; always safe."""
        running = [node for node in self.nodes if node.process is not None]
        for node in running:
            self.kill(node)

    def _command(self, node: ClusterNode) -> list[str]:
        return [
            sys.executable, "-m", "mdhub.runtime.leash", str(self._binary),
            str(_NODE if _NODE.is_file() else _IN_THE_SOURCE_TREE),
            "--bind", "127.0.0.1",
            "--port", str(node.port),
            "--cluster-port", str(node.port + 1),
            "--dir", str(node.folder),
            "--logfile", str(node.folder / "server.log"),
            *self._settings,
        ]  # fmt: skip

    def _join(self) -> None:
        """Make a cluster of new nodes: epochs and slots first, so that they never collide."""
        for node in self.nodes:
            wait_ready(node.url)
        masters = self.nodes[: self._masters]
        for number, node in enumerate(self.nodes, 1):
            node.ask("CLUSTER", "SET-CONFIG-EPOCH", number)
        for number, node in enumerate(masters):
            first = SLOTS * number // self._masters
            last = SLOTS * (number + 1) // self._masters - 1
            node.ask("CLUSTER", "ADDSLOTSRANGE", first, last)
        for node in self.nodes[1:]:
            masters[0].ask("CLUSTER", "MEET", "127.0.0.1", node.port, node.port + 1)
        _until(lambda: all(map(self._knows_all, self.nodes)), "the nodes to know each other")
        for number, node in enumerate(self.nodes[self._masters :]):
            master_id = masters[number % self._masters].ask("CLUSTER", "MYID")
            node.ask("CLUSTER", "REPLICATE", master_id)
        self.wait_ready()
        _until(lambda: all(map(_follows, self.nodes[self._masters :])), "the replicas to follow")

    def _knows_all(self, node: ClusterNode) -> bool:
        link = Link(node.url, name="mdhub-rig")
        try:
            about = cluster_info(link)
        finally:
            link.close()
        known, masters = int(about["cluster_known_nodes"]), int(about["cluster_size"])
        return (known, masters) == (len(self.nodes), self._masters)

    def _slots(self) -> list[list[Any]]:
        for node in self.nodes:
            try:
                rows: list[list[Any]] = node.ask("CLUSTER", "SLOTS")
            except StreamsError:
                continue
            return rows
        raise ServiceError("no node of the cluster answers")


def _running(node: ClusterNode) -> subprocess.Popen[bytes]:
    if node.process is None:
        raise ServiceError(f"{node.name} does not run")
    return node.process


def _follows(replica: ClusterNode) -> bool:
    return b"master_link_status:up" in replica.ask("INFO", "replication")


def _until(condition: Callable[[], bool], what: str) -> None:
    deadline_s = time.monotonic() + _PATIENCE_S
    while not condition():
        if time.monotonic() > deadline_s:
            raise ServiceError(f"waited {_PATIENCE_S:g} s in vain for {what}")
        time.sleep(_POLL_S)
