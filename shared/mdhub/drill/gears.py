"""Tools put around a hub: which child stands behind which shim, proxy or namespace."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from mdhub.drill.port import Need
from mdhub.drill.tools.errors import ToolMissing
from mdhub.drill.tools.link import Cable, check_cable
from mdhub.drill.tools.preload import SkewedClock, SlowDisk, library
from mdhub.drill.tools.proxy_process import ProxyProcess
from mdhub.drill.tools.small_disk import SmallDisk, check_small_disk
from mdhub.host.stack import URL_VARIABLE
from mdhub.runtime.keeper import ChildSpec

if TYPE_CHECKING:
    from mdhub.drill.rig import Rig

__all__ = [
    "CABLE", "COMPILER", "SMALL_DISK", "Clocks", "FullDisk", "Proxied", "Pulled", "ServerDisk",
    "worn",
]  # fmt: skip

SERVER: Final = "server"
CLIENT: Final = "client"
PUBLISHER: Final = "publisher"
SOCKET: Final = "data/redis.sock"
APPEND_ONLY: Final = "data/appendonlydir"
LOOPBACK: Final = "127.0.0.1"
SMALL_MB: Final = 512

T = TypeVar("T")


def worn(rig: Rig, kind: type[T]) -> T:
    """The gear of a drill, as the row made it. Raises ToolMissing if it is another one."""
    if not isinstance(rig.gear, kind):
        raise ToolMissing(f"gear was {type(rig.gear).__name__}, expected {kind.__name__}")
    return rig.gear


def _present(check: Callable[[], object]) -> Callable[[], bool]:
    def present() -> bool:
        try:
            check()
        except ToolMissing:
            return False
        return True

    return present


COMPILER: Final = Need(
    "a C compiler and Linux",
    _present(lambda: (library("fsync"), library("clock"))),
    "install gcc and libc6-dev, or name a compiler with CC",
)
CABLE: Final = Need(
    "network namespaces",
    _present(check_cable),
    "install iproute2 and util-linux; run as root or allow user namespaces",
)
SMALL_DISK: Final = Need(
    "a tmpfs of its own",
    _present(check_small_disk),
    "install util-linux and mount; run as root or allow user namespaces",
)


class ServerDisk:
    """The server's disk is slow on order, and may lose power."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        shim = folder / "shim"
        shim.mkdir(exist_ok=True)
        self.disk = SlowDisk(shim)
        self.power_fails = False
        """Set before the server is killed: what had not reached the disk is cut off."""
        self.cut_bytes = 0

    def dress(self, spec: ChildSpec) -> ChildSpec:
        if spec.name != SERVER:
            return spec
        inner = spec.command

        def command(start: int) -> Sequence[str]:
            if self.power_fails:
                self.power_fails = False
                self.cut_bytes += self.disk.cut_power(self._folder / APPEND_ONLY)
            return inner(start)

        environment = {**spec.environment, **self.disk.environment()}
        return replace(spec, command=command, environment=environment)

    def close(self) -> None:
        pass


class Clocks:
    """Every child's wall clock can be set by itself, clients' excepted."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._clocks: dict[str, SkewedClock] = {}

    def dress(self, spec: ChildSpec) -> ChildSpec:
        if spec.name.split()[0] == CLIENT:
            return spec
        if spec.name not in self._clocks:
            folder = self._folder / f"clock-{spec.name.replace(' ', '-')}"
            folder.mkdir(exist_ok=True)
            self._clocks[spec.name] = SkewedClock(folder)
        environment = {**spec.environment, **self._clocks[spec.name].environment()}
        return replace(spec, environment=environment)

    def set(self, child: str, offset_s: float) -> None:
        """Step a child's clock."""
        self._clocks[child].set(offset_s)

    def close(self) -> None:
        pass


class Proxied:
    """All services reach the server through one proxy."""

    def __init__(self, folder: Path) -> None:
        self.proxy = ProxyProcess(str((folder / SOCKET).resolve()))
        self._stack = ExitStack()
        self._stack.enter_context(self.proxy)

    def dress(self, spec: ChildSpec) -> ChildSpec:
        if URL_VARIABLE not in spec.environment:
            return spec
        return replace(spec, environment={**spec.environment, URL_VARIABLE: self.proxy.url})

    def close(self) -> None:
        self._stack.close()


class Pulled:
    """Publishers and clients are at two ends of a cable; they share the folder and nothing else."""

    def __init__(self, folder: Path) -> None:  # noqa: ARG002 - a gear
        self.cable = Cable()
        self._stack = ExitStack()
        self._stack.enter_context(self.cable)

    def dress(self, spec: ChildSpec) -> ChildSpec:
        kind = spec.name.split()[0]
        if kind not in {PUBLISHER, CLIENT}:
            return spec
        side = self.cable.near if kind == PUBLISHER else self.cable.far
        inner, address = spec.command, self.cable.near_address

        def command(start: int) -> Sequence[str]:
            return [*side.command, *(word.replace(LOOPBACK, address) for word in inner(start))]

        return replace(spec, command=command)

    def close(self) -> None:
        self._stack.close()


class FullDisk:
    """The server's data lie on a disk of their own, which can be made full."""

    def __init__(self, folder: Path) -> None:
        self._data = (folder / "disk").resolve()
        self.disk = SmallDisk(self._data, SMALL_MB)
        self._stack = ExitStack()
        self._stack.enter_context(self.disk)

    def dress(self, spec: ChildSpec) -> ChildSpec:
        if spec.name != SERVER:
            return spec
        inner = spec.command

        def command(start: int) -> Sequence[str]:
            # The last --dir is the one that counts; socket and log stay where all can see them.
            return [*self.disk.command, *inner(start), "--dir", str(self._data)]

        return replace(spec, command=command)

    def close(self) -> None:
        self._stack.close()
