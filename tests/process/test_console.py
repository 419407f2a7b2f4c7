"""The console as a process of its own: it starts without a server, ends at once, refuses risks."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType

import pytest
from argon2 import PasswordHasher, Type

from mdhub.host.ports import free_port_pair
from mdhub.runtime.heartbeat import decode_beat
from mdhub.streams import open_log
from mdhub_console.identity.lockout import FREE
from mdhub_console.server.csrf import HEADER
from tests.support.server import TestServer
from tests.support.wait import until

pytestmark = [pytest.mark.process, pytest.mark.timeout(90)]

NO_SERVER = "redis://127.0.0.1:1"
NOTHING: Mapping[str, str] = MappingProxyType({})
EVERYBODY_TRIES = [
    ("admin", "123456"), ("admin", "admin"), ("root", "root"), ("", ""), ("admin", "password"),
]  # fmt: skip


@contextmanager
def console(
    folder: Path, port: int, url: str, *more: str, environment: Mapping[str, str] = NOTHING
) -> Iterator[subprocess.Popen[str]]:
    command = [
        sys.executable, "-m", "mdhub_console", "--bind", f"127.0.0.1:{port}",
        "--data", str(folder / "data"), *more,
    ]  # fmt: skip
    with (folder / "lines").open("w", encoding="utf-8") as lines:
        process = subprocess.Popen(
            command,
            stderr=lines,
            text=True,
            env={**os.environ, "MDHUB_REDIS_URL": url, **environment},
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
    with console(tmp_path, port, NO_SERVER) as process:
        until(lambda: status_of(port, "/readyz") == 200, "the console", timeout_s=40)
        pattern = re.compile(rf"http://127\.0\.0\.1:{port}/setup\?token=(\S+)")
        until(lambda: pattern.search(lines_of(tmp_path)), "the link, once it can be followed")
        link = pattern.search(lines_of(tmp_path))
        assert link is not None
        assert os.getpriority(os.PRIO_PROCESS, process.pid) > 0, "ticks go first"
        sessions = Path(f"/proc/{process.pid}/autogroup")
        assert not sessions.exists() or not sessions.read_text("ascii").endswith("nice 0\n")
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


def test_it_leaves_no_core_file(tmp_path: Path) -> None:
    """Also without accounts and keys: passwords on their way are in its memory."""
    port = free_port_pair()
    with console(tmp_path, port, NO_SERVER) as process:
        until(lambda: status_of(port, "/readyz") == 200, "the console", timeout_s=40)
        limits = Path(f"/proc/{process.pid}/limits").read_text(encoding="utf-8")
        assert re.search(r"Max core file size +0 +0 ", limits)


def test_sigterm_ends_it_though_a_browser_is_connected(tmp_path: Path) -> None:
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
    assert ended_s <= 10.0


def test_a_port_that_is_taken_and_plain_text_on_a_network_are_refused(tmp_path: Path) -> None:
    """Exit code 1 names --bind; exit code 2 names TLS. Neither keeps running."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        with console(tmp_path, taken.getsockname()[1], NO_SERVER) as process:
            assert process.wait(60) == 1
        assert "--bind" in lines_of(tmp_path)
    with console(tmp_path, 8080, NO_SERVER, "--bind", "0.0.0.0:8080") as process:
        assert process.wait(60) == 2
    assert "--tls-cert" in lines_of(tmp_path)


def test_no_default_account_opens_a_fresh_console_nor_one_that_was_set_up(tmp_path: Path) -> None:
    """Over HTTP, with the real hash: 401 before the first user and after.

    A restart forgets no failure: five from this address were enough, the sixth is not looked at.
    """
    fresh, set_up = tmp_path / "fresh", tmp_path / "set-up"
    for folder in (fresh, set_up):
        folder.mkdir()
    with console_at(fresh) as port:
        assert [login(port, *each) for each in EVERYBODY_TRIES] == [401] * FREE
    with console_at(fresh) as port:
        assert login(port, "admin", "123456") == 429
    kept = PasswordHasher(2, 19_456, 1, type=Type.ID).hash("a quite long phrase 7")
    (tmp_path / "first").write_text(f"admin:{kept}\n", encoding="ascii")
    with console_at(set_up, "--first-user-file", str(tmp_path / "first")) as port:
        assert [login(port, *each) for each in EVERYBODY_TRIES] == [401] * FREE


def test_a_key_file_is_made_and_one_that_others_read_is_refused(tmp_path: Path) -> None:
    """`--new-key` makes it with mode 0600; a console that is told of another mode will not run."""
    file = tmp_path / "console.key"
    made = subprocess.run(
        [sys.executable, "-m", "mdhub_console", "--new-key", str(file)],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert file.stat().st_mode & 0o777 == 0o600
    key = file.read_text(encoding="ascii").split()[-1].rpartition(":")[2]
    assert len(key) == 44  # 32 bytes in base64
    assert key not in made.stdout + made.stderr
    file.chmod(0o644)
    told = {"MDHUB_CONSOLE__KEY_FILE": str(file)}
    with console(tmp_path, free_port_pair(), NO_SERVER, environment=told) as process:
        assert process.wait(60) == 2
    assert "0644" in lines_of(tmp_path)


def test_the_demos_link_is_refused_beyond_loopback(tmp_path: Path) -> None:
    """Behind a proxy everybody seems near: exit code 2 before anything is opened."""
    more = ("--demo-link", "--trusted-proxy", "10.0.0.7")
    with console(tmp_path, free_port_pair(), NO_SERVER, *more) as process:
        assert process.wait(60) == 2
    assert "--demo-link" in lines_of(tmp_path)
    assert not (tmp_path / "data").exists()


@contextmanager
def console_at(folder: Path, *more: str) -> Iterator[int]:
    port = free_port_pair()
    with console(folder, port, NO_SERVER, *more):
        until(lambda: status_of(port, "/readyz") == 200, "the console", timeout_s=40)
        yield port


def login(port: int, name: str, password: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    body = json.dumps({"name": name, "password": password})
    headers = {"content-type": "application/json", HEADER: "1"}
    connection.request("POST", "/api/login", body, headers)
    status = connection.getresponse().status
    connection.close()
    return status
