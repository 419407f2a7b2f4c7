"""One event in a few words. Pure."""

from __future__ import annotations

from mdhub.health.model import Finding
from mdhub.health.words import tell
from mdhub.wire.ops import EventKind
from mdhub_console.identity.model import Language
from mdhub_console.live.rows import EventRow
from mdhub_console.words.catalogue import catalogue, text

__all__ = ["told"]


def told(event: EventRow, language: Language) -> str:
    """What happened to whom; a kind of a later release by its own name."""
    if event.kind == EventKind.FINDING:
        rule = str(event.body.get("rule", ""))
        subject = str(event.body.get("subject", event.subject))
        return tell(
            Finding(key="", rule=rule, subject=subject, severity=event.severity, since_ns=0),
            language,
        ).title
    change = str(event.body.get("change") or event.body.get("state") or "")
    key = f"sources.change.{change}"
    if event.kind == EventKind.SOURCE and key in catalogue():
        return f"{event.subject}: {text(key, language)}"
    key = f"event.kind.{event.kind}"
    kind = text(key, language) if key in catalogue() else event.kind
    key = f"event.change.{change}"
    what = text(key, language) if key in catalogue() else change.replace("_", " ")
    return " ".join(part for part in (kind, event.subject, what) if part)
