"""Gateways in processes of their own, with the stand-in in the vendor library's place."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from tests.gateways.front.front import Front

__all__ = ["Child", "Installation", "NewChild", "NotInstalled", "environment", "installation"]

ROOT = Path(__file__).parents[2]
Event = dict[str, Any]


class NotInstalled(Exception):
    """The gateways are not there; says why."""


@dataclass(frozen=True, kw_only=True)
class Installation:
    """Where scripts/gateways.py put one set of gateways."""

    name: str
    python: Path
    locpath: Path
    cache: Path
    sources: Mapping[str, Path]
    versions: Mapping[str, str]


def installation(name: str) -> Installation:
    """Ask the install script where a set is."""
    script = ROOT / "scripts/gateways.py"
    command = [sys.executable, str(script), "--set", name, "--where"]
    environment = {**os.environ, "VENV": str(Path(sys.prefix))}
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    if done.returncode != 0:
        raise NotInstalled(done.stderr.strip())
    found = json.loads(done.stdout)
    return Installation(
        name=found["set"],
        python=Path(found["python"]),
        locpath=Path(found["locpath"]),
        cache=Path(found["cache"]),
        sources={key: Path(folder) for key, folder in found["sources"].items()},
        versions=found["versions"],
    )


def environment(where: Installation, libraries: Path) -> dict[str, str]:
    """Give the environment in which a process of that set's Python meets the stand-in.

    It has to be there before the process starts. Its working folder must hold `.vntrader`.
    """
    own = {
        "LD_LIBRARY_PATH": str(libraries),
        "LOCPATH": str(where.locpath),
        "MDHUB_TEST_FRONT_RETRY_MS": "50",
    }
    return {**os.environ, **own}


class Child:
    """A gateway process: `tests/gateways/child.py` with the stand-in first on the library path."""

    program = "child.py"

    def __init__(
        self, gateway: str, where: Installation, libraries: Path, folder: Path, **changes: str
    ) -> None:
        """`folder` becomes the working folder; `changes` go into its environment."""
        self.gateway = gateway
        self.folder = folder
        self.events: list[Event] = []
        self._changed = threading.Condition()
        self._where = where
        self._libraries = libraries
        self._changes = changes

    def __enter__(self) -> Self:
        (self.folder / ".vntrader").mkdir(parents=True, exist_ok=True)
        reading, writing = os.pipe()
        with (self.folder / "output.txt").open("wb") as output:
            self.process = subprocess.Popen(
                [
                    self._where.python,
                    Path(__file__).with_name(self.program),
                    self.gateway,
                    str(writing),
                ],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                pass_fds=[writing],
                cwd=self.folder,
                env=environment(self._where, self._libraries) | self._changes,
            )
        os.close(writing)
        threading.Thread(target=self._read, args=(reading,), daemon=True).start()
        try:
            self._check_version(self.wait("ready")["versions"])
        except BaseException:
            self.process.kill()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdin is not None
        self.process.stdin.close()

    # Orders

    def connect(self, front: Front, **changes: object) -> None:
        """Let the gateway connect, both sides to this front."""
        setting: dict[str, object] = {
            "用户名": "tester",
            "密码": "secret",
            "经纪商代码": "9999",
            "交易服务器": front.address,
            "行情服务器": front.address,
            "产品名称": "client_mdhub_1.0",
            "授权编码": "0123456789ABCDEF",
            "柜台环境": "实盘",
        }
        self._order(do="connect", setting=setting | changes)

    def subscribe(self, symbols: Iterable[str], exchange: str) -> None:
        """Subscribe one symbol after the other."""
        self._order(do="subscribe", symbols=list(symbols), exchange=exchange)

    def timer(self) -> None:
        """Deliver one second's timer event."""
        self._order(do="timer")

    def close(self) -> None:
        """Close the gateway, which the hub never does."""
        self._order(do="close")

    def status(self) -> Event:
        """Ask for the gateway's flags."""
        before = len(self.seen("status"))
        self._order(do="status")
        self._wait(lambda: len(self.seen("status")) > before, "the status")
        return self.seen("status")[-1]

    # What it tells

    def seen(self, event: str) -> list[Event]:
        """List the events of one kind so far."""
        with self._changed:
            return [item for item in self.events if item["event"] == event]

    def wait(self, event: str, *, count: int = 1) -> Event:
        """Wait for the `count`-th event of a kind and return it."""
        self._wait(lambda: len(self.seen(event)) >= count, f"{count} x {event}")
        return self.seen(event)[count - 1]

    def wait_log(self, text: str, *, count: int = 1) -> str:
        """Wait for the `count`-th log line that contains the text."""

        def lines() -> list[str]:
            return [item["text"] for item in self.seen("log") if text in item["text"]]

        self._wait(lambda: len(lines()) >= count, f"{count} x log {text!r}")
        return lines()[count - 1]

    def wait_end(self, *, within_s: float = 20.0) -> int:
        """Wait for the process to end and return its exit code, negative for a signal."""
        return self.process.wait(within_s)

    def kill(self) -> None:
        """End it as its parent would."""
        self.process.send_signal(signal.SIGKILL)

    def output(self) -> str:
        """Read what it printed on stdout and stderr."""
        return (self.folder / "output.txt").read_text(errors="replace")

    # Inside

    def _check_version(self, versions: Mapping[str, str]) -> None:
        package = f"vnpy-{self.gateway}"
        installed, expected = versions[package.replace("-", "_")], self._where.versions[package]
        assert installed == expected, f"{package} is {installed}, the stand-in is for {expected}"

    def _order(self, **order: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order).encode() + b"\n")
        self.process.stdin.flush()

    def _read(self, descriptor: int) -> None:
        with os.fdopen(descriptor, "rb") as lines:
            for line in lines:
                with self._changed:
                    self.events.append(json.loads(line))
                    self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    def _wait(self, condition: Callable[[], bool], what: str, *, within_s: float = 20.0) -> None:
        deadline_s = time.monotonic() + within_s
        with self._changed:
            while not condition():
                assert self.process.poll() is None, f"{what}: ended, {self._story()}"
                left_s = deadline_s - time.monotonic()
                assert left_s > 0, f"waited {within_s:g} s in vain for {what}; {self._story()}"
                self._changed.wait(min(left_s, 0.5))

    def _story(self) -> str:
        return f"exit code {self.process.poll()}, events {self.events[-8:]}, said {self.output()!r}"


class NewChild(Protocol):
    """Starts a gateway process that ends with the test; `changes` go into its environment."""

    def __call__(self, gateway: str, **changes: str) -> Child:
        """`gateway` is "ctp" or "sopt"."""
