"""Every state of a real server that keeps the hub from its log has a name, and heals or not."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from uuid import uuid4

import pytest

from mdhub.streams import open_log
from mdhub.streams.client import Link
from mdhub.streams.errors import StreamsError, UnknownOutcome, Unusable
from mdhub.streams.states import STATES
from tests.support.server import TestServer
from tests.support.wait import until


def state_of(url: str) -> str:
    """Name of the state that a service meets, whose error says what it means and what to do."""
    met: StreamsError | None = None
    try:
        with closing(open_log(url, service="arbiter", prefix=f"{uuid4().hex}:")) as log:
            log.check_writable()
    except StreamsError as error:
        met = error
    if met is None:
        return ""
    assert met.meaning and met.way_out, met
    assert isinstance(met, Unusable) != STATES[met.state].heals
    return met.state


@pytest.fixture(scope="module")
def server() -> Iterator[TestServer]:
    with TestServer() as running:
        yield running


@pytest.fixture
def admin(server: TestServer) -> Iterator[Link]:
    with closing(Link(server.url, name="admin")) as link:
        assert state_of(server.url) == ""
        yield link
        until(lambda: state_of(server.url) == "", "the server to be healed")


def test_a_full_memory_is_oom_until_there_is_room(server: TestServer, admin: Link) -> None:
    """Nothing is dropped: writes are refused, and taken again as soon as the limit is raised."""
    admin.call("CONFIG", "SET", "maxmemory", "1")
    assert state_of(server.url) == "oom"
    admin.call("CONFIG", "SET", "maxmemory", "0")


def test_a_replica_is_readonly_until_promoted(server: TestServer, admin: Link) -> None:
    """One that lost its primary and serves nothing is told apart."""
    admin.call("REPLICAOF", "127.0.0.1", "1")
    assert state_of(server.url) == "readonly"
    admin.call("CONFIG", "SET", "replica-serve-stale-data", "no")
    assert state_of(server.url) == "masterdown"
    admin.call("CONFIG", "SET", "replica-serve-stale-data", "yes")
    admin.call("REPLICAOF", "NO", "ONE")


def test_too_few_replicas(server: TestServer, admin: Link) -> None:
    """A primary that must not write alone refuses."""
    admin.call("CONFIG", "SET", "min-replicas-to-write", "1")
    assert state_of(server.url) == "noreplicas"
    admin.call("CONFIG", "SET", "min-replicas-to-write", "0")


def test_no_more_connections(server: TestServer, admin: Link) -> None:
    """The server says so before it closes the door."""
    before = admin.call("CONFIG", "GET", "maxclients")[1]
    admin.call("CONFIG", "SET", "maxclients", "1")
    until(lambda: state_of(server.url) == "maxclients", "the refusal to be read before the end")
    admin.call("CONFIG", "SET", "maxclients", before)


def test_a_script_of_somebody_else_makes_it_busy(server: TestServer, admin: Link) -> None:
    """It heals when the script ends or is killed."""
    admin.call("CONFIG", "SET", "busy-reply-threshold", "20")
    with closing(Link(server.url, name="somebody")) as somebody:
        somebody.send("EVAL", "while true do end", 0)
        until(lambda: state_of(server.url) == "busy", "the server to call itself busy")
        admin.call("SCRIPT", "KILL")


def test_a_login_that_is_missing_or_wrong(server: TestServer, admin: Link) -> None:
    """Neither heals by waiting; the words say what an address looks like."""
    admin.call("CONFIG", "SET", "requirepass", "right")
    assert state_of(server.url) == "login"
    assert state_of(f"unix://:wrong@{server.embedded.socket}") == "login"
    assert state_of(f"unix://:right@{server.embedded.socket}") == ""
    admin.call("CONFIG", "SET", "requirepass", "")


@pytest.mark.parametrize(
    "rights",
    ["+@connection", "~*  +@all -fcall", "~* +@all -info", "+@all ~other:*"],
)
def test_rights_that_are_missing(server: TestServer, admin: Link, rights: str) -> None:
    """Whether a command, a key or what a function does is not allowed."""
    admin.call("ACL", "SETUSER", "poor", "reset", "on", ">pw", *rights.split())
    assert state_of(f"unix://poor:pw@{server.embedded.socket}") == "forbidden"
    admin.call("ACL", "DELUSER", "poor")


def test_a_function_that_may_not_do_what_it_does_is_forbidden(
    server: TestServer, admin: Link
) -> None:
    """The rights of the caller count inside of functions too."""
    admin.call("ACL", "SETUSER", "poor", "reset", "on", ">pw", "~*", "+@all", "-xadd", "-exists")
    url = f"unix://poor:pw@{server.embedded.socket}"
    with (
        closing(open_log(url, service="arbiter", prefix=f"{uuid4().hex}:")) as log,
        pytest.raises(Unusable) as refused,
    ):
        log.command_done("id", b"")
    assert refused.value.state == "forbidden"
    admin.call("ACL", "DELUSER", "poor")


def test_a_disk_that_takes_nothing_is_misconf_until_it_does(tmp_path: Path) -> None:
    """A folder stands where the data file should: the save fails, then writes are refused."""
    settings = ("--appendonly", "no", "--save", "3600 1", "--dir", str(tmp_path))
    with TestServer("fast", *settings) as server, closing(Link(server.url, name="admin")) as admin:
        (tmp_path / "dump.rdb").mkdir()
        admin.call("BGSAVE")
        until(lambda: state_of(server.url) == "misconf", "the save to fail")
        (tmp_path / "dump.rdb").rmdir()
        admin.call("BGSAVE")
        until(lambda: state_of(server.url) == "", "the save to succeed")


def test_a_server_that_loads_is_waited_for(tmp_path: Path) -> None:
    """It says so while it loads, and takes writes when it has."""
    settings = ("--appendonly", "no", "--dir", str(tmp_path))
    slowly = ("--key-load-delay", "20000", "--loading-process-events-interval-bytes", "1024")
    with TestServer("fast", *settings) as server, closing(Link(server.url, name="admin")) as admin:
        for number in range(60):
            admin.call("SET", f"key{number}", "x" * 2_000)
        admin.call("SAVE")
    with TestServer("fast", *settings, *slowly, wait=False) as server:
        until(lambda: state_of(server.url) == "loading", "the server to load")
        until(lambda: state_of(server.url) == "", "the server to have loaded")


def test_a_server_without_functions_is_outdated() -> None:
    """Older than 7.0, or with the command taken away: it looks the same."""
    with TestServer("fast", "--rename-command", "FUNCTION", "", wait=False) as server:
        until(lambda: state_of(server.url) == "outdated", "the server to be asked")


@contextmanager
def web_server() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as web:
        thread = threading.Thread(target=web.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield web.server_port
        finally:
            web.shutdown()
            thread.join()


def test_what_is_no_redis_is_foreign(capfd: pytest.CaptureFixture[str]) -> None:
    """A web server on the port: waiting will not make a Redis of it."""
    with web_server() as port:
        assert state_of(f"redis://127.0.0.1:{port}") == "foreign"


def test_a_server_that_says_nothing_hangs_and_one_that_is_not_there_is_unreachable() -> None:
    """The first takes the connection; neither ends a service."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        began_s = time.monotonic()
        with pytest.raises(UnknownOutcome) as error:
            open_log(f"redis://127.0.0.1:{port}", service="arbiter", timeout_s=0.2)
        assert (error.value.state, time.monotonic() - began_s < 2) == ("hanging", True)
    assert state_of(f"redis://127.0.0.1:{port}") == "unreachable"


def test_an_address_that_is_none() -> None:
    """Told from one where nobody answers."""
    assert state_of("foo://host") == "address"


def test_another_build_of_the_functions_is_named() -> None:
    """Two versions of mdhub must not write one log."""
    with TestServer() as server, closing(Link(server.url, name="admin")) as admin:
        other = "#!lua name=mdhub_log_v2\nredis.register_function('x', function() end)"
        admin.call("FUNCTION", "LOAD", "REPLACE", other)
        assert state_of(server.url) == "library"
