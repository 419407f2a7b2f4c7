"""Whether the settings of each source are good: files, secrets, account, fronts on demand."""

from __future__ import annotations

import importlib.util
import os
import re
import socket
import stat
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec

from mdhub.cli.doctor.beside import beside
from mdhub.cli.doctor.finding import Finding, Status, Words
from mdhub.cli.doctor.gateways import gateway_environment
from mdhub.config import HubConfig
from mdhub.host.stack import service_module
from mdhub.runtime.errors import ServiceError
from mdhub.runtime.secret import is_reference

__all__ = [
    "Front",
    "Preflight",
    "Secret",
    "addresses",
    "check_fronts",
    "check_preflight",
    "check_secrets",
    "gateway_kinds",
    "gateway_modules",
    "judge_fronts",
    "judge_preflight",
    "judge_secrets",
    "look_up",
    "references",
    "settings_of",
]

PLAYED: Final = ("sim", "recording")
"""Types of sources without a gateway."""
CONNECT_LIMIT_S: Final = 3.0
PREFLIGHT_LIMIT_S: Final = 5.0
_ADDRESS: Final = re.compile(r"(?:(?:tcp|ssl|udp)://)?(\[[0-9A-Fa-f:]+\]|[\w.-]+):(\d{1,5})/?")


@dataclass(frozen=True, slots=True)
class Secret:
    """Where a setting says that its value is, and what is wrong with that. Never the value."""

    setting: str
    reference: str
    problem: Words | None


@dataclass(frozen=True, slots=True)
class Front:
    """One address of a source, and why no connection could be made."""

    address: str
    error: str


class Preflight(msgspec.Struct, frozen=True):
    """One line of what a gateway child checks before it connects."""

    check: str
    ok: bool
    severity: str = "error"
    found: str = ""
    expected: str = ""
    todo: str = ""


def gateway_kinds(config: HubConfig) -> list[str]:
    """Types of the sources that need a gateway."""
    return [str(source.type) for source in config.sources if source.type not in PLAYED]


def gateway_modules(config: HubConfig) -> list[str]:
    """Modules of the classes that sources name themselves."""
    paths = (str(getattr(source, "class_path", "")) for source in config.sources)
    return sorted({path.partition(":")[0] for path in paths if path})


def settings_of(source: Any) -> Mapping[str, Any]:
    """Settings of an account; empty where a source has none."""
    found = getattr(source, "settings", None)
    return found if isinstance(found, Mapping) else {}


def check_secrets(config: HubConfig) -> list[Finding]:
    """See whether every reference to a secret can be resolved, without keeping what it holds."""
    return [
        judge_secrets(source.name, [look_up(*each) for each in references(settings_of(source))])
        for source in config.sources
        if settings_of(source)
    ]


