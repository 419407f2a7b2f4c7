"""A whole hub of real processes in a folder, that drills kill, pause and cut off. Main thread only.

Children: `server`, `arbiter A`, `arbiter B`, `publisher A`, `publisher B`, `monitor`, `ingest 1`,
`ingest 2` (supervisors of source A and of source B) and `client`. What dies is restarted by
the crew; nothing else mends anything.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self, TextIO, TypeVar

from mdhub.demo.progress import StrategyVoice
from mdhub.drill.crew import CLIENT, Crew, client_name, client_spec, hub_plan, kind_of
from mdhub.drill.port import Claim, Drill, Fault, Gear, Options
from mdhub.drill.view import entries
from mdhub.host.stack import URL_VARIABLE, Host, HubPlan
from mdhub.runtime.errors import ServiceError
from mdhub.runtime.heartbeat import LEADING, Beat, decode_beat
from mdhub.runtime.keeper import ChildSpec, ChildState
from mdhub.streams import open_log
from mdhub.streams.errors import StreamsError
from mdhub.streams.port import Entry, Log
from mdhub.streams.topology import EVENTS
from mdhub.wire.codec import DecodeError, decode_event
from mdhub.wire.ops import Event

__all__ = ["Rig", "RigError"]

T = TypeVar("T")
NAP_S: Final = 0.01
PATIENCE_S: Final = 20.0
LOG_TIMEOUT_S: Final = 0.3
AT_WORK: Final = frozenset({"standby", "leading"})
"""States of an arbiter that is as it should be."""
FRESH_S: Final = 0.5
"""Who gets ticks not older than this follows live."""


class RigError(ServiceError):
    """The hub of a drill did not do what was waited for; the message says what."""


@dataclass(slots=True)
class Rig:
    """Context manager: started by `with`, everything ended at its end."""

    drill: Drill
    options: Options
    folder: Path
    stderr: TextIO | None = None
    say: Callable[[str], None] = lambda _: None
    faults: list[Fault] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
    """Measured by the row itself, shown in the JSON."""
    plan: HubPlan = field(init=False)
    host: Host = field(init=False)
    crew: Crew = field(init=False)
    gear: Gear = field(init=False)
    _log: Log | None = None
    _ending: bool = False

    def __enter__(self) -> Self:
        layout = self.drill.layout
        seed = self.options.seed
        plan = hub_plan(self.folder, layout, seed=seed, run=f"drill-{self.drill.id}-{seed}")
        self.gear = self.drill.gear(self.folder)
        self.crew = Crew(self.gear, on_exit=self._on_exit)
        try:
            self.plan = self.drill.plan(plan, self.gear)
            self.host = Host(self.plan, stderr=self.stderr)
            self.host.keeper = self.crew
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End every process; may be repeated."""
        self._ending = True
        self._forget_log()
        for state in self.crew.children.values():
            if state.process is not None and state.process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(state.process.pid, signal.SIGCONT)  # a stopped one heeds no SIGTERM
        services = [name for name in self.crew.children if name != "server"]
        if services:
            self.crew.stop(*services)  # who writes ends before the server
        self.crew.stop()
        self.gear.close()

    # -- faults

    def fault(self, words: str) -> None:
        """Stamp a fault now. Silence is measured from here to the next one."""
        self.faults.append(Fault(words, time.monotonic_ns()))
        self.say(words)

    def kill(self, *names: str) -> None:
        """SIGKILL children, at once; the crew restarts them."""
        pids = [self.crew.pid(name) for name in names]
        self.fault(f"kill -9 {', '.join(names)}")
        for pid in pids:
            os.kill(pid, signal.SIGKILL)

    def pause(self, *names: str) -> None:
        """SIGSTOP children."""
        pids = [self.crew.pid(name) for name in names]
        self.fault(f"SIGSTOP {', '.join(names)}")
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)

    def resume(self, *names: str) -> int:
        """SIGCONT children; return the moment (monotonic ns)."""
        for name in names:
            os.kill(self.pid(name), signal.SIGCONT)
        return time.monotonic_ns()

    # -- who is who

    def pid(self, name: str) -> int:
        """Process of a child. Raises ServiceError if it does not run."""
        return self.crew.pid(name)

    def leader(self) -> str:
        """Name of the arbiter that leads now: its heartbeat names the token in force."""

        def found() -> str | None:
            token = self.token()
            for instance, beat in self.beats().items():
                if beat.state == LEADING and beat.counters.get("token") == token:
                    return self._child_of(instance)
            return None

        return self.until(found, "a heartbeat of who leads")

    def standby(self) -> str:
        """Name of the arbiter that does not lead."""
        leader = self.leader()
        others = [name for name in self.crew.named("arbiter") if name != leader]
        if not others:
            raise RigError("this drill has no standby: ask for one in its layout")
        return others[0]

    def wait_hot(self, name: str, *, since_ns: int | None = None) -> None:
        """Wait until an arbiter has said, from now on, that it stands by or leads."""
        instance = self.crew.instance(name)
        since_ns = time.time_ns() if since_ns is None else since_ns

        def hot() -> bool:
            beat = self.beats().get(instance)
            fresh = beat is not None and beat.ts_ns >= since_ns and beat.state in AT_WORK
            return fresh and beat is not None and beat.pid == self._pid_or_none(name)

        self.until(hot, f"{name} to be ready")

    def beat_pid(self, instance: str) -> int:
        """Process that beats for an instance, such as `ingest:A` (a source, not its supervisor)."""
        return self.until(lambda: self.beats().get(instance), f"a heartbeat of {instance}").pid

    def wait_replaced(self, instance: str, pid: int) -> None:
        """Wait until another process than that beats for an instance."""

        def replaced() -> bool:
            beat = self.beats().get(instance)
            return beat is not None and beat.pid != pid

        self.until(replaced, f"{instance} to be replaced")

    def token(self) -> int:
        """Fence token in force; -1 while it cannot be read."""
        return self.ask(lambda log: log.leadership(0).token, -1)

    def wait_takeover(self, token: int, timeout_s: float = PATIENCE_S) -> int:
        """Wait until somebody leads with a newer token than that; return it."""
        return self.until(
            lambda: now if (now := self.token()) > token else None,
            f"a leader with a newer token than {token}",
            timeout_s=timeout_s,
        )

    # -- waiting; the crew restarts what died meanwhile

    def wait(self, seconds: float) -> None:
        """Let the hub run."""
        end_s = time.monotonic() + seconds
        while time.monotonic() < end_s:
            self.turn()

    def until(
        self, condition: Callable[[], T | None], what: str, *, timeout_s: float = PATIENCE_S
    ) -> T:
        """Wait until the condition gives something true; return it. Raises RigError."""
        deadline_s = time.monotonic() + timeout_s
        while not (found := condition()):
            if time.monotonic() > deadline_s:
                raise RigError(f"waited {timeout_s:g} s in vain for {what}")
            self.turn()
        return found

    def turn(self) -> None:
        """Reap and restart what died; a short nap."""
        self.crew.converge()
        time.sleep(NAP_S)

    def during(self, seconds: float) -> Iterator[float]:
        """Go round while the hub runs: yields the seconds passed, every 10 ms or so."""
        began_s = time.monotonic()
        while (passed_s := time.monotonic() - began_s) < seconds:
            yield passed_s
            self.turn()

    # -- what the hub says

    def ask(self, read: Callable[[Log], T], nothing: T) -> T:
        """Read from the log; `nothing` while the server is away (a call takes 0.3 s at most)."""
        try:
            if self._log is None:
                self._log = open_log(
                    self.host.url, service="cli", prefix=self.plan.prefix, timeout_s=LOG_TIMEOUT_S
                )
            return read(self._log)
        except StreamsError:
            self._forget_log()
            return nothing

    def beats(self) -> dict[str, Beat]:
        """Newest heartbeat by instance, such as `arbiter:A`."""
        payloads = self.ask(lambda log: log.beats(), dict[str, bytes]())
        return {name: decode_beat(payload) for name, payload in payloads.items()}

    def events(self, *, newest: int | None = None) -> list[Event]:
        """Events so far, oldest first, or the newest ones, newest first."""

        def read(log: Log) -> list[Entry]:
            if newest is None:
                return list(entries(log, EVENTS))
            return log.entries(EVENTS, count=newest, newest_first=True)

        found = self.ask(read, list[Entry]())
        return [event for _, fields in found if (event := _event(fields[1])) is not None]

    def n(self) -> int:
        """Newest n of the clean log; -1 while it cannot be read."""
        return self.ask(lambda log: log.positions(0).n, -1)

    def voice(self, client: str = CLIENT) -> StrategyVoice:
        """What a client says of itself."""
        return self.crew.voices[client]

    def received(self, client: str = CLIENT) -> int:
        """Ticks a client has got."""
        return int(self.voice(client).newest.get("received", 0))

    def wait_live(self, timeout_s: float = 30.0) -> None:
        """Wait until every client again gets ticks that are not older than half a second."""

        def live() -> bool:
            ages = [self.voice(name).newest.get("age_s") for name in self.clients()]
            return all(age is not None and age < FRESH_S for age in ages)

        before = {name: self.received(name) for name in self.clients()}
        self.until(
            lambda: all(self.received(name) > got for name, got in before.items()) and live(),
            "clients to follow live again", timeout_s=timeout_s,
        )  # fmt: skip

    def claim(self, words: str, *, held: bool) -> None:
        """Add a promise of this row, judged while the hub runs."""
        self.claims.append(Claim(words, held))

    # -- the parts

    def clients(self) -> list[str]:
        return self.crew.named(CLIENT)

    def receipts(self, client: str = CLIENT) -> Path:
        """File of what a client recorded (`mdhub.drill.receipts`)."""
        return self.folder / f"{client.replace(' ', '-')}.receipts"

    def endpoints(self) -> list[str]:
        """Addresses of the publishers' live streams."""
        return [f"tcp://{p.bind}:{p.port}" for p in self.plan.publishers]

    def url_environment(self) -> dict[str, str]:
        """How a child finds the server."""
        return {URL_VARIABLE: self.host.url}

    def start_client(self, number: int, *arguments: str) -> str:
        """Start one more recording client and wait until it is connected; return its name."""
        name = client_name(number)
        spec = client_spec(
            number, self.receipts(name), [*self.endpoints(), *arguments], self.stderr
        )
        self._start_child(spec)
        self.crew.voices[name] = voice = StrategyVoice(self.crew.children[name].output())
        self.until(voice.ready.is_set, f"{name} to be connected")
        return name

    def stop_market(self) -> None:
        """End the sources; the market stands still from here on."""
        self.host.stop_service("ingest")

    def _start(self) -> None:
        layout = self.drill.layout
        self.say("starting the hub")
        self.host.start_server()
        self.host.start("arbiter", "publisher", "monitor")
        for number in range(layout.clients):
            self.start_client(number)
        self.host.start("ingest")
        self.until(lambda: self.received() > layout.ticks_per_s, "the first second of ticks")
        for name in self.crew.named("arbiter"):
            self.wait_hot(name, since_ns=0)
        self.wait_live()

    def _start_child(self, spec: ChildSpec) -> None:
        self.crew.want(spec)
        self.crew.converge()

    def _pid_or_none(self, name: str) -> int | None:
        process = self.crew.children[name].process
        return None if process is None else process.pid

    def _child_of(self, instance: str) -> str:
        for name in self.crew.named("arbiter"):
            if self.crew.instance(name) == instance:
                return name
        raise RigError(f"{instance} leads, which is no arbiter of this drill")

    def _forget_log(self) -> None:
        if self._log is not None:
            with contextlib.suppress(StreamsError):
                self._log.close()
            self._log = None

    def _on_exit(self, state: ChildState) -> None:
        if kind_of(state.spec.name) == CLIENT and not self._ending:
            raise RigError(f"{state.spec.name} ended by itself (exit code {state.last_exit})")


def _event(payload: bytes) -> Event | None:
    try:
        return decode_event(payload)
    except DecodeError:
        return None
