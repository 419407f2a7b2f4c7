"""Puts what the monitor sees into events and log lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import uuid4

import msgspec

from mdhub.health.day import DayReport, measured
from mdhub.runtime.clock import AnchoredClock
from mdhub.runtime.logging import Logger
from mdhub.streams.port import Log
from mdhub.streams.topology import EVENTS
from mdhub.wire.codec import encode
from mdhub.wire.ops import Event, EventKind, Severity
from mdhub.wire.ticks import SCHEMA_VERSION
from mdhub_monitor.facts import Facts
from mdhub_monitor.rules.problem import BEGAN, Said
from mdhub_monitor.rules.services import BeatFact

__all__ = ["Teller"]

STRANGERS: Final = "(strangers)"
"""Stands for all sources with a name that no source can have, and for those beyond the bound."""
UNDECODABLE: Final = "undecodable"


class Teller:
    """One per connection."""

    def __init__(self, log: Log, logger: Logger, clock: AnchoredClock) -> None:
        self._log = log
        self._logger = logger
        self._clock = clock
        self._counted: dict[str, int] = {}
        self._counted_ns = 0

    def event(
        self, kind: str, subject: str, body: Mapping[str, Any], *, severity: str = Severity.INFO
    ) -> None:
        """Append one event."""
        event = Event(
            SCHEMA_VERSION, uuid4().hex, self._clock.now_ns(), "monitor", kind, subject, severity,
            "", dict(body),
        )  # fmt: skip
        self._log.append(EVENTS, encode(event))

    def finding(self, said: Said) -> None:
        """A finding began, changed or ended."""
        finding = said.finding
        loud = said.change == BEGAN and finding.severity != Severity.INFO
        say = self._logger.warning if loud else self._logger.info
        say("finding", change=said.change, key=finding.key, done=finding.done, **finding.facts)
        body = {
            "change": said.change,
            "rule": finding.rule,
            "subject": finding.subject,
            "since_ns": finding.since_ns,
            "severity": finding.severity,
            "facts": dict(finding.facts),
            "done": finding.done,
        }
        self.event(EventKind.FINDING, finding.key, body, severity=finding.severity)

    def day(self, report: DayReport) -> None:
        """A trading day is over."""
        missed = [m.goal.name for m in measured(report) if not m.met(m.goal.goal)]
        figures = {m.goal.name: m.value for m in measured(report)}
        severity = Severity.WARNING if missed else Severity.INFO
        body = {"final": report.final, "missed": missed, "figures": figures}
        body["report"] = msgspec.to_builtins(report)
        self.event(EventKind.REPORT, str(report.day), body, severity=severity)
        self._logger.info("report", day=report.day, missed=" ".join(missed))

    def beat(self, instance: str, beat: BeatFact) -> None:
        """Pass a heartbeat on to those who follow events."""
        body = {
            "service": beat.service,
            "pid": beat.pid,
            "state": beat.state,
            "ts_ns": beat.ts_ns,
            "counters": dict(beat.counters),
        }
        self.event(EventKind.HEARTBEAT, instance, body)

    def rates(self, facts: Facts, now_ns: int) -> None:
        """Ticks per second of each source since the last call; silent ones show 0.

        `now_ns` is of a clock that does not step.
        """
        counted = {name: seen.ticks for name, seen in facts.sources.items()}
        counted |= {STRANGERS: facts.strangers} if facts.strangers else {}
        counted |= {UNDECODABLE: facts.undecodable} if facts.undecodable else {}
        before, passed_ns = self._counted, now_ns - self._counted_ns if self._counted_ns else 0
        self._counted, self._counted_ns = counted, now_ns
        if passed_ns <= 0:
            return
        for name, ticks in sorted(counted.items()):
            rate = (ticks - before.get(name, 0)) * 1e9 / passed_ns
            self.event(EventKind.SOURCE_RATE, name, {"ticks_per_s": round(rate, 1)})
