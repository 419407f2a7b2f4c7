"""A small disk in memory that fills up, and can be made bigger while it is in use."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Final, Self

from mdhub.drill.tools.namespaces import Holder, check_namespaces

__all__ = ["SmallDisk", "check_small_disk"]

MEGABYTE: Final = 1 << 20


def check_small_disk() -> None:
    """Return if a small disk can be made here. Raises ToolMissing."""
    check_namespaces("mnt", programs=("unshare", "nsenter", "mount"))


class SmallDisk:
    """Context manager: a tmpfs at `folder`, which only programs run with `command` see."""

    def __init__(self, folder: Path, megabytes: int) -> None:
        self._folder = folder
        self._megabytes = megabytes
        self._holder = Holder("mnt")

    @property
    def command(self) -> list[str]:
        """What lets a program see the disk when put before it."""
        return self._holder.command

    def resize(self, megabytes: int) -> None:
        """Make it so big, at once."""
        self._remount(megabytes * MEGABYTE)

    def leave(self, free_bytes: int) -> None:
        """Make it so small that only so much is free, or nothing if that is in use meanwhile."""
        self._remount(self._bytes("used") + free_bytes)

    def free_bytes(self) -> int:
        """What is free on it."""
        return self._bytes("avail")

    def _bytes(self, column: str) -> int:
        shown = self._holder.run("df", f"--output={column}", "-B1", str(self._folder))
        return int(shown.split()[-1])

    def _remount(self, size_bytes: int) -> None:
        self._holder.run("mount", "-o", f"remount,size={size_bytes}", str(self._folder))

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._holder.__enter__()
        try:
            options = f"size={self._megabytes}m,mode=700"
            self._holder.run("mount", "-t", "tmpfs", "-o", options, "mdhub", str(self._folder))
        except BaseException:
            self._holder.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._holder.__exit__(kind, error, trace)
