"""The console as a process of its own: it starts without a server, ends at once, refuses risks."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from mdhub.host.ports import free_port_pair
from mdhub.runtime.heartbeat import decode_beat
from mdhub.streams import open_log
from tests.support.server import TestServer
from tests.support.wait import until

pytestmark = [pytest.mark.process, pytest.mark.timeout(90)]

NO_SERVER = "redis://127.0.0.1:1"


@contextmanager
def console(folder: Path, port: int, url: str, *more: str) -> Iterator[subprocess.Popen[str]]:
    command = [
        sys.executable, "-m", "mdhub_console", "--bind", f"127.0.0.1:{port}",
        "--data", str(folder / "data"), *more,
    ]  # fmt: skip
    with (folder / "lines").open("w", encoding="utf-8") as lines:
        process = subprocess.Popen(
            command, stderr=lines, text=True, env={**os.environ, "MDHUB_REDIS_URL": url}
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def status_of(port: int, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    with suppress(OSError):
        connection.request("GET", path)
        status = connection.getresponse().status
        connection.close()
        return status
    return 0


def lines_of(folder: Path) -> str:
    return (folder / "lines").read_text(encoding="utf-8")


def test_it_starts_without_a_server_and_shows_the_way_in(tmp_path: Path) -> None:
    """No log, no users: it is ready, prints the link once, `--setup-link` prints a fresh one."""
    port = free_port_pair()
    with console(tmp_path, port, NO_SERVER):
        until(lambda: status_of(port, "/readyz") == 200, "the console", timeout_s=40)
        link = re.search(rf"http://127\.0\.0\.1:{port}/setup\?token=(\S+)", lines_of(tmp_path))
        assert link is not None
        asked = subprocess.run(
            [
                sys.executable, "-m", "mdhub_console", "--bind", f"127.0.0.1:{port}",
                "--data", str(tmp_path / "data"), "--setup-link",
            ],
            capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
        fresh = asked.stdout.strip()
        assert fresh.startswith(f"http://127.0.0.1:{port}/setup?token=")
        assert link[1] not in fresh
        assert (tmp_path / "data/console.db").stat().st_mode & 0o077 == 0
        structured = [line for line in lines_of(tmp_path).splitlines() if line.startswith("{")]
        assert not any(link[1] in line for line in structured)


def test_sigterm_ends_it_within_three_seconds_with_a_browser_connected(tmp_path: Path) -> None:
    """Its heartbeat says that it serves, then that it ended; an open connection does not hold."""
    port = free_port_pair()
    with TestServer() as server, console(tmp_path, port, server.url) as process:
        until(lambda: status_of(port, "/healthz") == 200, "the console", timeout_s=40)
        log = open_log(server.url, service="cli")
        until(lambda: "console:A" in log.beats(), "its heartbeat")
        with socket.create_connection(("127.0.0.1", port)) as browser:
            browser.sendall(b"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n")
            begun_s = time.monotonic()
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
            ended_s = time.monotonic() - begun_s
        assert decode_beat(log.beats()["console:A"]).state == "ended"
        log.close()
    assert ended_s <= 3.0


def test_a_port_that_is_taken_and_plain_text_on_a_network_are_refused(tmp_path: Path) -> None:
    """Exit code 1 names --bind; exit code 2 names TLS. Neither keeps running."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        with console(tmp_path, taken.getsockname()[1], NO_SERVER) as process:
            assert process.wait(60) == 1
        assert "--bind" in lines_of(tmp_path)
    with console(tmp_path, 8080, NO_SERVER, "--bind", "0.0.0.0:8080") as process:
        assert process.wait(60) == 2
    assert "--tls-cert" in lines_of(tmp_path)
