"""Sets the market clock back to live on a log that once played a market (docs/decisions/045).

Decided once per start of a supervisor, when it knows of a first source: if one plays a market, that
one moves the clock; if none does and the log's market time is not real time, the arbiters are
asked to make it so. Somebody who moves the clock afterwards, for a trial, is left alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from threading import Thread
from typing import Final

from mdhub.runtime.backoff import Backoff
from mdhub.runtime.logging import Logger
from mdhub.streams.asking import Request, arbiter_of, ask
from mdhub.streams.errors import StreamsError
from mdhub.streams.port import Log
from mdhub_ingest.schedule.link import Reading
from mdhub_ingest.schedule.market_view import LIVE_WITHIN_NS

__all__ = ["LiveClock", "stands_apart"]

MARKET_LIVE: Final = "market_live"
ANSWER_S: Final = 5.0
PATIENCE_S: Final = 10.0
"""So long the schedule waits for the clock; then it goes by the log's market time, as ever."""


class LiveClock:
    """Belongs to the main thread; a thread does the asking."""

    def __init__(self, connect: Callable[[], Log], logger: Logger, *, issuer: str) -> None:
        self.settled = False
        """Whether there is nothing to be done (any more)."""
        self._connect = connect
        self._logger = logger
        self._issuer = issuer
        self._backoff = Backoff(first_s=1.0, ceiling_s=60.0)
        self._due_s = 0.0
        self._began_s: float | None = None
        self._refused = False
        self._thread: Thread | None = None

    def turn(self, reading: Reading | None, playing: Sequence[bool]) -> bool:
        """Look, or ask again; True while the schedule should wait for market time.

        `playing`: of each source of the hub that is known, whether it plays a market.
        """
        if self.settled or reading is None or not playing:
            return False
        if self._began_s is None:
            self.settled = any(playing) or not stands_apart(reading)
            if self.settled:
                return False
            self._began_s = time.monotonic()
        now_s = time.monotonic()
        idle = self._thread is None or not self._thread.is_alive()
        if idle and now_s >= self._due_s:
            self._due_s = now_s + self._backoff.next_s()
            self._thread = Thread(target=self._attempt, name="live-clock", daemon=True)
            self._thread.start()
        return now_s - self._began_s < PATIENCE_S

    def _attempt(self) -> None:
        try:
            log = self._connect()
            try:
                requests = [
                    Request(arbiter_of(s), MARKET_LIVE, {}) for s in range(log.shards() or 1)
                ]
                answers = ask(log, requests, issuer=self._issuer, timeout_s=ANSWER_S)
            finally:
                log.close()
        except StreamsError:
            return  # whoever reads and writes here says that it is away
        self.settled = all(each is not None and each.ok for each in answers)
        if self.settled:
            self._logger.info("market_clock_live", shards=len(answers))
        elif not self._refused:
            self._refused = True
            said = next((each.result for each in answers if each is not None and not each.ok), None)
            self._logger.warning("market_clock_not_live", answer=str(said or "none")[:200])


def stands_apart(reading: Reading) -> bool:
    """Whether a log that has a time says another one for the market."""
    return reading.log_ns > 0 and abs(reading.market_ns - reading.log_ns) >= LIVE_WITHIN_NS
