"""Judges a health report: one word, one exit code. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from mdhub.health.model import CoverageFacts, Finding
from mdhub.wire.ops import Severity

__all__ = ["Verdict", "coverage_percent", "verdict_of"]


class Verdict(IntEnum):
    """How a hub is; the number is the exit code, and what Nagios and its heirs understand."""

    OK = 0
    """Nothing wrong; findings of severity `info` need nobody."""
    WARNING = 1
    """Somebody, later."""
    CRITICAL = 2
    """Somebody, now; also when nobody can say: no hub, no monitor, a report that is old."""


def verdict_of(findings: Iterable[Finding]) -> Verdict:
    """The worst of all findings."""
    words = {finding.severity for finding in findings}
    if Severity.ERROR in words:
        return Verdict.CRITICAL
    return Verdict.WARNING if Severity.WARNING in words else Verdict.OK


def coverage_percent(coverage: CoverageFacts) -> float | None:
    """Share of the wanted contracts that had a tick in this trading day; None = none wanted."""
    return 100 * coverage.seen / coverage.wanted if coverage.wanted else None
