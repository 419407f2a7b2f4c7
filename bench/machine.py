"""Where and with what was measured."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import zlib
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bench.environment import ROOT, nats_server, version_of
from bench.model import BenchError, Machine
from mdhub.streams.errors import ServerStartError
from mdhub.streams.server import find_server

OWN = ("mdhub", "msgspec", "pyzmq", "redis", "hiredis", "zstandard", "vnpy_ctp", "vnpy_sopt")
PEERS = ("vnpy", "nats-py")


def machine() -> Machine:
    """Facts of this machine that explain numbers."""
    cpu, cores = _cpu(), os.cpu_count() or 1
    memory_gb = round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1)
    kernel = platform.release()
    facts = f"{cpu}/{cores}/{memory_gb}/{kernel}"
    return Machine(
        id=f"{zlib.crc32(facts.encode()):08x}", cpu=cpu, cores=cores, memory_gb=memory_gb,
        kernel=kernel, os=platform.system(), python=platform.python_version(),
    )  # fmt: skip


def versions() -> dict[str, str]:
    """Versions of everything on the way of a tick; what is not there is left out."""
    found = {name: _installed(name) for name in OWN} | {name: version_of(name) for name in PEERS}
    with suppress(ServerStartError):
        found["server"] = _said(find_server())
    with suppress(BenchError):
        found["nats-server"] = _said(nats_server(may_install=False))
    return {name: text for name, text in found.items() if text}


def commit() -> str:
    """The commit that is measured; `+` = with changes that are not committed."""
    head = _git("rev-parse", "--short=12", "HEAD")
    return head + ("+" if head and _git("status", "--porcelain", "--untracked-files=no") else "")


def _cpu() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    model = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return model[1].strip() if model else platform.machine()


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _said(program: Path) -> str:
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"v=?(\d[\w.]*)", done.stdout)
    return f"{program.name} {found[1]}" if found else program.name


def _git(*words: str) -> str:
    try:
        done = subprocess.run(
            [shutil.which("git") or "git", *words],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return ""
    return done.stdout.strip()