def references(settings: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Name of each setting that refers to something, the kind of reference, what it names."""
    for name, value in settings.items():
        if is_reference(value):
            kind, _, named = value.partition(":")
            yield str(name), kind, named


def look_up(setting: str, kind: str, named: str) -> Secret:
    """Look where a secret should be."""
    problem = _of_variable(named) if kind == "env" else _of_file(Path(named).expanduser())
    return Secret(setting, f"{kind}:{named}", problem)


def _of_variable(name: str) -> Words | None:
    value = os.environ.get(name)
    if value is None:
        return Words(f"variable {name} is not set", f"变量 {name} 未设置")
    return None if value else Words(f"variable {name} is empty", f"变量 {name} 为空")


def _of_file(path: Path) -> Words | None:
    try:
        with path.open("rb") as file:
            empty = not file.read(1)
            mode = os.fstat(file.fileno()).st_mode
    except OSError as error:
        return Words(
            f"{path} cannot be read: {error.strerror}", f"{path} 无法读取：{error.strerror}"
        )
    if empty:
        return Words(f"{path} is empty", f"{path} 为空")
    if mode & (stat.S_IROTH | stat.S_IWOTH):
        shown = f"{stat.S_IMODE(mode):04o}"
        return Words(
            f"everybody may read or write {path} (mode {shown})",
            f"任何人都可读写 {path}（权限 {shown}）",
        )
    return None


def judge_secrets(source: str, secrets: Iterable[Secret]) -> Finding:
    """Every reference leads to something, and files are not open to everybody."""
    check, looked = f"source.{source}.secrets", list(secrets)
    wrong = [(each.setting, each.problem) for each in looked if each.problem]
    if not wrong:
        names = ", ".join(f"{each.setting} ({each.reference})" for each in looked)
        return Finding(check, Status.OK, names or Words("no references", "没有引用"))
    return Finding(
        check, Status.ERROR,
        Words("; ".join(f"{name}: {words.en}" for name, words in wrong),
              "；".join(f"{name}：{words.zh}" for name, words in wrong)),
        Words("set variables; files that only their owner can read",
              "变量已设置；文件只有所有者可读"),
        Words("the account cannot log in, or its password is open to everybody",
              "账户无法登录，或密码任何人可见"),
        Words("export the variable in the hub's environment; chmod 600 FILE",
              "在系统的环境里设置变量；chmod 600 文件"),
    )  # fmt: skip


def check_preflight(config: HubConfig) -> list[Finding]:
    """Let each gateway source check itself, as its child does before it connects."""
    chosen = [source for source in config.sources if source.type not in PLAYED]
    if not chosen:
        return []
    names = [source.name for source in chosen]
    module = _preflight_module()
    if not module:
        why = Words("this mdhub has no preflight check", "此版本没有连接前检查")
        return [Finding(f"source.{name}.settings", Status.SKIPPED, why) for name in names]
    data = str(config.hub.data.resolve())
    texts = [source.model_dump_json(by_alias=True, exclude_none=True) for source in chosen]
    tasks = [
        partial(_preflight, module, name, ("--source", text, "--data", data))
        for name, text in zip(names, texts, strict=True)
    ]
    found = beside(tasks, PREFLIGHT_LIMIT_S + 0.5)
    return [
        finding
        for name, findings in zip(names, found, strict=True)
        for finding in findings or [_no_answer(name, f"no end after {PREFLIGHT_LIMIT_S:g} s")]
    ]


def _preflight_module() -> str:
    try:
        module = f"{service_module('ingest')}.gateways.preflight"
        return module if importlib.util.find_spec(module) else ""
    except (ServiceError, ModuleNotFoundError):
        return ""


def _preflight(module: str, name: str, arguments: Sequence[str]) -> list[Finding]:
    try:
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments, "--json"],
            env=gateway_environment(), capture_output=True, text=True, errors="replace",
            check=False, timeout=PREFLIGHT_LIMIT_S,
        )  # fmt: skip
        lines = msgspec.json.decode(done.stdout, type=list[Preflight])
    except subprocess.TimeoutExpired:
        return [_no_answer(name, f"no end after {PREFLIGHT_LIMIT_S:g} s")]
    except msgspec.MsgspecError:
        last = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        return [_no_answer(name, last[0])]
    return judge_preflight(name, lines)


def _no_answer(name: str, why: str) -> Finding:
    return Finding(
        f"source.{name}.settings", Status.ERROR,
        Words(f"the check failed: {why}", f"检查失败：{why}"),
        Words("a list of findings", "检查结果列表"),
        Words("whether this account can be used is not known", "不知道该账户能否使用"),
        "python -m mdhub_ingest.gateways.preflight --help",
    )  # fmt: skip


def judge_preflight(name: str, lines: Iterable[Preflight]) -> list[Finding]:
    """Turn what the preflight says into findings; all well is one line."""
    looked = list(lines)
    findings = [
        Finding(
            f"source.{name}.{each.check}", _severity(each.severity), each.found, each.expected,
            Words("the gateway's child would refuse to connect, or fail",
                  "接口进程会拒绝连接或失败"),
            each.todo,
        )
        for each in looked
        if not each.ok
    ]  # fmt: skip
    if findings:
        return findings
    shown = ", ".join(each.check for each in looked)
    return [
        Finding(f"source.{name}.settings", Status.OK, shown or Words("nothing wrong", "没有问题"))
    ]


def _severity(word: str) -> Status:
    known = {"hint": Status.HINT, "info": Status.HINT, "warning": Status.WARNING}
    return known.get(word, Status.ERROR)


def check_fronts(config: HubConfig) -> list[Finding]:
    """Open a TCP connection to every address of every account, and close it."""
    named = {
        source.name: found
        for source in config.sources
        if (found := sorted(set(addresses(settings_of(source)))))
    }
    if not named:
        return [Finding("front", Status.SKIPPED, Words("no source has a front", "没有配置前置"))]
    each = sorted({address for found in named.values() for address in found})
    errors = beside([partial(_connect, address) for address in each], CONNECT_LIMIT_S + 1)
    silent = f"no answer within {CONNECT_LIMIT_S:g} s"
    told = {a: silent if e is None else e for a, e in zip(each, errors, strict=True)}
    return [
        judge_fronts(name, [Front(address, told[address]) for address in found])
        for name, found in named.items()
    ]


def addresses(settings: Mapping[str, Any]) -> Iterator[str]:
    """Every setting that has the form of an address: `tcp://host:port` or `host:port`."""
    for value in settings.values():
        if isinstance(value, str) and not is_reference(value):
            found = _ADDRESS.fullmatch(value.strip())
            if found and 0 < int(found[2]) < 1 << 16:
                yield f"{found[1]}:{found[2]}"


def _connect(address: str) -> str:
    """Why no connection can be made; empty = it can."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_LIMIT_S).close()
    except OSError as error:
        return error.strerror or str(error)
    return ""


def judge_fronts(source: str, fronts: Iterable[Front]) -> Finding:
    """Open ports prove no more than open ports."""
    check, tried = f"front.{source}", list(fronts)
    closed = [f"{front.address}: {front.error}" for front in tried if front.error]
    if not closed:
        shown = ", ".join(front.address for front in tried)
        found = Words(
            f"{shown}: open (this proves the port, not that a login works)",
            f"{shown}：已打开（只证明端口可达，不证明能登录）",
        )
        return Finding(check, Status.OK, found)
    return Finding(
        check, Status.ERROR, "; ".join(closed),
        Words("a TCP connection", "能建立 TCP 连接"),
        Words("the gateway cannot reach its front now", "接口现在连不上前置"),
        Words("compare with the broker's list of fronts; see network and firewall. Outside the "
              "front's hours (brokers close them at night and on weekends) this is normal",
              "对照期货公司的前置地址，检查网络和防火墙。前置关闭时段（夜间、周末）属正常"),
    )  # fmt: skip
