"""Namespaces of the kernel, held by a process that reads a pipe of ours.

When the drill ends, also by SIGKILL, the pipe closes, the holder ends, and with it goes all that
was made in its namespaces: links, addresses, mounts. Nothing has to be cleaned up.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self

from mdhub.drill.tools.errors import ToolMissing

__all__ = ["Holder", "check_namespaces"]

Kind = Literal["net", "mnt"]

READY_S: Final = 5.0
POLL_S: Final = 0.002
RUN_TIMEOUT_S: Final = 10.0
_MISSING: Final = {
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "ip": "iproute2",
    "mount": "mount",
}


class Holder:
    """Context manager: new namespaces of one kind, as root or in a user namespace of our own."""

    def __init__(self, kind: Kind, *, inside: Holder | None = None) -> None:
        """`inside`: made by a process of that holder, so that links may join the two."""
        self._kind = kind
        self._inside = inside
        self._own_user: bool = inside._own_user if inside else not _may_unshare(kind, user=False)  # noqa: SLF001
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        if self._process is None:
            raise ToolMissing("this namespace is not held: enter it first")
        return self._process.pid

    @property
    def command(self) -> list[str]:
        """What runs a program in the namespaces when put before it; the pid stays the same."""
        user = ["-U", "--preserve-credentials"] if self._own_user else []
        return ["nsenter", "-t", str(self.pid), *user, f"--{_OPTION[self._kind]}", "--"]

    def run(self, *command: str) -> str:
        """Run a program inside to its end; return its output. Raises ToolMissing if it fails."""
        done = subprocess.run(
            [*self.command, *command],
            capture_output=True, text=True, check=False, timeout=RUN_TIMEOUT_S,
        )  # fmt: skip
        if done.returncode:
            raise ToolMissing(f"`{' '.join(command)}` failed: {done.stderr.strip()}")
        return done.stdout

    def __enter__(self) -> Self:
        check_namespaces(self._kind)
        before = self._inside.command if self._inside else []
        user = ["-Ur"] if self._own_user and not self._inside else []
        self._process = subprocess.Popen(
            [*before, "unshare", *user, f"--{_OPTION[self._kind]}", "cat"],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        self._wait_until_inside()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()

    def _wait_until_inside(self) -> None:
        """`cat` runs only after the namespaces were made."""
        deadline_s = time.monotonic() + READY_S
        while _name_of(self.pid) != "cat":
            if self._process is not None and self._process.poll() is not None:
                raise ToolMissing(f"no {self._kind} namespace was given: unshare failed")
            if time.monotonic() > deadline_s:
                raise ToolMissing(f"no {self._kind} namespace after {READY_S:g} s")
            time.sleep(POLL_S)


_OPTION: Final[dict[Kind, str]] = {"net": "net", "mnt": "mount"}


def check_namespaces(kind: Kind, *, programs: Sequence[str] = ("unshare", "nsenter")) -> None:
    """Return if namespaces of this kind can be made here. Raises ToolMissing saying what lacks."""
    if sys.platform != "linux":
        raise ToolMissing(f"a {kind} namespace needs Linux, found {sys.platform}")
    for program in programs:
        if shutil.which(program) is None:
            raise ToolMissing(f"`{program}` was not found: install {_MISSING[program]}")
    if not (_may_unshare(kind, user=False) or _may_unshare(kind, user=True)):
        raise ToolMissing(
            f"neither root's right nor a user namespace for a {kind} namespace: run as root, or "
            "allow it (sysctl kernel.unprivileged_userns_clone=1, user.max_user_namespaces > 0)"
        )


def _may_unshare(kind: Kind, *, user: bool) -> bool:
    if not user and os.geteuid() != 0:
        return False
    command = ["unshare", *(["-Ur"] if user else []), f"--{_OPTION[kind]}", "true"]
    done = subprocess.run(command, capture_output=True, check=False, timeout=RUN_TIMEOUT_S)
    return done.returncode == 0


def _name_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="ascii").strip()
    except OSError:
        return ""
