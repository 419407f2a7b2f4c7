"""What goes wrong, when: chosen by the seed. Each run has some kinds of fault, rarely all."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from mdhub.streams.errors import StreamsError, UnknownOutcome
from simulation.world import MS, SECOND, Killed, Process

if TYPE_CHECKING:
    from simulation.hub import Hub

__all__ = ["Faults"]

WALL_STEPS_S: Final = (-30.0, -2.0, -0.3, 0.3, 2.0, 20.0)


class Faults:
    """Breaks a hub for a while, then heals it."""

    def __init__(self, hub: Hub, *, for_ns: int) -> None:
        self._hub = hub
        self._world = hub.world
        random = self._world.random
        lossy = hub.profile != "single"
        timed: list[Callable[[], None]] = [
            self._kill_arbiter,
            self._kill_publisher,
            self._kill_source,
            self._kill_server,
            self._pause,
            self._busy,
            self._stall,
            self._slow_disk,
            self._full,
            self._step_clock,
            self._cut_line,
            self._lossy_line,
            self._lose_power,
        ]
        if lossy:
            timed += [self._lose_power, self._rewind]
        self._timed = random.sample(timed, random.randint(2, 6))
        self._in_calls = random.sample(
            [self._lost_reply, self._lost_request, self._paused_call, self._killed_call],
            random.randint(0, 3),
        )
        self._every_ms = random.choice((60, 150, 300))
        self._every_calls = random.choice((30, 100, 300))
        self._stopped = False
        self._world.later(200 * MS, self._next)
        self._world.later(for_ns, self._stop)
        hub.server.call_fault = self._in_call
        self._arm()

    def _stop(self) -> None:
        """Heal everything."""
        hub = self._hub
        self._stopped = True
        self._world.say("world", "the last fault is over")
        hub.server.next_fault = 0
        hub.server.full_until_ns = hub.server.slow_until_ns = 0
        for line in hub.lines:
            line.loss = 0.0
            line.cut_until_ns = min(line.cut_until_ns, self._world.now_ns)

    def _next(self) -> None:
        if self._stopped:
            return
        self._world.random.choice(self._timed)()
        self._world.later(self._world.uniform_ms(1, 2 * self._every_ms), self._next)

    def _arm(self) -> None:
        server = self._hub.server
        if self._in_calls and not self._stopped:
            server.next_fault = (
                server.calls + 1 + self._world.random.randrange(2 * self._every_calls)
            )

    # At a time

    def _kill_arbiter(self) -> None:
        self._world.random.choice(self._hub.arbiters).kill()

    def _kill_publisher(self) -> None:
        self._world.random.choice(self._hub.publishers).kill()

    def _kill_source(self) -> None:
        self._world.random.choice(self._hub.sources).kill()

    def _kill_server(self) -> None:
        self._restart("killed", cut=False, older=False)

    def _lose_power(self) -> None:
        self._restart("loses power", cut=self._hub.profile != "single", older=False)

    def _rewind(self) -> None:
        self._restart("fails over to an old replica", cut=True, older=True)

    def _restart(self, what: str, *, cut: bool, older: bool) -> None:
        server, world = self._hub.server, self._world
        if server.down:
            return
        world.fault("server", what)
        server.stop()

        def start() -> None:
            server.start(cut=cut, older=older)
            world.say("server", "started, life %d, %d cuts", server.lives, server.cuts)

        world.later(world.uniform_ms(20, 250), start)

    def _pause(self) -> None:
        process = self._world.random.choice(self._hub.processes())
        duration_ns = self._world.uniform_ms(30, 600)
        self._world.fault(process.name, "paused for %d ms", duration_ns // MS)
        process.pause(duration_ns)

    def _busy(self) -> None:
        arbiter = self._world.random.choice(self._hub.arbiters).process
        duration_ns = self._world.uniform_ms(100, 600)
        self._world.fault(arbiter.name, "computes for %d ms", duration_ns // MS)
        arbiter.busy_until_ns = self._world.now_ns + duration_ns

    def _stall(self) -> None:
        server, world = self._hub.server, self._world
        duration_ns = world.uniform_ms(50, 500)
        world.fault("server", "stands still for %d ms", duration_ns // MS)
        server.stalled_until_ns = world.now_ns + duration_ns

    def _slow_disk(self) -> None:
        server, world = self._hub.server, self._world
        duration_ns = world.uniform_ms(100, 500)
        world.fault("server", "slow disk for %d ms", duration_ns // MS)
        server.slow_until_ns = world.now_ns + duration_ns

    def _full(self) -> None:
        server, world = self._hub.server, self._world
        duration_ns = world.uniform_ms(50, 400)
        world.fault("server", "full for %d ms", duration_ns // MS)
        server.full_until_ns = world.now_ns + duration_ns

    def _step_clock(self) -> None:
        name, host = self._world.random.choice(list(self._hub.hosts.items()))
        step_s = self._world.random.choice(WALL_STEPS_S)
        self._world.fault(name, "clock steps %+.1f s", step_s)
        host.step_ns = int(step_s * SECOND)

    def _cut_line(self) -> None:
        line = self._world.random.choice(self._hub.lines)
        duration_ns = self._world.uniform_ms(20, 500)
        number = self._hub.lines.index(line)
        self._world.fault("network", "line %d cut for %d ms", number, duration_ns // MS)
        line.cut_until_ns = self._world.now_ns + duration_ns

    def _lossy_line(self) -> None:
        line = self._world.random.choice(self._hub.lines)
        line.loss = self._world.random.choice((0.0, 0.05, 0.5))
        number = self._hub.lines.index(line)
        self._world.fault("network", "line %d loses %.0f %%", number, 100 * line.loss)

    # In a call

    def _in_call(self, process: Process, name: str, act: Callable[[], Any]) -> Any:
        self._arm()
        return self._world.random.choice(self._in_calls)(process, name, act)

    def _lost_reply(self, process: Process, name: str, act: Callable[[], Any]) -> Any:
        self._world.fault(process.name, "reply to %s lost", name)
        process.disturb()
        act()
        raise UnknownOutcome(f"no reply to {name}")

    def _lost_request(self, process: Process, name: str, _act: Callable[[], Any]) -> Any:
        self._world.fault(process.name, "%s lost", name)
        process.disturb()
        raise UnknownOutcome(f"{name} was lost")

    def _paused_call(self, process: Process, name: str, act: Callable[[], Any]) -> Any:
        """Stop before the request leaves, or before its reply is read."""
        duration_ns = self._world.uniform_ms(20, 500)
        self._world.fault(process.name, "paused in %s for %d ms", name, duration_ns // MS)
        process.pause(duration_ns)
        if self._world.random.random() < 0.5:
            self._world.wait(process, process.paused_until_ns)
            return act()
        result = act()
        self._world.wait(process, process.paused_until_ns)
        return result

    def _killed_call(self, process: Process, name: str, act: Callable[[], Any]) -> Any:
        """Die in a call that may still reach the server, a good while later."""
        hub, world = self._hub, self._world
        found = [kept for kept in hub.supervised() if kept.process is process]
        if not found:
            return act()
        world.say(process.name, "dies in %s", name)
        if world.random.random() < 0.7:

            def arrive() -> None:
                try:
                    act()
                except StreamsError as error:
                    world.say("server", "refuses a dead one's %s: %s", name, type(error).__name__)

            world.later(world.uniform_ms(0, 400), arrive)
        found[0].kill()
        raise Killed
