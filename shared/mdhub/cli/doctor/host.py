"""Whether this machine has what the plan needs: files, cores, memory, kernel settings."""

from __future__ import annotations

import os
import re
import resource
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mdhub.cli.doctor.finding import Finding, Status, Words
from mdhub.config import HubConfig

__all__ = [
    "HostFacts",
    "Plan",
    "check_host",
    "judge_cores",
    "judge_files",
    "judge_kernel",
    "judge_memory",
    "plan_for",
]

MEGABYTE: Final = 1 << 20
FILES_LEAST: Final = 256
FILES_ENOUGH: Final = 1_024
PROCESS_MB: Final = 60
"""A publisher, the monitor, a supervisor."""
ARBITER_MB: Final = 150
SOURCE_MB: Final = 150
"""A child with a gateway, or with a simulation of the whole market."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What `mdhub up` would run here."""

    arbiters: int
    """Also those that stand by."""
    publishers: int
    sources: int
    server_mb: int
    """0 = the server runs elsewhere or by itself."""

    @property
    def need_mb(self) -> int:
        others = PROCESS_MB * (self.publishers + 2)
        return self.server_mb + ARBITER_MB * self.arbiters + SOURCE_MB * self.sources + others


@dataclass(frozen=True, slots=True)
class HostFacts:
    """What the machine (or the container) has."""

    files: int
    """Soft limit of open files."""
    cores: float
    memory_mb: int
    """0 = not known."""
    overcommit: str
    """vm.overcommit_memory; empty = not known."""
    huge_pages: str
    """Chosen mode of transparent huge pages; empty = not known."""


def plan_for(config: HubConfig) -> Plan:
    """Count processes and memory of a configuration."""
    own = config.server.url is None
    return Plan(
        arbiters=config.hub.shards * (2 if config.arbiter.standby else 1),
        publishers=len(config.publishers),
        sources=len(config.sources),
        server_mb=config.server.maxmemory_mb if own else 0,
    )


def check_host(config: HubConfig) -> list[Finding]:
    """Look at limits, cores, memory and the kernel."""
    facts = HostFacts(
        files=resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        cores=_cores(),
        memory_mb=_memory_mb(),
        overcommit=_read("/proc/sys/vm/overcommit_memory"),
        huge_pages=_chosen(_read("/sys/kernel/mm/transparent_hugepage/enabled")),
    )
    plan = plan_for(config)
    return [
        judge_files(facts),
        judge_cores(facts, plan),
        judge_memory(facts, plan),
        *judge_kernel(facts, plan),
    ]


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def _chosen(modes: str) -> str:
    found = re.search(r"\[(\w+)\]", modes)
    return found[1] if found else ""


def _cores() -> float:
    """Cores we may use, also by the quota of a container."""
    try:
        allowed = len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS
        allowed = os.cpu_count() or 1
    quota, _, period = _read("/sys/fs/cgroup/cpu.max").partition(" ")
    if quota.isdecimal() and period.isdecimal():
        return min(float(allowed), int(quota) / int(period))
    return float(allowed)


def _memory_mb() -> int:
    """Memory of the machine, or of the container where it has less."""
    found = re.search(r"^MemTotal:\s+(\d+) kB", _read("/proc/meminfo"), re.MULTILINE)
    total = int(found[1]) // 1024 if found else 0
    limit = _read("/sys/fs/cgroup/memory.max")
    return min(total, int(limit) // MEGABYTE) if limit.isdecimal() and total else total


def judge_files(facts: HostFacts) -> Finding:
    """Every client and every stream reader takes one."""
    check, found = "host.files", str(facts.files)
    if facts.files < 0 or facts.files >= FILES_ENOUGH:
        return Finding(
            check, Status.OK, Words("no limit", "没有上限") if facts.files < 0 else found
        )
    means = Words(
        "a publisher takes no more clients when its files are used up",
        "文件句柄用完后，发布服务不再接受新客户端",
    )
    mend = f"ulimit -n {FILES_ENOUGH} (systemd: LimitNOFILE={FILES_ENOUGH})"
    status = Status.ERROR if facts.files < FILES_LEAST else Status.WARNING
    return Finding(check, status, found, f">= {FILES_ENOUGH}", means, mend)


def judge_cores(facts: HostFacts, plan: Plan) -> Finding:
    """The arbiter of each shard and the busiest source want a core."""
    check, wanted = "host.cores", plan.arbiters + 1
    found = Words(
        f"{facts.cores:g} (arbiters: {plan.arbiters}, publishers: {plan.publishers}, "
        f"sources: {plan.sources})",
        f"{facts.cores:g} 核（仲裁器 {plan.arbiters}，发布服务 {plan.publishers}，"
        f"行情源 {plan.sources}）",
    )
    if facts.cores >= wanted:
        return Finding(check, Status.OK, found)
    means = Words(
        "at the open the parts wait for each other: latency grows, nothing is lost",
        "开盘时各部分会互相等待：延迟变大，但不丢数据",
    )
    mend = Words(
        "use a bigger machine, or lower shards of [hub]", "换更大的机器，或减小 [hub] 的 shards"
    )
    status = Status.WARNING if facts.cores < 2 else Status.HINT  # noqa: PLR2004 - what was measured on
    return Finding(check, status, found, f">= {wanted}", means, mend)


def judge_memory(facts: HostFacts, plan: Plan) -> Finding:
    """The server's limit and the processes fit into memory."""
    check = "host.memory"
    if not facts.memory_mb:
        return Finding(check, Status.SKIPPED, Words("this system does not tell", "此系统无法得知"))
    found, expected = f"{facts.memory_mb} MB", Words(
        f">= {plan.need_mb} MB by the plan", f"按配置至少 {plan.need_mb} MB"
    )  # fmt: skip
    if facts.memory_mb >= plan.need_mb:
        return Finding(check, Status.OK, found)
    means = Words(
        "when the log has grown to its limit the system kills a process of the hub",
        "日志长到上限时，系统会杀掉某个进程",
    )
    mend = Words(
        "lower maxmemory_mb of [server] and [retention]",
        "减小 [server] 的 maxmemory_mb 和 [retention]",
    )
    return Finding(check, Status.WARNING, found, expected, means, mend)


def judge_kernel(facts: HostFacts, plan: Plan) -> list[Finding]:
    """What Redis asks of the kernel of its host; only where the hub runs the server itself."""
    if not plan.server_mb:
        found = Words("the server is not this hub's own", "服务器不由本系统启动")
        return [Finding("host.kernel", Status.SKIPPED, found)]
    return [_overcommit(facts.overcommit), _huge_pages(facts.huge_pages)]


def _overcommit(value: str) -> Finding:
    check, found = "host.overcommit", f"vm.overcommit_memory = {value or '?'}"
    if value in {"1", ""}:
        return Finding(check, Status.OK if value else Status.SKIPPED, found)
    means = Words(
        "the server may fail to rewrite its file when memory is tight",
        "内存紧张时服务器可能无法重写数据文件",
    )
    mend = "sysctl -w vm.overcommit_memory=1"
    return Finding(check, Status.HINT, found, "1", means, mend)


def _huge_pages(mode: str) -> Finding:
    check, found = "host.hugepages", f"transparent_hugepage = {mode or '?'}"
    if mode != "always":
        return Finding(check, Status.OK if mode else Status.SKIPPED, found)
    means = Words(
        "a rewrite of the server's file costs more memory and makes latency jump",
        "重写数据文件时占用更多内存，延迟会跳",
    )
    mend = "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled"
    return Finding(check, Status.HINT, found, "madvise, never", means, mend)
