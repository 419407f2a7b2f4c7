"""What covers a source while it is away, from the health report. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mdhub.health.model import HealthReport, SourceFacts

__all__ = ["DELIVERS_MS", "Cover", "best", "cover_of", "delivers"]

DELIVERS_MS: Final = 5_000
"""A source whose newest tick is older does not count as one that could cover."""
_QUIET: Final = frozenset({"break", "closed", "holiday"})


@dataclass(frozen=True, slots=True)
class Cover:
    """What remains without a source."""

    source: str
    win_rate: float | None
    """Share of accepted ticks that it delivered first, of the last hour."""
    ticks_per_s: float
    covered_by: list[str]
    """Others that deliver now, the best first."""
    uncovered: int
    """Contracts that it has confirmed and no other source can have: at least so many."""
    session: str
    gap: str
    """`none`, `some` (contracts only it has), or `all` (nobody else delivers)."""


def delivers(source: SourceFacts) -> bool:
    """Whether its ticks come and count now."""
    fresh = source.age_ms is not None and source.age_ms <= DELIVERS_MS
    return fresh and not (source.muted or source.down or source.frozen)


def best(sources: Sequence[SourceFacts]) -> list[SourceFacts]:
    """The better ranked first, those without a rank last."""
    return sorted(sources, key=lambda s: (s.rank or len(sources) + 1, -s.ticks_per_s, s.name))


def cover_of(report: HealthReport, source: str) -> Cover | None:
    """What is left without a source; None if the report does not know it."""
    own = next((each for each in report.sources if each.name == source), None)
    if own is None:
        return None
    others = best([s for s in report.sources if s.name != source and delivers(s)])
    uncovered = max(0, own.confirmed - max((s.confirmed for s in others), default=0))
    gap = "some" if uncovered else "none"
    if not others:
        gap = "all"
    if report.session in _QUIET or not delivers(own):
        gap = "none"
    return Cover(
        source,
        own.win_rate,
        own.ticks_per_s,
        [s.name for s in others],
        uncovered,
        report.session,
        gap,
    )
