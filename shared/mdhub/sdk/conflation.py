"""The newest tick of each instrument for a strategy that cannot keep up. Pure.

Stands behind the tracker: what is missing was replayed before anything is left out on purpose.
Markers, gaps, epochs and stalls keep their place and are never left out.

Bounds: one tick per instrument, and 200,000 of the others. Policy: beyond them TooSlow ends the
iteration. Counter: `Statistics.skipped`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final, Generic, TypeVar

from mdhub.sdk.events import Message

__all__ = ["MAX_WAITING", "Conflation"]

MAX_WAITING: Final = 200_000

Other = TypeVar("Other")


class _Slot(Generic[Other]):
    __slots__ = ("event", "skipped")

    def __init__(self, event: Message | Other | None) -> None:
        self.event = event
        """None = a newer tick of the instrument has taken over."""
        self.skipped = 0


class Conflation(Generic[Other]):
    """A queue in which a tick that was not fetched yet gives way to the next of its instrument."""

    def __init__(self) -> None:
        self._slots: deque[_Slot[Other]] = deque()
        self._ticks: dict[str, _Slot[Other]] = {}
        self._count = 0

    def __len__(self) -> int:
        """Tell how many events wait."""
        return self._count

    def add(self, events: Iterable[Message | Other]) -> None:
        """Take in what came, in order."""
        for event in events:
            slot = _Slot(event)
            self._slots.append(slot)
            self._count += 1
            if isinstance(event, Message) and event.topic.startswith(b"tick."):
                self._replace(event.name, slot)
        while self._slots and self._slots[0].event is None:
            self._slots.popleft()
        if len(self._slots) > 2 * self._count + MAX_WAITING:
            self._slots = deque(slot for slot in self._slots if slot.event is not None)

    def take(self) -> tuple[Message | Other, int] | None:
        """Fetch the oldest event, and how many ticks it stands for beside itself."""
        while self._slots:
            slot = self._slots.popleft()
            event = slot.event
            if event is None:
                continue
            self._count -= 1
            if isinstance(event, Message) and self._ticks.get(event.name) is slot:
                del self._ticks[event.name]
            return event, slot.skipped
        return None

    @property
    def full(self) -> bool:
        """Whether even this is too much for the strategy."""
        return self._count - len(self._ticks) > MAX_WAITING

    def _replace(self, name: str, slot: _Slot[Other]) -> None:
        older = self._ticks.get(name)
        if older is not None:
            slot.skipped = older.skipped + 1
            older.event = None
            self._count -= 1
        self._ticks[name] = slot
