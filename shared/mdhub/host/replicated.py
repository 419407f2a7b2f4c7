"""Profile `replicated` on one host: a master, two replicas, three Sentinels, for tests and drills.

Started from the files in `deploy/redis/replicated` (a wheel has them, too), with other ports,
folders and (on demand) addresses. All of them end with the process that started them.
"""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

from mdhub.host.ports import free_port_pair
from mdhub.streams.client import Link
from mdhub.streams.errors import ServerStartError, StreamsError
from mdhub.streams.server import find_server, wait_ready

__all__ = ["MASTER_NAME", "SENTINELS", "SERVERS", "ReplicatedRig"]

_PACKAGED: Final = Path(__file__).parent / "redis/replicated"
_IN_THE_SOURCE_TREE: Final = Path(__file__).parents[3] / "deploy/redis/replicated"
MASTER_NAME: Final = "mdhub"
SERVERS: Final = ("server-1", "server-2", "server-3")
SENTINELS: Final = ("sentinel-1", "sentinel-2", "sentinel-3")
READY_S: Final = 20.0
STOP_S: Final = 3.0
_POLL_S: Final = 0.02
_ASK_S: Final = 0.3


class ReplicatedRig:
    """Context manager. Belongs to one thread, which must outlive it (the children's leash).

    `hosts` gives nodes other addresses than loopback, `enter` what to put before the command of a
    node, such as `ip netns exec <name>`: for drills that cut links.
    """

    def __init__(
        self,
        folder: Path,
        *,
        binary: Path | None = None,
        hosts: Mapping[str, str] | None = None,
        enter: Callable[[str], Sequence[str]] = lambda _name: (),
    ) -> None:
        self._folder = folder
        self._binary = binary or find_server()
        self._configuration = _PACKAGED if _PACKAGED.is_dir() else _IN_THE_SOURCE_TREE
        self._hosts = hosts or {}
        self._enter = enter
        self._ports: dict[str, int] = {}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._paused: set[str] = set()

    @property
    def url(self) -> str:
        """What a hub is given."""
        places = ",".join(self.address(name) for name in SENTINELS)
        return f"redis+sentinel://{places}/{MASTER_NAME}"

    def address(self, name: str) -> str:
        """Host and port of a node."""
        return f"{self._host(name)}:{self._ports[name]}"

    def pid(self, name: str) -> int:
        """Process of a node."""
        return self._processes[name].pid

    def start(self) -> None:
        """Start all and wait until every Sentinel knows all others. Raises ServerStartError."""
        self._ports = dict(zip((*SERVERS, *SENTINELS), _free_ports(6), strict=True))
        for name in SERVERS:
            self._start(name, self._prepare_server(name))
        wait_ready(f"redis://{self.address(SERVERS[0])}")
        self.wait(lambda: self.replicas() == len(SERVERS) - 1, "the replicas did not connect")
        for name in SENTINELS:
            self._start(name, self._prepare_sentinel(name))
        self.wait(self._all_known, "the Sentinels did not find each other")

    def stop(self) -> None:
        """End what was started here, also what is paused."""
        for name, process in self._processes.items():
            if name in self._paused:
                process.kill()
            process.terminate()
        deadline_s = time.monotonic() + STOP_S
        for process in self._processes.values():
            try:
                process.wait(max(0.0, deadline_s - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes.clear()
        self._paused.clear()

    def kill(self, name: str) -> None:
        """SIGKILL."""
        self._processes[name].kill()
        self._processes[name].wait()
        self._paused.discard(name)

    def pause(self, *names: str) -> None:
        """SIGSTOP."""
        for name in names:
            self._processes[name].send_signal(signal.SIGSTOP)
            self._paused.add(name)

    def resume(self, *names: str) -> None:
        """SIGCONT."""
        for name in names:
            self._processes[name].send_signal(signal.SIGCONT)
            self._paused.discard(name)

    def restart(self, name: str) -> None:
        """Start a killed node again, with the configuration it has rewritten."""
        self._start(name, self._command(name))

    def master(self) -> str:
        """Name of the server that the Sentinels hold for the master. Raises StreamsError."""
        link = Link(self.url, name="mdhub-rig", timeout_s=_ASK_S)
        try:
            place = link.url.removeprefix("redis://").partition("/")[0]
        finally:
            link.close()
        return next(name for name in SERVERS if self.address(name) == place)

    def replicas(self, name: str = SERVERS[0]) -> int:
        """How many replicas follow a server now."""
        facts = self._ask(name, "INFO", "replication")
        return len(re.findall(rb"state=online", facts or b""))

    def wait(self, condition: Callable[[], object], otherwise: str) -> None:
        """Wait for a condition. Raises ServerStartError."""
        deadline_s = time.monotonic() + READY_S
        while not condition():
            if time.monotonic() > deadline_s:
                raise ServerStartError(f"{otherwise} in {READY_S:g} s; logs in {self._folder}")
            time.sleep(_POLL_S)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _host(self, name: str) -> str:
        return self._hosts.get(name, "127.0.0.1")

    def _prepare_server(self, name: str) -> list[str]:
        first = SERVERS[0]
        text = self._settled(name, (self._configuration / "redis.conf").read_text("utf-8"))
        if name != first:
            text += f"\nreplicaof {self._host(first)} {self._ports[first]}\n"
        return self._write(name, text)

    def _prepare_sentinel(self, name: str) -> list[str]:
        place = f"{self._host(SERVERS[0])} {self._ports[SERVERS[0]]}"
        text = self._settled(name, (self._configuration / "sentinel.conf").read_text("utf-8"))
        return self._write(name, _put(text, f"sentinel monitor {MASTER_NAME}", f"{place} 2"))

    def _settled(self, name: str, text: str) -> str:
        """The documented file at another place."""
        folder = self._folder / name
        folder.mkdir(parents=True, exist_ok=True)
        for directive, value in (
            ("port", str(self._ports[name])),
            ("bind", self._host(name)),
            ("dir", str(folder)),
            # Other addresses are those of a network that a drill has made for itself.
            ("protected-mode", "no" if self._hosts else "yes"),
        ):
            text = _put(text, directive, value)
        return text + f"\nlogfile {folder / 'server.log'}\n"

    def _write(self, name: str, text: str) -> list[str]:
        (self._folder / name / "node.conf").write_text(text, "utf-8")
        return self._command(name)

    def _command(self, name: str) -> list[str]:
        leash = [sys.executable, "-m", "mdhub.runtime.leash"]
        kind = ["--sentinel"] if name in SENTINELS else []
        file = self._folder / name / "node.conf"
        return [*self._enter(name), *leash, str(self._binary), str(file), *kind]

    def _start(self, name: str, command: list[str]) -> None:
        self._processes[name] = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def _all_known(self) -> bool:
        return all(self._knows_all(name) for name in SENTINELS)

    def _knows_all(self, sentinel: str) -> bool:
        flat = self._ask(sentinel, "SENTINEL", "MASTER", MASTER_NAME) or []
        facts = dict(zip(flat[::2], flat[1::2], strict=True))
        others = (facts.get(b"num-slaves"), facts.get(b"num-other-sentinels"))
        return others == (b"2", b"2") and facts.get(b"flags") == b"master"

    def _ask(self, name: str, *command: str) -> Any:
        """Reply of one node; None if it gives none."""
        try:
            link = Link(f"redis://{self.address(name)}", name="mdhub-rig", timeout_s=_ASK_S)
            try:
                return link.call(*command)
            finally:
                link.close()
        except StreamsError:
            return None


def _put(text: str, directive: str, value: str) -> str:
    """Replace the value of a directive that the file has. Raises ServerStartError if not."""
    changed, count = re.subn(
        rf"^{re.escape(directive)} .*$", f"{directive} {value}", text, flags=re.MULTILINE
    )
    if count != 1:
        raise ServerStartError(f"the file has {count} lines {directive!r}, expected one")
    return changed


def _free_ports(count: int) -> list[int]:
    found: set[int] = set()
    while len(found) < count:
        found.add(free_port_pair())
    return sorted(found)
