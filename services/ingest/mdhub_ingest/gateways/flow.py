"""The folder a gateway lives in: its working folder, which vnpy and the vendor's library write to.

Each gateway needs one of its own, with `.vntrader` in it before vnpy is imported. The library ends
the process with SIGSEGV where it cannot write (docs/gateways.md), so that is tried before.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Final

from mdhub_ingest.sources.port import SourceError

__all__ = ["enter", "folder_of"]

_VNTRADER: Final = ".vntrader"
_OWNER_ONLY: Final = 0o700
_held: list[int] = []
"""Locks of this process, until it ends."""


def folder_of(data: Path, source: str) -> Path:
    """Return where a source's gateway keeps its files."""
    return data / "gateways" / source


def enter(folder: Path) -> None:
    """Make a folder this process's own and its working folder.

    Raises SourceError if another process holds it or nothing can be written to it.
    """
    try:
        (folder / _VNTRADER).mkdir(parents=True, exist_ok=True, mode=_OWNER_ONLY)
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise SourceError(
            f"gateway folder {folder} cannot be written to: {error.strerror}; "
            "make it writable, or choose another data folder"
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        raise SourceError(
            f"gateway folder {folder} is used by another process; "
            "one account runs once: end the other hub, or choose another data folder"
        ) from error
    _held.append(lock)
    os.chdir(folder)
