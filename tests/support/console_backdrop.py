"""What stands behind a scene: heartbeats, schedules of supervisors, the book of alerts."""

from __future__ import annotations

from typing import Final

import msgspec

from mdhub.calendar import Calendar
from mdhub.calendar.note import OverrideNote, ScheduleNote
from mdhub.calendar.windows import Group
from mdhub.health.alerts import Alert, AlertBook, ChannelFacts, Silence
from mdhub.health.model import Finding, HealthReport
from mdhub.runtime.heartbeat import Beat
from mdhub.wire.codec import encode

__all__ = ["beats_of", "book_of", "schedules_of"]

SECOND: Final = 1_000_000_000


def beats_of(report: HealthReport, now_ns: int) -> dict[str, bytes]:
    """Of one supervisor with every source, and of two publishers."""
    counters = {"sources": len(report.sources), "commands": 2}
    for source in report.sources:
        counters |= {
            f"wanted:{source.name}": 1, f"held:{source.name}": 0,
            f"running:{source.name}": int(source.down == ""), f"quarantined:{source.name}": 0,
        }  # fmt: skip
    at_ns = now_ns - 300_000_000
    state = "running 3 of 3"
    beats = [Beat(1, at_ns, "ingest", "supervisor:CTP-A", 1300, state, counters, "hub-1")]
    shown = {"published": 18_442_910, "requests": 41, "answering": 0, "clients_dropped": 0}
    beats += [
        Beat(1, at_ns, "publisher", f"publisher:{name}", 1400, "ok", shown, "hub-1")
        for name in ("A", "B")
    ]
    return {beat.instance: encode(beat) for beat in beats}


def schedules_of(report: HealthReport, now_ns: int) -> dict[str, ScheduleNote]:
    """In trouble an operator holds a source and has closed a day."""
    futures = ("SHFE", "INE", "DCE", "CZCE", "GFEX", "CFFEX")
    held = OverrideNote(
        source="SOPT-1", kind="hold", until_ns=now_ns + 9_907 * SECOND,
        reason="front is being moved", command="c-0",
    )  # fmt: skip
    note = ScheduleNote(
        groups={
            "futures": Group(("08:30-15:50", "20:30-02:45"), futures),
            "stock": Group(("08:30-15:50",), ("SSE", "SZSE")),
        },
        sources={"CTP-A": "futures", "CTP-B": "futures", "SOPT-1": "stock"},
        overrides=[held] if report.findings else [],
        holidays={"20261124": "typhoon"} if report.findings else {},
        calendar=Calendar.load().digest,
    )
    return {"CTP-A": note}


def book_of(report: HealthReport, now_ns: int) -> AlertBook:
    """Every finding is an alert; one was acknowledged, one is over; a channel fails."""
    last = [
        Alert(
            finding=finding, origin="monitor:A", told_ns=finding.since_ns + 3 * SECOND,
            told_severity=finding.severity, tellings=1, repeat_ns=now_ns + 1_500 * SECOND,
            acked_by="ops" if finding.rule == "no_standby" else "",
            acked_ns=now_ns - 200 * SECOND if finding.rule == "no_standby" else 0,
        )
        for finding in report.findings
    ]  # fmt: skip
    lagged = Finding(
        key="source_lagging:CTP-B", rule="source_lagging", subject="CTP-B", severity="warning",
        since_ns=now_ns - 5_200 * SECOND,
    )  # fmt: skip
    over = Alert(
        finding=lagged, told_ns=now_ns - 5_197 * SECOND, tellings=1,
        ended_ns=now_ns - 4_900 * SECOND,
    )  # fmt: skip
    silence = Silence(
        pattern="source_*:SOPT-1", until_ns=now_ns + 5_400 * SECOND, by="ops", reason="upgrade"
    )
    boss = ChannelFacts(name="boss", kind="mailtos", sent=3)
    if last:
        boss = msgspec.structs.replace(boss, failed=2, waiting=1, problem="no answer within 10 s")
    return AlertBook(
        ts_ns=now_ns - 400_000_000,
        alerts=[*last, over],
        silences=[silence] if report.findings else [],
        channels=[
            ChannelFacts(name="ops", kind="dingtalk", sent=14),
            boss,
        ],
    )
