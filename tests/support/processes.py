"""What can be seen of running processes from outside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

__all__ = ["descendants", "seen_of"]


def descendants(*roots: int) -> set[int]:
    """Return the processes and all that they have started."""
    parents = dict(_parents())
    found = set(roots)
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def seen_of(pids: Iterable[int]) -> bytes:
    """Return command lines and environments; what has ended meanwhile shows nothing."""
    seen = b""
    for pid in pids:
        for name in ("cmdline", "environ"):
            with suppress(OSError):
                seen += Path(f"/proc/{pid}/{name}").read_bytes()
    return seen


def _parents() -> Iterator[tuple[int, int]]:
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            stat = (folder / "stat").read_text(errors="replace")
            yield int(folder.name), int(stat.rpartition(")")[2].split()[1])
