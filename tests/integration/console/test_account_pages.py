"""Pages of the accounts, as a browser gets and sends them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from mdhub.accounts.keyring import new_keyring
from mdhub.accounts.memory import MemoryShelf
from mdhub.accounts.model import AccountHealth, Draft
from mdhub.accounts.vault import Vault
from mdhub.health.model import encode_health
from mdhub.runtime.clock import Clock
from mdhub.runtime.heartbeat import beat_payload
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
from tests.support.console_scene import fine, live_of

SECRET = "hunter2-of-the-broker"
FORM = {
    "settings.user_id": "123456", "settings.password": SECRET, "settings.broker_id": "9999",
    "settings.td_address": "tcp://180.168.146.187:10201",
    "settings.md_address": "tcp://180.168.146.187:10211", "settings.environment": "live",
    "priority": "20", "schedule_group": "", "subscribe": "all", "description": "day desk",
    "health.canaries": "rb2701.SHFE 3000\nIF2612.CFFEX",
}  # fmt: skip
NEW = {**FORM, "id": "CTP1", "type": "ctp", "is_enabled": "on"}
PAGES = ("/accounts", "/accounts/-/live", "/accounts/-/new?type=sim", "/accounts/-/new?type=vnpy")


@pytest.fixture
def shelf() -> MemoryShelf:
    return MemoryShelf()


@pytest.fixture
def parts(shelf: MemoryShelf) -> Parts:
    return make_parts(accounts=make_accounts(shelf), live=live_of(fine()))


@pytest.fixture
def client(parts: Parts) -> Iterator[Console]:
    with client_of(parts) as opened:
        yield opened


def test_an_account_is_made_by_a_form_and_found_in_the_list(
    client: Console, shelf: MemoryShelf
) -> None:
    """All that the boxes say is kept, by type; the secret sealed; the page leads to it."""
    answer = client.post("/accounts/-/new", data=NEW)
    assert (answer.status_code, answer.headers["location"]) == (303, "/accounts/CTP1")
    account = shelf.accounts["CTP1"]
    assert (account.priority, account.is_enabled, account.description) == (20, True, "day desk")
    assert account.health == AccountHealth(
        canaries=("rb2701.SHFE", "IF2612.CFFEX"), silence_ms={"rb2701.SHFE": 3000}
    )
    assert str(account.settings["password"]).startswith("sealed:")
    assert 'href="/accounts/CTP1"' in client.get("/accounts").text
    page = client.get("/accounts/CTP1").text
    assert "rb2701.SHFE 3000\nIF2612.CFFEX" in page
    assert SECRET not in page
    assert "sealed:v1" not in page


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_does_not_fit_stands_beside_its_field_and_nothing_is_lost(
    client: Console, shelf: MemoryShelf, language: str
) -> None:
    """Every box says its own; what was typed is still there, but for the secret."""
    client.cookies.set("mdhub-language", language)
    wrong = {
        **NEW, "id": "no spaces", "settings.td_address": "10.0.0.1", "priority": "1.5",
        "health.canaries": "rb2701", "settings.user_id": "",
    }  # fmt: skip
    answer = client.post("/accounts/-/new", data=wrong)
    said = dict(re.findall(r'data-problem="([^"]+)"[^>]*>([^<]+)<', answer.text))
    assert answer.status_code == 422
    assert said.keys() == {
        "id", "settings.td_address", "priority", "health.canaries", "settings.user_id",
    }  # fmt: skip
    assert all(re.search(r"[\u4e00-\u9fff]", words) for words in said.values()) == (
        language == "zh"
    )
    assert 'value="tcp://180.168.146.187:10211"' in answer.text
    assert SECRET not in answer.text
    assert shelf.accounts == {}


def test_a_form_is_checked_before_it_is_sent(client: Console, shelf: MemoryShelf) -> None:
    """The answer names fields; a secret need only be told to be there; nothing is kept."""
    typed = {**NEW, "settings.password": "typed", "settings.md_address": "nowhere"}
    assert client.post("/accounts/-/check", data=typed).json() == {
        "settings.md_address": "expected tcp://host:port or ssl://host:port"
    }
    missing = client.post("/accounts/-/check", data={**NEW, "settings.password": ""}).json()
    assert missing == {"settings.password": "is missing"}
    assert shelf.accounts == {}


def test_a_form_keeps_the_secrets_that_it_leaves_empty(client: Console, shelf: MemoryShelf) -> None:
    """Other settings change; the sealed one stays as it was; history names the fields."""
    client.post("/accounts/-/new", data=NEW)
    before = shelf.accounts["CTP1"].settings["password"]
    form = {**FORM, "settings.password": "", "settings.environment": "test", "revision": "1"}
    assert client.post("/accounts/CTP1", data=form).status_code == 303
    after = shelf.accounts["CTP1"]
    assert (after.settings["password"], after.settings["environment"]) == (before, "test")
    assert "settings.environment" in client.get("/accounts/CTP1").text


def test_who_comes_second_is_told_and_may_save_again(client: Console, shelf: MemoryShelf) -> None:
    """The form comes back with what was typed and the revision that is there now."""
    client.post("/accounts/-/new", data=NEW)
    form = {**FORM, "settings.password": "", "revision": "1"}
    client.post("/accounts/CTP1", data={**form, "description": "night desk"})
    late = client.post("/accounts/CTP1", data={**form, "description": "my desk"})
    assert late.status_code == 409
    assert 'name="revision" value="2"' in late.text
    assert 'value="my desk"' in late.text
    assert shelf.accounts["CTP1"].description == "night desk"


def test_an_old_proof_asks_for_the_password_in_the_form_itself(shelf: MemoryShelf) -> None:
    """Six minutes after the login: no description needs it, a front does; a wrong one is told."""
    now = [1_800_000_000]
    clock = Clock(lambda: now[0] * 10**9, lambda: now[0] * 10**9)
    identity = make_identity(clock=clock)
    parts = make_parts(identity=identity, accounts=make_accounts(shelf), live=live_of(fine()))
    with client_of(parts) as client:
        client.post("/accounts/-/new", data=NEW)
        now[0] += 360
        assert 'name="own_password"' in client.get("/accounts/CTP1").text
        form = {**FORM, "settings.password": "", "description": "x", "revision": "1"}
        assert client.post("/accounts/CTP1", data=form).status_code == 303
        moved = {**form, "settings.md_address": "tcp://127.0.0.1:1", "revision": "2"}
        assert client.post("/accounts/CTP1", data=moved).status_code == 403
        wrong = {**moved, "own_password": "no"}
        assert client.post("/accounts/CTP1", data=wrong).status_code == 403
        assert client.post("/accounts/CTP1/delete", data={"revision": "2"}).status_code == 403
        assert shelf.accounts["CTP1"].revision == 2
        right = {**moved, "own_password": PASSWORD}
        assert client.post("/accounts/CTP1", data=right).status_code == 303
        actions = [each["action"] for each in client.get("/api/audit").json()["records"]]
    assert actions.count("accounts.change") == 4
    assert shelf.accounts["CTP1"].settings["md_address"] == "tcp://127.0.0.1:1"


def test_accounts_are_switched_ranked_and_deleted(client: Console, shelf: MemoryShelf) -> None:
    """Only those whose number differs are changed."""
    client.post("/accounts/-/new", data=NEW)
    client.post("/accounts/-/new", data={**NEW, "id": "CTP2", "priority": "30"})
    client.post("/accounts/CTP1/switch", data={"enabled": "", "revision": "1"})
    rank = {
        "priority.CTP1": "20", "was.CTP1": "20", "revision.CTP1": "2",
        "priority.CTP2": "10", "was.CTP2": "30", "revision.CTP2": "1",
    }  # fmt: skip
    assert client.post("/accounts/-/rank", data=rank).status_code == 303
    one, two = shelf.accounts["CTP1"], shelf.accounts["CTP2"]
    assert (one.is_enabled, one.revision, two.priority, two.revision) == (False, 2, 10, 2)
    assert client.post("/accounts/CTP1/delete", data={"revision": "2"}).status_code == 303
    assert list(shelf.accounts) == ["CTP2"]


def test_a_file_goes_out_and_comes_in(client: Console, shelf: MemoryShelf) -> None:
    """By the page's own form; a file that is none is told above the list."""
    client.post("/accounts/-/new", data=NEW)
    file = client.get("/api/accounts/-/export").content
    token = {"csrf_token": client.headers["x-csrf-token"]}
    client.post("/accounts/CTP1/delete", data={"revision": "1"})
    back = client.post("/accounts/-/import", data=token, files={"file": ("a.json", file)})
    assert (back.status_code, shelf.accounts["CTP1"].is_enabled) == (303, False)
    none = client.post("/accounts/-/import", data=token, files={"file": ("a.json", b"{}")})
    assert none.status_code == 422
    assert 'role="alert"' in none.text


