"""The frame of the console: headers, hosts, sizes, how errors leave, outages."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing

import pytest
from sqlalchemy.exc import OperationalError

from mdhub.streams.errors import UnknownOutcome
from mdhub.streams.memory import MemoryServer
from mdhub.streams.topology import COMMANDS
from mdhub_console.identity.errors import TooBusy
from mdhub_console.identity.hashing import AT_ONCE, WAITING, Cost, Hasher
from mdhub_console.identity.model import Role
from mdhub_console.identity.store.database import Database
from mdhub_console.server.csrf import HEADER
from mdhub_console.server.errors import problem_of
from mdhub_console.server.logs import LogPool
from mdhub_console.settings import ConsoleSettings, SettingsError, check_settings
from tests.support.console import client_of, make_parts

HEADERS = {
    "content-security-policy": "default-src 'self'; object-src 'none'; base-uri 'none'; "
    "frame-ancestors 'none'; form-action 'self'; img-src 'self' data:",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cache-control": "no-store",
}


@pytest.mark.parametrize("path", ["/", "/login", "/api/me", "/healthz", "/nothing", "/api/nothing"])
def test_every_answer_carries_the_same_headers(path: str) -> None:
    """Pages, API, errors and what does not exist; no plain http answer promises HSTS."""
    with client_of(make_parts(), None) as client:
        headers = client.get(path).headers
    assert {name: headers.get(name) for name in HEADERS} == HEADERS
    assert "strict-transport-security" not in headers


def test_no_page_has_inline_script_or_style() -> None:
    """The policy would stop it: nothing may need it."""
    with client_of(make_parts()) as client:
        for path in ("/", "/users", "/audit", "/profile", "/prove"):
            text = client.get(path).text
            assert "<script>" not in text and "<style" not in text
            assert " style=" not in text and " onclick=" not in text


def test_a_page_wants_a_login() -> None:
    """Without a session a program gets 401, a person the login that leads back."""
    parts = make_parts()
    with client_of(parts, None) as client:
        assert client.get("/").status_code == 401
        led = client.get("/audit", headers={"accept": "text/html"})
        assert (led.status_code, led.headers["location"]) == (303, "/login?next=/audit")
    with client_of(parts, Role.VIEWER) as client:
        assert client.get("/").status_code == 200


def test_an_error_leaves_as_a_problem() -> None:
    """What does not exist answers with problem+json and nothing of the inside."""
    with client_of(make_parts()) as client:
        answer = client.get("/nothing")
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert answer.json() == {
        "type": "mdhub:not-found",
        "title": "Not Found",
        "status": 404,
        "detail": "Not Found",
        "instance": "/nothing",
    }


@pytest.mark.parametrize(
    "error",
    [
        ValueError("password hunter2 in /etc/secret"),
        UnknownOutcome("redis://user:hunter2@10.0.0.1 does not answer"),
        OperationalError("SELECT hunter2", {}, ValueError("hunter2")),
    ],
)
def test_an_unexpected_error_says_nothing_of_itself(error: Exception) -> None:
    """Neither text, nor query, nor address."""
    problem = problem_of(error, "/x")
    assert problem.status >= 500
    assert "hunter2" not in str(problem)


def test_a_name_that_is_not_ours_is_refused() -> None:
    """Another site's name pointed at this console gets nothing; X-Forwarded-Host is not read."""
    with client_of(make_parts()) as client:
        for host in ("evil.example", "127.0.0.1.evil.example", "", "localhost.evil"):
            assert client.get("/api/me", headers={"host": host}).status_code == 421
        told = {"host": "evil.example", "x-forwarded-host": "localhost"}
        assert client.get("/api/me", headers=told).status_code == 421
        for host in ("localhost:9", "127.0.0.1", "[::1]:8080"):
            assert client.get("/api/me", headers={"host": host}).status_code == 200


def test_large_bodies_are_refused() -> None:
    """A login of 20 kB, anything of more than 1 MB: 413."""
    with client_of(make_parts()) as client:
        login = {"name": "x" * 20_000, "password": "y"}
        assert client.post("/api/login", json=login).status_code == 413
        big = {"name": "x" * 1_100_000}
        assert client.post("/api/users", json=big).status_code == 413


def test_unknown_fields_and_wrong_types_are_refused() -> None:
    """Strict: the answer names the field, not the value."""
    with client_of(make_parts()) as client:
        bodies: tuple[object, ...] = (
            {"name": "a", "password": "b", "extra": 1},
            {"name": 5, "password": "b"},
            [],
        )
        for body in bodies:
            answer = client.post("/api/login", json=body)
            assert answer.status_code == 400
            assert "hunter2" not in answer.text


