"""A gateway as a source: the main loop of its child process.

Each turn takes what the gateway's callbacks said since the last one, lets the pure parts judge it,
and does what they want. Nothing here waits for the network. Ticks do not come through here: vendor
threads hand them to `take` themselves.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from threading import Event as Flag
from typing import Any, Final

from mdhub.runtime.logging import Logger
from mdhub.wire.ops import Severity
from mdhub_ingest.gateways.admission import Admission
from mdhub_ingest.gateways.contracts import ContractDesk
from mdhub_ingest.gateways.coverage import Coverage, worth_saying
from mdhub_ingest.gateways.hours import OpenHours, trading_day
from mdhub_ingest.gateways.life import End, Event, Life, step
from mdhub_ingest.gateways.limiter import Limiter
from mdhub_ingest.gateways.port import STOPPED, Connection, Note, NoteKind, Say, Side, Take
from mdhub_ingest.gateways.subscriptions import Subscriptions

__all__ = ["GatewaySource"]

TURN_S: Final = 0.1
TIMER_S: Final = 1.0
COVERAGE_S: Final = 5.0
"""At most one event `coverage` in so long."""
DAY_S: Final = 10.0
"""How often the trading day is looked up."""
CACHED_AFTER_S: Final = 20.0
"""The arbiters get the contracts of an earlier start at the end of the query, or then."""


class GatewaySource:
    """Drives one connection. `counts` and `sent` may be read from other threads at any time."""

    def __init__(  # noqa: PLR0913 - its parts, and the clocks that tests bring
        self,
        connection: Connection,
        *,
        life: Life,
        subscriptions: Subscriptions,
        admission: Admission,
        contracts: ContractDesk,
        hours: OpenHours,
        logger: Logger,
        hide: Callable[[str], str] = str,
        monotonic: Callable[[], float] = time.monotonic,
        wall_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self.exit_code = 0
        self._connection = connection
        self._life = life
        self._subscriptions = subscriptions
        self._admission = admission
        self._contracts = contracts
        self._hours = hours
        self._logger = logger
        self._hide = hide
        self._monotonic = monotonic
        self._wall_ns = wall_ns
        self._lines = Limiter()
        self._alive: Callable[[], object] = lambda: None
        self._say: Say = lambda _change, _facts, _severity=Severity.WARNING: None
        self._coverage: Coverage | None = None
        self._counted: Mapping[str, int] = {}
        self._due_s: dict[str, float] = {}
        self._day = 0
        self._cached_at_s = math.inf
        self._open = False
        self._asked = 0
        self._ended = False

    @property
    def sent(self) -> int:
        """Ticks taken so far."""
        return self._connection.facts().ticks

    @property
    def counts(self) -> dict[str, int]:
        """Counters of the connection, the contracts and the subscriptions."""
        return {
            **self._connection.counts(),
            **self._contracts.counts(),
            **self._counted,
            "log_lines_left_out": self._lines.left_out,
        }

    def attend(self, *, alive: Callable[[], object], on_change: Say) -> None:
        """Before `run`: `alive` is called each turn, `on_change` at each change."""
        self._alive = alive
        self._say = on_change

    def run(self, take: Take, stop: Flag) -> None:
        """Connect, then go on until `stop` is set or this process must end (see `exit_code`)."""
        if not self._admission.wait(stop, alive=self._alive, say=self._say):
            self.exit_code = 0 if stop.is_set() else STOPPED
            return
        self._cached_at_s = self._monotonic() + CACHED_AFTER_S
        self._connection.connect(take)
        while not (stop.is_set() or self._ended):
            self._alive()
            self.turn(self._monotonic())
            stop.wait(TURN_S)
        self._admission.end()

    def turn(self, now_s: float) -> None:
        """Look at everything once."""
        notes = self._connection.notes()
        self._log(notes, now_s)
        self._admission.heard(notes)
        self._hear(notes, now_s)
        self._learn(now_s)
        self._judge(notes, now_s)
        self._subscribe(now_s)
        self._contracts.turn(now_s)
        if self._due("timer", now_s, TIMER_S):
            self._connection.timer()
        self._tell_coverage(now_s)

    def _log(self, notes: Sequence[Note], now_s: float) -> None:
        for note in notes:
            text = self._hide(note.text)
            left_out = self._lines.admit(f"{note.kind} {note.side} {note.code} {text}", now_s)
            if left_out is None:
                continue
            say = self._logger.warning if note.code else self._logger.info
            more = {"left_out": left_out} if left_out else {}
            say("gateway", kind=note.kind, side=note.side, code=note.code, text=text, **more)

    def _hear(self, notes: Sequence[Note], now_s: float) -> None:
        """A market data connection that is new has no subscriptions, whatever was before."""
        for note in notes:
            if note.kind == NoteKind.CONTRACTS:
                self._cached_at_s = min(self._cached_at_s, now_s)
            if note.side != Side.MD:
                continue
            if note.kind == NoteKind.DISCONNECTED:
                self._connection.forget_firsts()
            elif note.kind == NoteKind.LOGIN and not note.code:
                self._subscriptions.reconnected(now_s)

    def _learn(self, now_s: float) -> None:
        """Contracts of an earlier start are among the instruments; the arbiters get these later.

        What a query has told meanwhile goes first, so that nothing old is ever put over it.
        """
        told = self._connection.instruments()
        self._contracts.learn(told, now_s)
        self._subscriptions.learn(told)
        if now_s >= self._cached_at_s:
            self._contracts.hand_in_cached()
            self._cached_at_s = math.inf
        self._subscriptions.first(self._connection.firsts())
        if self._due("day", now_s, DAY_S):
            day = trading_day(self._wall_ns())
            if self._day not in {0, day}:
                self._connection.forget_firsts()
                self._subscriptions.refresh(day)
            self._day = day

    def _judge(self, notes: Sequence[Note], now_s: float) -> None:
        if self._due("hours", now_s, TIMER_S):
            was_open, self._open = self._open, self._hours.is_open(self._wall_ns())
            if self._open and not was_open:
                self._subscriptions.opened()
        happenings = step(
            self._life,
            notes,
            self._connection.facts(),
            now_s,
            session_open=self._open,
            subscribed=self._asked,
        )
        for happening in happenings:
            match happening:
                case Event(change=change, facts=facts, severity=severity):
                    self._say(change, self._shown(facts), severity)
                case End(exit_code=exit_code):
                    self.exit_code, self._ended = exit_code, True

    def _subscribe(self, now_s: float) -> None:
        if self._connection.facts().md_login is False:
            return
        due = self._subscriptions.due(now_s)
        if self._connection.can_unsubscribe and (left := self._subscriptions.release(now_s)):
            self._connection.unsubscribe(left)
        if due:
            self._asked += len(due)
            self._hours.add(due)
            self._connection.subscribe(due)

    def _tell_coverage(self, now_s: float) -> None:
        if not self._due("coverage", now_s, TIMER_S):
            return
        now = self._subscriptions.coverage()
        self._counted = {
            "wanted": now.wanted, "confirmed": now.confirmed, "silent": now.silent,
            "over_limit": now.over_limit,
            "logged_in": int(self._connection.facts().md_login is not False),
        }  # fmt: skip
        if worth_saying(self._coverage, now) and self._due("coverage event", now_s, COVERAGE_S):
            self._coverage = now
            good = not (now.silent or now.over_limit or now.unmatched)
            severity = Severity.INFO if good else Severity.WARNING
            self._say("coverage", _coverage_facts(now), severity)

    def _due(self, what: str, now_s: float, every_s: float) -> bool:
        if now_s < self._due_s.get(what, now_s):
            return False
        self._due_s[what] = now_s + every_s
        return True

    def _shown(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: self._hide(value) if isinstance(value, str) else value
            for name, value in facts.items()
        }


def _coverage_facts(coverage: Coverage) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "wanted": coverage.wanted,
        "confirmed": coverage.confirmed,
        "silent": coverage.silent,
        "over_limit": coverage.over_limit,
        "silent_examples": list(coverage.silent_examples),
        "over_limit_examples": list(coverage.over_limit_examples),
        "unmatched": list(coverage.unmatched),
    }
    return {name: value for name, value in facts.items() if value != []}
