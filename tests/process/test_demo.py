"""The demo as a user runs it: `mdhub demo`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support.recordings import recording
from tests.support.ticks import ROWS, made_up_recording
from tests.support.wait import until

pytestmark = [pytest.mark.process, pytest.mark.timeout(120)]

DEMO = [sys.executable, "-m", "mdhub.cli.app", "demo"]
SABOTEUR = Path(__file__).parent / "saboteur.py"


def run_demo(*options: str, environment: dict[str, str] | None = None) -> tuple[int, Any]:
    """Run the demo headless; return its exit code and its last line."""
    done = subprocess.run(
        [*DEMO, "--json", *options],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        env={**os.environ, **(environment or {})},
    )
    lines = done.stdout.splitlines()
    assert lines, done.stderr
    return done.returncode, json.loads(lines[-1])


def test_the_strategy_gets_every_tick_once_although_a_source_is_killed() -> None:
    """Two bad sources, one killed with SIGKILL at half time: nothing lost, doubled or false."""
    code, result = run_demo("--seconds", "10")

    assert code == 0, result
    assert result["server"] in {"valkey", "redis"}
    assert result["published"] == result["received"] > 500
    assert (result["lost"], result["duplicated"], result["false"]) == (0, 0, 0)
    assert result["kills"] == result["sources"]["A"]["killed"] == 1
    assert result["sources"]["A"]["restarts"] == 1
    assert result["sources"]["B"]["restarts"] == 0
    assert result["sources"]["A"]["won"] > result["sources"]["B"]["won"] > 0
    assert result["sources"]["B"]["duplicates"] > 0
    assert result["p50_ms"] > 0


def test_whole_simulated_days_go_through_with_their_nights_and_jumps() -> None:
    """At x1200 a trading day takes half a minute: nothing lost or doubled over its jumps."""
    code, result = run_demo("--sessions", "full", "--speed", "1200", "--seconds", "25")

    assert code == 0, result
    assert result["published"] == result["received"] > 300
    assert (result["lost"], result["duplicated"], result["false"]) == (0, 0, 0)


def test_without_any_server_fakeredis_takes_its_place_and_says_so() -> None:
    """Not durable, not for timing; yet nothing is lost, doubled or false."""
    done = subprocess.run(
        [*DEMO, "--json", "--seconds", "6"],
        capture_output=True, text=True, timeout=100, check=False,
        env={**os.environ, "MDHUB_DEMO_SERVER": "fakeredis"},
    )  # fmt: skip
    result = json.loads(done.stdout.splitlines()[-1])

    assert done.returncode == 0, done.stderr
    assert result["server"] == "fakeredis"
    assert "NOT durable, NOT for timing" in " ".join(done.stderr.split())
    assert result["published"] == result["received"] > 300
    assert (result["lost"], result["duplicated"], result["false"]) == (0, 0, 0)
    assert result["kills"] == 1


def test_a_tick_lost_inside_the_publisher_is_found(tmp_path: Path) -> None:
    """The checker knows what the market made: one missing tick turns the demo's exit code to 1."""
    at_start = f"import runpy; runpy.run_path({str(SABOTEUR)!r})\n"
    (tmp_path / "sitecustomize.py").write_text(at_start)

    code, result = run_demo("--seconds", "8", environment={"PYTHONPATH": str(tmp_path)})

    assert code == 1
    assert result["lost"] == 1
    assert (result["duplicated"], result["false"]) == (0, 0)


@pytest.mark.recordings
def test_real_ticks_go_through_whole() -> None:
    """A recorded night at x60 through two derived sources: nothing lost, nothing doubled."""
    file = recording("20171113-market.csv.zst")

    code, result = run_demo("--recording", str(file), "--speed", "60", "--seconds", "10")

    assert code == 0, result
    assert result["received"] > 3_000
    assert (result["lost"], result["duplicated"], result["false"]) == (0, 0, 0)
    assert result["sources"]["A"]["broke"]["lost"] > 0, "the bad source was not bad"
    assert result["sources"]["B"]["broke"]["lost"] == 0


