"""/api/accounts: what scripts do with the account store, and what never leaves it."""

from __future__ import annotations

from typing import Any

import pytest

from mdhub.accounts.errors import StoreUnavailable
from mdhub.accounts.memory import MemoryAccounts, MemoryShelf
from mdhub.accounts.places import Keys, Place
from mdhub.runtime.clock import Clock
from mdhub.streams.memory import MemoryServer
from mdhub.streams.topology import COMMANDS
from mdhub.wire.codec import decode_command
from mdhub_console.accounts.book import AccountBook
from mdhub_console.identity.model import Role
from mdhub_console.parts import Parts
from tests.support.console import (
    PASSWORD,
    Console,
    client_of,
    make_accounts,
    make_identity,
    make_parts,
)

SECRET = "hunter2-of-the-broker"
CTP: dict[str, Any] = {
    "gateway_type": "ctp",
    "settings": {
        "user_id": "123456", "password": SECRET, "broker_id": "9999",
        "td_address": "tcp://180.168.146.187:10201", "md_address": "tcp://180.168.146.187:10211",
    },
}  # fmt: skip


@pytest.fixture
def shelf() -> MemoryShelf:
    return MemoryShelf()


@pytest.fixture
def parts(shelf: MemoryShelf) -> Parts:
    return make_parts(accounts=make_accounts(shelf))


