"""The trading day as one line: phases as bands, events as marks, where we are. Pure.

Long closed stretches are folded, so that the hours in which something happens have the room.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from mdhub.calendar import Interval, Phase
from mdhub_console.live.rows import EventRow
from mdhub_console.pages.verdict import Tone, tone_of

__all__ = ["WORTH", "Band", "DayLine", "Mark", "Scale", "day_line"]

FOLDED_NS: Final = 30 * 60 * 1_000_000_000
"""A stretch without trading takes at most the room of so long."""
CROWDED: Final = 4.6
"""Per cent that a label needs: closer ones are left out."""
CROWDED_NARROW: Final = 12.0
"""The same on a phone."""
AT_END: Final = 94.0
MARKS: Final = 60
WORTH: Final = frozenset({"leadership", "finding", "checklist", "session", "command.done"})
"""Kinds of events that a glance should show."""
_BELOW: Final = frozenset({Phase.CLOSED, Phase.SETTLEMENT})


@dataclass(frozen=True, slots=True)
class Band:
    """A phase, in per cent of the line."""

    phase: str
    x: float
    width: float
    start_ns: int
    end_ns: int
    label: bool
    """Whether there is room for the hour it begins at."""
    narrow: bool
    """Whether there is, also on a phone."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened."""

    x: float
    tone: Tone
    event: EventRow


@dataclass(frozen=True, slots=True)
class DayLine:
    """All of it; no bands = the calendar says nothing."""

    bands: list[Band]
    marks: list[Mark]
    now: float | None
    """Where now is; None = outside."""


def day_line(
    phases: Sequence[Interval],
    events: Iterable[EventRow],
    *,
    now_ns: int,
    ahead_ns: int,
) -> DayLine:
    """Lay out a day. `ahead_ns`: market time less wall time; events carry the latter."""
    if not phases:
        return DayLine([], [], None)
    phases = _filled(phases)
    scale = Scale(phases)
    bands, wide, narrow = [], -CROWDED, -CROWDED_NARROW
    for piece in phases:
        x, end = scale.at(piece.start_ns), scale.at(piece.end_ns)
        label = x - wide >= CROWDED and piece.phase is not Phase.AUCTION
        # A label at the end stands left of its place.
        room = CROWDED_NARROW * (2 if x > AT_END else 1)
        also_narrow = label and x - narrow >= room
        wide, narrow = x if label else wide, x if also_narrow else narrow
        bands.append(Band(piece.phase.value, x, round(end - x, 2), *piece[1:], label, also_narrow))
    marks = [
        Mark(scale.at(at), tone_of(event.severity), event)
        for event in events
        if event.kind in WORTH and scale.holds(at := event.ts_ns + ahead_ns)
    ]
    return DayLine(bands, marks[-MARKS:], scale.at(now_ns) if scale.holds(now_ns) else None)


def _filled(phases: Sequence[Interval]) -> list[Interval]:
    """What lies between two sessions is closed."""
    filled = [phases[0]]
    for piece in phases[1:]:
        if piece.start_ns > filled[-1].end_ns:
            filled.append(Interval(Phase.CLOSED, filled[-1].end_ns, piece.start_ns))
        filled.append(piece)
    return filled


class Scale:
    """Where a moment stands on the line, in per cent; closed stretches are folded."""

    def __init__(self, phases: Sequence[Interval]) -> None:
        self._edges = [(0, phases[0].start_ns)]
        total = 0
        for piece in phases:
            length = piece.end_ns - piece.start_ns
            total += min(length, FOLDED_NS) if piece.phase in _BELOW else length
            self._edges.append((total, piece.end_ns))
        self._total = total or 1

    def holds(self, ts_ns: int) -> bool:
        """Whether it is on the line at all."""
        return self._edges[0][1] <= ts_ns < self._edges[-1][1]

    def at(self, ts_ns: int) -> float:
        """Per cent from the left."""
        for (low, start_ns), (high, end_ns) in zip(self._edges, self._edges[1:], strict=False):
            if ts_ns <= end_ns:
                share = (ts_ns - start_ns) / max(1, end_ns - start_ns)
                return round(100 * (low + max(0.0, share) * (high - low)) / self._total, 2)
        return 100.0
