"""A health report for machines (JSON, one line) and for people (tables, English or Chinese)."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Final

import msgspec
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mdhub.cli.health.chinese import HEADINGS, in_words, shown_state
from mdhub.cli.health.verdict import Verdict, coverage_percent, verdict_of
from mdhub.health.freshness import FreshReport
from mdhub.health.model import Finding, HealthReport
from mdhub.health.words import tell
from mdhub.wire.ticks import CHINA_TIME

__all__ = ["as_json", "one_line", "picture"]

MOST_SHOWN: Final = 3
"""Findings named in one line."""
STYLES: Final = {Verdict.OK: "green", Verdict.WARNING: "yellow", Verdict.CRITICAL: "bold red"}


def as_json(fresh: FreshReport) -> str:
    """One object: verdict, exit code, findings with a hint in both languages, the report."""
    verdict = verdict_of(fresh.findings)
    findings = [
        _plain(each) | {"hint": tell(each, "en").act, "hint_zh": tell(each, "zh").act}
        for each in fresh.findings
    ]
    coverage = None if fresh.report is None else coverage_percent(fresh.report.coverage)
    head = {
        "ok": verdict is Verdict.OK,
        "verdict": verdict.name.lower(),
        "exit_code": int(verdict),
        "age_ms": fresh.age_ms,
        "stale": fresh.stale,
        "problem": fresh.sentence,
        "coverage_percent": coverage,
        "findings": findings,
    }
    report = None if fresh.report is None else _plain(fresh.report)
    return json.dumps(head | {"report": report})


def one_line(fresh: FreshReport) -> str:
    """As Nagios and its heirs read it: verdict, words, figures behind a bar."""
    verdict, report = verdict_of(fresh.findings), fresh.report
    worst = sorted(fresh.findings, key=lambda f: (f.severity != "error", f.severity != "warning"))
    named = [each.key.rstrip(":") for each in worst if each.severity != "info"]
    more = f" and {len(named) - MOST_SHOWN} more" if len(named) > MOST_SHOWN else ""
    words = ", ".join(named[:MOST_SHOWN]) + more or "all is well"
    if fresh.sentence:
        words = f"{fresh.sentence} ({words})"
    # A bar would begin the figures.
    line = f"MDHUB {verdict.name} - {words}".replace("|", "/")
    if report is None or fresh.stale:
        return line
    figures = {
        "accepted_per_s": f"{report.accepted_per_s:.1f}",
        "coverage": _with(coverage_percent(report.coverage), "%"),
        "silent": str(report.coverage.silent),
        "latency_p50": _with(report.latency_p50_ms, "ms"),
        "latency_p99": _with(report.latency_p99_ms, "ms"),
        "gap": f"{report.gap_s_today:.1f}s",
        "horizon_days": str(report.horizon_days),
    }
    return line + " | " + " ".join(f"{name}={value}" for name, value in figures.items() if value)


def picture(fresh: FreshReport, language: str) -> RenderableType:
    """Verdict and findings first, then what the report says of everything."""
    verdict = verdict_of(fresh.findings)
    said = (
        _t("all is well", language) if verdict is Verdict.OK else in_words(verdict.name, language)
    )
    parts: list[RenderableType] = [Text(fresh.sentence or said, style=STYLES[verdict])]
    if fresh.findings:
        parts.append(_findings(fresh.findings, language))
    if fresh.report is not None:
        parts += [_summary(fresh, fresh.report, language), _sources(fresh.report, language)]
        parts += [_shards(fresh.report, language), _services(fresh.report, language)]
    return Group(*parts)


def _findings(findings: list[Finding], language: str) -> Table:
    table = _table(language, "SEVERITY", "FINDING", "since", "facts", "done", "what to do")
    for each in findings:
        since = datetime.fromtimestamp(each.since_ns // 1_000_000_000, CHINA_TIME)
        facts = " ".join(f"{name}={value}" for name, value in each.facts.items())
        table.add_row(
            in_words(each.severity, language), each.key.rstrip(":"), f"{since:%m-%d %H:%M:%S}",
            facts, each.done or "-",
            tell(each, "zh" if language == "zh" else "en").act,
        )  # fmt: skip
    return table


def _summary(fresh: FreshReport, report: HealthReport, language: str) -> Text:
    coverage, percent = report.coverage, coverage_percent(report.coverage)
    share = "" if percent is None else f" ({percent:.1f} %)"
    latency = f"{_with(report.latency_p50_ms, '') or '-'}/{_with(report.latency_p99_ms, '') or '-'}"
    silent = f"{coverage.silent} {' '.join(coverage.examples)}".rstrip()
    shown = {
        "report": f"{_age(fresh.age_ms)} {_t('old', language)}",
        "session": f"{report.trading_day or '-'} {in_words(report.session, language) or '-'}",
        "ticks/s": f"{report.accepted_per_s:.0f}",
        "coverage": f"{coverage.seen}/{coverage.wanted}{share}",
        "silent": silent,
        "latency p50/p99": f"{latency} ms",
        "gaps today": f"{report.gap_s_today:.1f} s",
        "calendar": f"{report.horizon_days} {_t('days', language)}",
    }
    return Text("  ".join(f"{_t(name, language)} {value}" for name, value in shown.items()))


def _sources(report: HealthReport, language: str) -> Table:
    table = _table(
        language, "SOURCE", "state", ">rank", ">ticks/s", ">newest", ">won", ">lag p99", ">gaps/h",
        ">confirmed", "standing",
    )  # fmt: skip
    for each in report.sources:
        standing = [
            f"{in_words('muted', language)} {each.muted}".rstrip() if each.muted else "",
            f"{in_words('down', language)} {each.down}".rstrip() if each.down else "",
            in_words("frozen", language) if each.frozen else "",
            "" if each.wanted else in_words("closed by schedule", language),
        ]
        won = "-" if each.win_rate is None else f"{100 * each.win_rate:.1f} %"
        table.add_row(
            each.name, shown_state(each.state, language), str(each.rank or "-"),
            f"{each.ticks_per_s:.0f}",
            _age(each.age_ms), won, _with(each.lag_p99_ms, " ms") or "-", f"{each.gaps_per_h:.1f}",
            f"{each.confirmed}/{each.subscribed}", ", ".join(filter(None, standing)),
        )  # fmt: skip
    return table


def _shards(report: HealthReport, language: str) -> Table:
    table = _table(language, "SHARD", "leader", "standby", ">behind", ">newest")
    for each in report.shards:
        row = (str(each.shard), each.leader or "-", each.standby or "-", str(each.behind))
        table.add_row(*row, _age(each.log_age_ms))
    return table


def _services(report: HealthReport, language: str) -> Table:
    table = _table(language, "SERVICE", "state", ">heartbeat")
    for each in report.services:
        table.add_row(each.instance, shown_state(each.state, language), _age(each.age_ms))
    return table


def _table(language: str, *columns: str) -> Table:
    """Names to the left, numbers to the right (marked by >)."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in columns:
        side: Any = "right" if name.startswith(">") else "left"
        table.add_column(_t(name.lstrip(">"), language), justify=side)
    return table


def _t(words: str, language: str) -> str:
    return HEADINGS.get(words, words) if language == "zh" else words


def _with(value: float | None, unit: str) -> str:
    return "" if value is None else f"{value:.1f}{unit}"


def _age(age_ms: int | None) -> str:
    if age_ms is None:
        return "-"
    return f"{age_ms} ms" if age_ms < 1_000 else f"{age_ms / 1000:.1f} s"  # noqa: PLR2004 - a second


def _plain(value: Any) -> Any:
    """Structs as objects with names: on the wire they are arrays."""
    if isinstance(value, msgspec.Struct):
        return {name: _plain(each) for name, each in msgspec.structs.asdict(value).items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value
