"""Open a hub's log."""

from __future__ import annotations

from mdhub.streams.client import CALL_TIMEOUT_S
from mdhub.streams.errors import WrongShards
from mdhub.streams.port import Log
from mdhub.streams.redis_log import RedisLog
from mdhub.streams.topology import Keys

__all__ = ["check_shards", "open_log"]


def open_log(
    url: str, *, service: str, prefix: str = "mdhub:", timeout_s: float = CALL_TIMEOUT_S
) -> Log:
    """Connect to the log as one service (`ingest`, `arbiter`, `publisher`, ...).

    Raises UnknownOutcome if the server does not answer (any call, within `timeout_s`), NotReady
    while it loads, Unusable if trying again does not help.
    """
    return RedisLog(url, service=service, keys=Keys(prefix), timeout_s=timeout_s)


def check_shards(log: Log, shards: int) -> None:
    """Fix the number of shards of a new log; raise WrongShards if it was made for another."""
    found = log.claim_shards(shards)
    if found != shards:
        raise WrongShards(
            f"this log was made for {found} shard{'s' * (found != 1)}, expected {shards}: "
            f"start every service with --shards {found}, or use a new data folder or prefix"
        )
