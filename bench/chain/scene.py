"""One end-to-end run: start a chain, play a load, measure, stop."""

from __future__ import annotations

import json
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol, TextIO

from bench.load import Load
from bench.model import BenchError
from bench.samples import Samples, read_clients, taken_between
from bench.usage import Usage, usage
from mdhub.host.stack import Host, HubPlan
from mdhub.runtime.keeper import ChildSpec
from mdhub.wire.errors import MdhubError

START_S = 60.0
END_S = 60.0
TURN_S = 0.02
USAGE_EVERY_S = 0.5
MARGIN_S = 0.2
"""CPU time is read so long before the sources end, while all of them still live."""
LOG_LINES = 15


@dataclass
class Scene:
    """Processes of one run, and where they leave their files."""

    folder: Path
    load: Load
    host: Host
    log: TextIO
    clients: list[subprocess.Popen[str]] = field(default_factory=list)
    outs: list[Path] = field(default_factory=list)

    def child(
        self, name: str, *command: str | float | Path, environment: Mapping[str, str] | None = None
    ) -> None:
        """Start a process that is not started again when its work is done."""
        words = list(map(str, command))
        self.host.keeper.want(
            ChildSpec(
                name, lambda _: words, environment or {},
                stderr=self.log, restart_after_success=False,
            )
        )  # fmt: skip
        self.host.keeper.converge()

    def client(self, *command: str, environment: Mapping[str, str] | None = None) -> None:
        """Start one more client; it is told where to leave its samples."""
        out = self.folder / f"client-{len(self.outs)}"
        words = [*command, "--out", str(out)]
        name = f"client {len(self.outs)}" if self.load.clients > 1 else "client"
        state = self.host.keeper.want(
            ChildSpec(
                name, lambda _: words, environment or {},
                stdout=subprocess.PIPE, stderr=self.log, restart_after_success=False,
            )
        )  # fmt: skip
        self.host.keeper.converge()
        if state.process is None:
            raise BenchError(f"{name} did not start")
        self.clients.append(state.process)
        self.outs.append(out)

    def rest(self, seconds: float) -> None:
        """Let the chain run."""
        deadline_s = time.monotonic() + seconds
        while (left_s := deadline_s - time.monotonic()) > 0:
            self.host.keeper.converge()
            time.sleep(min(left_s, TURN_S))

    def wait(self, condition: Callable[[], bool], what: str, timeout_s: float) -> None:
        """Wait for a condition. Raises BenchError."""
        deadline_s = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > deadline_s:
                raise BenchError(f"waited {timeout_s:g} s in vain for {what}; {self.log_tail()}")
            self.rest(TURN_S)

    def finished(self, *names: str) -> bool:
        """Whether the work of these children is done."""
        return all(self.host.keeper.children[name].finished for name in names)

    def usage(self) -> dict[str, Usage]:
        """Usage of every process so far; clients count together."""
        roots = {
            name: state.process.pid
            for name, state in self.host.keeper.children.items()
            if state.process is not None
        }
        return usage(roots)

    def check_none_died(self) -> None:
        """Raise BenchError if a process had to be started twice: the run measured a repair."""
        died = [n for n, state in self.host.keeper.children.items() if state.starts > 1]
        if died:
            raise BenchError(f"{', '.join(died)} died during the run; {self.log_tail()}")

    def log_tail(self) -> str:
        """The end of what the processes said."""
        self.log.flush()
        lines = Path(self.log.name).read_text(errors="replace").splitlines()[-LOG_LINES:]
        return "the last they said:\n" + "\n".join(lines) if lines else "they said nothing"


class Chain(Protocol):
    """One way from sources to clients."""

    def start(self, scene: Scene) -> None:
        """Start everything but the sources."""

    def play(self, scene: Scene) -> None:
        """Start the sources."""

    def ended(self, scene: Scene) -> bool:
        """Whether the sources have delivered everything."""


@dataclass(frozen=True)
class Taken:
    """What one run gave."""

    samples: Samples
    cpu_s: dict[str, float]
    """Process -> CPU seconds per million distinct ticks."""
    rss_mb: dict[str, float]