def made(client: Console, account_id: str = "CTP1", **fields: Any) -> Any:
    answer = client.post("/api/accounts", json={"id": account_id, **CTP, **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_an_account_is_made_read_changed_and_deleted(parts: Parts) -> None:
    """201 with its place; each change counts the revision up; history outlives it."""
    with client_of(parts) as client:
        answer = client.post("/api/accounts", json={"id": "CTP1", **CTP})
        assert (answer.status_code, answer.headers["location"]) == (201, "/api/accounts/CTP1")
        change = {**CTP, "revision": 1, "priority": 5}
        assert client.put("/api/accounts/CTP1", json=change).json()["revision"] == 2
        assert client.get("/api/accounts/CTP1").json()["priority"] == 5
        assert [each["id"] for each in client.get("/api/accounts").json()] == ["CTP1"]
        assert client.delete("/api/accounts/CTP1?revision=2").status_code == 204
        assert client.get("/api/accounts/CTP1").status_code == 404
        history = client.get("/api/accounts/CTP1/history").json()
    assert [each["action"] for each in history] == ["deleted", "changed", "created"]
    assert {each["by"] for each in history} == {"admin"}


def test_secrets_go_in_and_never_come_out(parts: Parts, shelf: MemoryShelf) -> None:
    """Sealed in the store; no answer and no audit record has them."""
    with client_of(parts) as client:
        made(client)
        kept = shelf.accounts["CTP1"].settings["password"]
        texts = [
            client.get(path).text
            for path in (
                "/api/accounts", "/api/accounts/CTP1", "/api/accounts/CTP1/history",
                "/api/accounts/-/export", "/api/audit",
            )
        ]  # fmt: skip
    assert str(kept).startswith("sealed:v1:")
    assert all(SECRET not in text and "sealed:v1:" not in text for text in texts)
    assert '"password":"sealed"' in texts[1]


def test_a_change_keeps_the_secrets_that_it_does_not_name(parts: Parts, shelf: MemoryShelf) -> None:
    """A new one replaces it, an empty one takes it away: then a needed one is missing."""
    settings = {name: value for name, value in CTP["settings"].items() if name != "password"}
    change = {"gateway_type": "ctp", "revision": 1, "description": "day desk"}
    with client_of(parts) as client:
        made(client)
        before = shelf.accounts["CTP1"].settings["password"]
        answer = client.put("/api/accounts/CTP1", json={**change, "settings": settings})
        assert answer.status_code == 200, answer.text
        assert shelf.accounts["CTP1"].settings["password"] == before
        again = {**change, "settings": {**settings, "password": "other"}, "revision": 2}
        assert client.put("/api/accounts/CTP1", json=again).status_code == 200
        assert shelf.accounts["CTP1"].settings["password"] != before
        gone = {**change, "settings": {**settings, "password": ""}, "revision": 3}
        problem = client.put("/api/accounts/CTP1", json=gone)
    assert (problem.status_code, problem.json()["fields"]) == (
        422, {"settings.password": "is missing"},
    )  # fmt: skip


def test_who_read_an_older_revision_overwrites_nothing(parts: Parts) -> None:
    """409 with the revision that is there, for changes and deletions."""
    with client_of(parts) as client:
        made(client)
        client.put("/api/accounts/CTP1", json={**CTP, "revision": 1, "priority": 1})
        late = client.put("/api/accounts/CTP1", json={**CTP, "revision": 1, "priority": 2})
        deleted = client.delete("/api/accounts/CTP1?revision=1")
        kept = client.get("/api/accounts/CTP1").json()
    assert (late.status_code, late.json()["type"]) == (409, "mdhub:revision-conflict")
    assert (deleted.status_code, kept["priority"]) == (409, 1)


@pytest.mark.parametrize(
    ("body", "status", "fields"),
    [
        ({"id": "CTP1", "gateway_type": "ctp", "settings": {}}, 422, 5),
        ({"id": "CTP1", "gateway_type": "fix", "settings": {}}, 400, 0),
        ({"id": "-", **CTP}, 400, 0),
        ({"id": "CTP1", **CTP, "colour": "red"}, 400, 0),
        ({"id": "S", "gateway_type": "sim", "settings": {"seed": "x", "sed": 1}}, 422, 2),
        ({"id": "S", "gateway_type": "sim", "settings": {"seed": "sealed:v1:a:b:c"}}, 422, 1),
    ],
)
def test_what_does_not_fit_is_refused_field_by_field(
    parts: Parts, shelf: MemoryShelf, body: dict[str, Any], status: int, fields: int
) -> None:
    """Nothing is kept; each field is named with what is wrong, without its value."""
    with client_of(parts) as client:
        answer = client.post("/api/accounts", json=body)
    assert answer.status_code == status, answer.text
    assert len(answer.json().get("fields") or {}) == fields or status == 400
    assert shelf.accounts == {}
    assert SECRET not in answer.text


def test_the_api_document_knows_accounts_and_no_secret_goes_out(parts: Parts) -> None:
    """Paths and shapes; what is answered has `secrets` as states only."""
    with client_of(parts) as client:
        document = client.get("/schema/openapi.json").json()
    paths = {path for path in document["paths"] if "accounts" in path}
    assert paths == {
        "/api/accounts", "/api/accounts/{account_id}", "/api/accounts/{account_id}/history",
        "/api/accounts/-/export", "/api/accounts/-/import", "/api/accounts/{name}/{action}",
    }  # fmt: skip
    shown = document["components"]["schemas"]["AccountShown"]["properties"]["secrets"]
    assert "sealed" in str(shown)


def test_a_second_account_of_an_id_is_refused(parts: Parts) -> None:
    """Two accounts of one name would be two sources of one name."""
    with client_of(parts) as client:
        made(client)
        again = client.post("/api/accounts", json={"id": "CTP1", **CTP})
    assert (again.status_code, again.json()["type"]) == (409, "mdhub:account-exists")


def test_credentials_are_changed_only_after_the_password_was_given_lately() -> None:
    """Six minutes after the login: a priority changes, a front does not, nothing is made."""
    now = [1_800_000_000]
    clock = Clock(lambda: now[0] * 10**9, lambda: now[0] * 10**9)
    parts = make_parts(identity=make_identity(clock=clock))
    moved = {**CTP["settings"], "md_address": "tcp://evil.example:1"}
    with client_of(parts) as client:
        made(client)
        now[0] += 360
        settings = {name: value for name, value in CTP["settings"].items() if name != "password"}
        ranked = {**CTP, "settings": settings, "revision": 1, "priority": 7}
        assert client.put("/api/accounts/CTP1", json=ranked).status_code == 200
        asked = [
            client.put("/api/accounts/CTP1", json={**CTP, "settings": moved, "revision": 2}),
            client.post("/api/accounts", json={"id": "CTP2", **CTP}),
            client.delete("/api/accounts/CTP1?revision=2"),
            client.post("/api/accounts/-/import", json={}),
        ]
        assert [(a.status_code, a.json()["type"]) for a in asked] == [
            (403, "mdhub:proof-needed")
        ] * 4
        client.post("/api/me/prove", json={"password": PASSWORD})
        assert client.delete("/api/accounts/CTP1?revision=2").status_code == 204


def test_an_export_comes_back_in_and_lacks_only_secrets(parts: Parts) -> None:
    """Into an empty store: there it is disabled, and says which secret it lacks."""
    with client_of(parts) as client:
        made(client)
        file = client.get("/api/accounts/-/export")
        assert "attachment" in file.headers["content-disposition"]
        same = client.post("/api/accounts/-/import", json=file.json()).json()
    with client_of(make_parts()) as other:
        done = other.post("/api/accounts/-/import", json=file.json()).json()
        came = other.get("/api/accounts/CTP1").json()
    assert [each["change"] for each in same] == ["same"]
    assert [(each["change"], each["missing"]) for each in done] == [("created", ["password"])]
    assert (came["is_enabled"], came["secrets"]) == (False, {"password": "missing"})


def test_an_account_just_made_can_be_ordered() -> None:
    """No report speaks of it yet; disabled it has no source, but its connection can be tested."""
    server = MemoryServer()
    with client_of(make_parts(server)) as client:
        made(client)
        made(client, "CTP2", is_enabled=False)
        answers = [
            client.post(f"/api/accounts/{name}/{action}", json={}).status_code
            for name, action in (
                ("CTP1", "start"), ("CTP2", "start"), ("CTP2", "test"), ("CTP3", "test"),
            )
        ]  # fmt: skip
    commands = [decode_command(fields[1]) for _, fields in server.log("x").entries(COMMANDS)]
    assert answers == [202, 409, 202, 404]
    assert [(c.target, c.action) for c in commands] == [
        ("source:CTP1", "start"), ("account:CTP2", "test"),
    ]  # fmt: skip
    assert commands[1].expires_ns - commands[1].ts_ns > 40_000_000_000


def test_without_a_store_it_says_how_to_get_one() -> None:
    """The section of the configuration is named."""
    with client_of(make_parts(accounts=AccountBook(None))) as client:
        answer = client.get("/api/accounts")
    assert (answer.status_code, answer.json()["type"]) == (404, "mdhub:no-account-store")
    assert "[accounts]" in answer.json()["detail"]


def test_a_secret_needs_a_master_key(shelf: MemoryShelf) -> None:
    """Without one a secret is refused, a reference is taken."""
    book = AccountBook(Place("memory:", Keys("", {})), open_at=lambda _: MemoryAccounts(shelf))
    with client_of(make_parts(accounts=book)) as client:
        refused = client.post("/api/accounts", json={"id": "CTP1", **CTP})
        settings = {**CTP["settings"], "password": "env:CTP1_PASSWORD"}
        taken = client.post("/api/accounts", json={"id": "CTP1", **CTP, "settings": settings})
    assert (refused.status_code, refused.json()["type"]) == (503, "mdhub:no-keys")
    assert (taken.status_code, taken.json()["secrets"]) == (201, {"password": "reference"})


class _Away(MemoryAccounts):
    """A store that can be switched off."""

    away = False

    def all(self) -> Any:
        if self.away:
            raise StoreUnavailable("mysql://db:3306 does not answer")
        return super().all()


def test_a_store_that_is_away_is_told_and_what_was_known_stays(shelf: MemoryShelf) -> None:
    """Lists go on with what was seen last; the API says 503 and names no address."""
    store, now = _Away(shelf), [0.0]
    book = AccountBook(
        Place("memory:", Keys("", {})), open_at=lambda _: store, monotonic=lambda: now[0]
    )
    with client_of(make_parts(accounts=book)) as client:
        settings = {"gateway_type": "sim", "settings": {"seed": 1}}
        client.post("/api/accounts", json={"id": "S1", **settings})
        now[0] = 10.0
        assert [each.id for each in book.look().accounts] == ["S1"]
        store.away, now[0] = True, 20.0
        known = book.look()
        answer = client.get("/api/accounts")
    assert ([each.id for each in known.accounts], known.at_s, known.away) == (["S1"], 10.0, True)
    assert (answer.status_code, "db" in answer.json()["detail"].split()) == (503, False)
    assert "mysql" not in answer.text


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_only_admins_change_accounts(parts: Parts, role: Role) -> None:
    """The others look."""
    with client_of(parts, role) as client:
        assert client.get("/api/accounts").status_code == 200
        assert client.post("/api/accounts", json={"id": "X", **CTP}).status_code == 403
        assert client.put("/api/accounts/X", json={**CTP, "revision": 1}).status_code == 403
