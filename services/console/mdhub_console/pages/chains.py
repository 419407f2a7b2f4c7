"""Cause and consequence: orders and events that carry the same correlation id. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from mdhub_console.pages.verdict import Tone

__all__ = ["Link", "Told", "chains_of", "linked"]

SHOWN: Final = 6
"""Of either kind; who wants all reads the lines of the correlation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One thing that happened, in words."""

    id: str
    """Stream id of an event; `order-<id>` of an order."""
    ts_ns: int
    place_ns: int
    """Where it stands: an order before its answer, whatever the two clocks said."""
    group: str
    tone: Tone
    title: str
    facts: tuple[tuple[str, str], ...] = ()
    service: str = ""
    correlation_id: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """To another entry of the same correlation."""

    id: str
    ts_ns: int
    title: str
    tone: Tone


def chains_of(entries: Iterable[Told]) -> dict[str, list[Told]]:
    """Entries by correlation id, oldest first."""
    chains: dict[str, list[Told]] = defaultdict(list)
    for entry in entries:
        if entry.correlation_id:
            chains[entry.correlation_id].append(entry)
    for chain in chains.values():
        chain.sort(key=lambda each: each.place_ns)
    return chains


def linked(entry: Told, chain: Sequence[Told]) -> tuple[list[Link], list[Link]]:
    """What led to an entry (the first of its chain), and what it led to if it is the first."""
    others = [each for each in chain if each.id != entry.id]
    if not others:
        return [], []
    first = chain[0]
    if entry.id == first.id:
        return [], [_link(each) for each in others[:SHOWN]]
    return [_link(first)], []


def _link(entry: Told) -> Link:
    return Link(entry.id, entry.ts_ns, entry.title, entry.tone)