def run_chain(chain: Chain, load: Load) -> Taken:
    """Play a load through a chain. Raises BenchError."""
    with scene_of(load) as scene:
        chain.start(scene)
        for client in scene.clients:
            _await_word(scene, client, "ready")
        chain.play(scene)
        _await_word(scene, scene.clients[0], "first")
        scene.rest(load.warm_up_s)
        begin_ns, before = time.time_ns(), scene.usage()
        end_ns, after = _usage_until_end(scene, before, load.seconds - load.warm_up_s - MARGIN_S)
        scene.wait(lambda: chain.ended(scene), "the sources to end", load.seconds * 3 + 30)
        scene.check_none_died()
        _end_clients(scene)
        samples = read_clients(scene.outs, warm_up_s=load.warm_up_s)
        if not samples.ticks:
            raise BenchError(f"no tick came after the warm-up; {scene.log_tail()}")
        ticks = taken_between(scene.outs[0], begin_ns, end_ns)
        return Taken(samples, _cpu(before, after, ticks), {n: u.rss_mb for n, u in after.items()})


def _usage_until_end(
    scene: Scene, before: dict[str, Usage], seconds: float
) -> tuple[int, dict[str, Usage]]:
    """Newest usage while every process still lived, and when that was: sources end on their own."""
    end_ns, after = time.time_ns(), before
    until_s = time.monotonic() + seconds
    while time.monotonic() < until_s:
        scene.rest(min(USAGE_EVERY_S, seconds))
        now_ns, found = time.time_ns(), scene.usage()
        if not before.keys() <= found.keys():
            break
        end_ns, after = now_ns, found
    return end_ns, after


@contextmanager
def scene_of(load: Load, plan: HubPlan | None = None) -> Iterator[Scene]:
    """A folder and a parent for the processes of a run; all end with it."""
    with tempfile.TemporaryDirectory(prefix="mdhub-bench-") as name:
        folder = Path(name)
        with (folder / "services.log").open("w") as log:
            scene = Scene(folder, load, Host(plan or plan_of(folder, load), stderr=log), log)
            try:
                yield scene
            except MdhubError as error:
                raise BenchError(f"{error}; {scene.log_tail()}") from error
            finally:
                scene.host.stop()
                for client in scene.clients:
                    if client.stdout is not None:
                        client.stdout.close()


def plan_of(folder: Path, load: Load, **more: object) -> HubPlan:
    """A server in the run's own folder."""
    return HubPlan(folder=folder / "data", profile=load.profile, **more)  # type: ignore[arg-type]


def bench_module(name: str) -> list[str]:
    """Command line of a program of this folder."""
    return [sys.executable, "-m", f"bench.{name}"]


def sources_of(load: Load, recording: Path | None, speed: float) -> tuple[str, ...]:
    """Two sources that deliver one market, B some ms after A."""
    played: dict[str, object]
    if recording is None:
        played = {"sim": {"seed": 7, "ticks_per_s": load.ticks_per_s}}
    else:
        played = {"recording": {"file": str(recording), "speed": speed}}
    common = {**played, "play_s": load.seconds} if recording is None or speed else played
    return (
        json.dumps({"name": "A", **common}),
        json.dumps({"name": "B", "misbehave": "lag_ms=5-30", **common}),
    )


def _await_word(scene: Scene, client: subprocess.Popen[str], word: str) -> None:
    pipe: IO[str] | None = client.stdout
    if pipe is None:
        raise BenchError("the client has no pipe")
    scene.wait(lambda: bool(select.select([pipe], [], [], 0)[0]), f"a client's {word!r}", START_S)
    if (said := pipe.readline().strip()) != word:
        raise BenchError(f"a client said {said!r}, expected {word!r}; {scene.log_tail()}")


def _end_clients(scene: Scene) -> None:
    for client in scene.clients:
        client.terminate()
    for client in scene.clients:
        with suppress(subprocess.TimeoutExpired):
            client.wait(END_S)
    missing = [out.name for out in scene.outs if not out.exists()]
    if missing:
        raise BenchError(f"{', '.join(missing)} left no samples; {scene.log_tail()}")


def _cpu(before: dict[str, Usage], after: dict[str, Usage], ticks: int) -> dict[str, float]:
    """CPU seconds per million ticks; nothing if no tick came in the stretch that was looked at."""
    if not ticks:
        return {}
    return {
        name: round((used.cpu_s - before[name].cpu_s) * 1e6 / ticks, 3)
        for name, used in after.items()
        if name in before
    }
