"""Keeps child processes running: start, watch, kill -9 and replace, back off, give up.

A child may have a pulse (`mdhub.runtime.pulse`): one that stands still is killed like that too.

All methods belong to one thread, the main one (the children's death signal is tied to it).
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Final, TextIO

from mdhub.runtime.backoff import Backoff
from mdhub.runtime.errors import ServiceError
from mdhub.runtime.parent import PARENT_VARIABLE
from mdhub.runtime.pulse import PULSE_VARIABLE, PulseReader

__all__ = ["ChildSpec", "ChildState", "Keeper"]

STABLE_S: Final = 10.0
TERM_GRACE_S: Final = 1.5
TOLD_MAX: Final = 1 << 20
_PIPE_BYTES: Final = 4_096
"""What fits into any pipe."""
AWAY_S: Final = 1.0
"""A keeper that itself stood still for so long has not seen the pulses of that time."""


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """What to run. `command` is asked before each start, with the running number of the start."""

    name: str
    command: Callable[[int], Sequence[str]]
    environment: Mapping[str, str] = field(default_factory=dict)
    stdout: int | TextIO | None = None
    stderr: int | TextIO | None = None
    give_up_after: int | None = None
    """Quarantine after this many failures in a row; None = keep trying."""
    restart_after_success: bool = True
    """False: exit code 0 means the child's work is done."""
    hung_after_s: float | None = None
    """Kill the child when its pulse has stood still for so long; None = it has no pulse. The first
    beat may take `first_pulse_s`."""
    first_pulse_s: float = 30.0
    stop_on: frozenset[int] = frozenset()
    """Exit codes that quarantine at once: trying again would do harm."""
    first_pause_s: float = 0.1
    longest_pause_s: float = 10.0
    stable_s: float = STABLE_S
    """A child that lived this long has recovered: its back-off starts anew."""
    told: Callable[[], bytes] | None = None
    """What it reads from its stdin, asked before each start; in a pipe, for what nobody else may
    see. At most 1 MiB. None = its stdin is empty."""


@dataclass(slots=True)
class ChildState:
    """One child as the keeper sees it."""

    spec: ChildSpec
    backoff: Backoff
    process: subprocess.Popen[str] | None = None
    started_s: float = 0.0
    starts: int = 0
    next_start_s: float = 0.0
    last_exit: int | None = None
    """None also if the last start did not succeed at all."""
    quarantined: bool = False
    finished: bool = False
    hung: int = 0
    """How often it was killed because its pulse stood still."""
    died_hung: bool = False
    """Whether that was the end of the last process."""
    ends: Counter[int] = field(default_factory=Counter)
    """How often it ended with which exit code; below 0 = by that signal."""
    pulse: PulseReader | None = None

    def output(self) -> IO[str]:
        """What the running child writes. Raises ServiceError unless it runs with a pipe."""
        if self.process is None or self.process.stdout is None:
            raise ServiceError(f"{self.spec.name} does not run with its output in a pipe")
        return self.process.stdout


