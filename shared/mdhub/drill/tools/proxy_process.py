"""`Proxy` in a process of its own, so that it does not wait for the drill's interpreter.

`python -m mdhub.drill.tools.proxy_process TARGET [HOST]` says its port, then reads one JSON object
a line: the fields of `Weather` by direction, `cut`. It answers each with what it has counted, and
ends with its input.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from mdhub.drill.tools.proxy import Proxy
from mdhub.runtime.errors import ServiceError

__all__ = ["ProxyProcess"]

GRACE_S: Final = 5.0
DIRECTIONS: Final = ("requests", "replies")


@dataclass(slots=True)
class ProxyProcess:
    """Context manager: a proxy in a child process. Target: a path, or host:port."""

    target: str
    host: str = "127.0.0.1"
    seed: int = 1
    command: Sequence[str] = ()
    """Put before the program, such as what enters a namespace."""
    port: int = 0
    _process: subprocess.Popen[str] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return f"redis://{self.host}:{self.port}"

    def tell(
        self,
        *,
        requests: Mapping[str, float | bool] | None = None,
        replies: Mapping[str, float | bool] | None = None,
        cut: bool = False,
    ) -> dict[str, int]:
        """Change the weather; return how many chunks were lost and connections made so far."""
        order = {"requests": requests or {}, "replies": replies or {}, "cut": cut}
        process = self._running()
        if process.stdin is not None:
            process.stdin.write(json.dumps(order) + "\n")
            process.stdin.flush()
        return self._answer()

    def __enter__(self) -> Self:
        module = "mdhub.drill.tools.proxy_process"
        self._process = subprocess.Popen(
            [*self.command, sys.executable, "-m", module, self.target, self.host, str(self.seed)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        self.port = self._answer()["port"]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        process = self._running()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            raise ServiceError("this proxy is not running: enter it first")
        return self._process

    def _answer(self) -> dict[str, int]:
        pipe = self._running().stdout
        line = pipe.readline() if pipe is not None else ""
        if not line:
            raise ServiceError(f"the proxy to {self.target} ended: its error output says why")
        answer: dict[str, int] = json.loads(line)
        return answer


def main(argv: Sequence[str]) -> None:
    """Serve until the input ends."""
    target, host, seed = argv
    with Proxy(_target(target), host=host, seed=int(seed)) as proxy:
        _say({"port": proxy.port})
        for line in sys.stdin:
            _obey(proxy, json.loads(line))
            _say({"lost": proxy.replies.lost + proxy.requests.lost, "made": proxy.connections})


def _obey(proxy: Proxy, order: dict[str, Any]) -> None:
    for direction in DIRECTIONS:
        for name, value in order[direction].items():
            setattr(getattr(proxy, direction), name, value)
    if order["cut"]:
        proxy.cut()


def _target(text: str) -> Path | tuple[str, int]:
    if "/" in text:
        return Path(text.removeprefix("unix://"))
    host, _, port = text.rpartition(":")
    return host, int(port)


def _say(words: dict[str, int]) -> None:
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
