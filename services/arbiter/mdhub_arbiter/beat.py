"""The leader's beat, apart from its work: who is busy is not taken for dead."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

from mdhub.runtime.clock import SYSTEM, Clock
from mdhub.streams.errors import Fenced, NoLeader, StreamsError
from mdhub.streams.port import Log

__all__ = ["EVERY_S", "Beat", "beating"]

EVERY_S: Final = 0.03
STUCK_NS: Final = 1_000_000_000
"""A loop that has not come round for so long is dead for its clients: its beat stops."""


class Beat:
    """Raises the beat of a leader as long as its loop comes round.

    On a connection of its own. If that is lost it is made anew: a beat that is raised twice harms
    nobody, unlike all other writes. Only the loss of the office ends it.
    """

    def __init__(
        self, open_log: Callable[[], Log], *, shard: int, token: int, clock: Clock = SYSTEM
    ) -> None:
        self._open_log = open_log
        self._log: Log | None = None
        self._shard = shard
        self._token = token
        self._clock = clock
        self._round_ns = clock.monotonic_ns()
        self._error: StreamsError | None = None
        self._lost = 0

    def counters(self) -> dict[str, int]:
        """For the heartbeat: `beats_lost`, times that its connection failed it."""
        return {"beats_lost": self._lost}

    def round(self) -> None:
        """The leader's loop comes round. Raises what the beat ended with."""
        self._round_ns = self._clock.monotonic_ns()
        if self._error is not None:
            raise self._error

    def step(self) -> bool:
        """Raise the beat unless the loop is stuck; False if the office is lost."""
        if self._clock.monotonic_ns() - self._round_ns < STUCK_NS:
            try:
                if self._log is None:
                    self._log = self._open_log()
                self._log.keep_lead(self._shard, token=self._token)
            except (Fenced, NoLeader) as error:
                self._error = error
            except StreamsError:
                self._lost += 1
                self.close()
        return self._error is None

    def close(self) -> None:
        """Close the connection."""
        if self._log is not None:
            with suppress(StreamsError):
                self._log.close()
            self._log = None


@contextmanager
def beating(beat: Beat) -> Iterator[None]:
    """Step a beat in a thread until the block is left."""
    stop = threading.Event()

    def run() -> None:
        while not stop.wait(EVERY_S) and beat.step():
            pass

    thread = threading.Thread(target=run, name="beat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        beat.close()
