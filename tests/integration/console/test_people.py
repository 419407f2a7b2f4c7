"""Users, tokens and the audit log over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import delete, update

from mdhub.runtime.clock import Clock
from mdhub_console.identity.audit import Deed, Record
from mdhub_console.identity.cookies import PLAIN
from mdhub_console.identity.model import Role
from mdhub_console.identity.service import PROOF_S, Identity
from mdhub_console.identity.store.tables import AUDIT
from mdhub_console.server.csrf import HEADER
from tests.support.console import ADDRESS, PASSWORD, Console, client_of, make_identity, make_parts

NEW = {"name": "ann", "password": "a quite long phrase 7", "role": "operator"}


class Hands:
    """A clock that a test turns, and the audit records that were told."""

    def __init__(self) -> None:
        self.s = 1_800_000_000
        self.told: list[Record] = []

    def identity(self) -> Identity:
        clock = Clock(lambda: self.s * 10**9, lambda: self.s * 10**9)
        return make_identity(clock=clock, tell=self.told.append)


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def admin(hands: Hands) -> Iterator[Console]:
    with client_of(make_parts(identity=hands.identity())) as client:
        yield client


def bearer(client: Console, text: str, method: str, path: str, **more: Any) -> int:
    client.cookies.clear()
    kept = client.headers.pop(HEADER, None)
    answer = client.request(method, path, headers={"authorization": f"Bearer {text}"}, **more)
    if kept is not None:
        client.headers[HEADER] = kept
    return answer.status_code


def test_users_are_made_changed_and_deleted(admin: Console) -> None:
    """The life of a user; what is shown holds neither hash nor secret."""
    made = admin.post("/api/users", json=NEW)
    assert made.status_code == 201
    assert set(made.json()) == {
        "id", "name", "role", "is_enabled", "has_second_factor", "created_at",
    }  # fmt: skip
    assert admin.post("/api/users", json=NEW).status_code == 409
    path = f"/api/users/{made.json()['id']}"
    assert admin.patch(path, json={"role": "viewer"}).json()["role"] == "viewer"
    assert admin.delete(path).status_code == 204
    assert admin.delete(path).status_code == 404


@pytest.mark.parametrize(
    "password",
    ["short", "password12345", "123456789012", "aaaaaaaaaaaaaaa", "ann-mdhub-ann", "x" * 129],
)
def test_weak_passwords_are_refused_without_being_quoted(admin: Console, password: str) -> None:
    """Too short, common but for its ends, one character, made of names, too long."""
    answer = admin.post("/api/users", json={**NEW, "password": password})
    assert answer.status_code in {400, 422}
    assert password not in answer.text


def test_another_role_ends_the_sessions_of_a_user(admin: Console) -> None:
    """Nobody goes on with the rights of before; an admin can also end sessions alone."""
    identity = admin.app.state.identity
    viewer = identity.people.named("viewer")
    first = identity.open_session(viewer.user)
    admin.patch(f"/api/users/{viewer.id}", json={"role": "operator"})
    assert identity.of_session(first) is None
    second = identity.open_session(viewer.user)
    assert admin.delete(f"/api/users/{viewer.id}/sessions").status_code == 204
    assert identity.of_session(second) is None


def test_the_last_admin_stays(admin: Console) -> None:
    """Neither demoted, disabled nor deleted: somebody must be able to manage users."""
    path = f"/api/users/{admin.app.state.identity.people.named('admin').id}"
    for body in ({"role": "viewer"}, {"is_enabled": False}):
        assert admin.patch(path, json=body).json()["type"] == "mdhub:last-admin"
    assert admin.delete(path).status_code == 409
    assert admin.get("/api/me").json()["role"] == "admin"


def test_credentials_are_changed_only_after_the_password_was_given_lately(
    admin: Console, hands: Hands
) -> None:
    """Five minutes after the login 403 proof-needed; with the password again it works."""
    hands.s += PROOF_S + 1
    refused = admin.post("/api/users", json=NEW)
    assert (refused.status_code, refused.json()["type"]) == (403, "mdhub:proof-needed")
    wrong = admin.post("/api/me/prove", json={"password": "wrong"})
    assert wrong.json()["type"] == "mdhub:wrong-proof"
    assert admin.post("/api/me/prove", json={"password": PASSWORD}).status_code == 204
    assert admin.post("/api/users", json=NEW).status_code == 201


def test_a_new_password_ends_all_other_sessions(admin: Console) -> None:
    """One's own stays; the old password opens nothing any more."""
    identity = admin.app.state.identity
    other = identity.open_session(identity.people.named("admin").user)
    new = "another quite long one 8"
    assert admin.post("/api/me/password", json={"password": new}).status_code == 204
    assert identity.of_session(other) is None
    assert admin.get("/api/me").status_code == 200
    body = {"name": "admin", "password": PASSWORD}
    assert admin.post("/api/login", json=body).status_code == 401