def test_a_recording_loops_as_today_and_bad_rows_are_told(tmp_path: Path) -> None:
    """Night and day, again and again, a source killed in between: nothing lost; bad rows shown."""
    file = made_up_recording(tmp_path)
    with file.open("a", encoding="utf-8") as rows:
        rows.write("20171113,too,short\n")

    code, result = run_demo(
        "--recording", str(file), "--loop", "--today", "--speed", "20", "--seconds", "20"
    )

    assert code == 0, result
    assert (result["lost"], result["duplicated"], result["false"]) == (0, 0, 0)
    assert result["received"] == result["published"] > 1.5 * ROWS, "it did not loop"
    assert result["unreadable"]["rows"] == {"columns": result["received"] // ROWS}
    assert f"made-up.csv:{ROWS + 2}: columns" in result["unreadable"]["examples"][0]


def test_ctrl_c_ends_everything_within_three_seconds(tmp_path: Path) -> None:
    """After SIGINT the verdict comes at once, though much was received; no process is left."""
    demo = subprocess.Popen(
        [*DEMO, "--rate", "2000", "--keep", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        until(lambda: size(tmp_path / "receipts") > 5_000_000, "much to be received", timeout_s=60)
        family = descendants(demo.pid)
        demo.send_signal(signal.SIGINT)
        began_s = time.monotonic()
        output, _ = demo.communicate(timeout=20)
    finally:
        demo.kill()

    assert time.monotonic() - began_s < 3.0
    assert len(family) >= 8
    assert [pid for pid in family if alive(pid)] == []
    assert "nothing lost" in output, output
    assert "of the span judged" in output
    assert demo.returncode == 0


def test_ticks_after_the_strategy_stopped_receiving_are_lost() -> None:
    """A strategy that hears nothing from half time on is told from one that got everything."""
    demo = subprocess.Popen([*DEMO, "--json", "--seconds", "8"], stdout=subprocess.PIPE, text=True)
    try:
        until(lambda: len(descendants(demo.pid)) >= 8, "the demo's processes to start")
        time.sleep(4)  # half of what is played
        strategy = [pid for pid in descendants(demo.pid) if "mdhub.demo.strategy" in command(pid)]
        os.kill(strategy[0], signal.SIGSTOP)
        output, _ = demo.communicate(timeout=60)
    finally:
        demo.kill()

    result = json.loads(output.splitlines()[-1])
    assert demo.returncode == 1
    assert result["lost"] > 100, result
    assert result["published"] == result["received"] + result["lost"]


@pytest.mark.parametrize("content", ["a,b\n1,2\n", "x" * 200_000, ""])
def test_a_file_that_cannot_be_played_is_refused_at_once(tmp_path: Path, content: str) -> None:
    """Nothing is started for a file that is no recording: one sentence, exit code 1."""
    bad = tmp_path / "bad.csv"
    bad.write_text(content)

    done = subprocess.run(
        [*DEMO, "--recording", str(bad), "--seconds", "5", "--json"],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr.startswith("mdhub: ")
    assert len(done.stderr.splitlines()) == 1, done.stderr


def size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def command(pid: int) -> str:
    asked = ["ps", "-o", "args=", "-p", str(pid)]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout


def descendants(pid: int) -> list[int]:
    """All processes below one, by /proc or ps."""
    listed = subprocess.run(
        ["ps", "-e", "-o", "pid=,ppid="], capture_output=True, text=True, check=True
    ).stdout
    parents = {int(child): int(parent) for child, parent in map(str.split, listed.splitlines())}
    found: list[int] = []
    frontier = {pid}
    while frontier:
        frontier = {child for child, parent in parents.items() if parent in frontier}
        found += frontier
    return found


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
