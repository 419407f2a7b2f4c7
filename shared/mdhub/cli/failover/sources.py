"""Swaps active and standby source where exchanges are in mode priority."""

from __future__ import annotations

import json
import time

from mdhub.cli.hubs import HubAddress
from mdhub.cli.pipe import reader_may_leave
from mdhub.cli.sources import tell_source
from mdhub.health.freshness import judged
from mdhub.runtime.standing import Swap, next_source, rows_of
from mdhub.streams import open_log

__all__ = ["find_swap", "run_swap"]


def run_swap(
    hub: HubAddress, to: str | None, *, reason: str, dry_run: bool, timeout_s: float, as_json: bool
) -> int:
    """Make another source the active one; 0 if every shard has obeyed. Raises ServiceError."""
    swap = find_swap(hub, to)
    if dry_run:
        return _foretell(swap, as_json=as_json)
    words = reason or f"failover from {swap.active}"
    return tell_source(hub, "prefer", swap.to, reason=words, timeout_s=timeout_s, as_json=as_json)


def _foretell(swap: Swap, *, as_json: bool) -> int:
    with reader_may_leave():
        if as_json:
            print(json.dumps({"ok": True, "dry_run": True, "active": swap.active, "to": swap.to}))
        else:
            print(
                f"would do: {swap.to} becomes the active source instead of {swap.active}; expected "
                f"gap: none, what {swap.to} delivered meanwhile is drained (docs/rules.md)"
            )
    return 0


def find_swap(hub: HubAddress, to: str | None = None) -> Swap:
    """Who takes the place of the active source. Raises ServiceError if there is none."""
    log = open_log(hub.url, service="cli", prefix=hub.prefix)
    try:
        now_ns = time.time_ns()
        rows = rows_of(log.beats(), silent_ms=hub.silent_ms, now_ns=now_ns)
        fresh = judged(log.health(), now_ns=now_ns, silent_ms=hub.silent_ms)
    finally:
        log.close()
    return next_source(rows, None if fresh.stale else fresh.report, to)