class Keeper:
    """Parent of a set of children. `converge` brings what runs to what is wanted."""

    def __init__(
        self,
        *,
        on_exit: Callable[[ChildState], None] = lambda _: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._children: dict[str, ChildState] = {}
        self._on_exit = on_exit
        self._monotonic = monotonic
        self._looked_s: float | None = None

    @property
    def children(self) -> dict[str, ChildState]:
        return self._children

    def want(self, spec: ChildSpec) -> ChildState:
        """Add a child; the next `converge` starts it."""
        backoff = Backoff(first_s=spec.first_pause_s, ceiling_s=spec.longest_pause_s)
        state = ChildState(spec, backoff)
        self._children[spec.name] = state
        return state

    def converge(self) -> None:
        """Reap what died, start what is due. Cheap: call it several times a second."""
        now_s = self._monotonic()
        away_s = 0.0 if self._looked_s is None else now_s - self._looked_s
        self._looked_s = now_s
        for state in list(self._children.values()):
            if state.process is None:
                if not (state.quarantined or state.finished) and now_s >= state.next_start_s:
                    self._start(state, now_s)
            elif state.process.poll() is not None:
                self._reap(state, state.process.returncode, now_s)
            elif state.pulse is not None and state.spec.hung_after_s is not None:
                if away_s > AWAY_S:
                    state.pulse.excuse(away_s)
                if state.pulse.silent_s(now_s) > state.spec.hung_after_s:
                    state.hung += 1
                    state.died_hung = True
                    state.process.kill()  # the next turn reaps and replaces it
                    _close(state)

    def kill(self, name: str) -> int | None:
        """SIGKILL one child (the next `converge` replaces it); return its pid."""
        state = self._children[name]
        if state.process is None or state.process.poll() is not None:
            return None
        state.process.kill()
        return state.process.pid

    def renew(self, name: str) -> ChildState:
        """SIGKILL one child and start a new process at once, whatever kept it down.

        Quarantine, a pause and a finished child are all overruled, and its back-off starts anew.
        Raises ServiceError if the old process does not go.
        """
        state = self._children[name]
        if state.process is not None:
            state.process.kill()
            try:
                state.last_exit = state.process.wait(TERM_GRACE_S)
            except subprocess.TimeoutExpired as error:
                raise ServiceError(
                    f"process {state.process.pid} of {name} was killed but does not end: it hangs "
                    "in the kernel; look at its disk or network file systems"
                ) from error
            state.ends[state.last_exit] += 1
            state.process = None
            _close(state)
        state.quarantined = state.finished = False
        state.backoff.reset()
        self._start(state, self._monotonic())
        return state

    def stop(self, *names: str) -> None:
        """End the named children, or all: SIGTERM, a short grace, then SIGKILL. No restart."""
        chosen = [s for n, s in self._children.items() if not names or n in names]
        running = [s.process for s in chosen if s.process is not None]
        for process in running:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        deadline_s = self._monotonic() + TERM_GRACE_S
        for process in running:
            _wait_or_kill(process, deadline_s - self._monotonic())
        for state in chosen:
            _close(state)
            del self._children[state.spec.name]

    def _start(self, state: ChildState, now_s: float) -> None:
        state.starts += 1
        state.started_s = now_s
        spec = state.spec
        environment = {**os.environ, **spec.environment, PARENT_VARIABLE: str(os.getpid())}
        environment.pop(PULSE_VARIABLE, None)
        pulse = None
        stdin = subprocess.DEVNULL
        try:
            if spec.told is not None:
                stdin = _pipe_of(spec.told())
            if spec.hung_after_s is not None:
                pulse = PulseReader(now_s + max(0.0, spec.first_pulse_s - spec.hung_after_s))
                environment[PULSE_VARIABLE] = str(pulse.child_end)
            state.process = subprocess.Popen(
                list(spec.command(state.starts)),
                env=environment,
                pass_fds=() if pulse is None else (pulse.child_end,),
                stdin=stdin,
                stdout=spec.stdout,
                stderr=spec.stderr,
                text=True,
                start_new_session=True,
            )
        except OSError:  # out of processes, files or memory: the others must live on
            if pulse is not None:
                pulse.close()
            state.last_exit = None
            self._plan_next(state, now_s)
            return
        finally:
            if stdin >= 0:
                os.close(stdin)
        state.died_hung = False
        state.pulse = pulse
        if pulse is not None:
            pulse.close_child_end()

    def _reap(self, state: ChildState, exit_code: int, now_s: float) -> None:
        state.last_exit = exit_code
        state.ends[exit_code] += 1
        state.process = None
        _close(state)
        if now_s - state.started_s >= state.spec.stable_s:
            state.backoff.reset()
        state.finished = state.last_exit == 0 and not state.spec.restart_after_success
        self._plan_next(state, now_s)

    def _plan_next(self, state: ChildState, now_s: float) -> None:
        state.next_start_s = now_s + state.backoff.next_s()
        limit = state.spec.give_up_after
        failed_often = limit is not None and state.backoff.attempts >= limit
        stops = state.last_exit in state.spec.stop_on
        state.quarantined = (failed_often or stops) and not state.finished
        self._on_exit(state)


def _pipe_of(text: bytes) -> int:
    """Return the end to read of a pipe that holds this and then ends. Raises OSError."""
    reading, writing = os.pipe()
    try:
        os.set_blocking(writing, False)  # whoever is to read it does not run yet
        if len(text) > _PIPE_BYTES:
            fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, min(len(text), TOLD_MAX))
        written = os.write(writing, text)
    except OSError:
        os.close(reading)
        raise
    finally:
        os.close(writing)
    if written < len(text):
        os.close(reading)
        raise OSError(f"{len(text)} bytes for a child do not fit into a pipe")
    return reading


def _wait_or_kill(process: subprocess.Popen[str], left_s: float) -> None:
    try:
        process.wait(max(0.0, left_s))
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _close(state: ChildState) -> None:
    if state.pulse is not None:
        state.pulse.close()
        state.pulse = None
