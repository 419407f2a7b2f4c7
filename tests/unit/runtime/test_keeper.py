"""The keeper starts, watches, replaces and ends real child processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from mdhub.runtime.keeper import STABLE_S, TOLD_MAX, ChildSpec, ChildState, Keeper
from tests.support.wait import until

pytestmark = pytest.mark.process

ENDS_WITHIN_S = 2.0
SLEEPER = "import time; time.sleep(600)"
STUBBORN = """
import pathlib, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pathlib.Path(sys.argv[1]).touch()
time.sleep(600)
"""
PARENT = """
import os, pathlib, sys, time
from mdhub.runtime.keeper import ChildSpec, Keeper
from mdhub.runtime.parent import die_with_parent

die_with_parent()
folder, *children = map(pathlib.Path, sys.argv[1:])
command = [sys.executable, "-c", os.environ["PARENT"], folder, *children[1:]]
if not children[1:]:
    command = [sys.executable, "-m", "mdhub.runtime.leash", sys.executable, "-c",
               "import time; time.sleep(600)"]
keeper = Keeper()
keeper.want(ChildSpec("child", lambda _: list(map(str, command))))
while True:
    keeper.converge()
    if process := keeper.children["child"].process:
        (folder / f"{children[0]}.new").write_text(str(process.pid))
        (folder / f"{children[0]}.new").rename(folder / children[0])
    time.sleep(0.02)
"""


class Clock:
    """A monotonic clock that is set by hand."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


class Desk:
    """A keeper, its clock, and the exits it reported."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.exits: list[int | None] = []
        self.keeper = Keeper(on_exit=self._note, monotonic=self.clock)

    def _note(self, state: ChildState) -> None:
        self.exits.append(state.last_exit)

    def want(
        self, program: str, *args: str, **fields: bool | float | frozenset[int] | None
    ) -> ChildState:
        command = [sys.executable, "-c", program, *args]
        return self.keeper.want(ChildSpec("child", lambda _: command, **fields))  # type: ignore[arg-type]

    def start(self, state: ChildState) -> int:
        """Let the pause pass and start the child; return its pid."""
        self.clock.now_s = max(self.clock.now_s, state.next_start_s)
        self.keeper.converge()
        assert state.process is not None
        return state.process.pid

    def wait_exit(self, state: ChildState) -> None:
        def reaped() -> bool:
            self.keeper.converge()
            return state.process is None

        until(reaped, "the child to be reaped")


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = Desk()
    yield desk
    desk.keeper.stop()


def gone(pid: int) -> bool:
    """No such process, or one that is dead and only waits for its parent."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    with suppress(FileNotFoundError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    return not Path("/proc/self").exists()


def test_a_killed_child_is_replaced_after_a_pause(desk: Desk) -> None:
    """Its successor comes when the back-off has passed, not before."""
    state = desk.want(SLEEPER)
    first = desk.start(state)
    assert desk.keeper.kill("child") == first
    desk.wait_exit(state)
    assert desk.exits == [-signal.SIGKILL]
    assert state.next_start_s > desk.clock.now_s

    desk.keeper.converge()
    assert state.process is None
    assert desk.start(state) != first
    assert state.starts == 2


def test_a_child_is_renewed_at_once_whatever_kept_it_down(desk: Desk) -> None:
    """Running, in quarantine or finished: a new process, no pause, no exit reported."""
    state = desk.want(SLEEPER)
    first = desk.start(state)
    desk.keeper.renew("child")
    assert state.process is not None and state.process.pid != first
    assert gone(first)
    assert (desk.exits, state.starts, state.ends[-signal.SIGKILL]) == ([], 2, 1)

    desk.keeper.stop()
    for program, fields in (
        ("raise SystemExit(4)", {"stop_on": frozenset({4})}),
        ("", {"restart_after_success": False}),
    ):
        state = desk.want(program, **fields)
        desk.start(state)
        desk.wait_exit(state)
        assert state.quarantined or state.finished
        desk.keeper.renew("child")
        assert (state.quarantined, state.finished, state.starts) == (False, False, 2)
        desk.wait_exit(state)
        assert state.backoff.attempts == 1


