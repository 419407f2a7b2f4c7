"""Open a hub's log."""

from __future__ import annotations

from mdhub.streams.port import Log
from mdhub.streams.redis_log import RedisLog
from mdhub.streams.topology import Keys

__all__ = ["open_log"]


def open_log(url: str, *, service: str, prefix: str = "mdhub:") -> Log:
    """Connect to the log as one service (`ingest`, `arbiter`, `publisher`, ...).

    Raises UnknownOutcome if the server does not answer, NotReady while it loads.
    """
    return RedisLog(url, service=service, keys=Keys(prefix))
