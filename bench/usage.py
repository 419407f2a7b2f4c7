"""CPU time and memory of processes and their children, from /proc (Linux; elsewhere: nothing)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")
MB = 1 << 20


class Usage(NamedTuple):
    """What a process and its descendants have used so far."""

    cpu_s: float
    rss_mb: float


def usage(roots: Mapping[str, int]) -> dict[str, Usage]:
    """Usage by name. A source's process under the ingest supervisor is named for itself."""
    if not PROC.is_dir():
        return {}
    parents = _parents()
    found: dict[str, Usage] = {}
    for name, root in roots.items():
        for pid in _tree(root, parents):
            label = f"ingest {source}" if (source := _source_of(pid)) else name
            used = _usage(pid)
            before = found.get(label, Usage(0.0, 0.0))
            found[label] = Usage(before.cpu_s + used.cpu_s, before.rss_mb + used.rss_mb)
    return found


def peak_rss_mb(pid: int) -> float:
    """The most memory a process ever had resident; 0 where /proc does not say."""
    return _status_mb(pid, "VmHWM")


def cpu_s(pid: int) -> float:
    """CPU seconds of a process so far, in steps of 10 ms; 0 where /proc does not say."""
    return _cpu_s(_stat(str(pid)))


def thread_cpu_s(pid: int, name: str) -> float:
    """The same of its threads of a name that still live."""
    tasks = PROC / str(pid) / "task"
    named = [task for task in tasks.iterdir() if (task / "comm").read_text().strip() == name]
    return sum(_cpu_s(_stat(f"{pid}/task/{task.name}")) for task in named)


def _parents() -> dict[int, int]:
    parents = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit() and (fields := _stat(entry.name)):
            parents[int(entry.name)] = int(fields[1])
    return parents


def _tree(root: int, parents: Mapping[int, int]) -> list[int]:
    tree = [root]
    for pid in tree:
        tree += [child for child, parent in parents.items() if parent == pid]
    return tree


def _usage(pid: int) -> Usage:
    return Usage(cpu_s(pid), _status_mb(pid, "VmRSS"))


def _cpu_s(fields: list[str]) -> float:
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") if fields else 0.0


def _stat(place: str) -> list[str]:
    """Fields of a process's or thread's stat from the state on; the name may hold anything."""
    try:
        return (PROC / place / "stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return []


def _status_mb(pid: int, field: str) -> float:
    try:
        lines = (PROC / str(pid) / "status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) * 1024 / MB for line in lines if line.startswith(field)), 0.0)


def _source_of(pid: int) -> str:
    """Name of the source whose process this is; empty for any other process."""
    try:
        words = (PROC / str(pid) / "cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return ""
    if "mdhub_ingest.child" not in words:
        return ""
    spec = words[words.index("--spec") + 1]
    return spec.partition('"name":"')[2].partition('"')[0]


def children_named(root: int) -> dict[str, int]:
    """Processes of sources under a supervisor: `ingest A` -> pid."""
    tree = _tree(root, _parents())
    return {f"ingest {source}": pid for pid in tree if (source := _source_of(pid))}
