"""What the page of the schedule shows, ready for its template. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from mdhub.calendar import HORIZON_ALARM_DAYS, Calendar, OutsideCalendar
from mdhub.calendar.calendar import midnight_ns
from mdhub.calendar.note import ScheduleNote
from mdhub.calendar.rows import as_date
from mdhub.calendar.windows import Group
from mdhub.wire.ops import EventKind
from mdhub.wire.ticks import CHINA_TIME
from mdhub_console.pages.schedule_days import days_from
from mdhub_console.pages.sight import Sight
from mdhub_console.pages.verdict import tone_of
from mdhub_console.read.hub_api import Supervised

__all__ = ["Said", "schedule_of"]

SHOWN: Final = 12
ORDERS: Final = 6
KINDS: Final = frozenset(
    {EventKind.SESSION, EventKind.SCHEDULE, EventKind.CHECKLIST, EventKind.CALENDAR}
)
ACTIONS: Final = frozenset({"holiday", "clear", "hold", "start", "stop", "resume"})
_DAY_NS: Final = 86_400_000_000_000


@dataclass(frozen=True, slots=True)
class Said:
    """Something an operator said against the schedule."""

    kind: str
    """`hold`, `start` or `holiday`."""
    subject: str
    """Source, or day (YYYYMMDD)."""
    until_ns: int
    reason: str
    by: str
    """Empty = the command is no longer known."""


def schedule_of(sight: Sight, plain: Calendar, supervised: Sequence[Supervised]) -> dict[str, Any]:
    """Context of `schedule.html`; `plain`: the calendar without what operators said."""
    notes, market_ns = sight.schedules, sight.market_ns
    today = datetime.fromtimestamp(market_ns // 1_000_000_000, CHINA_TIME).date()
    groups: dict[str, Group] = {}
    for note in notes.values():
        groups = note.groups | groups
    calendar = sight.calendar or plain
    events = [event for event in sight.events if event.kind in KINDS]
    return {
        "sight": sight,
        "report": sight.report,
        "today": today,
        "trades": _trades(calendar, today),
        "closed_by_hand": _trades(plain, today) is True and _trades(calendar, today) is False,
        "left": (calendar.horizon - today).days,
        "horizon": calendar.horizon,
        "horizon_tone": "ok" if (calendar.horizon - today).days >= HORIZON_ALARM_DAYS else "warn",
        "strange": sorted(
            name for name, note in notes.items() if note.calendar not in {"", plain.digest}
        ),
        "days": days_from(calendar, groups, market_ns),
        "said": said_in(sight),
        "groups": groups,
        "rows": _rows(supervised, notes),
        "events": [(each, tone_of(each.severity)) for each in events[-SHOWN:][::-1]],
        "orders": [c for c in sight.commands if c.action in ACTIONS][:ORDERS],
    }


def said_in(sight: Sight) -> list[Said]:
    """What holds, soonest over first; several supervisors that hold the same say it once."""
    issuers = {life.id: life.issuer for life in sight.commands}
    closing = {
        str(life.args.get("day", "")): life.issuer
        for life in reversed(sight.commands)
        if life.action == "holiday"
    }
    found: set[Said] = set()
    for note in sight.schedules.values():
        found |= {
            Said(each.kind, each.source, each.until_ns, each.reason, issuers.get(each.command, ""))
            for each in note.overrides
            if each.until_ns > sight.market_ns
        }
        found |= {
            Said("holiday", day, _end_of(day), reason, closing.get(day, ""))
            for day, reason in note.holidays.items()
        }
    return sorted(found, key=lambda each: (each.until_ns, each.subject))


def _end_of(day: str) -> int:
    try:
        return midnight_ns(as_date(int(day))) + _DAY_NS
    except ValueError:
        return 0


def _trades(calendar: Calendar, day: date) -> bool | None:
    """None = the calendar does not say."""
    try:
        return calendar.is_trading_day(day)
    except OutsideCalendar:
        return None


def _rows(
    supervised: Sequence[Supervised], notes: Mapping[str, ScheduleNote]
) -> list[tuple[Supervised, str, str, str]]:
    """Each source with its group, a tone and the word of its state, by name."""
    group_of = {name: group for note in notes.values() for name, group in note.sources.items()}
    return [
        (each, group_of.get(each.source, ""), *_state(each))
        for each in sorted(supervised, key=lambda each: each.source)
    ]


def _state(each: Supervised) -> tuple[str, str]:
    if not each.heard:
        return "warn", "unheard"
    if each.quarantined:
        return "down", "quarantined"
    if each.held:
        return "info", "held"
    if each.wanted:
        return ("ok", "running") if each.running else ("warn", "starting")
    return ("warn", "ending") if each.running else ("off", "closed")
