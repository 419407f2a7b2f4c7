"""Networks and disks of one drill, gone with it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mdhub.drill.tools import namespaces
from mdhub.drill.tools.errors import ToolMissing
from mdhub.drill.tools.link import Cable, check_cable
from mdhub.drill.tools.small_disk import SmallDisk, check_small_disk
from tests.support.wait import until

LISTEN = """
import socket
server = socket.create_server(("10.77.0.1", 7000))
print("listening", flush=True)
connection, _ = server.accept()
while data := connection.recv(100):
    print(data.decode(), flush=True)
"""
SPEAK = """
import socket, sys
connection = socket.create_connection(("10.77.0.1", 7000), timeout=10)
for line in sys.stdin:
    connection.sendall(line.strip().encode())
"""
HOLD = """
import sys, time
from pathlib import Path
from mdhub.drill.tools.small_disk import SmallDisk
with SmallDisk(Path(sys.argv[1]), 1) as disk:
    print(disk._holder.pid, flush=True)
    time.sleep(60)
"""


@pytest.fixture(params=["as_we_are", "user_namespace"])
def _way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root's right where we have it, and the way of everybody else."""
    may = namespaces._may_unshare
    if request.param == "user_namespace":
        monkeypatch.setattr(
            namespaces, "_may_unshare", lambda kind, *, user: user and may(kind, user=user)
        )
    try:
        check_cable()
        check_small_disk()
    except ToolMissing as error:
        pytest.skip(str(error))


def inside(prefix: list[str], program: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*prefix, sys.executable, "-c", program],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
    )  # fmt: skip


@pytest.mark.usefixtures("_way")
def test_nothing_passes_a_pulled_cable_and_all_passes_when_it_is_back() -> None:
    """A connection outlives it; what was sent meanwhile comes late."""
    with Cable() as cable, inside(cable.near.command, LISTEN) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == "listening\n"
        with inside(cable.far.command, SPEAK) as speaker:
            assert speaker.stdin is not None
            speaker.stdin.write("one\n")
            assert server.stdout.readline() == "one\n"
            cable.pull()
            until(lambda: "NO-CARRIER" in cable.far.run("ip", "link"), "the link to be down")
            speaker.stdin.write("two\n")
            cable.plug()
            assert server.stdout.readline() == "two\n"
            speaker.stdin.close()


@pytest.mark.usefixtures("_way")
def test_a_small_disk_fills_and_grows(tmp_path: Path) -> None:
    """Only programs that were let in see it."""
    with SmallDisk(tmp_path / "disk", 1) as disk:
        fill = f"head -c 3000000 /dev/zero > {tmp_path}/disk/file"
        full = subprocess.run([*disk.command, "sh", "-c", fill], check=False, capture_output=True)
        assert full.returncode != 0
        assert disk.free_bytes() == 0
        disk.resize(8)
        subprocess.run([*disk.command, "sh", "-c", fill], check=True)
        assert disk.free_bytes() > 4_000_000
        assert list((tmp_path / "disk").iterdir()) == []


@pytest.mark.usefixtures("_way")
def test_a_killed_drill_leaves_nothing_behind(tmp_path: Path) -> None:
    """The holder sees its pipe end, also when nobody could clean up."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "disk")], stdout=subprocess.PIPE, text=True
    ) as drill:
        assert drill.stdout is not None
        holder = int(drill.stdout.readline())
        drill.send_signal(signal.SIGKILL)
    until(lambda: not Path(f"/proc/{holder}/ns/mnt").exists(), "the holder to end")


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The program and the package it comes in."""
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ToolMissing, match=r"unshare.*install util-linux"):
        check_cable()
