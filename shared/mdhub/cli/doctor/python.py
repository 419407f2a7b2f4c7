"""Whether this Python, with what is installed in it, is fit for the hub."""

from __future__ import annotations

import platform
import re
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points, requires
from typing import Final

from mdhub.cli.doctor.finding import Finding, Status, Words
from mdhub.runtime.gateway_packages import installed

__all__ = ["PythonFacts", "check_python", "judge_extras", "judge_interpreter", "missing_packages"]

OLDEST: Final = (3, 11)
NEWEST_TRIED: Final = (3, 13)
_REQUIREMENT: Final = re.compile(r"([A-Za-z0-9._-]+).*\bextra\s*==\s*['\"]([\w-]+)['\"]")


@dataclass(frozen=True, slots=True)
class PythonFacts:
    """The interpreter that runs this, and so the hub."""

    version: tuple[int, int, int]
    implementation: str
    free_threaded: bool = False


def check_python() -> list[Finding]:
    """Look at the interpreter and at what is installed beside mdhub."""
    facts = PythonFacts(
        version=sys.version_info[:3],
        implementation=platform.python_implementation(),
        free_threaded=bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    )
    services = sorted(entry_points(group="mdhub.services").names)
    wanted = requires("mdhub") or []
    return [judge_interpreter(facts), judge_extras(missing_packages(services, wanted))]


def missing_packages(
    services: Sequence[str], requirements: Sequence[str]
) -> dict[str, tuple[str, ...]]:
    """Of each service the packages of its extra that are not installed."""
    pairs = [found.groups() for line in requirements if (found := _REQUIREMENT.match(line))]
    return {
        service: tuple(
            name for name, extra in pairs if extra == service and not installed(str(name))
        )
        for service in services
    }


def judge_interpreter(facts: PythonFacts) -> Finding:
    """CPython from 3.11 on, with the GIL; newer than tried is a hint."""
    check = "python.version"
    found = f"{facts.implementation} {'.'.join(map(str, facts.version))}"
    expected = f"CPython {OLDEST[0]}.{OLDEST[1]} - {NEWEST_TRIED[0]}.{NEWEST_TRIED[1]}"
    mend = "make install PYTHON=python3.13"
    if facts.implementation != "CPython" or facts.version[:2] < OLDEST:
        means = Words("the hub does not run with it", "系统不能用它运行")
        return Finding(check, Status.ERROR, found, expected, means, mend)
    if facts.free_threaded:
        means = Words(
            "nobody has tried the hub or the gateways with a Python without GIL",
            "没有人在无 GIL 的 Python 上试过本系统和接口",
        )
        return Finding(check, Status.WARNING, f"{found} (free-threaded)", expected, means, mend)
    if facts.version[:2] > NEWEST_TRIED:
        means = Words(
            "newer than what the hub was tried with; gateways may not build",
            "比试过的版本新；接口可能无法编译",
        )
        return Finding(check, Status.HINT, found, expected, means, mend)
    return Finding(check, Status.OK, found)


def judge_extras(missing: Mapping[str, Sequence[str]]) -> Finding:
    """Each installed service needs the packages of its extra."""
    check = "python.extras"
    expected = Words("the packages of every service", "每个服务所需的包")
    wanting = {service: names for service, names in missing.items() if names}
    if not missing:
        return Finding(
            check, Status.ERROR, Words("no service is installed", "没有安装任何服务"), expected,
            Words("only the SDK is here; mdhub up finds nothing to run",
                  "这里只有 SDK；mdhub up 没有可运行的服务"),
            'pip install "mdhub[demo]"',
        )  # fmt: skip
    if wanting:
        lacks = "; ".join(f"{service}: {', '.join(names)}" for service, names in wanting.items())
        return Finding(
            check, Status.ERROR, Words(f"missing for {lacks}", f"缺少 {lacks}"), expected,
            Words("these services end at once when they are started", "这些服务一启动就会退出"),
            f'pip install "mdhub[{",".join(wanting)}]"',
        )  # fmt: skip
    return Finding(check, Status.OK, ", ".join(missing))
