"""Runs `mdhub doctor`: every check beside the others, each with a time limit."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from mdhub.cli.doctor.beside import beside
from mdhub.cli.doctor.clock import check_clock
from mdhub.cli.doctor.days import check_days
from mdhub.cli.doctor.disk import check_disk
from mdhub.cli.doctor.finding import Finding, Language, Status, Text, Words, exit_code, said_once
from mdhub.cli.doctor.gateways import check_gateways
from mdhub.cli.doctor.host import check_host
from mdhub.cli.doctor.ports import check_ports
from mdhub.cli.doctor.python import check_python
from mdhub.cli.doctor.server import check_server
from mdhub.cli.doctor.show import show_findings, show_json
from mdhub.cli.doctor.sources import (
    check_fronts,
    check_preflight,
    check_secrets,
    gateway_kinds,
    gateway_modules,
)
from mdhub.cli.hubs import Overrides, load_hub
from mdhub.cli.pipe import reader_may_leave
from mdhub.config import ConfigError, HubConfig, load
from mdhub.config.load import Option
from mdhub.config.locate import Key

__all__ = ["Asked", "Check", "examine", "language_of", "run_checks", "run_doctor"]

LIMIT_S: Final = 6.0
"""For all checks together: they run beside each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Options of the command."""

    config: Path | None = None
    data: Path | None = None
    as_json: bool = False
    fronts: bool = False
    server: bool = True
    strict: bool = False
    language: Language = "en"


@dataclass(frozen=True, slots=True)
class Check:
    """One group of findings."""

    name: str
    gather: Callable[[], Iterable[Finding]]


def run_doctor(asked: Asked) -> int:
    """Print every finding; 0 = no error, 1 = at least one. Raises ConfigError."""
    try:
        config = _load(asked)
    except ConfigError as error:
        if asked.as_json:
            means = Words("nothing else was checked", "其他都没有检查")
            wrong = [_wrong("config.file", str(each), means) for each in error.problems]
            _print_json(wrong, asked)
        raise
    findings = _examined(config, asked)
    if asked.as_json:
        _print_json(findings, asked)
    else:
        with reader_may_leave():
            show_findings(findings, asked.language)
    return exit_code(findings, strict=asked.strict)


def examine(asked: Asked) -> list[Finding]:
    """Every finding; takes some seconds. Raises ConfigError."""
    return _examined(_load(asked), asked)


def _examined(config: HubConfig, asked: Asked) -> list[Finding]:
    return said_once(run_checks(_checks(config, asked)))


def language_of(name: str | None) -> Language:
    """Chinese if asked for, or if the environment speaks it and nothing was asked for."""
    if name:
        return "zh" if name == "zh" else "en"
    variables = (os.environ.get(each) for each in ("LC_ALL", "LC_MESSAGES", "LANG"))
    return "zh" if next(filter(None, variables), "").startswith("zh") else "en"


def _print_json(findings: Sequence[Finding], asked: Asked) -> None:
    with reader_may_leave():
        print(show_json(findings, asked.language))


def _load(asked: Asked) -> HubConfig:
    options: dict[Key, Option] = {}
    if asked.data is not None:
        data = ("--data", str(asked.data))
        options = {("hub", "data"): data, ("server", "url"): ("--data", None)}
    return load(asked.config, options=options).config


def _checks(config: HubConfig, asked: Asked) -> list[Check]:
    checks = [
        Check("python", check_python),
        Check("gateways", lambda: check_gateways(gateway_kinds(config), gateway_modules(config))),
        Check("config", lambda: _check_config(asked)),
        Check("server", lambda: check_server(config)),
        Check("ports", lambda: check_ports(config, ask_log=asked.server)),
        Check("disk", lambda: check_disk(config)),
        Check("host", lambda: check_host(config)),
        Check("clock", check_clock),
        Check("calendar", lambda: check_days(config.calendar.override)),
        Check("secrets", lambda: check_secrets(config)),
        Check("settings", lambda: check_preflight(config)),
        Check("front", lambda: check_fronts(config)),
    ]
    left_out = {"server": not asked.server, "front": not asked.fronts}
    return [check for check in checks if not left_out.get(check.name)]


def _check_config(asked: Asked) -> list[Finding]:
    """Let each service judge its own part, as `mdhub up` does before it starts anything."""
    try:
        load_hub(asked.config, Overrides(data=asked.data))
    except ConfigError as error:
        means = Words("mdhub up refuses to start", "mdhub up 拒绝启动")
        return [_wrong("config.content", str(problem), means) for problem in error.problems]
    where = Words("defaults and variables", "默认值和环境变量")
    return [Finding("config.content", Status.OK, str(asked.config) if asked.config else where)]


def run_checks(checks: Sequence[Check], limit_s: float = LIMIT_S) -> list[Finding]:
    """Run all beside each other; what does not end in time is an error and is left behind."""
    found = beside([partial(_run, check) for check in checks], limit_s)
    return [
        finding
        for check, findings in zip(checks, found, strict=True)
        for finding in ([_hung(check, limit_s)] if findings is None else findings)
    ]


def _run(check: Check) -> list[Finding]:
    try:
        return list(check.gather())
    except Exception as error:  # noqa: BLE001 - one check that fails hides no other
        return [_failed(check.name, error)]


def _hung(check: Check, limit_s: float) -> Finding:
    return Finding(
        check.name, Status.ERROR,
        Words(f"no answer within {limit_s:g} s", f"{limit_s:g} 秒内没有结果"),
        Words("an answer", "有结果"),
        Words("what is looked at hangs: a disk, a network folder, a server",
              "被检查的对象没有反应：磁盘、网络目录或服务器"),
        Words("see what hangs (dmesg, df, redis-cli PING), then ask again",
              "找出原因（dmesg、df、redis-cli PING）后重试"),
    )  # fmt: skip


def _failed(name: str, error: Exception) -> Finding:
    return Finding(
        name, Status.ERROR, f"{type(error).__name__}: {error}", Words("a verdict", "检查结论"),
        Words("this check itself failed: a mistake in mdhub, or a machine it does not know",
              "检查本身失败：mdhub 的错误，或未知的机器环境"),
        Words("report it with this line", "请附上这一行报告问题"),
    )  # fmt: skip


def _wrong(check: str, problem: str, means: Text) -> Finding:
    return Finding(
        check, Status.ERROR, problem, Words("a configuration without mistakes", "没有错误的配置"),
        means, Words("mend what is named, then: mdhub config check FILE",
                     "改正所指之处，然后：mdhub config check 文件"),
    )  # fmt: skip
