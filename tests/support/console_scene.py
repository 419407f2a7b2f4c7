"""Made-up scenes of a hub for the pages: a report, fifteen minutes of it, events, log lines."""

from __future__ import annotations

import math
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final

import msgspec
from litestar import Litestar

from mdhub.health.model import (
    CanaryFacts,
    CoverageFacts,
    Finding,
    HealthReport,
    ServerFacts,
    ServiceFacts,
    ShardFacts,
    SourceFacts,
    encode_health,
)
from mdhub.runtime.clock import Clock
from mdhub.streams.ids import make_id
from mdhub.streams.memory import MemoryServer
from mdhub.wire.ops import Command, Event
from mdhub.wire.ticks import CHINA_TIME
from mdhub_console.identity.audit import Deed, Result
from mdhub_console.identity.service import Identity
from mdhub_console.live.rows import LogRow
from mdhub_console.live.service import Live
from mdhub_console.live.view import Connection
from tests.support.console_backdrop import beats_of, book_of, schedules_of

__all__ = ["NOW_NS", "Still", "as_of", "fine", "live_of", "populate", "troubled"]

SECOND: Final = 1_000_000_000
NOW_NS: Final = int(datetime(2026, 11, 20, 10, 48, 53, tzinfo=CHINA_TIME).timestamp()) * SECOND
_CANARIES: Final = (
    "rb2701.SHFE", "cu2701.SHFE", "au2702.SHFE", "sc2701.INE", "m2701.DCE", "i2701.DCE",
    "TA701.CZCE", "SR701.CZCE", "IF2612.CFFEX", "T2703.CFFEX", "lc2701.GFEX", "510300.SSE",
)  # fmt: skip


class _Silent:
    def info(self, event: str, /, **fields: Any) -> None: ...
    def warning(self, event: str, /, **fields: Any) -> None: ...


class Still(Live):
    """Nothing runs: what a scene put into the view stays."""

    @asynccontextmanager
    async def lifespan(self, _app: Litestar) -> AsyncIterator[None]:
        yield


def fine() -> HealthReport:
    """A hub in the middle of the morning; nothing is wrong."""
    source = SourceFacts(
        name="CTP-A", state="running", ticks_per_s=406.0, age_ms=120, win_rate=0.583,
        lag_p50_ms=1.2, lag_p99_ms=9.4, rejected_per_h=41, subscribed=12_480, confirmed=12_455,
        rank=1, score=96.0, duplicates_per_h=812_000,
    )  # fmt: skip
    other = msgspec.structs.replace
    return HealthReport(
        ts_ns=NOW_NS - 400_000_000,
        monitor="monitor:A",
        market_ns=NOW_NS - 400_000_000,
        trading_day=20261120,
        session="day",
        next_open_ns=NOW_NS + 9_667 * SECOND,
        horizon_days=41,
        accepted_per_s=812.0,
        latency_p50_ms=0.6,
        latency_p99_ms=2.1,
        sources=[
            source,
            other(source, name="CTP-B", ticks_per_s=405.0, age_ms=140, win_rate=0.412, lag_ms=3.1,
                  rank=2, confirmed=12_451, restarts=1),
            other(source, name="SOPT-1", ticks_per_s=88.0, age_ms=310, win_rate=1.0, rank=3,
                  subscribed=642, confirmed=642, lag_p50_ms=None, lag_p99_ms=None),
        ],
        services=[
            ServiceFacts(instance=name, state=state, age_ms=350, pid=1200 + at, host="hub-1")
            for at, (name, state) in enumerate(
                (("arbiter:0-1", "leading"), ("arbiter:0-2", "following"), ("monitor:A", "running"),
                 ("publisher:A", "running"), ("publisher:B", "running"))
            )
        ],
        shards=[ShardFacts(shard=0, leader="arb-1", standby="arb-2", epoch=3, n=18_442_910)],
        server=ServerFacts(
            used_bytes=1_331_439_862, limit_bytes=4_294_967_296, call_ms=0.3, fsync_delayed=0
        ),
        canaries=[
            CanaryFacts(name=name, age_ms=120 + 370 * at, limit_ms=4_000 + 900 * at, open=at < 11)
            for at, name in enumerate(_CANARIES)
        ],
        coverage=CoverageFacts(wanted=13_122, seen=13_097, silent=4),
    )  # fmt: skip


