"""What the demo knows while it runs: the strategy's words, heartbeats, the checker's verdict."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import IO, Any, Final

from mdhub.demo.checker import Report

__all__ = ["LiveChecker", "Progress", "StrategyVoice"]

CHECK_EVERY_S: Final = 3.0


class StrategyVoice:
    """Reads the strategy's JSON lines in a thread of its own; keeps the newest and the final."""

    def __init__(self, stdout: IO[str]) -> None:
        self.newest: dict[str, Any] = {}
        self.final: dict[str, Any] | None = None
        self.ready = threading.Event()
        self.rate = 0.0
        self._seen: deque[tuple[float, int]] = deque(maxlen=5)
        self._thread = threading.Thread(target=self._listen, args=(stdout,), daemon=True)
        self._thread.start()

    def _listen(self, stdout: IO[str]) -> None:
        with stdout:
            for line in stdout:
                self._take(json.loads(line))

    def _take(self, words: dict[str, Any]) -> None:
        self.newest = words
        if words["final"]:
            self.final = words
        self._seen.append((time.monotonic(), words["received"]))
        (first_s, first), (last_s, last) = self._seen[0], self._seen[-1]
        self.rate = (last - first) / (last_s - first_s) if last_s > first_s else 0.0
        self.ready.set()

    def wait_end(self, timeout_s: float) -> None:
        """Wait until the strategy has said its last word."""
        self._thread.join(timeout_s)


class LiveChecker:
    """Asks for a verdict again and again; each look only judges what came since the last."""

    def __init__(
        self, look: Callable[[Callable[[], bool]], Report], *, every_s: float = CHECK_EVERY_S
    ) -> None:
        self._look = look
        self._every_s = every_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.newest: Report | None = None
        self.error: Exception | None = None
        """Why there is no verdict and will be none."""
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(self._every_s):
            try:
                self.newest = self._look(lambda: not self._stop.is_set())
            except Exception as error:  # noqa: BLE001 - whatever it is, it is shown
                self.newest, self.error = None, error
                return

    def stop(self) -> None:
        """Return after the step under way, a fraction of a second."""
        self._stop.set()
        self._thread.join()


@dataclass(slots=True)
class Progress:
    """The demo's state as the table and the report show it."""

    started_s: float
    counters: Mapping[str, int] = field(default_factory=dict)
    """Counters of the arbiter's newest heartbeat."""
    kills: list[str] = field(default_factory=list)
    restarts: dict[str, int] = field(default_factory=dict)
    """New processes by source, killed by the demo or not."""
    broke: dict[str, dict[str, int]] = field(default_factory=dict)
    """By source: what it lost, corrupted, delayed and repeated on purpose."""
    checker_error: Exception | None = None
    pids: dict[str, int] = field(default_factory=dict)
    """Process of each plug that may be pulled by hand."""
    server: str = ""
    """Kind of server: valkey, redis or fakeredis."""
    console: tuple[str, str] = ("", "")
    """What to say of the console, and its address or link; empty until it answers."""
    warning: str = ""
    """What must be known of the server all the time; empty for a real one."""

    def of_source(self, kind: str, source: str) -> int:
        return self.counters.get(f"{kind}:{source}", 0)

    def reasons(self) -> dict[str, int]:
        """Rejections by reason."""
        return {
            name.partition(":")[2]: count
            for name, count in self.counters.items()
            if name.startswith("reason:") and name != "reason:late"
        }
