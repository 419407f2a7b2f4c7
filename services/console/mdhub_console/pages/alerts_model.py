"""What the page of the alerts shows, ready for its template. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from mdhub.config.alerts import AlertKnobs
from mdhub.health.alerts import Alert, AlertBook, ChannelFacts
from mdhub.health.words import Told, tell
from mdhub.wire.ops import EventKind, Severity
from mdhub_console.identity.model import Language
from mdhub_console.pages.sight import Sight
from mdhub_console.pages.verdict import Tone, tone_of

__all__ = ["Row", "Wakes", "alerts_of_sight"]

SHOWN: Final = 40
ORDERS: Final = 6
ACTIONS: Final = frozenset({"alerts.ack", "alerts.silence", "alerts.unsilence", "alerts.test"})
_ORDER: Final[dict[str, int]] = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}


@dataclass(frozen=True, slots=True)
class Row:
    """One alert in words."""

    alert: Alert
    tone: Tone
    words: Told
    cause: str
    """Title of the alert that explains it; empty = none."""


@dataclass(frozen=True, slots=True)
class Wakes:
    """What becomes of one severity."""

    severity: str
    tone: Tone
    told: bool
    quiet: str
    """Hours in which it waits; empty = none."""


def alerts_of_sight(
    sight: Sight, book: AlertBook | None, knobs: AlertKnobs | None, language: Language
) -> dict[str, Any]:
    """Context of `alerts.html`; `knobs`: of the configuration on this host, None = not known."""
    rows = _rows(book.alerts if book else [], language)
    past = [e for e in sight.events if e.kind in {EventKind.FINDING, EventKind.ALERT}]
    return {
        "sight": sight,
        "book": book,
        "firing": [row for row in rows if not row.alert.ended_ns],
        "over": [row for row in rows if row.alert.ended_ns],
        "channels": [(channel, _tone(channel)) for channel in (book.channels if book else [])],
        "silences": [s for s in (book.silences if book else []) if s.until_ns > sight.now_ns],
        "knobs": knobs,
        "wakes": _wakes(knobs) if knobs else [],
        "past": [(event, tone_of(event.severity)) for event in past[-SHOWN:][::-1]],
        "orders": [life for life in sight.commands if life.action in ACTIONS][:ORDERS],
    }


def _rows(alerts: Sequence[Alert], language: Language) -> list[Row]:
    """The gravest first, of each severity the oldest first: a row keeps its place."""
    titles = {alert.finding.key: tell(alert.finding, language).title for alert in alerts}
    found = [
        Row(
            alert=alert,
            tone="off" if alert.ended_ns else tone_of(alert.finding.severity),
            words=tell(alert.finding, language),
            cause=titles.get(alert.cause, alert.cause),
        )
        for alert in alerts
    ]
    return sorted(
        found, key=lambda r: (_ORDER.get(r.alert.finding.severity, 3), r.alert.finding.since_ns)
    )


def _wakes(knobs: AlertKnobs) -> list[Wakes]:
    least = _ORDER[knobs.severity]
    return [
        Wakes(
            severity=each,
            tone=tone_of(each),
            told=order <= least and bool(knobs.channels),
            quiet=knobs.quiet if each != Severity.ERROR else "",
        )
        for each, order in _ORDER.items()
    ]


def _tone(channel: ChannelFacts) -> Tone:
    if channel.problem:
        return "down" if channel.lost else "warn"
    return "ok"
