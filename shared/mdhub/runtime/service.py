"""Life of a service process: signals set a stop flag, the parent's death ends it."""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType

from mdhub.runtime.parent import die_with_parent

__all__ = ["begin", "redis_url"]


def begin() -> threading.Event:
    """Prepare this process to be a service; the event is set by SIGTERM or SIGINT.

    A child of `mdhub up` dies with its parent: no orphans, also after SIGKILL of the parent.
    """
    die_with_parent()
    stop = threading.Event()

    def on_signal(_signum: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    return stop


def redis_url() -> str:
    """Server address from the environment (it may hold a password, so never from argv)."""
    url = os.environ.get("MDHUB_REDIS_URL", "")
    if not url:
        sys.exit(
            "MDHUB_REDIS_URL is not set: expected e.g. redis://127.0.0.1:6379, or (behind `mdhub`) "
            "file:/path of a file that holds it. "
            "`mdhub up` starts a server of its own and sets it."
        )
    return url
