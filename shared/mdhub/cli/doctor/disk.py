"""Whether the data folder can be written to, has room, and how fast its disk is."""

from __future__ import annotations

import os
import shutil
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mdhub.cli.doctor.finding import Finding, Status, Words
from mdhub.config import HubConfig

__all__ = ["DiskFacts", "check_disk", "judge_folder", "judge_fsync", "judge_space"]

MEGABYTE: Final = 1 << 20
LEAST_MB: Final = 256
WRITES: Final = 20
WRITE_BYTES: Final = 4_096
MEASURE_S: Final = 2.0
FSYNC_HINT_MS: Final = 2.0
FSYNC_WARNING_MS: Final = 10.0
SLOW_IN_BACKGROUND_MS: Final = 200.0


@dataclass(frozen=True, slots=True)
class DiskFacts:
    """A data folder, or the place where it would be made."""

    folder: Path
    error: str
    """Why nothing can be written there; empty = it can."""
    free_mb: int
    fsync_ms: float | None
    """Median of write + fsync of 4 kB; None = not measured."""
    own_server: bool
    profile: str
    maxmemory_mb: int


def check_disk(config: HubConfig) -> list[Finding]:
    """Write into the data folder (or where it would be made), and take it away again."""
    folder = config.hub.data.resolve()
    place = next(each for each in (folder, *folder.parents) if _exists(each))
    error, free_mb, fsync_ms = _measured(place)
    facts = DiskFacts(
        folder=folder,
        error=error,
        free_mb=free_mb,
        fsync_ms=fsync_ms,
        own_server=config.server.url is None,
        profile=config.hub.profile,
        maxmemory_mb=config.server.maxmemory_mb,
    )
    return [judge_folder(facts), judge_space(facts), judge_fsync(facts)]


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # it may not be looked at; what writes there will say why
        return True


def _measured(place: Path) -> tuple[str, int, float | None]:
    """Why it cannot be written to, free megabytes, the median of some writes with fsync."""
    free_mb = 0
    taken: list[float] = []
    end_s = time.monotonic() + MEASURE_S
    try:
        free_mb = shutil.disk_usage(place).free // MEGABYTE
        with tempfile.TemporaryFile(dir=place, buffering=0) as file:
            while len(taken) < WRITES and time.monotonic() < end_s:
                started_ns = time.perf_counter_ns()
                file.write(bytes(WRITE_BYTES))
                os.fsync(file.fileno())
                taken.append((time.perf_counter_ns() - started_ns) / 1e6)
    except OSError as error:
        return f"{place}: {error.strerror}", free_mb, None
    return "", free_mb, statistics.median(taken)


def judge_folder(facts: DiskFacts) -> Finding:
    """Files can be made there and written to."""
    check = "disk.folder"
    if not facts.error:
        return Finding(check, Status.OK, str(facts.folder))
    means = Words(
        "the server and the gateways cannot keep anything there", "服务器和接口无法在那里保存数据"
    )
    mend = Words(
        f"make room or give yourself the right to write there (chown, df -h {facts.folder}), or "
        "choose another folder: data of [hub], --data",
        f"清理空间或授予写权限（chown，df -h {facts.folder}），或另选目录：[hub] 的 data、--data",
    )
    expected = Words("a folder that can be written to", "可写的目录")
    return Finding(check, Status.ERROR, facts.error, expected, means, mend)


def judge_space(facts: DiskFacts) -> Finding:
    """Room for the log's file and its rewrite: twice the memory."""
    check, found = "disk.space", Words(f"{facts.free_mb} MB free", f"剩余 {facts.free_mb} MB")
    wanted = 2 * facts.maxmemory_mb if facts.own_server else LEAST_MB
    if facts.free_mb >= max(wanted, LEAST_MB):
        return Finding(check, Status.OK, found)
    means = Words(
        "when the disk is full the server refuses every tick", "磁盘写满后服务器拒绝所有行情"
    )
    mend = Words(
        f"make room (du -sh {facts.folder}), or lower maxmemory_mb of [server]",
        f"清理空间（du -sh {facts.folder}），或减小 [server] 的 maxmemory_mb",
    )
    status = Status.ERROR if facts.free_mb < LEAST_MB else Status.WARNING
    return Finding(check, status, found, f">= {wanted} MB", means, mend)


def judge_fsync(facts: DiskFacts) -> Finding:
    """In profile single every append waits for the disk."""
    check = "disk.fsync"
    if facts.fsync_ms is None:
        return Finding(
            check, Status.SKIPPED, Words("the folder cannot be written to", "目录不可写")
        )
    found = f"{facts.fsync_ms:.2f} ms (4 kB, p50)"
    waits = facts.own_server and facts.profile == "single"
    limit_ms = FSYNC_HINT_MS if waits else SLOW_IN_BACKGROUND_MS
    if facts.fsync_ms <= limit_ms:
        return Finding(check, Status.OK, found)
    means = (
        Words(
            "every append of ticks waits so long (profile single)",
            "每次写入行情都要等这么久（single 模式）",
        )
        if waits
        else Words("the disk is very slow", "磁盘很慢")
    )
    mend = Words(
        "put the data folder on a local SSD, or use profile fast (a power cut may cost up to 2 s)",
        "把数据目录放到本地 SSD，或使用 fast 模式（断电最多丢 2 秒）",
    )
    slow_ms = FSYNC_WARNING_MS if waits else SLOW_IN_BACKGROUND_MS
    status = Status.HINT if facts.fsync_ms <= slow_ms else Status.WARNING
    return Finding(check, status, found, f"<= {limit_ms:g} ms", means, mend)
