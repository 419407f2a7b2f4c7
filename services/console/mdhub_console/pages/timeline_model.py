"""One page of the timeline, ready for its template. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from mdhub_console.identity.model import Language
from mdhub_console.live.commands import CommandLife
from mdhub_console.live.rows import EventRow
from mdhub_console.pages.chains import Link, Told, chains_of, linked
from mdhub_console.pages.filters import address, names_text, some_of
from mdhub_console.pages.formats import moment
from mdhub_console.pages.timeline_words import GROUPS, told_event, told_order
from mdhub_console.words.catalogue import translator

__all__ = ["PAGE", "TIMELINE", "Day", "Entry", "Place", "timeline_of"]

PAGE: Final = 100
TIMELINE: Final = "/timeline"


@dataclass(frozen=True, slots=True)
class Place:
    """Which part is shown: older than an entry, around one, or the newest."""

    before: str = ""
    at: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the history."""

    told: Told
    causes: list[Link]
    effects: list[Link]


@dataclass(frozen=True, slots=True)
class Day:
    """Entries of one day of the exchange, newest first."""

    date: str
    entries: list[Entry]


def timeline_of(
    events: Sequence[EventRow],
    orders: Sequence[CommandLife],
    language: Language,
    *,
    kinds: Collection[str],
    place: Place,
) -> dict[str, Any]:
    """Context of `timeline.html`: `events` oldest first, `kinds` empty for all groups."""
    lives = {life.id: life for life in orders}
    entries = [told_event(each, lives.get(each.correlation_id), language) for each in events]
    answered = {e.correlation_id: e.ts_ns for e in reversed(events) if e.correlation_id}
    entries += [told_order(o, language, answered_ns=answered.get(o.id)) for o in orders]
    entries.sort(key=lambda each: each.place_ns, reverse=True)
    wanted = [each for each in entries if not kinds or each.group in kinds]
    begin = _begin(wanted, place)
    shown = wanted[begin : begin + PAGE]
    older = shown[-1].id if begin + PAGE < len(wanted) else ""
    chains = chains_of(entries)
    kind = names_text(kinds)
    return {
        "days": _days(shown, chains),
        "ids": {each.id for each in shown},
        "chips": _chips(entries, kinds, language),
        "newest": address(TIMELINE, kind=kind),
        "fresh": address(f"{TIMELINE}/live", kind=kind) if begin == 0 else "",
        "older": address(TIMELINE, kind=kind, before=older) if older else "",
        "none_held": not entries,
    }


def _begin(entries: Sequence[Told], place: Place) -> int:
    ids = [each.id for each in entries]
    if place.before in ids:
        return ids.index(place.before) + 1
    if place.at in ids:
        return max(0, ids.index(place.at) - PAGE // 2)
    return 0


def _days(shown: Sequence[Told], chains: dict[str, list[Told]]) -> list[Day]:
    entries = [Entry(e, *linked(e, chains.get(e.correlation_id, ()))) for e in shown]
    by_day = groupby(entries, key=lambda each: moment(each.told.ts_ns)[:10])
    return [Day(date, list(of_day)) for date, of_day in by_day]


def _chips(entries: Sequence[Told], kinds: Collection[str], language: Language) -> list[Any]:
    t = translator(language)
    counts = Counter(each.group for each in entries)
    labels = [(group, t(f"timeline.group.{group}"), counts[group]) for group in GROUPS]
    return some_of(TIMELINE, "kind", labels, chosen=kinds)
