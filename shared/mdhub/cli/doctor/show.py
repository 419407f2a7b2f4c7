"""Findings for people and for machines."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from typing import Final

from rich.console import Console
from rich.text import Text as Line

from mdhub.cli.doctor.finding import Finding, Language, Status, Words, told

__all__ = ["lines", "show_findings", "show_json", "verdict"]

SIGNS: Final = {
    Status.OK: ("✓", "green"),
    Status.HINT: ("·", "blue"),
    Status.WARNING: ("!", "yellow"),
    Status.ERROR: ("✗", "red"),
    Status.SKIPPED: ("-", "dim"),
}
GROUPS: Final = {
    "python": Words("Python", "Python"),
    "gateways": Words("Gateways", "接口"),
    "config": Words("Configuration", "配置"),
    "server": Words("Server", "服务器"),
    "ports": Words("Ports of publishers", "发布端口"),
    "disk": Words("Disk", "磁盘"),
    "host": Words("Machine", "机器"),
    "clock": Words("Clock", "时钟"),
    "calendar": Words("Trading calendar", "交易日历"),
    "source": Words("Sources", "行情源"),
    "secrets": Words("Secrets", "密钥"),
    "settings": Words("Account settings", "账户设置"),
    "front": Words("Fronts", "前置"),
}
NAMES: Final = {
    Status.ERROR: (Words("error", "错误"), Words("errors", "错误")),
    Status.WARNING: (Words("warning", "警告"), Words("warnings", "警告")),
    Status.HINT: (Words("hint", "提示"), Words("hints", "提示")),
}
LABELS: Final = {
    "expected": Words("expected", "应为"),
    "means": Words("means", "影响"),
    "mend": Words("mend", "处理"),
}
NOTHING_TO_DO: Final = (Status.OK, Status.SKIPPED)


def show_json(findings: Sequence[Finding], language: Language) -> str:
    """One JSON list; names and states are the same in both languages."""
    rows = [
        {
            "check": each.check,
            "status": str(each.status),
            **{
                name: told(getattr(each, name), language)
                for name in ("found", "expected", "means", "mend")
            },
        }
        for each in findings
    ]
    return json.dumps(rows, ensure_ascii=False)


def show_findings(findings: Sequence[Finding], language: Language) -> None:
    """Print findings by group, what is wrong with its way out, and a verdict at the end."""
    # Nothing is folded: a command to copy stays on its line.
    console = Console(highlight=False, markup=False, soft_wrap=True)
    for status, text in lines(findings, language):
        console.print(Line(text, style="bold" if status is None else SIGNS[status][1]))


def lines(findings: Sequence[Finding], language: Language) -> list[tuple[Status | None, str]]:
    """Every line to print with its state; None = a heading."""
    shown: list[tuple[Status | None, str]] = []
    for group, members in groupby(_together(findings), key=lambda finding: finding.group):
        shown.append((None, told(GROUPS.get(group, group), language)))
        for each in members:
            sign = SIGNS[each.status][0]
            name = each.check.partition(".")[2] or each.check
            shown.append((each.status, f"  {sign} {name}: {told(each.found, language)}"))
            if each.status not in NOTHING_TO_DO:
                details = ((label, told(getattr(each, label), language)) for label in LABELS)
                shown += [
                    (each.status, f"      {told(LABELS[label], language)}: {text}")
                    for label, text in details
                    if text
                ]
    shown.append((None, verdict(findings, language)))
    return shown


def _together(findings: Sequence[Finding]) -> list[Finding]:
    """Groups in the order in which they come first."""
    order = list(dict.fromkeys(finding.group for finding in findings))
    return sorted(findings, key=lambda finding: order.index(finding.group))


def verdict(findings: Sequence[Finding], language: Language) -> str:
    """One sentence over all."""
    counts = Counter(finding.status for finding in findings)
    between = " 个" if language == "zh" else " "
    parts = [
        f"{counts[status]}{between}{told(names[counts[status] != 1], language)}"
        for status, names in NAMES.items()
        if counts[status]
    ]
    if not parts:
        return told(Words("All fine.", "一切正常。"), language)
    end = Words(".", "。")
    if not counts[Status.ERROR]:
        end = Words("; the hub can run.", "；系统可以运行。")
    return ("，" if language == "zh" else ", ").join(parts) + told(end, language)
