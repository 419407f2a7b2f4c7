"""How many log lines may be written: a service caught in a loop must not fill the disk. Pure.

Three bounds. Of one event 100 lines at once, then 10 a second, so that a loop does not take the
place of the others. Of all lines 500 at once, then 100 a second. Errors have an allowance of their
own, so that no flood of other lines hides them. What was left out is told by the next line of the
event, or by `untold` when none follows.
"""

from __future__ import annotations

from typing import Final

__all__ = ["BURST", "EVENTS", "EVENT_BURST", "EVENT_PER_S", "LINES_PER_S", "LineLimits"]

BURST: Final = 500
LINES_PER_S: Final = 100
EVENT_BURST: Final = 100
EVENT_PER_S: Final = 10
EVENTS: Final = 256
"""Names of events told apart; those beyond share one allowance."""
OTHER: Final = {False: "other events", True: "other errors"}
QUIET_S: Final = 1.0
"""An event that was left out and says nothing for so long is told of by `untold`."""


class _Allowance:
    """`per_s` more lines each second, `burst` at most."""

    __slots__ = ("_at_s", "_burst", "_lines", "_per_s")

    def __init__(self, now_s: float, *, burst: int, per_s: int) -> None:
        self._burst = float(burst)
        self._per_s = per_s
        self._lines = self._burst
        self._at_s = now_s

    def has(self, now_s: float) -> bool:
        passed_s = max(0.0, now_s - self._at_s)
        self._lines = min(self._burst, self._lines + passed_s * self._per_s)
        self._at_s = now_s
        return self._lines >= 1

    def take(self) -> None:
        self._lines -= 1

    def next_s(self) -> float:
        """When it has a line again, as of the last look."""
        return self._at_s + max(0.0, 1 - self._lines) / self._per_s


class _OneEvent:
    __slots__ = ("allowance", "left_out", "seen_s", "shut_until_s")

    def __init__(self, now_s: float) -> None:
        self.allowance = _Allowance(now_s, burst=EVENT_BURST, per_s=EVENT_PER_S)
        self.left_out = 0
        self.seen_s = now_s
        self.shut_until_s = now_s
        """No line before; asking the allowance costs more than looking here, and floods ask."""


class LineLimits:
    """Of one process. The caller keeps threads apart."""

    def __init__(self, now_s: float) -> None:
        self._errors = _Allowance(now_s, burst=BURST, per_s=LINES_PER_S)
        self._others = _Allowance(now_s, burst=BURST, per_s=LINES_PER_S)
        self._events: dict[str, _OneEvent] = {}
        self._left_out: set[str] = set()
        self.left_out = 0
        """All lines left out since the start."""

    def admit(self, event: str, now_s: float, *, error: bool) -> int | None:
        """None = leave this line out; else how many of its event were left out before it."""
        name = event if event in self._events or len(self._events) < EVENTS else OTHER[error]
        one = self._events.get(name)
        if one is None:
            one = self._events[name] = _OneEvent(now_s)
        one.seen_s = now_s
        if now_s < one.shut_until_s:
            one.left_out += 1
            self.left_out += 1
            return None
        all_lines = self._errors if error else self._others
        if not (one.allowance.has(now_s) and all_lines.has(now_s)):
            one.left_out += 1
            self.left_out += 1
            self._left_out.add(name)
            one.shut_until_s = one.allowance.next_s()
            return None
        one.allowance.take()
        all_lines.take()
        before, one.left_out = one.left_out, 0
        self._left_out.discard(name)
        return before

    def untold(self, now_s: float) -> dict[str, int]:
        """Take how many lines of which event were left out and no later line tells of."""
        quiet = [name for name in self._left_out if now_s - self._events[name].seen_s >= QUIET_S]
        found = {}
        for name in quiet:
            one = self._events[name]
            found[name], one.left_out = one.left_out, 0
            self._left_out.discard(name)
        return found