def troubled() -> HealthReport:
    """The second source has been silent for eight seconds and was restarted; memory grows."""
    report = fine()
    first, second, third = report.sources
    replace = msgspec.structs.replace
    return replace(
        report,
        accepted_per_s=611.0,
        sources=[
            first,
            replace(second, ticks_per_s=0.0, age_ms=8_200, down="silent", restarts=2, rank=0,
                    win_rate=0.27, state="md_login"),
            third,
        ],
        canaries=[
            replace(c, age_ms=9_100) if c.name.startswith("i2701") else c for c in report.canaries
        ],
        shards=[replace(report.shards[0], standby="")],
        findings=[
            Finding(key="no_standby:", rule="no_standby", subject="", severity="warning",
                    since_ns=NOW_NS - 312 * SECOND),
            Finding(key="source_silent:CTP-B", rule="source_silent", subject="CTP-B",
                    severity="error", since_ns=NOW_NS - 8 * SECOND, done="restarted",
                    facts={"age_ms": 8_200}),
            Finding(key="canary_silent:i2701.DCE", rule="canary_silent", subject="i2701.DCE",
                    severity="warning", since_ns=NOW_NS - 5 * SECOND),
        ],
    )  # fmt: skip


def populate(identity: Identity) -> None:
    """Give the pages of people something to list: a token, records of the audit log."""
    member = identity.people.named("admin")
    if member is None:  # a scene before the first user
        return
    identity.new_token(member.user, name="nightly report of the risk desk", scope="read", days=90)
    for action, target, result in _DEEDS:
        identity.record(
            Deed(who="admin", action=action, target=target, address="192.168.100.200",
                 result=result, detail="status 202" if result == "ok" else "status 403")
        )  # fmt: skip


def live_of(
    report: HealthReport | None,
    memory: MemoryServer | None = None,
    *,
    kind: type[Live] = Still,
    clock: Clock | None = None,
) -> Live:
    """What is live, fed with a scene, at NOW_NS; of its kind `Still` nothing runs.

    `memory`: the log behind it.
    """
    server = memory or MemoryServer()
    live = kind(
        lambda: server.log("console"),
        logger=_Silent(),
        clock=clock or Clock(wall_ns=lambda: NOW_NS),
    )
    live.view.connected(Connection(live=True, since_ns=NOW_NS - 3_600 * SECOND, sentence=""))
    live.view.take_events(_events(report))
    live.view.take_commands(
        [
            Command(1, "c-1", NOW_NS - 6 * SECOND, "ops", "source:CTP-B", "restart", {}, NOW_NS),
        ]
    )
    live.view.take_events([_event(-4_800, "command.done", "CTP-B", "info", {"ok": True}, "c-1")])
    live.view.take_logs([
        LogRow(id=_id(-9_000 + 700 * at), ts_ns=NOW_NS - (9_000 - 700 * at) * 1_000_000,
               level=level, service="ingest:CTP-B", event=event, correlation_id="", fields=fields)
        for at, (level, event, fields) in enumerate(_LINES)
    ])  # fmt: skip
    if report is not None:
        for at in range(900, -1, -1):
            past = report.ts_ns - at * SECOND
            live.view.take_look(
                health=encode_health(as_of(report, at, past)), beats={}, alerts=None, now_ns=past
            )
        live.view.take_look(
            health=encode_health(report), beats=beats_of(report, NOW_NS),
            alerts=book_of(report, NOW_NS), schedules=schedules_of(report, NOW_NS), now_ns=NOW_NS,
        )  # fmt: skip
    return live


