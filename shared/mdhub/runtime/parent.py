"""A child ends when its parent does, also when the parent was killed with SIGKILL."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
from typing import Final

__all__ = ["PARENT_VARIABLE", "die_with_parent"]

PARENT_VARIABLE: Final = "MDHUB_PARENT_PID"
_PR_SET_PDEATHSIG: Final = 1
_POLL_S: Final = 0.5


def die_with_parent() -> None:
    """Tie this process to the parent named in the environment, if any.

    Linux: PR_SET_PDEATHSIG (it fires when the parent's *thread* ends, so parents start children
    from their main thread). Elsewhere: a thread that watches the parent's pid.
    """
    parent = int(os.environ.get(PARENT_VARIABLE, "0"))
    if not parent:
        return
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    else:
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    if os.getppid() != parent:
        os._exit(1)


def _watch(parent: int) -> None:
    pause = threading.Event()
    while os.getppid() == parent:
        pause.wait(_POLL_S)
    os._exit(1)
