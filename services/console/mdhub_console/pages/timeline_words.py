"""Events and orders as entries of the timeline: group, tone, title, facts. Pure."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from mdhub.wire.ops import EventKind
from mdhub_console.identity.model import Language
from mdhub_console.live.commands import CommandLife
from mdhub_console.live.rows import EventRow
from mdhub_console.pages.chains import Told
from mdhub_console.pages.events import told
from mdhub_console.pages.formats import clock, duration
from mdhub_console.pages.verdict import Tone, tone_of
from mdhub_console.words.catalogue import catalogue, translator

__all__ = ["GROUPS", "group_of", "of_people", "order_id", "told_event", "told_order"]

GROUPS: Final = ("failover", "restart", "source", "session", "operator", "alert", "hub")
"""What the timeline can be filtered by, in the order of its chips."""
_KINDS: Final = {
    EventKind.LEADERSHIP: "failover",
    EventKind.SERVICE: "restart",
    EventKind.SOURCE: "source",
    EventKind.ACCOUNT: "source",
    EventKind.SESSION: "session",
    EventKind.SCHEDULE: "session",
    EventKind.CHECKLIST: "session",
    EventKind.CALENDAR: "session",
    EventKind.REPORT: "session",
    EventKind.COMMAND_DONE: "operator",
    EventKind.AUDIT: "operator",
    EventKind.FINDING: "alert",
    EventKind.ALERT: "alert",
}
_RESTARTS: Final = frozenset({"started", "ended", "replaced", "stopped", "failed", "quarantined"})
"""Changes of a source that are about its process."""
_SERVICES: Final = frozenset({"arbiter", "ingest", "monitor", "publisher", "supervisor"})
_PROCESS: Final = frozenset({"restart", "start", "stop", "hold", "resume"})
_TOLD: Final = frozenset(
    {"change", "state", "rule", "subject", "who", "action", "target", "severity", "command"}
)
"""Facts that title, tone and links say already."""
_SEALS: Final = frozenset({"n", "ts_ns", "previous", "digest"})
"""What of an audit record is about its chain."""
FACTS: Final = 8
LONGEST: Final = 160


def group_of(event: EventRow) -> str:
    """Which chip shows it; kinds of a later release belong to the hub."""
    if event.kind == EventKind.SOURCE and str(event.body.get("change")) in _RESTARTS:
        return "restart"
    return _KINDS.get(EventKind(event.kind), "hub") if event.kind in _known() else "hub"


def told_event(event: EventRow, life: CommandLife | None, language: Language) -> Told:
    """Tell an event; `life`: the order that it answers, if it is known."""
    answers = event.kind == EventKind.COMMAND_DONE
    return Told(
        id=event.id,
        ts_ns=event.ts_ns,
        place_ns=event.ts_ns,
        group=_group_of_order(life) if life is not None and answers else group_of(event),
        tone=_tone(event),
        title=_title(event, life, language),
        facts=_facts(event.body, but=_SEALS if event.kind == EventKind.AUDIT else frozenset()),
        service=event.service,
        correlation_id=event.correlation_id,
    )


def told_order(life: CommandLife, language: Language, *, answered_ns: int | None) -> Told:
    """Tell an order as it was sent; `answered_ns`: of the first event that came of it."""
    t = translator(language)
    return Told(
        id=order_id(life.id),
        ts_ns=life.sent_ns,
        place_ns=life.sent_ns if answered_ns is None else min(life.sent_ns, answered_ns - 1),
        group=_group_of_order(life),
        tone="down" if life.state == "expired" else "info",
        title=t("timeline.ordered", what=_asked(life, language), who=life.issuer or "–"),
        facts=_facts(life.args),
        service=life.target,
        correlation_id=life.id,
    )


def order_id(command_id: str) -> str:
    """Its place on the page."""
    return f"order-{command_id}"


def of_people(life: CommandLife) -> bool:
    """Services order things, too: they are no operators."""
    return life.issuer.partition(":")[0] not in _SERVICES


def _group_of_order(life: CommandLife) -> str:
    if of_people(life):
        return "operator"
    return "restart" if life.action in _PROCESS else "hub"


def _known() -> frozenset[str]:
    return frozenset(str(kind) for kind in EventKind)


def _tone(event: EventRow) -> Tone:
    if event.kind == EventKind.COMMAND_DONE:
        return "ok" if event.body.get("ok") is True else "down"
    if event.kind == EventKind.FINDING and event.body.get("change") == "ended":
        return "ok"
    return tone_of(event.severity)


def _title(event: EventRow, life: CommandLife | None, language: Language) -> str:
    t = translator(language)
    if event.kind == EventKind.COMMAND_DONE and life is not None:
        state = t(f"order.{'done' if event.body.get('ok') is True else 'failed'}")
        took = duration((event.ts_ns - life.sent_ns) / 1e9)
        return f"{_asked(life, language)}: {state} {t('order.after', time=took)}"
    if event.kind == EventKind.AUDIT:
        said = (event.body.get(name) for name in ("who", "action", "target"))
        return " · ".join(str(each) for each in said if each)
    key = f"timeline.finding.{event.body.get('change')}"
    if event.kind == EventKind.FINDING and key in catalogue():
        return t(key, what=told(event, language))
    return told(event, language)


def _asked(life: CommandLife, language: Language) -> str:
    key = f"sources.act.{life.action}"
    action = translator(language)(key) if key in catalogue() else life.action
    return f"{action} {life.target.removeprefix('source:')}"


def _facts(
    body: dict[str, Any], *, but: frozenset[str] = frozenset()
) -> tuple[tuple[str, str], ...]:
    flat: dict[str, Any] = {}
    for name, value in body.items():
        flat |= {str(n): v for n, v in value.items()} if isinstance(value, dict) else {name: value}
    found = [
        (name.removesuffix("_ns"), _fact(name, value))
        for name, value in flat.items()
        if name not in _TOLD | but and not name.endswith("_zh") and value not in (None, "", [], {})
    ]
    return tuple(found[:FACTS])


def _fact(name: str, value: object) -> str:
    if name.endswith("_ns") and isinstance(value, int):
        return clock(value)
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
