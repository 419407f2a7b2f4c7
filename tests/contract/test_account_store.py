"""What every account store promises: memory, SQLite, MariaDB and MongoDB, by one suite."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import pytest
from msgspec.structs import replace

from mdhub.accounts.errors import (
    AccountExists,
    BadAccount,
    RevisionConflict,
    StoreUnavailable,
    UnknownAccount,
)
from mdhub.accounts.memory import MemoryAccounts, MemoryShelf
from mdhub.accounts.model import AccountHealth, Draft
from mdhub.accounts.open import open_store
from mdhub.accounts.port import AccountStore
from tests.support.mariadb import MariaDB
from tests.support.mongo import FakeMongo
from tests.support.wait import until

Opener = Callable[[], AccountStore]

DRAFT = Draft(
    id="CTP1",
    gateway_type="ctp",
    settings={"user_id": "123", "password": "env:CTP1_PASSWORD", "备注": "一号", "a.b": True},
    priority=10,
    description="主用 account",
    schedule_group="futures",
    subscribe=("dominant", "chain:IO/5"),
    health=AccountHealth(canaries=("rb2701.SHFE",), silence_ms={"rb2701.SHFE": 1_500}),
)


class Server(Protocol):
    """A database that can be ended and started again."""

    def stop(self) -> None: ...

    def start(self) -> None: ...


@pytest.fixture(params=["memory", "sqlite", "mariadb", "mongo"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opener]:
    """Opens stores on one database, as several processes would."""
    shelf = MemoryShelf()
    stores: list[AccountStore] = []
    url = ""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'accounts.db'}"
    elif request.param == "mariadb":
        url = emptied(request.getfixturevalue("mariadb"))
    elif request.param == "mongo":
        url = os.environ.get("MDHUB_TEST_MONGO_URL") or request.getfixturevalue("mongo").url
        url = with_database(url, f"mdhub_test_{uuid4().hex}")

    def open_one() -> AccountStore:
        store = open_store(url) if url else MemoryAccounts(shelf)
        stores.append(store)
        return store

    yield open_one
    for store in stores:
        store.close()


def emptied(server: MariaDB) -> str:
    server.empty()
    return server.url


def with_database(url: str, name: str) -> str:
    address, _, query = url.partition("?")
    scheme, _, rest = address.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}/{name}{'?' * bool(query)}{query}"


@pytest.fixture(params=["mariadb", "mongo"])
def server(request: pytest.FixtureRequest) -> tuple[Server, str]:
    """A database server that a test may end, and its address."""
    one: MariaDB | FakeMongo = request.getfixturevalue(request.param)
    return one, f"{one.url}?serverSelectionTimeoutMS=300" if request.param == "mongo" else one.url


def test_what_was_kept_comes_back_whole(opened: Opener) -> None:
    """Every field, with types and letters of any script, in this store and in another one."""
    settings: dict[str, str | int | float | bool] = {
        "n": 1, "x": 0.1, "yes": True, "no": False, "big": 2**62, "text": "1", "空": "",
    }  # fmt: skip
    made = opened().create(replace(DRAFT, gateway_type="vnpy", settings=settings), by="ann")

    read = opened().get("CTP1")

    assert read == made
    assert [(type(v), v) for v in read.settings.values()] == [
        (type(v), v) for v in settings.values()
    ]
    assert read.health == DRAFT.health and read.subscribe == DRAFT.subscribe
    assert read.revision == 1 and read.created_at == read.updated_at > 0


def test_all_are_in_order_of_priority_then_id(opened: Opener) -> None:
    """Lower is preferred; ids differ by case."""
    store = opened()
    for name, priority in (("b", 5), ("B", 5), ("a", 9), ("z", 1)):
        store.create(replace(DRAFT, id=name, priority=priority), by="ann")

    assert [account.id for account in store.all()] == ["z", "B", "b", "a"]


def test_an_id_is_taken_once(opened: Opener) -> None:
    """Also by another store; nothing is changed by who comes late."""
    first, second = opened(), opened()
    first.create(DRAFT, by="ann")
    version = second.version()

    with pytest.raises(AccountExists, match="CTP1"):
        second.create(replace(DRAFT, priority=1), by="bob")

    assert first.get("CTP1").priority == 10
    assert first.version() == version


def test_a_change_names_the_revision_it_was_made_from(opened: Opener) -> None:
    """Of two who read the same, the second is refused and nothing of it is written."""
    first, second = opened(), opened()
    first.create(DRAFT, by="ann")
    changed = first.replace(replace(DRAFT, priority=1), revision=1, by="ann")
    version = first.version()

    with pytest.raises(RevisionConflict, match="revision 2"):
        second.replace(replace(DRAFT, priority=2), revision=1, by="bob")
    with pytest.raises(RevisionConflict):
        second.delete("CTP1", revision=1, by="bob")

    assert second.get("CTP1") == changed
    assert (changed.revision, changed.priority) == (2, 1)
    assert second.version() == version


def test_of_many_writers_at_once_one_wins_each_revision(opened: Opener) -> None:
    """Eight threads over two stores: as many changes as revisions, none lost."""
    stores = [opened(), opened()]
    stores[0].create(DRAFT, by="ann")
    done: list[int] = []

    def write(store: AccountStore) -> None:
        for _ in range(5):
            read = store.get("CTP1")
            draft = replace(DRAFT, priority=read.priority + 1)
            try:
                done.append(store.replace(draft, revision=read.revision, by="t").revision)
            except RevisionConflict:
                continue

    threads = [threading.Thread(target=write, args=(stores[i % 2],)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    last = stores[0].get("CTP1")
    assert sorted(done) == list(range(2, len(done) + 2))
    assert last.revision == len(done) + 1
    assert last.priority == 10 + len(done)


def test_the_version_grows_with_every_write_of_anybody(opened: Opener) -> None:
    """One sees what the other did; reading changes nothing."""
    first, second = opened(), opened()
    seen = [second.version()]
    account = first.create(DRAFT, by="ann")
    seen.append(second.version())
    account = first.replace(DRAFT, revision=account.revision, by="ann")
    seen.append(second.version())
    account = first.reseal(account, by="ann")
    seen.append(second.version())
    first.delete("CTP1", revision=account.revision, by="ann")
    seen.append(second.version())
    second.all()
    assert second.version() == seen[-1]
    first.create(DRAFT, by="ann")
    seen.append(second.version())

    assert seen == sorted(set(seen))


def test_history_says_who_touched_what(opened: Opener) -> None:
    """Newest first, without a value; also of an account that is gone."""
    store = opened()
    store.create(DRAFT, by="ann")
    settings = {**DRAFT.settings, "password": "env:OTHER", "a.b": 1}
    store.replace(replace(DRAFT, settings=settings, is_enabled=False), revision=1, by="bob")
    store.delete("CTP1", revision=2, by="eve")

    gone, changed, made = opened().history("CTP1")

    assert [(c.revision, c.by, c.action) for c in (made, changed, gone)] == [
        (1, "ann", "created"), (2, "bob", "changed"), (3, "eve", "deleted"),
    ]  # fmt: skip
    assert changed.fields == ("is_enabled", "settings.a.b", "settings.password")
    assert "settings.备注" in made.fields and made.ts_ns > 0
    assert opened().history("CTP1", count=1) == [gone]
    assert store.history("nobody") == []


def test_a_new_account_of_an_old_id_is_not_the_old_one(opened: Opener) -> None:
    """Who read the deleted one cannot overwrite its successor."""
    store = opened()
    store.create(DRAFT, by="ann")
    store.delete("CTP1", revision=1, by="ann")
    with pytest.raises(UnknownAccount):
        store.get("CTP1")
    with pytest.raises(UnknownAccount):
        store.replace(DRAFT, revision=1, by="ann")

    again = store.create(DRAFT, by="ann")

    assert again.revision == 3
    with pytest.raises(RevisionConflict):
        store.replace(DRAFT, revision=1, by="bob")


def test_no_store_takes_a_secret_in_plain_text(opened: Opener) -> None:
    """Whoever forgot to seal is refused, and the value is not quoted."""
    store = opened()
    draft = replace(DRAFT, settings=DRAFT.settings | {"密码": "canary-word"})

    with pytest.raises(BadAccount) as caught:
        store.create(draft, by="ann")

    assert "canary-word" not in str(caught.value)
    assert set(caught.value.problems) == {"settings.密码"}
    assert store.all() == [] and store.version() == 0


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"id": "a b"}, "id"),
        ({"priority": 1_001}, "priority"),
        ({"description": "x" * 501}, "description"),
        ({"settings": {"x": float("inf")}}, "settings.x"),
        ({"settings": {"x": 1 << 64}}, "settings"),
        ({"settings": {"x": "y" * 8_193}}, "settings.x"),
        ({"settings": {f"s{i}": 1 for i in range(65)}}, "settings"),
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, object], field: str) -> None:
    """The same everywhere, before any database has an opinion of its own."""
    with pytest.raises(BadAccount) as caught:
        MemoryAccounts().create(replace(DRAFT, **change), by="ann")
    assert [name for name in caught.value.problems if not name.startswith(field)] == []
    assert caught.value.problems


@pytest.mark.parametrize("by", ["", "x" * 129, "a\nb"])
def test_a_change_has_an_author(by: str) -> None:
    """One line of a bounded length."""
    with pytest.raises(BadAccount, match="author"):
        MemoryAccounts().create(DRAFT, by=by)


def test_a_dead_server_is_said_and_found_again(server: tuple[Server, str]) -> None:
    """No password in what is said; the same store goes on when the server is back."""
    ended, url = server
    store = open_store(url)
    account = next(iter(store.all()), None) or store.create(replace(DRAFT, id="S1"), by="ann")

    ended.stop()
    try:
        for ask in (store.version, store.all, lambda: store.create(DRAFT, by="ann")):
            with pytest.raises(StoreUnavailable) as caught:
                ask()
            assert "s3cret-word" not in f"{caught.value}{caught.value.__cause__!r}{store!r}"
    finally:
        ended.start()

    until(lambda: is_back(store), "the store to find its server again")
    assert store.get(account.id) == account
    store.close()


def is_back(store: AccountStore) -> bool:
    try:
        store.version()
    except StoreUnavailable:
        return False
    return True
