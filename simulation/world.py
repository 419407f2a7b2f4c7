"""Virtual time, what happens when, and processes that can be paused, kept busy and killed.

One source of chance (`World.random`) decides everything, so a seed is a run. A call that takes
time lets the rest of the world go on *inside* it (`World.wait`): the caller's stack stays where it
is, as that of a blocked or stopped process would, and wakes into a world that has moved.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import datetime
from heapq import heappop, heappush
from random import Random
from typing import Any, ClassVar, Final

from mdhub.runtime.clock import Clock
from mdhub.wire.ticks import CHINA_TIME

__all__ = [
    "MS",
    "SECOND",
    "START_NS",
    "START_WALL_NS",
    "Host",
    "Killed",
    "Process",
    "Violation",
    "World",
]

MS: Final = 1_000_000
SECOND: Final = 1_000_000_000
START_NS: Final = 1_000 * SECOND
START_WALL_NS: Final = int(datetime(2026, 11, 18, 10, tzinfo=CHINA_TIME).timestamp()) * SECOND
TRACE_LINES: Final = 60
STUCK_NS: Final = 900 * MS


class Killed(BaseException):
    """Unwinds the stack of a process that was killed while it waited."""


class Violation(Exception):
    """An invariant does not hold."""


class Host:
    """A machine's clocks: monotonic time is the world's, wall time may step."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.step_ns = 0
        """How far its wall clock was set off."""
        self.clock = Clock(self.wall_ns, self.monotonic_ns)

    def wall_ns(self) -> int:
        return START_WALL_NS + self._world.now_ns - START_NS + self.step_ns

    def monotonic_ns(self) -> int:
        return self._world.now_ns


class World:
    """Time and everything that is due."""

    newest: ClassVar[World]
    """The one that runs: one at a time in a process."""

    def __init__(self, seed: int) -> None:
        World.newest = self
        self.seed = seed
        self.random = Random(seed)
        self.now_ns = START_NS
        self.trace: deque[tuple[int, str, str]] = deque(maxlen=TRACE_LINES)
        self.faults = 0
        self.actions = 0
        self.running: Process | None = None
        self._due: list[tuple[int, int, Callable[[], None]]] = []
        self._count = 0

    @property
    def elapsed_ms(self) -> int:
        return (self.now_ns - START_NS) // MS

    def say(self, who: str, what: str, *facts: Any) -> None:
        """Note an action for the trace; `facts` are put into `what` when it is shown."""
        self.trace.append((self.now_ns, who, what % facts if facts else what))

    def fault(self, who: str, what: str, *facts: Any) -> None:
        """Note a fault."""
        self.faults += 1
        self.say(who, "! " + what, *facts)

    def later(self, delay_ns: int, action: Callable[[], None]) -> None:
        """Let something happen after a while."""
        self._count += 1
        heappush(self._due, (self.now_ns + delay_ns, self._count, action))

    def run_until(self, until_ns: int) -> None:
        """Let happen what is due until then."""
        due = self._due
        while due and due[0][0] <= until_ns:
            at_ns, _, action = heappop(due)
            self.now_ns = max(self.now_ns, at_ns)
            self.actions += 1
            action()
        self.now_ns = max(self.now_ns, until_ns)

    def wait(self, process: Process, until_ns: int) -> None:
        """Let the world go on while a process waits. Raises Killed if it died meanwhile."""
        until_ns = max(until_ns, process.paused_until_ns)
        process.waits.append(until_ns)
        try:
            self._pass(process, until_ns)
        finally:
            process.waits.pop()
        if process.dead:
            raise Killed

    def _pass(self, process: Process, until_ns: int) -> None:
        while self.now_ns < until_ns:
            before, self.running = self.running, None
            try:
                self.run_until(until_ns)
            finally:
                self.running = before
            until_ns = max(until_ns, process.paused_until_ns)
        if self.now_ns > until_ns + MS:
            process.disturb()  # it woke late: somebody who waits inside its wait took longer

    def uniform_ms(self, low: float, high: float) -> int:
        """Draw a duration, in ns."""
        return int((low + (high - low) * self.random.random()) * MS)


class Process:
    """Something that runs on a host, in one or more tasks; each is a step that is repeated."""

    def __init__(self, world: World, name: str, host: Host) -> None:
        self.world = world
        self.name = name
        self.host = host
        self.dead = False
        self.waits: list[int] = []
        """When its calls under way are to end."""
        self.rounds_ns = world.now_ns
        """When its main task last came round."""
        self._wake: Callable[[int], None] | None = None
        self.paused_until_ns = 0
        self.busy_until_ns = 0
        """Until then its main task computes; its other tasks go on."""
        self.disturbed_ns = 0
        """When it was last kept from working by something that is not its own doing."""

    def spawn(self, step: Callable[[], int], delay_ns: int = 0, *, main: bool = False) -> None:
        """Repeat a step; it returns the time until the next one, in ns."""
        round_ = 0

        def turn(number: int) -> None:
            nonlocal round_
            if self.dead or number != round_:
                return  # it was woken earlier
            world = self.world
            until_ns = self.paused_until_ns
            if main and self.busy_until_ns > until_ns:
                until_ns = self.busy_until_ns
            if world.now_ns < until_ns:
                again(until_ns - world.now_ns)
                return
            round_ += 1
            if main:
                self.rounds_ns = world.now_ns
            before, world.running = world.running, self
            try:
                delay_ns = step()
            except Killed:
                return
            finally:
                world.running = before
            if not self.dead:
                again(delay_ns)

        def again(delay_ns: int) -> None:
            number = round_
            self.world.later(delay_ns, lambda: turn(number))

        if self._wake is None:
            self._wake = again
        again(delay_ns)

    def wake(self, delay_ns: int) -> None:
        """Let the first task come round earlier than it said."""
        if self._wake is not None:
            self._wake(delay_ns)

    @property
    def overdue(self) -> bool:
        """Whether it hangs: in a call that should have ended, or in one long computation."""
        now_ns = self.world.now_ns
        hangs = any(until_ns < now_ns - MS for until_ns in self.waits)
        return hangs or now_ns - self.rounds_ns > STUCK_NS

    def kill(self) -> None:
        """End it at once; a stack of it that waits is unwound when it would wake."""
        self.dead = True

    def pause(self, duration_ns: int) -> None:
        """Stop it for a while, with its calls in flight."""
        self.paused_until_ns = max(self.paused_until_ns, self.world.now_ns + duration_ns)
        self.disturbed_ns = max(self.disturbed_ns, self.paused_until_ns)

    def disturb(self) -> None:
        """Note that something kept it from working until now."""
        self.disturbed_ns = max(self.disturbed_ns, self.world.now_ns)
