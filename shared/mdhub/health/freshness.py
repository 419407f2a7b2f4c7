"""How far a health report can be believed. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from mdhub.health.model import Finding, HealthReport, decode_health
from mdhub.wire.codec import DecodeError
from mdhub.wire.ops import Severity

__all__ = ["AHEAD_MS", "FreshReport", "judged"]

AHEAD_MS: Final = 5_000
"""A report from the future: the monitor's clock, or ours, is wrong by more than this."""
STALE_MS: Final = 5_000
"""The monitor writes once a second."""
_MS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class FreshReport:
    """A report, and whether it is of now."""

    report: HealthReport | None
    age_ms: int | None
    """By this host's clock; None without a report."""
    stale: bool
    sentence: str
    """What is wrong with it; empty = nothing."""
    findings: list[Finding]
    """What the monitor found, behind what is wrong with itself."""


def judged(payload: bytes | None, *, now_ns: int, silent_ms: int) -> FreshReport:
    """Judge a report as it came. A monitor that is dead or not understood is a finding."""
    if payload is None:
        return _without("no monitor has ever written a report", now_ns)
    try:
        report = decode_health(payload)
    except DecodeError:
        return _without("the report cannot be read: another release of mdhub wrote it", now_ns)
    age_ms = (now_ns - report.ts_ns) // _MS
    monitor = report.monitor or "monitor"
    if age_ms > max(STALE_MS, silent_ms):
        words = f"the newest report is {age_ms / 1000:.0f} s old: the monitor is dead or cut off"
        own = _finding("service_down", monitor, Severity.ERROR, report.ts_ns, age_ms)
        return FreshReport(report, age_ms, stale=True, sentence=words, findings=[own])
    if age_ms < -AHEAD_MS:
        words = f"the report is of {-age_ms / 1000:.0f} s ahead: clocks of hosts differ"
        own = _finding("clock_offset", monitor, Severity.WARNING, now_ns, age_ms)
        found = [own, *report.findings]
        return FreshReport(report, age_ms, stale=False, sentence=words, findings=found)
    return FreshReport(report, age_ms, stale=False, sentence="", findings=list(report.findings))


def _without(sentence: str, now_ns: int) -> FreshReport:
    own = _finding("service_down", "monitor", Severity.ERROR, now_ns, None)
    return FreshReport(None, None, stale=True, sentence=sentence, findings=[own])


def _finding(rule: str, subject: str, severity: str, since_ns: int, age_ms: int | None) -> Finding:
    facts: dict[str, int | float | str] = {} if age_ms is None else {"age_ms": age_ms}
    return Finding(
        key=f"{rule}:{subject}",
        rule=rule,
        subject=subject,
        severity=severity,
        since_ns=since_ns,
        facts=facts,
    )
