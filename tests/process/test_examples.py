"""Programs that do not import mdhub, on the live feed and on the log."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.support.server import TestServer
from tests.support.wait import until

pytestmark = pytest.mark.process

EXAMPLES = Path(__file__).parents[2] / "examples"
TICKS = 300
PATIENCE_S = 30.0


@contextmanager
def running(*args: str, url: str) -> Iterator[subprocess.Popen[str]]:
    """Run a Python program against the test's server; it ends with the block."""
    process = subprocess.Popen(
        [sys.executable, *args],
        env={**os.environ, "MDHUB_REDIS_URL": url, "MDHUB_PARENT_PID": str(os.getpid())},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE_S)


def free_pair_of_ports() -> int:
    """Find a port whose next one is free too: the publisher takes both."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port: int = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port


def lines_of(process: subprocess.Popen[str]) -> list[str]:
    """Wait for a program that ends by itself, and return what it printed."""
    out, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, "its error output is among the captured lines"
    return out.splitlines()


def n_of(line: str) -> int:
    return int(line.split(maxsplit=1)[0])


def test_the_live_feed_and_the_log_show_the_same_ticks() -> None:
    """What a foreign client saw live is, tick by tick, what another one reads from the log."""
    port = free_pair_of_ports()
    source = '{"name": "A", "sim": {"seed": 7, "ticks_per_s": 400}}'
    with TestServer() as server, ExitStack() as stack:
        url = server.url
        follow = str(EXAMPLES / "follow.py")
        live = stack.enter_context(running(follow, f"tcp://127.0.0.1:{port}", str(TICKS), url=url))
        for args in (
            ("-m", "mdhub_arbiter"),
            ("-m", "mdhub_publisher", "--port", str(port), "--id", "A"),
            ("-m", "mdhub_ingest", "--source", source),
        ):
            stack.enter_context(running(*args, url=url))
        seen = lines_of(live)
        replay = str(EXAMPLES / "replay.py")
        log = stack.enter_context(running(replay, url, "120", str(n_of(seen[-1])), url=url))
        kept = lines_of(log)

    first_n, last_n = n_of(seen[0]), n_of(seen[-1])
    assert seen == [line for line in kept if first_n <= n_of(line) <= last_n]
    assert len(seen) == TICKS


@pytest.mark.parametrize("name", ["follow.py", "replay.py"])
def test_foreign_clients_are_foreign(name: str) -> None:
    """They show what the contract is worth without our code."""
    assert "import mdhub" not in (EXAMPLES / name).read_text()
    assert "from mdhub" not in (EXAMPLES / name).read_text()


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("follow.py", ["tcp://127.0.0.1:5555", "abc"]),
        ("follow.py", ["nowhere"]),
        ("replay.py", ["redis://127.0.0.1:1"]),
        ("replay.py", ["foo://x"]),
        ("replay.py", ["redis://127.0.0.1:1", "noon"]),
    ],
)
def test_wrong_usage_is_one_sentence(name: str, args: list[str]) -> None:
    """No traceback for who mistypes."""
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name), *args],
        capture_output=True, text=True, check=False, timeout=PATIENCE_S,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith(f"usage: {name}")
    assert len(done.stderr.splitlines()) == 1


def test_ctrl_c_is_quiet() -> None:
    """A client that is ended at the keyboard says nothing."""
    process = subprocess.Popen(
        [sys.executable, str(EXAMPLES / "follow.py"), "tcp://127.0.0.1:1"],
        stderr=subprocess.PIPE,
        text=True,
    )
    until(lambda: _ignores_nothing(process.pid), "the program to be past its imports")
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, told) == (-signal.SIGINT, "")


def _ignores_nothing(pid: int) -> bool:
    """Whether SIGINT is left to the kernel: Python catches it, a background job ignores it."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    masks = [int(line.split()[1], 16) for line in lines if line.startswith(("SigCgt", "SigIgn"))]
    running = (Path("/proc") / str(pid) / "maps").read_text()
    return "zmq" in running and not any(mask & 1 << (signal.SIGINT - 1) for mask in masks)


def test_the_readme_shows_the_strategy_that_is_run() -> None:
    """One text in two places."""
    readme = (EXAMPLES.parent / "README.md").read_text()
    code = (EXAMPLES / "strategy.py").read_text().partition("\n\n")[2]
    assert f"```python\n{code}```" in readme
