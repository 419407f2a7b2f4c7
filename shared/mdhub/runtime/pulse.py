"""Whether a child's main loop goes round: bytes in a pipe to its parent.

A pipe, not the heartbeat in the log: a server that is away, or one that refuses to write because no
arbiter leads, silences the heartbeats of healthy children too, and killing these would cost the
ticks they keep until they can be written (docs/decisions/010).
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from typing import Final

__all__ = ["PULSE_VARIABLE", "Pulse", "PulseReader"]

PULSE_VARIABLE: Final = "MDHUB_PULSE_FD"
BEAT_EVERY_S: Final = 0.2
_READ: Final = 4_096


class Pulse:
    """The child's end. `beat` belongs to its main loop; the others may ask from any thread."""

    def __init__(
        self, fd: int | None = None, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._fd = fd
        self._monotonic = monotonic
        self._beaten_s = monotonic()

    @classmethod
    def of_environment(cls) -> Pulse:
        """Return the pulse a parent asked for; without one its beats go nowhere."""
        text = os.environ.pop(PULSE_VARIABLE, "")
        if not text:
            return cls()
        fd = int(text)
        os.set_blocking(fd, False)
        os.set_inheritable(fd, False)
        return cls(fd)

    def beat(self) -> None:
        """Say that the main loop lives. Cheap, never blocks."""
        now_s = self._monotonic()
        if now_s - self._beaten_s < BEAT_EVERY_S:
            return
        self._beaten_s = now_s
        if self._fd is not None:
            with contextlib.suppress(OSError):  # full: the parent sleeps; broken: it is dead
                os.write(self._fd, b".")

    def silent_s(self) -> float:
        """How long ago the main loop last gave a sign."""
        return self._monotonic() - self._beaten_s


class PulseReader:
    """The parent's end of one child's pulse."""

    def __init__(self, until_s: float) -> None:
        self._read_end, self.child_end = os.pipe()
        os.set_blocking(self._read_end, False)
        self._beaten_s = until_s
        """When it last beat; at first the end of the time given to start."""

    def close_child_end(self) -> None:
        """Once the child has it."""
        if self.child_end >= 0:
            os.close(self.child_end)
            self.child_end = -1

    def silent_s(self, now_s: float) -> float:
        """Read what came; return how long the pulse has stood still."""
        with contextlib.suppress(BlockingIOError):
            if os.read(self._read_end, _READ):
                self._beaten_s = now_s
        return now_s - self._beaten_s

    def excuse(self, away_s: float) -> None:
        """The parent itself was away for so long and has seen nothing."""
        self._beaten_s += away_s

    def close(self) -> None:
        self.close_child_end()
        os.close(self._read_end)
