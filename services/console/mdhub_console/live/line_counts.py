"""How many log lines there are, match, and would match. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from mdhub.wire.ops import LEVELS
from mdhub_console.live.choice import LineFilter
from mdhub_console.live.rows import Row

__all__ = ["LineCounts", "line_counts"]


class LineCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Of the lines that the console holds."""

    held: int
    since_ns: int
    """Time of the oldest; 0 = there is none."""
    matches: int
    levels: dict[str, int]
    """Lines of each level among those of the services and the text; `other`: a later release's."""
    services: dict[str, int]
    """Lines of each service among those of the level and the text; every service is named."""


def line_counts(rows: Sequence[Row], chosen: LineFilter) -> LineCounts:
    """Count in one pass."""
    matches = 0
    levels: Counter[int] = Counter()
    services: Counter[str] = Counter()
    for row in rows:
        services[row.name] += 0
        if chosen.text and chosen.text not in row.text:
            continue
        loud = row.level >= chosen.level
        of_service = not chosen.services or row.name in chosen.services
        services[row.name] += loud
        levels[row.level] += of_service
        matches += loud and of_service
    names = dict(enumerate((*LEVELS, "other")))
    return LineCounts(
        held=len(rows),
        since_ns=rows[0].ts_ns if rows else 0,
        matches=matches,
        levels={name: levels[rank] for rank, name in names.items()},
        services=dict(sorted(services.items())),
    )
