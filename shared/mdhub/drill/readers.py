"""Readers that nobody judges: a crowd at full speed, or one that is slow on purpose.

`python -m mdhub.drill.readers --readers 17 tcp://127.0.0.1:5555`. Each is a subscriber of its own,
in a thread. With --delay-ms they are slow from a SIGUSR1 on. Twice a second it says on stdout, as
a JSON line, what they got together and how many were told that they are too slow.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import mdhub
from mdhub.runtime.service import begin
from mdhub.sdk.errors import TooSlow
from mdhub.sdk.pace import SlowPolicy

__all__ = ["main"]

SAY_EVERY_S: Final = 0.5
TOO_SLOW_S: Final = 1.0


@dataclass(slots=True)
class _Reader:
    endpoints: Sequence[str]
    delay_s: float
    stop: threading.Event
    slow: threading.Event
    received: int = 0
    told: list[str] = field(default_factory=list)

    def run(self) -> None:
        """Read until stopped, or until told to be too slow."""
        with mdhub.connect(*self.endpoints) as hub:
            policy: SlowPolicy = "disconnect" if self.delay_s else "all"
            threading.Thread(target=self._end, args=(hub,), daemon=True).start()
            try:
                for _ in hub.ticks("*", slow=policy, too_slow_s=TOO_SLOW_S):
                    self.received += 1
                    if self.slow.is_set():
                        time.sleep(self.delay_s)
            except TooSlow as error:
                self.told.append(str(error))

    def _end(self, hub: mdhub.Hub) -> None:
        self.stop.wait()
        hub.stop()


def main(argv: Sequence[str] | None = None) -> int:
    """Read until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m mdhub.drill.readers", description=__doc__)
    parser.add_argument("endpoints", nargs="+")
    parser.add_argument("--readers", type=int, default=1)
    parser.add_argument("--delay-ms", type=float, default=0.0, help="time spent on each tick")
    options = parser.parse_args(argv)
    stop, slow = begin(), threading.Event()
    signal.signal(signal.SIGUSR1, lambda *_: slow.set())
    readers = [
        _Reader(options.endpoints, options.delay_ms / 1_000, stop, slow)
        for _ in range(options.readers)
    ]
    threads = [threading.Thread(target=reader.run, daemon=True) for reader in readers]
    for thread in threads:
        thread.start()
    while not stop.wait(SAY_EVERY_S):
        _say(readers, final=False)
    for thread in threads:
        thread.join()
    _say(readers, final=True)
    return 0


def _say(readers: Sequence[_Reader], *, final: bool) -> None:
    words = {
        "received": sum(reader.received for reader in readers),
        "least": min(reader.received for reader in readers),
        "told": sum(len(reader.told) for reader in readers),
        "words": next((words for reader in readers for words in reader.told), ""),
        "final": final,
    }
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
