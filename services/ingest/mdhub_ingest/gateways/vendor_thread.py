"""Threads of the vendor's library, as Python sees them."""

from __future__ import annotations

import ctypes
import threading
from typing import Final

__all__ = ["keep_thread"]

_here: Final = threading.local()


def keep_thread() -> None:
    """Let Python keep its record of the calling thread until the process ends.

    The bindings let go of it after each callback, so that Python makes a new one for every tick: an
    mmap, a page fault and a munmap, half of what a tick costs. One hold more than they release ends
    that. The record outlives its thread; that is why this is done once in each.
    """
    if not getattr(_here, "kept", False):
        _here.kept = True
        ctypes.pythonapi.PyGILState_Ensure()