def test_killing_what_does_not_run_does_nothing(desk: Desk) -> None:
    """Neither before the start nor after the end."""
    state = desk.want("")
    assert desk.keeper.kill("child") is None
    desk.start(state)
    desk.wait_exit(state)
    assert desk.keeper.kill("child") is None


def test_pauses_grow_until_a_child_has_lived_a_while(desk: Desk) -> None:
    """Ten seconds of life count as recovery."""
    state = desk.want("raise SystemExit(1)")
    for attempt in range(1, 4):
        desk.start(state)
        desk.wait_exit(state)
        assert state.backoff.attempts == attempt
    desk.start(state)
    desk.clock.now_s += STABLE_S
    desk.wait_exit(state)
    assert state.backoff.attempts == 1


def test_a_child_that_finished_rests(desk: Desk) -> None:
    """Exit code 0 may mean that the work is done."""
    state = desk.want("", restart_after_success=False, give_up_after=1)
    desk.start(state)
    desk.wait_exit(state)
    desk.clock.now_s += 1_000
    desk.keeper.converge()

    assert (state.finished, state.quarantined, state.starts) == (True, False, 1)


def test_a_service_that_ends_is_started_again(desk: Desk) -> None:
    """Services have no reason to end by themselves, also not with exit code 0."""
    state = desk.want("")
    desk.start(state)
    desk.wait_exit(state)
    desk.start(state)
    assert (state.finished, state.starts) == (False, 2)


def test_a_child_that_keeps_failing_is_given_up(desk: Desk) -> None:
    """After as many failures in a row as were allowed, and not one more."""
    state = desk.want("raise SystemExit(7)", give_up_after=3)
    for _ in range(3):
        assert not state.quarantined
        desk.start(state)
        desk.wait_exit(state)
    desk.clock.now_s += 1_000
    desk.keeper.converge()

    assert (state.quarantined, state.starts, desk.exits) == (True, 3, [7, 7, 7])


def test_a_child_that_says_stop_is_not_started_again(desk: Desk) -> None:
    """An exit code that means: trying again would do harm. Other codes are failures as ever."""
    state = desk.want("raise SystemExit(4)", stop_on=frozenset({4}))
    desk.start(state)
    desk.wait_exit(state)
    desk.clock.now_s += 1_000
    desk.keeper.converge()
    assert (state.quarantined, state.finished, state.starts) == (True, False, 1)
    assert state.ends == {4: 1}

    other = desk.want("raise SystemExit(1)", stop_on=frozenset({4}))
    desk.start(other)
    desk.wait_exit(other)
    assert not other.quarantined


def test_a_patient_child_waits_longer_and_recovers_later(desk: Desk) -> None:
    """Its pauses double up to its own ceiling; a life of a minute is no recovery for it."""
    state = desk.want(
        "raise SystemExit(1)", first_pause_s=20.0, longest_pause_s=60.0, stable_s=120.0
    )
    pauses = []
    for _ in range(4):
        desk.start(state)
        desk.clock.now_s += 60.0
        desk.wait_exit(state)
        pauses.append(state.next_start_s - desk.clock.now_s)
    assert 10.0 <= pauses[0] <= 20.0 <= pauses[1] <= 40.0
    assert all(30.0 <= pause_s <= 60.0 for pause_s in pauses[2:])
    assert state.ends == {1: 4}


def test_a_program_that_cannot_be_started_does_not_stop_the_others(desk: Desk) -> None:
    """It is a failure like any other: reported, tried again."""
    bad = desk.keeper.want(ChildSpec("bad", lambda _: ["/nonexistent/program"]))
    good = desk.want(SLEEPER)
    desk.keeper.converge()

    assert desk.exits == [None]
    assert bad.next_start_s > desk.clock.now_s
    assert good.process is not None