def test_the_list_says_how_each_account_is(shelf: MemoryShelf) -> None:
    """As its source is; off; not heard of; known to its supervisor; of an older revision."""
    book, live = make_accounts(shelf), live_of(fine())
    for name in ("CTP-A", "OFF", "NEW", "OLD"):
        draft = Draft(id=name, gateway_type="sim", settings={}, is_enabled=name != "OFF")
        book.create(draft, by="x")
    book.adjust("OLD", revision=1, by="x", priority=1)
    beat = beat_payload("supervisor", "supervisor:A", "running", {"account:OLD": 1})
    live.view.take_look(
        health=encode_health(fine()),
        beats={"supervisor:A": beat},
        alerts=None,
        now_ns=live.now_ns(),
    )
    with client_of(make_parts(accounts=book, live=live), Role.VIEWER) as client:
        text = client.get("/accounts/-/live").text
    rows = dict(
        re.findall(r'data-state="([^"]+)">\s*<td><a class="mono" href="/accounts/(\S+)"', text)
    )
    assert {name: state for state, name in rows.items()} == {
        "CTP-A": "sources.state.live", "OFF": "accounts.state.disabled",
        "NEW": "accounts.state.unheard", "OLD": "accounts.state.taken",
    }  # fmt: skip
    assert text.count("takes effect within 5 s") == 1


