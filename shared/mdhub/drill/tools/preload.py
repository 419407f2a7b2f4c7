"""A slow disk and a wrong clock for one process, by libraries put in front of the C library.

The libraries are compiled on demand with `cc` into the user's cache folder, named by what they are
made from. Linux only; a program that is linked statically does not see them.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from struct import Struct
from typing import Final

from mdhub.drill.tools.errors import ToolMissing

__all__ = ["SkewedClock", "SlowDisk", "joined", "library"]

PRELOAD: Final = "LD_PRELOAD"
CLOCK_VARIABLE: Final = "DRILL_SHIM_CLOCK"
FSYNC_VARIABLE: Final = "DRILL_SHIM_FSYNC"
SECOND_NS: Final = 1_000_000_000
_COMPILE_TIMEOUT_S: Final = 60.0
_number: Final = Struct("=q")


def library(name: str) -> Path:
    """Path of the compiled shim `clock` or `fsync`. Raises ToolMissing."""
    if sys.platform != "linux":
        raise ToolMissing(f"shim {name!r} needs Linux, found {sys.platform}")
    source = files("mdhub.drill.tools.shims").joinpath(f"{name}.c").read_bytes()
    mark = hashlib.sha256(source + platform.machine().encode()).hexdigest()[:16]
    built = _cache() / f"{name}-{mark}.so"
    if not built.exists():
        _compile(name, source, built)
    return built


def joined(*environments: Mapping[str, str]) -> dict[str, str]:
    """Environment of a process that several shims stand in front of."""
    merged = {name: value for one in environments for name, value in one.items()}
    preloads = [one[PRELOAD] for one in environments if PRELOAD in one]
    return merged | ({PRELOAD: ":".join(preloads)} if preloads else {})


class SkewedClock:
    """The wall clock of the processes that run with `environment()`, off by as much as is said."""

    def __init__(self, folder: Path) -> None:
        self._library = library("clock")
        self._file = folder / "clock_offset_ns"
        self._offset = _Number(self._file)

    def environment(self) -> dict[str, str]:
        return {PRELOAD: str(self._library), CLOCK_VARIABLE: str(self._file)}

    def set(self, offset_s: float) -> None:
        """Step the clock, at once: so much ahead of the right time, behind it if negative."""
        self._offset.set(round(offset_s * SECOND_NS))


class SlowDisk:
    """The disk of the processes that run with `environment()`: slow, and it may lose power."""

    def __init__(self, folder: Path) -> None:
        self._library = library("fsync")
        self._folder = folder
        self._synced = folder / "synced"
        self._synced.touch()
        self._delay = _Number(folder / "delay_us")

    def environment(self) -> dict[str, str]:
        return {PRELOAD: str(self._library), FSYNC_VARIABLE: str(self._folder)}

    def set(self, delay_ms: float) -> None:
        """Let every fsync take at least so long from now on, also those under way."""
        self._delay.set(round(delay_ms * 1_000))

    def syncs(self) -> int:
        """How many fsync have succeeded so far."""
        return self._synced.read_bytes().count(b"\n")

    def cut_power(self, folder: Path) -> int:
        """Cut every file below `folder` to what had reached the disk; return the bytes lost.

        The processes that wrote them must be dead. Models a power loss as the loss of a suffix of
        each file; what was renamed or deleted stays so. A file that was never synced is emptied.
        """
        sizes = self._sizes()
        lost = 0
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            file = path.stat()
            kept = min(file.st_size, sizes.get((file.st_dev, file.st_ino), 0))
            if kept < file.st_size:
                os.truncate(path, kept)
                lost += file.st_size - kept
        return lost

    def _sizes(self) -> dict[tuple[int, int], int]:
        lines = self._synced.read_text(encoding="ascii").splitlines()
        rows = ((int(cell) for cell in line.split()) for line in lines)
        return {(device, inode): size for device, inode, size in rows}


class _Number:
    """A file of 8 bytes that a shim has mapped, too."""

    def __init__(self, path: Path) -> None:
        path.write_bytes(_number.pack(0))
        with path.open("r+b") as file:
            self._page = mmap.mmap(file.fileno(), _number.size)

    def set(self, value: int) -> None:
        self._page[:] = _number.pack(value)


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    folder = Path(base) / "mdhub" / "shims"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def _compile(name: str, source: bytes, built: Path) -> None:
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise ToolMissing(
            f"shim {name!r} needs a C compiler and found none: install one "
            "(Debian and Ubuntu: apt-get install gcc libc6-dev), or name it with CC"
        )
    with tempfile.TemporaryDirectory(dir=built.parent) as folder:
        made = Path(folder) / built.name
        command = [compiler, "-shared", "-fPIC", "-O2", "-x", "c", "-", "-o", str(made)]
        done = subprocess.run(
            command, input=source, capture_output=True, check=False, timeout=_COMPILE_TIMEOUT_S
        )
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
            raise ToolMissing(f"shim {name!r} was not compiled by {compiler}: {' '.join(said)}")
        made.replace(built)  # in one step: another drill may be compiling it, too