def test_a_child_knows_its_environment_and_start(desk: Desk) -> None:
    """The command is asked before each start, with the running number of the start."""
    program = "import os, sys; raise SystemExit(int(os.environ['BASE']) + int(sys.argv[1]))"
    spec = ChildSpec(
        "child",
        lambda start: [sys.executable, "-c", program, str(start)],
        environment={"BASE": "40"},
    )
    state = desk.keeper.want(spec)
    for _ in range(2):
        desk.start(state)
        desk.wait_exit(state)
    assert desk.exits == [41, 42]


def test_stopping_ends_all_children_even_stubborn_ones(tmp_path: Path) -> None:
    """SIGTERM first; who ignores it is killed, all within two seconds."""
    keeper = Keeper()
    ready = [tmp_path / f"{i}" for i in range(3)]
    for i, file in enumerate(ready):
        command = [sys.executable, "-c", STUBBORN, str(file)]
        keeper.want(ChildSpec(f"stubborn {i}", lambda _, command=command: command))  # type: ignore[misc]
    keeper.want(ChildSpec("meek", lambda _: [sys.executable, "-c", SLEEPER]))
    keeper.converge()
    pids = [state.process.pid for state in keeper.children.values() if state.process]
    until(lambda: all(file.exists() for file in ready), "the children to be ready")
    began_s = time.monotonic()
    keeper.stop()

    assert time.monotonic() - began_s < ENDS_WITHIN_S
    assert all(gone(pid) for pid in pids)
    assert keeper.children == {}


def test_stopping_one_leaves_the_others(desk: Desk) -> None:
    """A named child ends and is not started again."""
    other = desk.keeper.want(ChildSpec("other", lambda _: [sys.executable, "-c", SLEEPER]))
    state = desk.want(SLEEPER)
    pid = desk.start(state)
    desk.keeper.stop("child")

    assert gone(pid)
    assert list(desk.keeper.children) == ["other"]
    assert other.process is not None
    assert other.process.poll() is None


def test_a_killed_parent_leaves_no_process(tmp_path: Path) -> None:
    """SIGKILL of the parent ends children and grandchildren, though nobody could tell them."""
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path), "child", "grandchild"],
        env={**os.environ, "PARENT": PARENT, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        start_new_session=True,
    )
    try:
        files = [tmp_path / "child", tmp_path / "grandchild"]
        until(lambda: all(file.exists() for file in files), "child and grandchild to run")
        pids = [int(file.read_text()) for file in files]
        assert not any(gone(pid) for pid in pids)
    finally:
        parent.kill()
        parent.wait()
    until(lambda: all(gone(pid) for pid in pids), "all processes to be gone", timeout_s=5.0)


def test_a_child_is_told_in_a_pipe_at_each_start(tmp_path: Path) -> None:
    """A long text too; nothing of it is in its command line, its environment or a `repr`."""
    told = iter([b"first " * 20_000, b"second"])
    program = (
        "import sys, pathlib; pathlib.Path(sys.argv[1]).open('ab').write(sys.stdin.buffer.read())"
    )
    desk = Desk()
    file = tmp_path / "heard"
    spec = ChildSpec(
        "child", lambda _: [sys.executable, "-c", program, str(file)], told=lambda: next(told)
    )
    desk.keeper.want(spec)

    def ended() -> bool:
        desk.keeper.converge()
        return bool(desk.exits)

    for heard in (b"first " * 20_000, b"first " * 20_000 + b"second"):
        until(ended, "the child to end", timeout_s=10)
        desk.exits.clear()
        desk.clock.now_s += 100
        assert file.read_bytes() == heard


def test_what_does_not_fit_into_a_pipe_is_a_start_that_failed() -> None:
    """The others live on."""
    desk = Desk()
    desk.keeper.want(ChildSpec("child", lambda _: ["true"], told=lambda: b"x" * (TOLD_MAX + 1)))
    desk.keeper.converge()
    assert desk.exits == [None]
