# HOT: `Lane.offer` runs once per message that is not simply the next one.
"""One numbered sequence: a shard by n, or an instrument by k. Pure.

A lane is *whole* when everything known to exist was delivered. Otherwise it has a hole: later
messages wait until replay has filled it, or has shown that it cannot be filled.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from mdhub.sdk.causes import Causes
from mdhub.sdk.events import EpochChange, Gap, Message, Outcome, Position

__all__ = ["UNKNOWN", "Lane", "Output"]

UNKNOWN: Final = -1
"""`Lane.last` before the first message: what the numbers begin with is not known."""

Output = Message | Gap | EpochChange
"""What a tracker has to say, in order."""


class Lane:
    """State of one sequence; every method appends what is to be told to `out`."""

    __slots__ = (
        "by_n", "causes", "floor_n", "known", "known_n", "last", "last_n", "missing", "name",
        "noticed_ns", "shard", "waiting",
    )  # fmt: skip

    def __init__(self, *, shard: int, name: str, last: int, floor_n: int, causes: Causes) -> None:
        self.shard = shard
        self.name = name
        """`symbol.EXCHANGE`; empty for the lane of a whole shard."""
        self.by_n = not name
        self.last = last
        """Newest number delivered, or given up."""
        self.last_n = floor_n
        """Its n at most."""
        self.floor_n = floor_n
        """Everything of this lane up to this n is settled."""
        self.known = max(last, 0)
        """Newest number known to exist."""
        self.known_n = floor_n
        """Its n at most."""
        self.waiting: dict[int, Message] = {}
        self.missing: deque[tuple[int, int]] = deque()
        self.causes = causes
        self.noticed_ns = 0
        """When the hole was noticed that is open, monotonic."""

    @property
    def settled_n(self) -> int:
        """Nothing of this lane is missing up to this n: where a replay has to begin."""
        return max(self.floor_n, self.last if self.by_n else self.last_n)

    @property
    def whole(self) -> bool:
        """Whether everything known to exist was delivered or given up."""
        return self.known <= self.last if self.last != UNKNOWN else not self.known

    def offer(self, number: int, message: Message, out: list[Output], *, complete: bool) -> bool:
        """Take in a message; False if it is a duplicate.

        `complete`: it comes from a replay that leaves out nothing behind `floor_n`, so whatever
        is skipped before it does not exist any more.
        """
        n = message.header.n or 0
        if n <= self.floor_n or number <= self.last or (number in self.waiting and not complete):
            return False
        if number == self.last + 1 or complete or (self.last == UNKNOWN and number == 1):
            fresh = self.waiting.pop(number, None) is None
            self._skip_to(number - 1, Outcome.UNAVAILABLE, message.header.epoch, out)
            self._deliver(number, message, out)
            self._drain(out)
            return fresh
        self._extend(number, n, number - 1)
        self.waiting[number] = message
        return True

    def know(self, number: int, n: int) -> None:
        """Learn from the hub that `number` exists, at or before `n`."""
        if number > max(self.known, self.last):
            self._extend(number, n, number)

    def settle(self, scanned_n: int, *, more: bool, epoch: int, out: list[Output]) -> None:
        """Take in that a replay was complete up to `scanned_n`: what it left out does not exist."""
        if not more and scanned_n >= self.known_n:
            self.give_up(Outcome.UNAVAILABLE, epoch, out)
        self.floor_n = max(self.floor_n, scanned_n)

    def give_up(self, outcome: Outcome, epoch: int, out: list[Output]) -> None:
        """Report every open hole as lost and deliver what waited behind."""
        if self.last == UNKNOWN and not self.whole and outcome is not Outcome.UNAVAILABLE:
            out.append(self._unknown_gap(outcome, epoch))
        for number in sorted(self.waiting):
            if number in self.waiting:
                self._skip_to(number - 1, outcome, epoch, out)
                self._drain(out)
        if not self.whole:
            self._skip_to(self.known, outcome, epoch, out)

    def cut(self, resume_n: int, epoch: int) -> None:
        """Go back to `resume_n`; what comes behind it in `epoch` is new."""
        self.waiting = {
            number: m
            for number, m in self.waiting.items()
            if (m.header.n or 0) <= resume_n or m.header.epoch == epoch
        }
        self.floor_n = min(self.settled_n, resume_n)
        if self.by_n:
            self.last = self.last_n = min(self.last, resume_n)
        elif self.last_n > resume_n:
            self.last = UNKNOWN
            self.last_n = resume_n
        self.known = max(self.last, 0, *self.waiting)
        self.known_n = max([self.floor_n, *(m.header.n or 0 for m in self.waiting.values())])
        self.missing.clear()

    def restart(self, n: int) -> None:
        """Begin anew behind `n`, with nothing known of what was."""
        self.last = n if self.by_n else UNKNOWN
        self.last_n = self.floor_n = self.known_n = n
        self.known = max(self.last, 0)
        self.waiting.clear()
        self.missing.clear()

    def position(self, number: int, epoch: int) -> Position:
        """Name a number of this lane."""
        if self.by_n:
            return Position(self.shard, epoch, n=number)
        return Position(self.shard, epoch, k=number, instrument=self.name)

    def _deliver(self, number: int, message: Message, out: list[Output]) -> None:
        self.last = number
        self.last_n = message.header.n or 0
        if number > self.known:
            self.known, self.known_n = number, self.last_n
        out.append(message)
        while self.missing and self.missing[0][1] <= number:
            start, end = self.missing.popleft()
            out.append(self._gap(start, end, message.header.epoch, Outcome.RECOVERED))

    def _drain(self, out: list[Output]) -> None:
        while self.waiting:
            message = self.waiting.pop(self.last + 1, None)
            if message is None:
                return
            self._deliver(self.last + 1, message, out)

    def _extend(self, number: int, n: int, missing_to: int) -> None:
        top = max(self.known, self.last)
        if self.last != UNKNOWN and missing_to > top:
            self.missing.append((top + 1, missing_to))
        if number > top:
            self.known, self.known_n = number, n

    def _skip_to(self, number: int, outcome: Outcome, epoch: int, out: list[Output]) -> None:
        """Give up everything after `last` up to `number`."""
        if self.last == UNKNOWN:
            self.last = number
            self.known = max(self.known, number)
            return
        start = self.last + 1
        if number < start:
            return
        if self.missing and self.missing[0][0] < start:
            out.append(self._gap(self.missing[0][0], start - 1, epoch, Outcome.RECOVERED))
        self._forget_missing_to(number)
        out.append(self._gap(start, number, epoch, outcome))
        self.last = number

    def _forget_missing_to(self, number: int) -> None:
        while self.missing and self.missing[0][0] <= number:
            _, end = self.missing.popleft()
            if end > number:
                self.missing.appendleft((number + 1, end))

    def _unknown_gap(self, outcome: Outcome, epoch: int) -> Gap:
        """Name by n what may be missing of an instrument whose k is not known."""
        waiting_n = [m.header.n or 0 for m in self.waiting.values()]
        end_n = min(waiting_n) - 1 if waiting_n else self.known_n
        start = Position(self.shard, epoch, n=self.settled_n + 1, instrument=self.name)
        end = Position(self.shard, epoch, n=end_n, instrument=self.name)
        return self._told(start, end, outcome)

    def _gap(self, start: int, end: int, epoch: int, outcome: Outcome) -> Gap:
        return self._told(self.position(start, epoch), self.position(end, epoch), outcome)

    def _told(self, start: Position, end: Position, outcome: Outcome) -> Gap:
        causes, noticed_ns = self.causes, self.noticed_ns
        return Gap(start, end, causes.of(noticed_ns), outcome, causes.now_ns - noticed_ns)
