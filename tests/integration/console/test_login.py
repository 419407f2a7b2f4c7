"""Logging in and out, the first user, sessions, lockout: reliability.md's list, row by row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from httpx import Response

from mdhub_console.identity.cookies import PLAIN
from mdhub_console.identity.model import Role
from mdhub_console.identity.one_time import LIFE_S
from mdhub_console.identity.service import ABSOLUTE_S, IDLE_S
from mdhub_console.identity.totp import STEP_S, code_at
from mdhub_console.server.csrf import HEADER
from mdhub_console.server.origin import Doors
from mdhub_console.settings import ConsoleSettings
from tests.support.clocks import Hands
from tests.support.console import PASSWORD, Console, client_of, make_identity, make_parts

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
HTML = {"accept": "text/html", "origin": "http://127.0.0.1:8080"}


EVERYBODY_TRIES = [
    ("admin", "123456"), ("admin", "admin"), ("admin", "password"), ("root", "root"),
    ("mdhub", "mdhub"), ("demo", "demo"), ("", ""), ("admin", ""),
]  # fmt: skip


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def browser(hands: Hands) -> Iterator[Console]:
    parts = make_parts(identity=make_identity(clock=hands.clock()))
    with client_of(parts, None) as client:
        client.headers[HEADER] = "1"
        yield client


def log_in(client: Console, name: str, password: str, **more: str) -> Response:
    return client.post("/api/login", json={"name": name, "password": password, **more})


@pytest.mark.parametrize("roles", [(), tuple(Role)], ids=["first run", "set up"])
@pytest.mark.parametrize(("name", "password"), EVERYBODY_TRIES)
def test_no_default_account_exists(roles: tuple[Role, ...], name: str, password: str) -> None:
    """What everybody tries first is refused: before there is a user, and where one is so called."""
    with client_of(make_parts(identity=make_identity(roles=roles)), None) as client:
        client.headers[HEADER] = "1"
        answer = log_in(client, name, password)
        form = client.post("/login", data={"name": name, "password": password}, headers=HTML)
    assert (answer.status_code, form.status_code) == (401, 401)
    assert answer.json()["type"] == "mdhub:login-refused"
    assert "set-cookie" not in answer.headers and "set-cookie" not in form.headers


def test_unknown_and_known_names_get_the_same_answer_and_the_same_work(browser: Console) -> None:
    """One hash each, word for word the same body: nobody learns which names exist."""
    hasher = browser.app.state.identity.hasher
    answers = []
    for name in ("admin", "nobody"):
        before = hasher.hashes
        answer = log_in(browser, name, "wrong wrong wrong")
        answers.append((answer.status_code, answer.json(), hasher.hashes - before))
    assert answers[0] == answers[1]
    assert answers[0][2] == 1


def test_two_hundred_guesses_cost_a_handful_of_hashes(browser: Console) -> None:
    """After five failures the account waits, without hashing; the right password waits too."""
    hasher = browser.app.state.identity.hasher
    before = hasher.hashes
    statuses = [log_in(browser, "admin", f"guess {i}").status_code for i in range(200)]
    assert set(statuses) == {401, 429}
    assert hasher.hashes - before == 5
    locked = log_in(browser, "admin", PASSWORD)
    assert locked.status_code == 429
    assert 0 < int(locked.headers["retry-after"]) <= 61


def test_a_lock_doubles_to_a_quarter_of_an_hour_and_ends(browser: Console, hands: Hands) -> None:
    """1, 2, 4, 8, 15, 15 minutes; then the right password opens, and failures begin anew."""
    waits = []
    for _ in range(5):
        log_in(browser, "admin", "wrong")
    for _ in range(6):
        waits.append(int(log_in(browser, "admin", "wrong").headers["retry-after"]) - 1)
        hands.s += waits[-1] + 1
        assert log_in(browser, "admin", "wrong").status_code == 401
    assert waits == [60, 120, 240, 480, 900, 900]
    hands.s += 901
    assert log_in(browser, "admin", PASSWORD).status_code == 200


def test_an_address_that_fails_for_many_names_waits_too(browser: Console) -> None:
    """Five names once each from one address: the sixth is not even looked at."""
    statuses = [log_in(browser, f"user{i}", "wrong").status_code for i in range(7)]
    assert statuses == [401] * 5 + [429] * 2


def test_turning_x_forwarded_for_does_not_turn_the_address(browser: Console) -> None:
    """Who is no trusted proxy says nothing about where a request comes from."""
    statuses = [
        browser.post(
            "/api/login",
            json={"name": f"user{i}", "password": "wrong"},
            headers={"x-forwarded-for": f"203.0.113.{i}"},
        ).status_code
        for i in range(7)
    ]
    assert statuses == [401] * 5 + [429] * 2


def test_behind_a_trusted_proxy_the_browsers_address_counts() -> None:
    """The last address that no trusted proxy has; what the browser itself wrote is not believed."""
    doors = Doors(("10.0.0.0/8",))
    assert doors.sender("10.0.0.1", "203.0.113.9, 198.51.100.7") == "198.51.100.7"
    assert doors.sender("10.0.0.1", "203.0.113.9, 10.0.0.2") == "203.0.113.9"
    assert doors.sender("192.0.2.1", "203.0.113.9") == "192.0.2.1"
    assert doors.sender("10.0.0.1", "nonsense") == "10.0.0.1"
    assert doors.scheme("10.0.0.1", "http", "https") == "https"
    assert doors.scheme("192.0.2.1", "http", "https") == "http"


def test_a_login_gets_a_new_session(browser: Console) -> None:
    """A cookie that somebody planted is worth nothing afterwards, nor is the session before."""
    browser.cookies.set(PLAIN, "planted")
    first = log_in(browser, "admin", PASSWORD).cookies[PLAIN]
    assert first != "planted"
    browser.cookies.clear()
    browser.cookies.set(PLAIN, first)
    browser.headers[HEADER] = browser.get("/api/me").json()["csrf_token"]
    second = log_in(browser, "viewer", PASSWORD).cookies[PLAIN]
    assert status_with(browser, first) == 401
    assert status_with(browser, second) == 200


def test_a_session_that_was_logged_out_cannot_be_replayed(browser: Console) -> None:
    """The cookie kept from before the logout opens nothing."""
    secret = log_in(browser, "viewer", PASSWORD).cookies[PLAIN]
    browser.headers[HEADER] = browser.get("/api/me").json()["csrf_token"]
    assert browser.post("/api/logout").status_code == 204
    assert status_with(browser, secret) == 401


def test_a_session_ends_idle_and_ends_anyway(browser: Console, hands: Hands) -> None:
    """After 30 minutes without a request; after 12 hours whatever was done."""
    secret = log_in(browser, "viewer", PASSWORD).cookies[PLAIN]
    for _ in range(ABSOLUTE_S // (IDLE_S - 60)):
        hands.s += IDLE_S - 60
        assert status_with(browser, secret) == 200
    hands.s += IDLE_S - 60
    assert status_with(browser, secret) == 401
    secret = log_in(browser, "viewer", PASSWORD).cookies[PLAIN]
    hands.s += IDLE_S + 1
    assert status_with(browser, secret) == 401


def test_secrets_are_kept_as_digests_only() -> None:
    """The database file holds neither session secrets nor tokens nor passwords."""
    identity = make_identity()
    admin = identity.people.all()[0].user
    session = identity.open_session(admin)
    _, text = identity.new_token(admin, name="script", scope="read", days=1)
    identity.close()
    folder = identity.setup_token.file.parent
    held = b"".join(path.read_bytes() for path in folder.iterdir())
    assert len(held) > 1_000
    for secret in (session, text, text.rpartition("_")[2], PASSWORD):
        assert secret.encode() not in held


def test_cookie_attributes() -> None:
    """HttpOnly, Strict, whole site; over TLS also Secure and bound to the host by its name."""
    with client_of(make_parts(), None) as client:
        client.headers[HEADER] = "1"
        plain = log_in(client, "viewer", PASSWORD).headers["set-cookie"]
    with client_of(make_parts(), None) as client:
        client.base_url = client.base_url.copy_with(scheme="https")
        client.headers[HEADER] = "1"
        secure = log_in(client, "viewer", PASSWORD)
    for cookie in (plain, secure.headers["set-cookie"]):
        assert "HttpOnly" in cookie and "SameSite=strict" in cookie and "Path=/" in cookie
        assert "Domain" not in cookie
    assert secure.headers["set-cookie"].startswith("__Host-mdhub-session=")
    assert "Secure" in secure.headers["set-cookie"]
    assert "strict-transport-security" in secure.headers


def test_the_second_factor_is_asked_for_and_no_code_counts_twice(
    browser: Console, hands: Hands
) -> None:
    """Without a code 401 code-needed; a code works once; the next one works again."""
    identity = browser.app.state.identity
    admin = identity.people.named("admin")
    step = hands.s // STEP_S
    identity.confirm_second_factor(admin.id, SECRET, code_at(SECRET, step - 1))
    assert log_in(browser, "admin", PASSWORD).json()["type"] == "mdhub:code-needed"
    code = code_at(SECRET, step)
    assert log_in(browser, "admin", PASSWORD, code=code).status_code == 200
    browser.cookies.clear()
    browser.headers[HEADER] = "1"
    assert log_in(browser, "admin", PASSWORD, code=code).status_code == 401
    later = code_at(SECRET, step + 1)
    assert log_in(browser, "admin", PASSWORD, code=later).status_code == 200


def test_the_first_user_needs_the_one_time_token(hands: Hands) -> None:
    """A wrong token, an old one, a used one: refused. The right one makes an admin, once."""
    identity = make_identity(roles=(), clock=hands.clock())
    form = {"name": "ann", "password": "a quite long phrase 7"}
    near = replace(ConsoleSettings(), setup_remote=True)
    with client_of(make_parts(identity=identity, settings=near), None) as client:
        token = identity.setup_token.renew()
        assert identity.setup_token.file.stat().st_mode & 0o777 == 0o600
        assert len(token) >= 22  # 128 bits
        wrong = client.post("/setup", data={**form, "token": "wrong"}, headers=HTML)
        assert wrong.status_code == 403
        weak = client.post(
            "/setup", data={**form, "password": "short", "token": token}, headers=HTML
        )
        assert weak.status_code == 422
        hands.s += LIFE_S + 1
        old = client.post("/setup", data={**form, "token": token}, headers=HTML)
        assert old.status_code == 403
        token = identity.setup_token.renew()
        made = client.post("/setup", data={**form, "token": token}, headers=HTML)
        assert (made.status_code, made.headers["location"]) == (303, "/")
        assert client.get("/api/me").json()["role"] == "admin"
        again = client.post(
            "/setup", data={**form, "name": "eve", "token": token},
            headers=HTML | {HEADER: client.get("/api/me").json()["csrf_token"]},
        )  # fmt: skip
        assert again.status_code == 403
        assert [member.name for member in identity.people.all()] == ["ann"]


def test_the_setup_is_for_this_machine_unless_configured() -> None:
    """From elsewhere 403 before the token is looked at."""
    parts = make_parts(identity=make_identity(roles=()))
    token = parts.identity.setup_token.renew()
    with client_of(parts, None) as client:
        form = {"name": "ann", "password": "a quite long phrase 7", "token": token}
        assert client.post("/setup", data=form, headers=HTML).status_code == 403
        assert parts.identity.setup_token.is_right(token)


def status_with(client: Console, secret: str) -> int:
    client.cookies.clear()
    client.cookies.set(PLAIN, secret)
    return client.get("/api/me").status_code


def test_a_user_who_was_disabled_is_nobody(browser: Console) -> None:
    """Who was disabled is out at once, in sessions that are open too."""
    identity = browser.app.state.identity
    viewer = identity.people.named(Role.VIEWER.word)
    secret = identity.open_session(viewer.user)
    assert status_with(browser, secret) == 200
    identity.people.change(viewer.id, is_enabled=False)
    assert status_with(browser, secret) == 401
    browser.cookies.clear()
    assert log_in(browser, "viewer", PASSWORD).status_code == 401
