"""Whether the gateways that the sources need are installed, and can be built and imported."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mdhub.cli.doctor.finding import Finding, Status, Words
from mdhub.runtime.gateway_packages import (
    BUILT_BY_US,
    LOCALE,
    PACKAGE_OF,
    SETS,
    installed,
    locale_folder,
    remedy,
    use_locale,
)

__all__ = [
    "GB18030_KINDS",
    "GatewayFacts",
    "Import",
    "check_gateways",
    "gateway_environment",
    "judge_build",
    "judge_import",
    "judge_locale",
    "judge_packages",
]

GB18030_KINDS: Final = ("ctp", "sopt", "tts")
"""Types whose binding converts text with the locale."""
IMPORT_LIMIT_S: Final = 4.0
_NOT_NEEDED: Final = Words("no source needs a gateway", "没有行情源需要接口")


@dataclass(frozen=True, slots=True)
class Import:
    """One attempt to import a package in a process of its own."""

    package: str
    error: str
    """Last line of what it said; empty = it worked."""


@dataclass(frozen=True, slots=True)
class GatewayFacts:
    """What is installed and what a build would find."""

    kinds: Sequence[str]
    """Types of the gateway sources that are configured."""
    versions: Mapping[str, str]
    """Of the packages that are installed."""
    locale: str
    """Where the locale was found; empty = nowhere."""
    build_lacks: Sequence[str]
    """What `make gateways` would miss."""
    imports: Sequence[Import] = ()

    @property
    def packages(self) -> list[str]:
        named = {PACKAGE_OF[kind] for kind in self.kinds if kind in PACKAGE_OF}
        return sorted({"vnpy", *named}) if self.kinds else []

    @property
    def missing(self) -> list[str]:
        return [name for name in self.packages if name not in self.versions]


def check_gateways(kinds: Sequence[str], modules: Sequence[str] = ()) -> list[Finding]:
    """Look at the packages, the locale and the build tools; import what the sources need.

    `modules` are those that sources of type vnpy name.
    """
    names = sorted({*BUILT_BY_US, *PACKAGE_OF.values()})
    versions = {name: found for name in names if (found := installed(name))}
    facts = GatewayFacts(kinds, versions, _locale(), _build_lacks())
    wanted = [name for name in facts.packages if name in versions and name != "vnpy"]
    imports = [_import(name) for name in sorted({*wanted, *modules})]
    facts = GatewayFacts(kinds, versions, facts.locale, facts.build_lacks, imports)
    return [judge_packages(facts), judge_import(facts), judge_locale(facts), judge_build(facts)]


def gateway_environment() -> dict[str, str]:
    """Environment of a process with a gateway in it: the locale of `make gateways` is found."""
    environment = dict(os.environ)
    use_locale(environment)
    return environment


def _locale() -> str:
    """Where the locale comes from, tried by a process that sets it; empty = nowhere."""
    environment = gateway_environment()
    done = subprocess.run(
        [sys.executable, "-c", f"import locale; locale.setlocale(locale.LC_ALL, '{LOCALE}')"],
        env=environment, capture_output=True, check=False, timeout=IMPORT_LIMIT_S,
    )  # fmt: skip
    return "" if done.returncode else environment.get("LOCPATH", "system")


def _build_lacks() -> list[str]:
    charmaps = Path(os.environ.get("I18NPATH") or "/usr/share/i18n") / "charmaps"
    compiler = os.environ.get("CXX") or "g++"
    linux = sys.platform == "linux" and platform.machine() == "x86_64"
    found = {
        "Linux x86_64 (glibc)": linux and platform.libc_ver()[0] == "glibc",
        compiler: shutil.which(compiler) is not None,
        "Python.h": (Path(sysconfig.get_path("include")) / "Python.h").is_file(),
        "localedef": shutil.which("localedef") is not None,
        f"{charmaps}/GB18030.gz": bool(list(charmaps.glob("GB18030*"))),
    }
    return [name for name, here in found.items() if not here]


def _import(package: str) -> Import:
    """Import a package as the hub does: own folder with .vntrader, locale found."""
    with tempfile.TemporaryDirectory(prefix="mdhub-doctor-") as folder:
        (Path(folder) / ".vntrader").mkdir()
        try:
            done = subprocess.run(
                [sys.executable, "-c", f"import {package}"],
                cwd=folder, env=gateway_environment(), capture_output=True, text=True,
                errors="replace", check=False, timeout=IMPORT_LIMIT_S,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return Import(package, f"no end after {IMPORT_LIMIT_S:g} s")
    if done.returncode == 0:
        return Import(package, "")
    lines = done.stderr.strip().splitlines()
    return Import(package, lines[-1] if lines else f"exit code {done.returncode}")


def judge_packages(facts: GatewayFacts) -> Finding:
    """What the sources need is installed, in versions that were tested together."""
    check = "gateways.packages"
    shown = ", ".join(f"{name} {found}" for name, found in facts.versions.items())
    sets = "; ".join(
        f"{name}: " + ", ".join(f"{p} {v}" for p, v in known.items())
        for name, known in SETS.items()
    )
    if facts.missing:
        lacks = ", ".join(facts.missing)
        mend = " && ".join(sorted({remedy(name) for name in facts.missing}))
        means = Words(
            f"sources of type {', '.join(sorted(set(facts.kinds)))} cannot start",
            f"{', '.join(sorted(set(facts.kinds)))} 类型的行情源无法启动",
        )
        found = Words(f"not installed: {lacks}", f"未安装：{lacks}")
        return Finding(check, Status.ERROR, found, sets, means, mend)
    if not facts.versions:
        found = Words("not installed; no source needs them", "未安装；没有行情源需要它们")
        return Finding(check, Status.OK, found)
    here = {name: found for name, found in facts.versions.items() if name in BUILT_BY_US}
    if not any(here.items() <= known.items() for known in SETS.values()):
        means = Words(
            "the hub was not tested with these versions together", "本系统没有测试过这样的版本组合"
        )
        status = Status.WARNING if facts.kinds else Status.HINT
        return Finding(check, status, shown, sets, means, "make gateways")
    return Finding(check, Status.OK, shown)


def judge_import(facts: GatewayFacts) -> Finding:
    """A package that is there can be imported: its bindings fit this Python."""
    check = "gateways.import"
    broken = [each for each in facts.imports if each.error]
    if broken:
        found = "; ".join(f"{each.package}: {each.error}" for each in broken)
        means = Words(
            "the gateway's bindings do not fit this Python, or a file of theirs is missing",
            "接口的绑定库与此 Python 不匹配，或缺少文件",
        )
        mend = "rm -f .venv/.mdhub-gateways && make gateways"
        return Finding(check, Status.ERROR, found, Words("no error", "无错误"), means, mend)
    if facts.imports:
        return Finding(check, Status.OK, ", ".join(each.package for each in facts.imports))
    if facts.kinds:
        return Finding(check, Status.SKIPPED, Words("nothing to import", "没有可导入的包"))
    return Finding(check, Status.SKIPPED, _NOT_NEEDED)


def judge_locale(facts: GatewayFacts) -> Finding:
    """Without the locale the bindings abort the process at the first answer of a front."""
    check = "gateways.locale"
    if facts.locale:
        return Finding(check, Status.OK, f"{LOCALE}: {facts.locale}")
    if not any(kind in GB18030_KINDS for kind in facts.kinds):
        return Finding(check, Status.SKIPPED, _NOT_NEEDED)
    means = Words(
        "the gateway's process aborts (SIGABRT) at the first answer of the front",
        "收到前置的第一个应答时接口进程会异常退出（SIGABRT）",
    )
    found = Words("not found", "未找到")
    expected = f"{LOCALE} in {locale_folder()}"
    return Finding(check, Status.ERROR, found, expected, means, "make gateways")


def judge_build(facts: GatewayFacts) -> Finding:
    """If gateways have to be built, the tools for it are here."""
    check = "gateways.build"
    if not facts.missing and (facts.locale or not facts.kinds):
        found = Words("nothing has to be built", "无需编译")
        return Finding(check, Status.SKIPPED, found)
    if not facts.build_lacks:
        found = Words("compiler, headers, locale sources", "编译器、头文件、locale 源文件")
        return Finding(check, Status.OK, found)
    lacks = ", ".join(facts.build_lacks)
    return Finding(
        check, Status.ERROR, Words(f"missing: {lacks}", f"缺少：{lacks}"),
        "Linux x86_64 (glibc), g++, Python.h, localedef, GB18030",
        Words("make gateways cannot build here", "make gateways 无法在这里编译"),
        "apt-get install g++ python3-dev locales",
    )  # fmt: skip
