"""Names of threads, as the system shows them."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

__all__ = ["name_thread"]


def name_thread(name: str) -> None:
    """Let `top -H` and /proc show the calling thread by this name, at most 15 bytes.

    Linux only; elsewhere nothing happens. Python does it by itself from 3.14 on.
    """
    with suppress(OSError):
        Path("/proc/thread-self/comm").write_text(name, encoding="utf-8")
