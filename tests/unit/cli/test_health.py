"""`mdhub health`: what is wrong decides over the exit code, also if nobody can say."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest
from typer.testing import CliRunner

from mdhub.cli.app import app
from mdhub.cli.health import run
from mdhub.cli.hubs import HubAddress
from mdhub.health.freshness import AHEAD_MS, STALE_MS, judged
from mdhub.health.model import (
    CoverageFacts,
    Finding,
    HealthReport,
    ServiceFacts,
    ShardFacts,
    SourceFacts,
    encode_health,
)
from mdhub.streams.memory import MemoryServer
from mdhub.wire.errors import MdhubError

HUB = HubAddress("redis://h", "mdhub:", None, 3_000)
NOW_NS = 1_700_000_000_000_000_000
MS = 1_000_000


def finding(rule: str, severity: str, subject: str = "A") -> Finding:
    key = f"{rule}:{subject}"
    return Finding(key=key, rule=rule, subject=subject, severity=severity, since_ns=NOW_NS)


def report(*findings: Finding, ts_ns: int | None = None, **facts: Any) -> bytes:
    """A report of a hub with one of everything."""
    said: dict[str, Any] = {
        "monitor": "monitor:A",
        "session": "day",
        "accepted_per_s": 1_200.0,
        "latency_p99_ms": 3.25,
        "horizon_days": 40,
        "sources": [SourceFacts(name="A", state="connected", win_rate=0.75, age_ms=100)],
        "services": [ServiceFacts(instance="arbiter:A", state="leading", age_ms=1, pid=7)],
        "shards": [ShardFacts(shard=0, leader="arbiter:A")],
        "coverage": CoverageFacts(wanted=200, seen=199, silent=1, examples=["rb2701.SHFE"]),
    } | facts
    now_ns = time.time_ns() if ts_ns is None else ts_ns
    return encode_health(HealthReport(ts_ns=now_ns, findings=list(findings), **said))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> MemoryServer:
    server = MemoryServer()
    monkeypatch.setattr(run, "open_log", lambda *_, **__: server.log("cli"))
    monkeypatch.setattr(run, "find_hub", lambda *_: HUB)
    return server


def health(*args: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["health", *args])
    return result.exit_code, result.output


@pytest.mark.parametrize(
    ("severities", "code", "word"),
    [
        ([], 0, "OK"),
        (["info"], 0, "OK"),
        (["info", "warning"], 1, "WARNING"),
        (["error", "warning"], 2, "CRITICAL"),
    ],
)
def test_the_worst_finding_is_the_exit_code(
    server: MemoryServer, severities: list[str], code: int, word: str
) -> None:
    """In every form of output; `info` needs nobody."""
    server.log("monitor").save_health(
        report(*(finding("source_silent", each, str(i)) for i, each in enumerate(severities)))
    )
    assert (health()[0], health("--nagios")[0], health("--json")[0]) == (code, code, code)
    assert health("--nagios")[1].startswith(f"MDHUB {word} - ")
    assert json.loads(health("--json")[1])["exit_code"] == code


def test_one_line_has_the_figures(server: MemoryServer) -> None:
    """Behind a bar, with units; what nobody measured is left out."""
    server.log("monitor").save_health(report())
    assert health("--nagios")[1] == (
        "MDHUB OK - all is well | accepted_per_s=1200.0 coverage=99.5% silent=1 "
        "latency_p99=3.2ms gap=0.0s horizon_days=40\n"
    )


def test_json_has_names_and_what_to_do(server: MemoryServer) -> None:
    """The report is arrays on the wire; a script gets names."""
    server.log("monitor").save_health(report(finding("source_frozen", "error")))
    said = json.loads(health("--json")[1])

    assert (said["ok"], said["verdict"], said["coverage_percent"]) == (False, "critical", 99.5)
    (found,) = said["findings"]
    assert found["key"] == "source_frozen:A"
    assert "mdhub sources restart A" in found["hint"]
    assert "mdhub sources restart A" in found["hint_zh"]
    assert said["report"]["sources"][0]["name"] == "A"
    assert said["report"]["coverage"]["examples"] == ["rb2701.SHFE"]


@pytest.mark.parametrize(("lang", "words"), [("en", "what to do"), ("zh", "如何处理")])
def test_people_read_a_table_in_their_language(server: MemoryServer, lang: str, words: str) -> None:
    """Words change, names and figures do not."""
    server.log("monitor").save_health(report(finding("canary_silent", "warning", "rb2701.SHFE")))
    _, shown = health("--lang", lang)
    for part in (words, "canary_silent:rb2701.SHFE", "199/200 (99.5 %)", "75.0 %", "arbiter:A"):
        assert part in shown


def test_in_chinese_states_and_sessions_are_chinese(server: MemoryServer) -> None:
    """Also the severity, and where a source stands; what nobody has a word for stays as it is."""
    sources = [
        SourceFacts(name="A", state="md_login", muted="维护"),
        SourceFacts(name="B", state="odd", wanted=False, frozen=True),
    ]
    states = ["leading", "standby", "watching", "ok", "running 1 of 2", "ended", "serving"]
    services = [
        ServiceFacts(instance=f"s:{i}", state=each, age_ms=1, pid=7)
        for i, each in enumerate(states)
    ]
    server.log("monitor").save_health(
        report(
            finding("source_frozen", "error"), trading_day=20261123, session="night",
            sources=sources, services=services,
        )
    )  # fmt: skip
    _, shown = health("--lang", "zh")
    for words in (
        "20261123 夜盘", "严重", "错误", "行情登录", "已静音 维护", "冻结, 计划休市", "odd",
        "主用", "备用", "监控中", "正常", "运行中 1/2", "已结束", "服务中",
    ):  # fmt: skip
        assert words in shown
    for word in ("night", "CRITICAL", "md_login", "muted", "leading", "running", "closed"):
        assert word not in shown


def test_a_dead_monitor_is_an_error(server: MemoryServer) -> None:
    """Whatever its last report said."""
    assert health("--nagios") == (
        2, "MDHUB CRITICAL - no monitor has ever written a report (service_down:monitor)\n",
    )  # fmt: skip
    server.log("monitor").save_health(report(ts_ns=time.time_ns() - 60_000 * MS))
    code, line = health("--nagios")
    assert code == 2
    assert re.search(r"6\d s old: the monitor is dead or cut off \(service_down:monitor:A\)", line)


def test_a_hub_that_is_not_there_is_an_error(
    server: MemoryServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Critical, since it may be down; a bar in the words is no bar."""

    def find(*_: object) -> HubAddress:
        raise MdhubError("no server runs on the data folder | x")

    monkeypatch.setattr(run, "find_hub", find)
    assert health("--nagios") == (
        2, "MDHUB CRITICAL - no server runs on the data folder / x (server_away)\n"
    )  # fmt: skip
    assert json.loads(health("--json")[1])["report"] is None


@pytest.mark.parametrize(
    ("payload", "rules", "stale"),
    [
        (None, ["service_down"], True),
        (b"\xc1", ["service_down"], True),
        (b"", ["service_down"], True),
        (report(ts_ns=NOW_NS - STALE_MS * MS), [], False),
        (report(ts_ns=NOW_NS - (STALE_MS + 1) * MS), ["service_down"], True),
        (report(ts_ns=NOW_NS + AHEAD_MS * MS), [], False),
        (report(ts_ns=NOW_NS + (AHEAD_MS + 1) * MS), ["clock_offset"], False),
    ],
)
def test_a_report_is_believed_only_while_it_is_fresh(
    payload: bytes | None, rules: list[str], stale: bool  # noqa: FBT001 - a parameter
) -> None:  # fmt: skip
    """What is unreadable, too old or from the future is a finding itself."""
    fresh = judged(payload, now_ns=NOW_NS, silent_ms=3_000)
    assert ([each.rule for each in fresh.findings], fresh.stale) == (rules, stale)
    assert bool(fresh.sentence) == bool(rules)
