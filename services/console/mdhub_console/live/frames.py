"""What is sent to tabs: rows and states as SSE events, encoded once for all tabs.

A tab is a handful of numbers: how far it is in each window. Nothing is queued for it, so a slow
browser costs no memory; when it reads again it gets the newest rows and is told how many it missed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from mdhub_console.live.choice import CONTRACT_TOPIC, ROW_TOPICS, LineFilter, cursor_text
from mdhub_console.live.rows import encode_json
from mdhub_console.live.view import View
from mdhub_console.live.window import Slice

__all__ = ["BACKLOG", "EVERY_S", "Frames", "State", "Tab"]

EVERY_S: Final = {"logs": 0.1}
"""A topic is sent at most so often; those not named: `OTHERS_S`."""
OTHERS_S: Final = 0.25
BACKLOG: Final = {"events": 1_000, "logs": 5_000, "rejected": 1_000, "history": 900}
"""A tab that is further behind skips the oldest rows and is told how many."""
AT_MOST: Final = 1_000
"""Rows of one SSE event."""
CACHED: Final = 64

State = Callable[[], object]
"""Makes the newest state of a topic, for JSON."""
StateOf = Callable[[str], object]
"""Makes the newest state of one of many, by name."""


def _nothing(_: str) -> object:
    return {}


@dataclass(slots=True)
class Tab:
    """One browser tab: where it is."""

    topics: tuple[str, ...]
    lines: LineFilter = field(default_factory=LineFilter)
    places: dict[str, int] = field(default_factory=dict)
    """By window: the newest row it has."""
    versions: dict[str, int] = field(default_factory=dict)
    """By topic: the newest state it has."""
    sent_s: dict[str, float] = field(default_factory=dict)
    unsure: set[str] = field(default_factory=set)
    """Windows that no longer hold all it has not seen: more was skipped than is counted."""


class Frames:
    """Makes SSE events of a view. For one thread (the event loop's)."""

    def __init__(
        self, view: View, states: Mapping[str, State], contract: StateOf = _nothing
    ) -> None:
        self._view = view
        self._make = states
        self._contract = contract
        self._states: dict[str, tuple[int, bytes]] = {}
        self._frames: dict[tuple[str, int, int], bytes] = {}

    def enter(self, tab: Tab, cursors: Mapping[str, bytes], *, recent: int) -> None:
        """Set a tab to where it was; what it has never seen begins with the newest rows."""
        with self._view.held():
            for topic in tab.topics:
                for name in self._windows(topic):
                    window = self._view.windows[name]
                    if name in cursors:
                        tab.places[name], whole = window.place_of(cursors[name])
                        if not whole:
                            tab.unsure.add(name)
                    else:
                        tab.places[name] = max(window.oldest - 1, window.newest - recent)

    def renew(self, topics: set[str]) -> None:
        """Make the states anew that somebody looks at."""
        for topic in topics:
            kind, _, name = topic.partition(":")
            if kind == CONTRACT_TOPIC:
                data = encode_json(self._contract(name))
            elif topic in self._make:
                data = encode_json(self._make[topic]())
            else:
                continue
            version, before = self._states.get(topic, (0, b""))
            if data != before:
                self._states[topic] = (version + 1, data)

    def forget(self, topics: set[str]) -> None:
        """Nobody looks at these any more."""
        for topic in topics:
            self._states.pop(topic, None)

    def due(self, tab: Tab, now_s: float) -> Iterator[bytes]:
        """What is new for a tab and may be sent now; the tab moves on."""
        for topic in tab.topics:
            if now_s - tab.sent_s.get(topic, -1e9) < EVERY_S.get(topic, OTHERS_S):
                continue
            frame = self._rows(tab, topic) if topic in ROW_TOPICS else self._state(tab, topic)
            if frame is not None:
                tab.sent_s[topic] = now_s
                yield frame

    def waits(self, tab: Tab) -> bool:
        """Whether something of a tab is left for later."""
        windows = self._view.windows
        rows = any(windows[name].newest > place for name, place in tab.places.items())
        return rows or any(
            version > tab.versions.get(topic, 0)
            for topic, (version, _) in self._states.items()
            if topic in tab.topics
        )

    def _state(self, tab: Tab, topic: str) -> bytes | None:
        version, data = self._states.get(topic, (0, b""))
        if version <= tab.versions.get(topic, 0):
            return None
        tab.versions[topic] = version
        return b"event: %b\ndata: %b\n\n" % (topic.partition(":")[0].encode(), data)

    def _rows(self, tab: Tab, topic: str) -> bytes | None:
        passes = tab.lines.predicate() if topic == "logs" else None
        parts: list[bytes] = []
        skipped, sure = 0, True
        with self._view.held():
            for name in self._windows(topic):
                window, before = self._view.windows[name], tab.places.get(name, 0)
                if window.newest <= before:
                    continue
                found = window.behind(before, scan=BACKLOG[topic], at_most=AT_MOST, passes=passes)
                tab.places[name] = found.place
                skipped += found.skipped
                sure = sure and name not in tab.unsure
                tab.unsure.discard(name)
                if found.rows:
                    key = (name, before, found.place)
                    parts.append(self._joined(key, found) if passes is None else _join(found))
            if not parts and not skipped and sure:
                return None
            at = cursor_text({n: self._view.windows[n].id_at(p) for n, p in tab.places.items()})
        return b'event: %b\nid: %b\ndata: {"rows":[%b],"skipped":%d,"exact":%b}\n\n' % (
            topic.encode(), at.encode(), b",".join(parts), skipped, b"true" if sure else b"false",
        )  # fmt: skip

    def _joined(self, key: tuple[str, int, int], found: Slice) -> bytes:
        """Most tabs are at the same place: what one was sent, the next one is sent too."""
        joined = self._frames.get(key)
        if joined is None:
            if len(self._frames) >= CACHED:
                self._frames.clear()
            joined = self._frames[key] = _join(found)
        return joined

    def _windows(self, topic: str) -> list[str]:
        if topic == "rejected":
            return [f"rejected:{shard}" for shard in range(self._view.shards)]
        return [topic] if topic in ROW_TOPICS else []


def _join(found: Slice) -> bytes:
    return b",".join(row.json for row in found.rows)