@pytest.mark.parametrize("book", [AccountBook(None), make_accounts()], ids=["none", "empty"])
def test_without_accounts_the_page_says_what_to_do(book: AccountBook) -> None:
    """How to configure a store; how to add the first one."""
    with client_of(make_parts(accounts=book, live=live_of(None))) as client:
        text = client.get("/accounts").text
    assert ("key_file" in text) == (not book.is_configured)
    assert ("/accounts/-/new" in text) == book.is_configured


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_who_may_not_change_sees_a_form_that_is_closed(parts: Parts, role: Role) -> None:
    """An operator may test the connection; nobody below admin is offered more."""
    parts.accounts.create(Draft(id="S1", gateway_type="sim", settings={"seed": 1}), by="x")
    with client_of(parts, role) as client:
        text = client.get("/accounts/S1").text
    assert '<fieldset class="grid" disabled>' in text
    assert ('data-dialog="ask-test"' in text) == (role is Role.OPERATOR)
    assert "ask-delete" not in text


def test_a_free_gateway_takes_any_setting_and_shows_no_secret(
    client: Console, shelf: MemoryShelf
) -> None:
    """Name=value by line; what looks secret is sealed and not shown, and stays when left out."""
    form: dict[str, Any] = {
        "id": "X1", "type": "vnpy", "settings.class": "vnpy_xtp:XtpGateway", "priority": "1",
        "others": "server=10.0.0.9\nport=6001\npassword=" + SECRET, "subscribe": "all",
    }  # fmt: skip
    assert client.post("/accounts/-/new", data=form).status_code == 303
    page = client.get("/accounts/X1").text
    assert "server=10.0.0.9\nport=6001</textarea>" in page
    assert SECRET not in page
    client.post("/accounts/X1", data={**form, "others": "server=10.0.0.8", "revision": "1"})
    settings = shelf.accounts["X1"].settings
    assert (settings["server"], "port" in settings) == ("10.0.0.8", False)
    assert str(settings["password"]).startswith("sealed:")


def test_the_pages_speak_both_languages(client: Console) -> None:
    """Every page renders; nothing of the form stays English."""
    client.post("/accounts/-/new", data=NEW)
    for path in (*PAGES, "/accounts/CTP1", "/accounts/CTP1/live"):
        for language in ("en", "zh"):
            client.cookies.set("mdhub-language", language)
            assert client.get(path).status_code == 200, path
    form = client.get("/accounts/CTP1").text
    assert "行情前置" in form
    assert "Market data front" not in form


def test_no_page_uses_what_the_policy_forbids(client: Console) -> None:
    """No inline script, style or handler."""
    client.post("/accounts/-/new", data=NEW)
    for path in (*PAGES, "/accounts/CTP1"):
        found = re.findall(
            r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=", client.get(path).text
        )
        assert found == []


def test_a_sealed_account_of_another_key_is_shown_and_can_be_given_anew(
    client: Console, shelf: MemoryShelf
) -> None:
    """The console opens nothing: who has lost a key gives the secret again."""
    client.post("/accounts/-/new", data=NEW)
    other = Vault(new_keyring())
    account = shelf.accounts["CTP1"]
    lost = other.seal(Draft(id="CTP1", gateway_type="ctp", settings={"password": "lost"}))
    shelf.accounts["CTP1"] = type(account)(
        **{n: getattr(account, n) for n in account.__struct_fields__}
        | {"settings": {**account.settings, **lost.settings}}
    )
    assert client.get("/accounts/CTP1").status_code == 200
    form = {**FORM, "settings.password": "", "description": "still there", "revision": "1"}
    assert client.post("/accounts/CTP1", data=form).status_code == 303
    again = {**FORM, "settings.password": SECRET, "revision": "2"}
    assert client.post("/accounts/CTP1", data=again).status_code == 303
