"""Templates cut into pieces of the session clock, and which product follows which one when."""

from __future__ import annotations

from bisect import bisect_right
from enum import Enum
from typing import Final, NamedTuple

from mdhub.calendar.rows import DAY_S, EVENING_S, NIGHT_S, Phase, Rows, Span

__all__ = ["CLOCK_NS", "GRACE_S", "Admits", "HoursTable", "Piece", "ProductHours", "phase_in"]

SECOND_NS: Final = 1_000_000_000
CLOCK_NS: Final = EVENING_S * SECOND_NS
"""The session clock begins at this time of day."""
GRACE_S: Final = 60
"""After a bell its last ticks may come for so long (11:30:00.2 and 15:00:25 were seen)."""


class Admits(Enum):
    """Which ticks a moment may have."""

    ALL = "all"
    SETTLEMENT = "settlement"
    """Only such as leave the market as it was at the close."""
    NONE = "none"
    AHEAD = "ahead"
    """None: the moment is still to come."""
    OUTSIDE = "outside"
    """None: the calendar does not say."""


class Piece(NamedTuple):
    """Phase from a clock time on, up to the next piece."""

    start_ns: int
    phase: Phase
    admits: Admits


class ProductHours(NamedTuple):
    """One trading day of a product."""

    night: tuple[Piece, ...]
    """From clock 0 (20:00) to 10 h (06:00)."""
    day: tuple[Piece, ...]
    """From there to 24 h."""
    listed: bool
    """False: the product has no hours of its own then, these are its exchange's widest."""


class HoursTable:
    """Hours of every product on every day."""

    def __init__(self, rows: Rows) -> None:
        cut = {t.name: (_cut(t.spans, 0, NIGHT_S), _cut(t.spans, NIGHT_S, DAY_S))
               for t in rows.templates}  # fmt: skip
        self._since: dict[tuple[str, str], list[int]] = {}
        self._hours: dict[tuple[str, str], list[ProductHours]] = {}
        for hours in sorted(rows.hours):
            key = (hours.exchange, hours.product)
            listed = hours.product != "*"
            self._since.setdefault(key, []).append(hours.since)
            self._hours.setdefault(key, []).append(ProductHours(*cut[hours.template], listed))

    def of(self, exchange: str, product: str, trading_day: int) -> ProductHours:
        """Hours of a product on a trading day (YYYYMMDD), else the widest of its exchange."""
        for key in ((exchange, product), (exchange, "*")):
            place = bisect_right(self._since.get(key, ()), trading_day)
            if place:
                return self._hours[key][place - 1]
        return _UNKNOWN


def phase_in(pieces: tuple[Piece, ...], clock_ns: int) -> Phase:
    """Phase at a clock time within the part that the pieces cover."""
    return pieces[bisect_right(pieces, clock_ns, key=lambda piece: piece.start_ns) - 1].phase


def _cut(spans: tuple[Span, ...], from_s: int, to_s: int) -> tuple[Piece, ...]:
    """Pieces without a hole over one part of the clock, a minute of grace after each bell."""
    pieces: list[Piece] = []
    at_s, bell = from_s, False
    for span in spans:
        start_s, end_s = max(span.start_s, from_s), min(span.end_s, to_s)
        if start_s >= end_s:
            continue
        pieces += _gap(at_s, start_s, Phase.BREAK if bell else Phase.CLOSED, after_bell=bell)
        if span.phase is Phase.SETTLEMENT:
            pieces += _gap(start_s, end_s, Phase.SETTLEMENT, after_bell=bell and start_s == at_s)
            bell = False
        else:
            pieces.append(Piece(start_s * SECOND_NS, span.phase, Admits.ALL))
            bell = True
        at_s = end_s
    return (*pieces, *_gap(at_s, to_s, Phase.CLOSED, after_bell=bell))


def _gap(start_s: int, end_s: int, phase: Phase, *, after_bell: bool) -> list[Piece]:
    admits = Admits.SETTLEMENT if phase is Phase.SETTLEMENT else Admits.NONE
    pieces = []
    if after_bell and start_s < end_s:
        pieces.append(Piece(start_s * SECOND_NS, phase, Admits.ALL))
        start_s += GRACE_S
    if start_s < end_s:
        pieces.append(Piece(start_s * SECOND_NS, phase, admits))
    return pieces


_UNKNOWN: Final = ProductHours(
    _cut((Span(Phase.CONTINUOUS, 0, NIGHT_S),), 0, NIGHT_S),
    _cut((Span(Phase.CONTINUOUS, NIGHT_S, DAY_S),), NIGHT_S, DAY_S),
    False,
)