def as_of(report: HealthReport, ago: int, ts_ns: int) -> HealthReport:
    """A report some seconds before this one: the same state, other numbers."""
    noise = random.Random(ago)

    def wave(size: float, period: float, phase: float = 0.0) -> float:
        slow = math.sin(ago / period + phase) * math.sin(ago / period / 3.3 + phase)
        return 1 + size * slow + size / 2 * (noise.random() - 0.5)

    sources = [
        msgspec.structs.replace(
            source,
            ticks_per_s=(source.ticks_per_s or (405.0 if ago > 8 else 0.0)) * wave(0.18, 47, at),
            win_rate=None if source.win_rate is None else min(1, source.win_rate * wave(0.04, 80)),
        )
        for at, source in enumerate(report.sources)
    ]
    return msgspec.structs.replace(
        report, ts_ns=ts_ns, accepted_per_s=report.accepted_per_s * wave(0.15, 60),
        latency_p50_ms=0.6 * wave(0.1, 25), latency_p99_ms=2.1 * wave(0.3, 33), sources=sources,
    )  # fmt: skip


_DEEDS: Final[tuple[tuple[str, str, Result], ...]] = (
    ("login", "", "ok"),
    ("sources.order", "CTP-B/restart", "ok"),
    ("accounts.order", "SOPT-1/stop", "refused"),
)
_LINES: Final[tuple[tuple[str, str, dict[str, Any]], ...]] = (
    ("info", "front_connected", {"side": "md", "front": "tcp://180.168.146.187:10211"}),
    ("info", "login_sent", {"side": "md", "broker": "9999"}),
    ("warning", "login_refused", {"side": "md", "code": 7, "says": "not initialised yet"}),
    ("info", "login_waits", {"until": "10:49:08", "why": "a pause of 15 s after a refusal"}),
    ("error", "child_replaced", {"source": "CTP-B", "old_pid": 4121, "new_pid": 5310}),
    ("debug", "subscribe_batch", {"contracts": 500, "batch": 1}),
)


def _id(ms: int) -> str:
    return make_id(NOW_NS // 1_000_000 + ms, 0).decode()


def _event(
    ms: int, kind: str, subject: str, severity: str, body: dict[str, Any], correlation: str = ""
) -> tuple[bytes, Event]:
    event = Event(1, f"e{ms}", NOW_NS + ms * 1_000_000, "monitor:A", kind, subject, severity,
                  correlation, body)  # fmt: skip
    return _id(ms).encode(), event


def _events(report: HealthReport | None) -> list[tuple[bytes, Event]]:
    hour = 3_600_000
    refused = {
        "change": "login_refused", "side": "md", "code": 7, "says": "not initialised yet",
        "says_zh": "还没有初始化", "action": "wait", "todo": "nothing: it is tried again",
        "todo_zh": "无需处理：自动重试",
    }  # fmt: skip
    quiet = [
        _event(-2 * hour, "source", "CTP-B", "info", {"change": "connecting"}),
        _event(-2 * hour + 3_000, "source", "CTP-B", "info", {"change": "md_login"}),
        _event(-2 * hour + 4_000, "source", "CTP-B", "info", {"change": "td_login"}),
        _event(-2 * hour + 6_000, "source", "CTP-B", "info", {"change": "contracts"}),
        _event(-2 * hour + 60_000, "source", "CTP-B", "info", {"change": "running"}),
        _event(-hour, "leadership", "shard-0", "warning", {"change": "took_over"}),
        _event(-hour // 2, "checklist", "futures", "info", {}),
    ]
    if report is None or not report.findings:
        return quiet
    finding = {"rule": "source_silent", "subject": "CTP-B", "change": "began"}
    return [
        *quiet,
        _event(-8_000, "finding", "CTP-B", "error", finding),
        _event(-7_000, "source", "CTP-B", "warning", {"change": "replaced", "reason": "hung"}),
        _event(-6_500, "source", "CTP-B", "info", {"change": "connecting"}),
        _event(-6_000, "source", "CTP-B", "info", {"change": "md_login"}),
        _event(-5_000, "source", "CTP-B", "warning", refused),
    ]