def test_a_token_does_what_its_scope_allows_until_it_ends(admin: Console, hands: Hands) -> None:
    """Read reads; it makes no user; revoked, expired or altered it is nobody's."""
    made = admin.post("/api/tokens", json={"name": "script", "scope": "read", "days": 1}).json()
    text, token_id = made["text"], made["token"]["id"]
    assert text.startswith(f"mdh_{token_id}_")
    assert text.rpartition("_")[2] not in admin.get("/api/tokens").text
    cookie = admin.cookies[PLAIN]
    assert bearer(admin, text, "GET", "/api/me") == 200
    assert bearer(admin, text, "GET", "/api/users") == 403
    assert bearer(admin, text[:-1] + "-", "GET", "/api/me") == 401
    for broken in ("", "mdh", "mdh__", "mdh_x_y", "\x00"[:0] + "a_b_c_d"):
        assert bearer(admin, broken, "GET", "/api/me") == 401
    hands.s += 86_401
    assert bearer(admin, text, "GET", "/api/me") == 401
    assert admin.app.state.identity.of_session(cookie) is None  # by then idle too


def test_a_token_that_was_revoked_or_whose_owner_is_gone_is_refused(admin: Console) -> None:
    """At its very next request."""
    identity = admin.app.state.identity
    owner = identity.people.named("operator")
    _, first = identity.new_token(owner.user, name="a", scope="operate", days=1)
    second, text = identity.new_token(owner.user, name="b", scope="admin", days=1)
    assert identity.of_token(text).role is Role.OPERATOR  # never more than its owner
    assert admin.delete(f"/api/tokens/{second.id}").status_code == 204
    assert identity.of_token(text) is None
    identity.people.change(owner.id, is_enabled=False)
    assert identity.of_token(first) is None


def test_a_token_cannot_make_users_or_tokens(admin: Console) -> None:
    """Whatever its scope: credentials are changed in person."""
    identity = admin.app.state.identity
    _, text = identity.new_token(
        identity.people.named("admin").user, name="a", scope="admin", days=1
    )
    assert bearer(admin, text, "POST", "/api/users", json=NEW) == 403
    assert bearer(admin, text, "POST", "/api/tokens", json={"name": "b"}) == 403


def test_every_deed_is_one_record_with_its_result(admin: Console, hands: Hands) -> None:
    """Done, refused by the rules, refused by the role: one record each, told to the hub too."""
    admin.post("/api/users", json=NEW)
    admin.post("/api/users", json=NEW)
    records = admin.get("/api/audit").json()["records"]
    found = [(r["who"], r["action"], r["target"], r["result"]) for r in records]
    assert found == [
        ("admin", "users.create", "ann", "refused"),
        ("admin", "users.create", "ann", "ok"),
    ]
    assert [record.n for record in hands.told] == [1, 2]
    assert all(r["address"] for r in records)
    assert admin.get("/api/audit/verify").json()["whole"] is True


def test_a_failed_login_is_recorded_and_a_stranger_cannot_fill_the_log(admin: Console) -> None:
    """One record a failure; once locked out, and for private routes, none."""
    with client_of(make_parts(identity=admin.app.state.identity), None) as stranger:
        stranger.headers[HEADER] = "1"
        for _ in range(9):
            body = {"name": "viewer", "password": "wrong"}
            stranger.post("/api/login", json=body)
            stranger.post("/api/users", json=NEW)
    records = admin.get("/api/audit").json()["records"]
    assert [(r["who"], r["action"], r["result"]) for r in records] == [
        ("viewer", "login", "refused")
    ] * 5


