"""Swaps active and standby source where exchanges are in mode priority."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mdhub.cli.hubs import HubAddress
from mdhub.cli.pipe import reader_may_leave
from mdhub.cli.sources import SourceRow, rows_of, tell_source
from mdhub.health.cover import best
from mdhub.health.freshness import judged
from mdhub.health.model import HealthReport
from mdhub.runtime.errors import ServiceError
from mdhub.streams import open_log

__all__ = ["Swap", "find_swap", "next_source", "run_swap"]

_OUT: Final = frozenset({"muted", "down"})


@dataclass(frozen=True, slots=True)
class Swap:
    """Who is active, and who shall be."""

    active: str
    to: str


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


def next_source(rows: Sequence[SourceRow], report: HealthReport | None, to: str | None) -> Swap:
    """Choose `to`, else the best ranked other, else the other that is heard most."""
    active = next((row.name for row in rows if "active" in row.standing.split()), None)
    if active is None:
        raise ServiceError(
            "no source is the active one: no exchange is in mode priority, so all sources race "
            "and there is nothing to swap; mute one instead (mdhub sources mute)"
        )
    others = {
        row.name: row
        for row in rows
        if row.name != active and not _OUT & set(row.standing.split()) and row.state != "ended"
    }
    if to is not None:
        if to not in others:
            known = ", ".join(others) or "none"
            raise ServiceError(f"{to!r} cannot take the place of {active}; these can: {known}")
        return Swap(active, to)
    ranked = [s.name for s in best(report.sources)] if report else []
    heard = sorted(others.values(), key=lambda row: -(row.won + row.duplicate))
    order = [name for name in ranked if name in others] + [row.name for row in heard]
    if not order:
        raise ServiceError(f"no other source can take the place of {active}: see mdhub sources")
    return Swap(active, order[0])
