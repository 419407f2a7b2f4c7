"""Puts what the monitor sees into events and log lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
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
from mdhub_monitor.rules.problem import BEGAN, Said

__all__ = ["Teller"]


class Teller:
    """One per connection."""

    def __init__(self, log: Log, logger: Logger, clock: AnchoredClock) -> None:
        self._log = log
        self._logger = logger
        self._clock = clock

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
        facts = dict(finding.facts)  # in a field of their own: their names are those of the rules
        say("finding", change=said.change, key=finding.key, done=finding.done, facts=facts)
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
