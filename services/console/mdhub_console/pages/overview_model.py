"""What the overview shows, ready for its template. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from mdhub.health.model import CanaryFacts, SourceFacts
from mdhub.health.words import tell
from mdhub.wire.ops import EventKind
from mdhub_console.identity.model import Language
from mdhub_console.pages.chains import Told
from mdhub_console.pages.day_line import WORTH, day_line
from mdhub_console.pages.sight import Sight
from mdhub_console.pages.source_state import Standing, standing
from mdhub_console.pages.sparkline import Sparkline, sparkline, thin
from mdhub_console.pages.timeline_words import of_people, told_event
from mdhub_console.pages.verdict import Tone, tone_of, verdict

__all__ = ["Card", "Chart", "Tile", "overview_of"]

TILES: Final = 12
ALERTS: Final = 6
RECENT: Final = 6
COLOURS: Final = 6
"""Series colours in the style sheet; the next source begins again."""
_MEMORY_WARN: Final = 0.7
_MEMORY_DOWN: Final = 0.9


@dataclass(frozen=True, slots=True)
class Card:
    """One source."""

    facts: SourceFacts
    standing: Standing
    rate: Sparkline
    colour: int


@dataclass(frozen=True, slots=True)
class Tile:
    """One canary contract."""

    facts: CanaryFacts
    tone: Tone
    share: float
    """Age of its own limit in per cent, 100 at most."""


@dataclass(frozen=True, slots=True)
class Chart:
    """A small chart with its newest value."""

    key: str
    lines: tuple[Sparkline, ...]
    places: int
    unit: str = ""


def overview_of(sight: Sight, language: Language) -> dict[str, Any]:
    """Context of `overview.html`."""
    report = sight.report
    shown = {
        "sight": sight,
        "report": report,
        "verdict": verdict(sight, language),
        "alerts": [
            (finding, tone_of(finding.severity), tell(finding, language))
            for finding in sight.findings[:ALERTS]
        ],
        "recent": _recent(sight, language),
        "line": day_line(
            sight.phases, sight.events,
            now_ns=sight.market_ns, ahead_ns=sight.market_ns - sight.now_ns,
        ),
        "charts": _charts(sight),
    }  # fmt: skip
    if report is None:
        return shown
    used = report.server.used_bytes / report.server.limit_bytes if report.server.limit_bytes else 0
    services = sorted(report.services, key=lambda service: service.instance)
    return shown | {
        "cards": cards_of(sight),
        "tiles": [_tile(canary) for canary in report.canaries[:TILES]],
        "publishers": [s for s in services if s.instance.startswith("publisher:")],
        "services": [s for s in services if not s.instance.startswith(("publisher:", "ingest:"))],
        "memory": used,
        "memory_tone": "down" if used > _MEMORY_DOWN else "warn" if used > _MEMORY_WARN else "ok",
    }


def cards_of(sight: Sight) -> list[Card]:
    """Sources by name: a row never moves under the pointer."""
    report = sight.report
    if report is None:
        return []
    return [
        Card(
            source,
            standing(source, report.session),
            sparkline(thin([p.source_ticks_per_s.get(source.name) for p in sight.history])),
            index % COLOURS,
        )
        for index, source in enumerate(sorted(report.sources, key=lambda each: each.name))
    ]


def _recent(sight: Sight, language: Language) -> list[Told]:
    """As the timeline tells them; what services order of each other is not worth a glance."""
    lives = {life.id: life for life in sight.commands}
    found: list[Told] = []
    for event in reversed(sight.events):
        life = lives.get(str(event.body.get("command", "")))
        answers = event.kind == EventKind.COMMAND_DONE
        if event.kind in WORTH and (not answers or (life is not None and of_people(life))):
            found.append(told_event(event, life, language))
        if len(found) == RECENT:
            break
    return found


def _charts(sight: Sight) -> list[Chart]:
    points = sight.history
    p50, p99 = ([getattr(p, f"latency_p{n}_ms") for p in points] for n in (50, 99))
    return [
        Chart("rate", (sparkline(thin([p.ticks_per_s for p in points])),), 0),
        Chart("latency", _together(p50, p99), 1, " ms"),
        Chart("rejected", (sparkline(thin([float(p.rejected_per_min) for p in points])),), 0),
    ]


def _together(*series: list[float | None]) -> tuple[Sparkline, ...]:
    """Lines on one axis: the upper one's top holds for all."""
    top = max((value for line in series for value in line if value is not None), default=0.0)
    return tuple(sparkline(thin(line), ceiling=top) for line in series)


def _tile(canary: CanaryFacts) -> Tile:
    if not canary.open:
        return Tile(canary, "off", 0.0)
    share = 100 * canary.age_ms / canary.limit_ms if canary.limit_ms else 0.0
    tone = "down" if share > 100 else "warn" if share > 70 else "ok"  # noqa: PLR2004 - per cent
    return Tile(canary, tone, min(100.0, round(share, 1)))
