"""Shims change one process: its disk and its wall clock, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from mdhub.drill.tools.errors import ToolMissing
from mdhub.drill.tools.preload import SkewedClock, SlowDisk, joined, library
from mdhub.streams.client import Link
from mdhub.streams.server import EmbeddedServer, find_server, wait_ready
from tests.support.wait import until

CLOCKS = """
import datetime, sys, time
for _ in sys.stdin:
    wall = time.time(), time.time_ns() / 1e9, datetime.datetime.now().timestamp()
    print(*wall, time.monotonic(), flush=True)
"""
WRITES = """
import os, sys
with open(sys.argv[1], "wb") as file:
    file.write(b"on the disk")
    file.flush()
    os.fsync(file.fileno())
    file.write(b", not on the disk")
    file.flush()
"""


@contextmanager
def running(*command: str, environment: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        command,
        env={**os.environ, **environment},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


def test_a_clock_steps_while_its_process_runs(tmp_path: Path) -> None:
    """Every way to ask for the time agrees; the clock that never steps is the machine's."""
    clock = SkewedClock(tmp_path)
    with running(sys.executable, "-c", CLOCKS, environment=clock.environment()) as process:
        assert process.stdin is not None and process.stdout is not None
        for offset_s in (0.0, -60.0, 60.0, 0.25, 0.0):
            clock.set(offset_s)
            process.stdin.write("\n")
            process.stdin.flush()
            *walls, monotonic = (float(cell) for cell in process.stdout.readline().split())
            assert [wall - time.time() for wall in walls] == pytest.approx([offset_s] * 3, abs=0.2)
            assert monotonic == pytest.approx(time.monotonic(), abs=0.2)
        process.stdin.close()


def test_power_is_lost_behind_the_last_sync(tmp_path: Path) -> None:
    """What was written after it is gone, what was never synced is empty."""
    disk = SlowDisk(tmp_path)
    data = tmp_path / "data"
    data.mkdir()
    (data / "never synced").write_bytes(b"12345")
    with running(
        sys.executable, "-c", WRITES, str(data / "file"), environment=disk.environment()
    ) as process:
        process.wait(20)

    assert disk.syncs() == 1
    assert disk.cut_power(data) == len(", not on the disk") + 5
    assert (data / "file").read_bytes() == b"on the disk"
    assert (data / "never synced").read_bytes() == b""


def test_a_slow_disk_takes_as_long_as_said(tmp_path: Path) -> None:
    """No sync returns earlier, and it lasts no longer than the order."""
    disk = SlowDisk(tmp_path)
    disk.set(60_000)
    with running(
        sys.executable, "-c", WRITES, str(tmp_path / "file"), environment=disk.environment()
    ) as process:
        until((tmp_path / "file").exists, "the file")
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.3)
        assert disk.syncs() == 0
        disk.set(0)
        assert process.wait(20) == 0
    assert disk.syncs() == 1


def test_both_shims_reach_the_server(tmp_path: Path) -> None:
    """The server that comes with the packages is linked dynamically: its clock and disk obey."""
    clock, disk = SkewedClock(tmp_path), SlowDisk(tmp_path)
    server = EmbeddedServer(find_server(), tmp_path / "data", "single")
    server.prepare()
    environment = joined(clock.environment(), disk.environment())
    with running(*server.command(), environment=environment):
        wait_ready(server.url)
        link = Link(server.url, name="test")
        clock.set(-60)
        until(  # the server looks at the clock ten times a second
            lambda: -62 < int(link.call("TIME")[0]) - time.time() < -58, "the server to be late"
        )
        synced = disk.syncs()
        link.call("SET", "a", "b")
        assert disk.syncs() > synced
        link.close()
    assert disk.cut_power(tmp_path / "data" / "appendonlydir") == 0


def test_without_a_compiler_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine without one skips the drill and knows why."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CC", raising=False)
    with pytest.raises(ToolMissing, match="apt-get install gcc"):
        library("clock")


def test_shims_stand_one_behind_the_other() -> None:
    """One variable names all of them."""
    both = joined({"LD_PRELOAD": "a.so", "X": "1"}, {"LD_PRELOAD": "b.so", "Y": "2"}, {})
    assert both == {"LD_PRELOAD": "a.so:b.so", "X": "1", "Y": "2"}
    assert joined({"X": "1"}) == {"X": "1"}
