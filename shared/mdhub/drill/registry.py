"""The list of all rows, in the order of the table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from mdhub.drill.drills import (
    clock,
    disk,
    flood,
    gateways,
    load,
    memory,
    network,
    poison,
    processes,
    redis,
    sentinel,
    slow,
    upgrade,
)
from mdhub.drill.port import Drill
from mdhub.wire.errors import MdhubError

__all__ = ["DRILLS", "UnknownDrill", "chosen"]

DRILLS: Final[tuple[Drill, ...]] = (
    *processes.DRILLS,
    *redis.DRILLS,
    *disk.DRILLS,
    *network.DRILLS,
    *clock.DRILLS,
    *memory.DRILLS,
    *sentinel.DRILLS,
    *slow.DRILLS,
    *gateways.DRILLS,
    *poison.DRILLS,
    *flood.DRILLS,
    *upgrade.DRILLS,
    *load.DRILLS,
)


class UnknownDrill(MdhubError):
    """No row has this id; the message lists those there are."""

    exit_code = 2


def chosen(only: str | None) -> Sequence[Drill]:
    """Rows named in `P1,P4,R1`, in that order; all without one. Raises UnknownDrill."""
    if only is None:
        return DRILLS
    by_id = {drill.id.lower(): drill for drill in DRILLS}
    names = [name.strip() for name in only.split(",") if name.strip()]
    unknown = [name for name in names if name.lower() not in by_id]
    if unknown or not names:
        known = ", ".join(drill.id for drill in DRILLS)
        raise UnknownDrill(f"--only was {only!r}, expected some of {known}")
    return [by_id[name.lower()] for name in names]