def test_a_name_with_line_breaks_makes_no_second_line(admin: Console) -> None:
    """Control characters never reach the audit log."""
    with client_of(make_parts(identity=admin.app.state.identity), None) as stranger:
        stranger.headers[HEADER] = "1"
        evil = "x\r\n2026-11-21 admin users.delete ok\x1b[2J\u202e"
        stranger.post("/api/login", json={"name": evil, "password": "wrong"})
    who = admin.get("/api/audit").json()["records"][0]["who"]
    assert who.isprintable() and who.startswith("x\N{REPLACEMENT CHARACTER}")


@pytest.mark.parametrize("harm", ["altered", "deleted", "newest deleted", "result"])
def test_verify_finds_a_record_that_was_tampered_with(harm: str) -> None:
    """An altered or missing record breaks the chain where it stood, the newest one too."""
    identity = make_identity()
    for i in range(5):
        identity.record(Deed(who="admin", action="test", target=str(i)))
    assert identity.records.verify() is None
    statements = {
        "altered": update(AUDIT).where(AUDIT.c.n == 3).values(who="eve"),
        "result": update(AUDIT).where(AUDIT.c.n == 3).values(result="failed"),
        "deleted": delete(AUDIT).where(AUDIT.c.n == 3),
        "newest deleted": delete(AUDIT).where(AUDIT.c.n == 5),
    }
    with identity.records._database.writing() as rows:
        rows.execute(statements[harm])
    assert identity.records.verify() == (5 if harm == "newest deleted" else 3)


def test_several_consoles_write_one_chain() -> None:
    """Records of many threads get numbers without a gap."""
    from threading import Thread  # noqa: PLC0415 - here alone

    identity = make_identity()

    def write() -> None:
        for _ in range(5):
            identity.record(Deed(who="admin", action="test"))

    threads = [Thread(target=write) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert identity.records.verify() is None
    assert identity.records.head()[0] == 15


def test_pages_show_what_the_api_knows_in_both_languages(admin: Console) -> None:
    """Users, audit log and profile render, in English and in Chinese."""
    html = {"accept": "text/html"}
    for language, word in (("en", "Audit log"), ("zh", "审计日志")):
        assert admin.patch("/api/me", json={"language": language}).status_code == 200
        for path in ("/users", "/profile", "/prove", "/audit?verify=true"):
            assert admin.get(path, headers=html).status_code == 200
        assert word in admin.get("/audit", headers=html).text


def test_forms_of_pages_do_what_the_api_does(admin: Console) -> None:
    """A user is made, changed and deleted by forms with the hidden field alone."""
    token = admin.headers.pop(HEADER)
    hidden = {"csrf_token": token}
    people = admin.app.state.identity.people
    assert admin.post("/users", data={**NEW, **hidden}).status_code == 303
    path = f"/users/{people.named('ann').id}"
    assert admin.post(path, data={"action": "role", "role": "admin", **hidden}).status_code == 303
    assert people.named("ann").role is Role.ADMIN
    assert admin.post(path, data={"action": "disable", **hidden}).status_code == 303
    assert not people.named("ann").is_enabled
    assert admin.post(path, data={"action": "delete", **hidden}).status_code == 303
    made = admin.post("/tokens", data={"name": "s", "scope": "read", "days": "9", **hidden})
    assert made.status_code in {200, 201} and "mdh_" in made.text
    begun = admin.post("/profile/second-factor", data=hidden)
    assert "otpauth://" in begun.text
    assert admin.post("/profile", data={"theme": "pink", **hidden}).status_code == 400


@pytest.mark.parametrize("way", ["//evil.example", "https://evil.example", "/\\evil", "x", ""])
def test_after_the_login_one_stays_on_this_console(admin: Console, way: str) -> None:
    """`next` leads to a path of ours or to the first page."""
    with client_of(make_parts(identity=admin.app.state.identity), None) as stranger:
        form = {"name": "admin", "password": PASSWORD, "next": way}
        answer = stranger.post("/login", data=form, headers={"origin": ADDRESS})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
