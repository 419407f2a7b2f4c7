"""What every client of a benchmark has in common: it notes ticks, and drains when told to end."""

from __future__ import annotations

import threading
import time
from array import array
from collections.abc import Callable
from pathlib import Path

from mdhub.runtime.service import begin

QUIET_S = 0.4
DRAIN_S = 20.0


class Recorder:
    """Five int64 per tick, see `bench.samples.WORDS`. Ends some quiet time after SIGTERM."""

    def __init__(self, out: Path) -> None:
        self.ended = threading.Event()
        self._out = out
        self._words = array("q")
        self._stop = begin()
        self._at_end: Callable[[], None] = lambda: None
        threading.Thread(target=self._drain, daemon=True).start()

    def ready(self, at_end: Callable[[], None] = lambda: None) -> None:
        """Say that the client follows; `at_end` is called, from a thread, to stop it."""
        self._at_end = at_end
        print("ready", flush=True)

    def note(self, recv_ns: int, taken_ns: int, raw_ms: int, arb_ns: int, pub_ns: int) -> None:
        """Note one tick; the stamps of hops are 0 where there are none."""
        if not self._words:
            print("first", flush=True)
        self._words.extend((recv_ns, raw_ms, arb_ns, pub_ns, taken_ns))

    def write(self) -> None:
        """Write the samples, whole or not at all."""
        part = self._out.with_suffix(".part")
        with part.open("wb") as file:
            self._words.tofile(file)
        part.rename(self._out)

    def _drain(self) -> None:
        self._stop.wait()
        deadline_s = time.monotonic() + DRAIN_S
        seen = -1
        while seen != len(self._words) and time.monotonic() < deadline_s:
            seen = len(self._words)
            time.sleep(QUIET_S)
        self.ended.set()
        self._at_end()
