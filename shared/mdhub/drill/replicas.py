"""Gear of rows S: three servers and three Sentinels instead of the hub's own server."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from mdhub.drill.gears import CABLE
from mdhub.drill.port import Need
from mdhub.drill.tools.errors import ToolMissing
from mdhub.drill.tools.link import Cable
from mdhub.host.replicated import SENTINELS, SERVERS, ReplicatedRig
from mdhub.host.stack import HubPlan
from mdhub.runtime.keeper import ChildSpec
from mdhub.streams.errors import StreamsError

__all__ = ["MINORITY", "PARTITION", "Parted", "Replicated", "master_or_none", "planned"]

FOLDER: Final = "servers"
MINORITY: Final = ("arbiter A", "publisher A", "ingest 1", "client 2")
"""On the first master's side of the cable."""
FIRST_NODES: Final = frozenset({"server-1", "sentinel-1"})
NODES: Final = (*SERVERS, *SENTINELS)
_CLONE_NEWNET: Final = 0x4000_0000

PARTITION: Final = Need(
    "root's right on network namespaces",
    lambda: os.geteuid() == 0 and CABLE.present(),
    "run as root; install iproute2 and util-linux",
)


class Replicated:
    """A master, two replicas and three Sentinels, all on loopback."""

    def __init__(self, folder: Path) -> None:
        self.servers = ReplicatedRig((folder / FOLDER).resolve())
        self._stack = ExitStack()
        self._stack.enter_context(self.servers)

    def plan(self, plan: HubPlan) -> HubPlan:
        return replace(plan, url=self.servers.url)

    def dress(self, spec: ChildSpec) -> ChildSpec:
        return spec

    def close(self) -> None:
        self._stack.close()


class Parted:
    """Two ends of a cable: master, leader, a publisher, a source, a client; and the majority.

    The drill's own thread is with the majority, and so is what it starts.
    """

    def __init__(self, folder: Path) -> None:
        with ExitStack() as stack:
            self.cable = stack.enter_context(Cable())
            stack.enter_context(_inside(self.cable.near.pid))
            self.servers = stack.enter_context(
                ReplicatedRig(
                    (folder / FOLDER).resolve(),
                    hosts={name: self._address(name in FIRST_NODES) for name in NODES},
                    enter=lambda name: self.cable.far.command if name in FIRST_NODES else (),
                )
            )
            self._stack = stack.pop_all()

    def plan(self, plan: HubPlan) -> HubPlan:
        publishers = [
            replace(each, bind=self._address(f"publisher {each.name}" in MINORITY))
            for each in plan.publishers
        ]
        return replace(plan, url=self.servers.url, publishers=tuple(publishers))

    def dress(self, spec: ChildSpec) -> ChildSpec:
        if spec.name not in MINORITY:
            return spec
        inner, enter = spec.command, self.cable.far.command
        return replace(spec, command=lambda start: [*enter, *inner(start)])

    def close(self) -> None:
        self._stack.close()

    def _address(self, there: bool) -> str:  # noqa: FBT001 - at which end
        return self.cable.far_address if there else self.cable.near_address


@contextmanager
def _inside(pid: int) -> Iterator[None]:
    """Put this thread into the network namespace of a process, and back."""
    with ExitStack() as stack:
        here, there = (
            os.open(f"/proc/{each}/ns/net", os.O_RDONLY) for each in ("thread-self", pid)
        )
        stack.callback(os.close, here)
        stack.callback(os.close, there)
        _set_namespace(there)
        stack.callback(_set_namespace, here)
        yield


def _set_namespace(namespace: int) -> None:
    # os.setns is of Python 3.12.
    if ctypes.CDLL(None, use_errno=True).setns(namespace, _CLONE_NEWNET):
        raise ToolMissing(f"no entry to a network namespace: {os.strerror(ctypes.get_errno())}")


def planned(plan: HubPlan, gear: Parted | Replicated) -> HubPlan:
    """The hub beside servers that the gear has started."""
    return gear.plan(plan)


def master_or_none(servers: ReplicatedRig) -> str | None:
    """Name of the master, as the Sentinels have it; None while none can be asked."""
    try:
        return servers.master()
    except (StreamsError, StopIteration):
        return None
