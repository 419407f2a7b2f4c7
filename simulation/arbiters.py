"""Arbiters: stand by, take over, lead, fall, and start over from the log. The shell is app.py's.

The decisions are the service's own: Standby, take_leadership, Leader, Beat. The beat has a task
and a connection of its own, so a leader may be busy while its beat goes on.
"""

from __future__ import annotations

from collections.abc import Callable

from mdhub.runtime.backoff import Backoff
from mdhub.streams.errors import StreamsError
from mdhub.streams.port import Log, Tail
from mdhub_arbiter import beat as beats
from mdhub_arbiter.beat import Beat
from mdhub_arbiter.candidate import may_be_cut, take_leadership
from mdhub_arbiter.leader import Leader
from mdhub_arbiter.recovery import Recovered
from mdhub_arbiter.settings import Settings, Wanted
from mdhub_arbiter.standby import Mismatch, Standby
from mdhub_arbiter.vacancy import LOOK_EVERY_S
from simulation.server import SimServer, connect
from simulation.world import SECOND, Host, Process, Violation, World

__all__ = ["Arbiter", "Supervised"]

LOOK_NS = int(LOOK_EVERY_S * SECOND)


class Arbiter(Process):
    """One arbiter process."""

    def __init__(self, world: World, server: SimServer, name: str, host: Host) -> None:
        super().__init__(world, name, host)
        self._server = server
        self._backoff = Backoff(first_s=0.02, ceiling_s=0.5, random=world.random)
        self.standby: tuple[Log, Standby] | None = None
        self.leader: tuple[Leader, Tail] | None = None
        self.leading = 0
        """Token it leads with; 0 = it does not."""
        self.spawn(self._step, world.uniform_ms(0, 50), main=True)

    def _step(self) -> int:
        try:
            return self._stand_by() if self.leader is None else self._lead(*self.leader)
        except StreamsError as error:
            self.world.say(self.name, "%s: starts over", type(error).__name__)
            self.leader = self.standby = None
            self.leading = 0
            return int(self._backoff.next_s() * SECOND)

    def _stand_by(self) -> int:
        if self.standby is None:
            log = connect(self._server, "arbiter", self)
            standby = Standby(log, shard=0, clock=self.host.clock, on_mismatch=self._mismatch)
            self._check(standby.recovered)
            self.standby = log, standby
        self._backoff.reset()
        log, standby = self.standby
        if standby.step():
            self._take(log, standby)
        return LOOK_NS

    def _take(self, log: Log, standby: Standby) -> None:
        recovered, seen = standby.candidate(), standby.seen
        self._check(recovered)
        durable = self._server.profile != "fast" and log.durable()
        wall_ns = max(self.host.wall_ns(), recovered.state.log_ns + 1)
        cut = may_be_cut(log, 0, seen=seen, agrees=recovered.agrees, durable=durable)
        got = take_leadership(log, 0, seen=seen, at=recovered.at, wall_ns=wall_ns, cut=cut)
        if got is None:
            return
        standby.close()
        self.standby = None
        beat = Beat(
            lambda: connect(self._server, "arbiter", self),
            shard=0,
            token=got.token,
            clock=self.host.clock,
        )
        self.leading = got.token
        self.spawn(lambda: self._beat(beat, got.token), world_ns(beats.EVERY_S))
        leader = Leader(
            log,
            shard=0,
            instance=f"arbiter:{self.name}",
            leadership=got,
            recovered=recovered,
            since_ns=wall_ns,
            wanted=Wanted(Settings(), [], None),
            clock=self.host.clock,
            each_round=beat.round,
        )
        self.leader = leader, leader.begin()

    def _beat(self, beat: Beat, token: int) -> int:
        if self.leading == token and not beat.step():
            return 3_600 * SECOND
        return world_ns(beats.EVERY_S) if self.leading == token else 3_600 * SECOND

    def _lead(self, leader: Leader, tail: Tail) -> int:
        leader.turn(tail, block_ms=0)
        return self.world.uniform_ms(2, 18)

    def _check(self, recovered: Recovered) -> None:
        """The log always has enough to rebuild the state as it was."""
        if not recovered.agrees:
            raise Violation(
                f"{self.name} rebuilt another state than was committed at "
                f"{recovered.at.raw.decode()}: n {recovered.state.n}, committed {recovered.at.n}"
            )

    def _mismatch(self, found: Mismatch) -> None:
        if not found.overtaken:
            raise Violation(
                f"standby {self.name} has (n, digest) {found.own} where the leader committed "
                f"{found.leader}, at {found.raw.decode()}"
            )


def world_ns(seconds: float) -> int:
    """Seconds as simulated nanoseconds."""
    return int(seconds * SECOND)


class Supervised:
    """A process that is started again some time after it died."""

    def __init__(self, world: World, name: str, start: Callable[[], Process]) -> None:
        self.world = world
        self.name = name
        self._start = start
        self.process = start()

    def kill(self) -> None:
        """Kill it, unless it is dead already."""
        if self.process.dead:
            return
        self.world.fault(self.name, "killed")
        self.process.kill()
        self.world.later(self.world.uniform_ms(50, 400), self._restart)

    def _restart(self) -> None:
        self.process = self._start()
        self.world.say(self.name, "started")
