"""A source asks the arbiter to move the hub's market clock, and waits for the answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event
from typing import Final
from uuid import uuid4

import msgspec

from mdhub.runtime.backoff import Backoff
from mdhub.runtime.logging import Logger
from mdhub.runtime.outage import Outage
from mdhub.streams.errors import StreamsError
from mdhub.streams.port import FIRST_ID, Log
from mdhub.streams.topology import COMMANDS, EVENTS
from mdhub.wire.codec import DecodeError, decode_event, encode
from mdhub.wire.entries import MarketClock
from mdhub.wire.ops import Command, EventKind
from mdhub.wire.ops import Event as OpsEvent
from mdhub.wire.ticks import SCHEMA_VERSION
from mdhub_ingest.sources.port import SourceError

__all__ = ["ClockRequests"]

EXPIRES_NS: Final = 5_000_000_000
_BLOCK_MS: Final = 200


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
        log = self._connect()
        try:
            newest = log.entries(EVENTS, count=1, newest_first=True)
            tail = log.tail(EVENTS, after=newest[0][0] if newest else FIRST_ID)
            try:
                now_ns = time.time_ns()
                command = self._command(market_ns, rate, now_ns)
                log.append(COMMANDS, encode(command))
                while not self._stop.is_set() and time.time_ns() < command.expires_ns:
                    self._alive()
                    for _, fields in tail.read(block_ms=_BLOCK_MS, count=100):
                        event = _event(fields)
                        if event is not None and _answers(event, command):
                            return self._clock(event)
            finally:
                tail.close()
        finally:
            log.close()
        return None

    def _command(self, market_ns: int, rate: float, now_ns: int) -> Command:
        args = {"market_ns": market_ns, "rate": rate, "run": self._run}
        return Command(
            SCHEMA_VERSION, uuid4().hex, now_ns, f"ingest:{self._source}", "arbiter",
            "market_clock", args, now_ns + EXPIRES_NS,
        )  # fmt: skip

    def _clock(self, event: OpsEvent) -> MarketClock:
        result = event.body.get("result")
        if not event.body.get("ok"):
            raise SourceError(f"the arbiter refused to set the market clock: {result}")
        try:
            return msgspec.convert(result, _NamedClock).clock()
        except msgspec.ValidationError as error:
            raise SourceError(f"the arbiter's answer was {result!r}: {error}") from error


def _event(fields: list[bytes]) -> OpsEvent | None:
    try:
        return decode_event(fields[1])
    except DecodeError:
        return None  # somebody else's broken event


def _answers(event: OpsEvent, command: Command) -> bool:
    return event.kind == EventKind.COMMAND_DONE and event.correlation_id == command.id


class _NamedClock(msgspec.Struct):
    market_ns: int
    log_ns: int
    rate: float
    run: str

    def clock(self) -> MarketClock:
        return MarketClock(self.market_ns, self.log_ns, self.rate, self.run)