def test_the_openapi_document_is_for_users() -> None:
    """Nobody gets a map of the API without a login; a viewer does."""
    parts = make_parts()
    with client_of(parts, None) as client:
        assert client.get("/schema/openapi.json").status_code == 401
    with client_of(parts, Role.VIEWER) as client:
        paths = client.get("/schema/openapi.json").json()["paths"]
    assert {"/api/login", "/api/users", "/api/audit"} <= paths.keys()
    assert "/login" not in paths


def test_health_answers_without_users_and_log() -> None:
    """/healthz and /readyz need neither the log nor a login; without the database 503."""

    def no_log() -> None:
        raise UnknownOutcome("no server")

    parts = make_parts(log=LogPool(no_log))  # type: ignore[arg-type] # it never returns
    with client_of(parts, None) as client:
        assert client.get("/healthz").status_code == 200
        assert client.get("/readyz").status_code == 200
        parts.identity.records._database = Database("sqlite:////nowhere/at/all.db")
        assert client.get("/healthz").status_code == 200
        away = client.get("/readyz")
    assert (away.status_code, away.json()["type"]) == (503, "mdhub:database-unavailable")


def test_a_privileged_action_waits_for_an_audit_log_that_is_away() -> None:
    """What cannot be recorded is not done."""
    parts = make_parts()
    with client_of(parts) as client:
        parts.identity.records._database = Database("sqlite:////nowhere/at/all.db")
        new = {"name": "ann", "password": "a quite long phrase 7", "role": "viewer"}
        assert client.post("/api/users", json=new).status_code == 503
    assert parts.identity.people.named("ann") is None


def test_a_privileged_action_waits_for_an_audit_log_that_cannot_be_written() -> None:
    """A database that is read but takes nothing (locked, full, read-only) holds it up too."""
    parts = make_parts()
    file = parts.identity.setup_token.file.parent / "console.db"
    with client_of(parts) as client, closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert client.get("/api/users").status_code == 200
        assert client.post("/api/sources/A/restart", json={}).status_code == 503
        other.execute("ROLLBACK")
    with parts.log.borrow() as log:
        assert log.entries(COMMANDS) == []


def test_too_many_logins_at_once_are_turned_away() -> None:
    """One hash runs, eight wait, the next is told to come back: 503 with Retry-After."""
    parts = make_parts()
    hasher = parts.identity.hasher
    for _ in range(AT_ONCE + WAITING):
        assert hasher._queue.acquire(blocking=False)
    with client_of(parts, None) as client:
        body = {"name": "admin", "password": "x"}
        answer = client.post("/api/login", json=body, headers={HEADER: "1"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert hasher.turned_away == 1
    with pytest.raises(TooBusy):
        hasher.hash("x")


def test_the_real_hash_is_argon2id_and_dear_enough() -> None:
    """19 MiB, two passes at least; a cheaper hash or another kind is not taken for the preset."""
    hasher = Hasher()
    kept = hasher.hash("correct horse battery 9")
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert hasher.matches(kept, "correct horse battery 9")
    assert hasher.is_fit(kept)
    assert not hasher.is_fit(Hasher(Cost(memory_kib=8, passes=1)).hash("x"))
    assert not hasher.is_fit("plain text")


def test_the_log_pool_gives_back_and_throws_away() -> None:
    """A connection is lent again; one that failed is not."""
    server = MemoryServer()
    pool = LogPool(lambda: server.log("console"), most=1)
    with pool.borrow() as first:
        pass
    lost = pool.borrow()
    assert lost.__enter__() is first
    assert not lost.__exit__(UnknownOutcome, UnknownOutcome("lost"), None)
    with pool.borrow() as fresh:
        assert fresh is not first


def test_beyond_loopback_only_with_tls() -> None:
    """Plain text over a network is refused, with the ways out; a trusted proxy is one."""
    with pytest.raises(SettingsError, match="--tls-cert"):
        check_settings(ConsoleSettings(host="192.0.2.1"))
    check_settings(ConsoleSettings(host="192.0.2.1", trusted_proxies=("10.0.0.7",)))
    check_settings(ConsoleSettings(host="::1"))
    with pytest.raises(SettingsError, match="expected an address"):
        check_settings(ConsoleSettings(trusted_proxies=("proxy",)))


def test_the_address_of_a_database_is_never_told() -> None:
    """It may hold a password."""
    from mdhub_console.identity.errors import StoreAway  # noqa: PLC0415 - here alone

    logging.getLogger("sqlalchemy").setLevel(logging.CRITICAL)
    with pytest.raises(StoreAway) as caught:
        Database("nonsense://user:hunter2@host/db")
    assert "hunter2" not in str(caught.value)
