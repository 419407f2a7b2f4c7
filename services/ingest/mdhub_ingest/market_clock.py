"""A source asks the arbiter of each shard to move the market clock, and waits for the answers."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from typing import Final

import msgspec

from mdhub.runtime.backoff import Backoff
from mdhub.runtime.logging import Logger
from mdhub.runtime.outage import Outage
from mdhub.streams.asking import Answer, Request, arbiter_of, ask
from mdhub.streams.errors import StreamsError
from mdhub.streams.port import Log
from mdhub.wire.entries import MarketClock
from mdhub_ingest.sources.port import SourceError

__all__ = ["ClockRequests"]

EXPIRES_S: Final = 5.0


class ClockRequests:
    """`request` is a `mdhub_ingest.sources.port.RequestClock`."""

    def __init__(
        self,
        *,
        source: str,
        run: str,
        connect: Callable[[], Log],
        stop: Event,
        logger: Logger,
        alive: Callable[[], object] = lambda: None,
    ) -> None:
        self._source = source
        self._run = run
        self._connect = connect
        self._stop = stop
        self._outage = Outage(logger)
        self._alive = alive

    def request(self, market_ns: int, rate: float) -> MarketClock:
        """Ask until answered. Raises SourceError when refused or told to stop."""
        backoff = Backoff(first_s=0.02, ceiling_s=0.5)
        while not self._stop.is_set():
            self._alive()
            try:
                answer = self._ask(market_ns, rate)
            except StreamsError as error:
                self._outage.away(error)
                self._stop.wait(backoff.next_s())
                continue
            self._outage.back()
            if answer is not None:
                return answer
        raise SourceError(f"source {self._source} was stopped before the market clock was set")

    def _ask(self, market_ns: int, rate: float) -> MarketClock | None:
        """The slowest of the shards' clocks, so that no shard sees a tick before its time."""
        args = {"market_ns": market_ns, "rate": rate, "run": self._run}
        log = self._connect()
        try:
            shards = log.shards() or 1
            answers = ask(
                log,
                [Request(arbiter_of(shard), "market_clock", args) for shard in range(shards)],
                issuer=f"ingest:{self._source}",
                timeout_s=EXPIRES_S,
                going=self._going,
            )
        finally:
            log.close()
        clocks = [_clock(answer) for answer in answers if answer is not None]
        if len(clocks) < shards:
            return None
        return max(clocks, key=lambda clock: clock.log_ns * clock.rate - clock.market_ns)

    def _going(self) -> bool:
        self._alive()
        return not self._stop.is_set()


def _clock(answer: Answer) -> MarketClock:
    if not answer.ok:
        raise SourceError(f"the arbiter refused to set the market clock: {answer.result}")
    try:
        return msgspec.convert(answer.result, _NamedClock).clock()
    except msgspec.ValidationError as error:
        raise SourceError(f"the arbiter's answer was {answer.result!r}: {error}") from error


class _NamedClock(msgspec.Struct):
    market_ns: int
    log_ns: int
    rate: float
    run: str

    def clock(self) -> MarketClock:
        return MarketClock(self.market_ns, self.log_ns, self.rate, self.run)
