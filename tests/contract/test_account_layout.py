"""Tables are made once, whoever comes first; what is not ours is refused, not mended."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import Connection, Engine, make_url, text
from sqlalchemy.exc import OperationalError

from mdhub.accounts.engine import mysql_engine, sqlite_engine
from mdhub.accounts.errors import RevisionConflict, StoreUnavailable, UnknownAccount
from mdhub.accounts.layout import MIGRATIONS, bring_up
from mdhub.accounts.model import Draft
from mdhub.accounts.open import open_store
from mdhub.accounts.sql import SqlAccounts
from tests.support.mongo import FakeMongo

DRAFT = Draft(id="SIM1", gateway_type="sim", settings={"seed": 7})


@pytest.fixture(params=["sqlite", "mariadb"])
def engines(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[Engine]]:
    """Four engines on one new database, as four programs that start at once."""
    made = []
    if request.param == "mariadb":
        server = request.getfixturevalue("mariadb")
        server.empty()
        made = [mysql_engine(make_url(server.url)) for _ in range(4)]
    else:
        made = [sqlite_engine(tmp_path / "a.db") for _ in range(4)]
    yield made
    for engine in made:
        engine.dispose()


def test_of_many_programs_that_start_at_once_one_migrates(engines: list[Engine]) -> None:
    """Each migration runs once; all go on afterwards."""
    ran: list[str] = []

    def second(connection: Connection) -> None:
        ran.append("second")
        connection.execute(text("CREATE TABLE second_table (x INTEGER)"))

    failed: list[BaseException] = []

    def start(engine: Engine) -> None:
        try:
            bring_up(engine, (*MIGRATIONS, second))
        except BaseException as error:  # noqa: BLE001 - said in the main thread
            failed.append(error)

    threads = [threading.Thread(target=start, args=(engine,)) for engine in engines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []
    assert ran == ["second"]


def test_a_newer_layout_is_refused(engines: list[Engine]) -> None:
    """It says what to do, and touches nothing."""
    bring_up(engines[0], (*MIGRATIONS, lambda _connection: None))
    store = SqlAccounts(engines[1], place="here")

    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="layout 2, this mdhub knows layouts up to 1"):
            store.version()


def test_a_migration_that_was_cut_off_runs_again(engines: list[Engine]) -> None:
    """What it left behind is no hindrance, and accounts that were there stay."""
    store = SqlAccounts(engines[0], place="here")
    made = store.create(DRAFT, by="ann")

    def cut_off(_connection: Connection) -> None:
        raise OperationalError("statement", None, Exception("power"))

    with pytest.raises(OperationalError):
        bring_up(engines[1], (*MIGRATIONS, cut_off))
    bring_up(engines[2], (*MIGRATIONS, lambda _connection: None))

    assert store.get("SIM1") == made


def test_a_row_of_somebody_else_is_named(engines: list[Engine]) -> None:
    """Its content is not quoted."""
    store = SqlAccounts(engines[0], place="here")
    store.create(DRAFT, by="ann")
    with engines[1].begin() as connection:
        connection.execute(text("UPDATE market_data_accounts SET settings = '{canary'"))

    with pytest.raises(StoreUnavailable, match="'SIM1' in the database is no account") as caught:
        store.all()
    assert "canary" not in str(caught.value)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """Neither overwritten nor quoted; a folder in its place is said as well."""
    file = tmp_path / "a.db"
    file.write_text("canary " * 1_000)
    (tmp_path / "folder").mkdir()

    for path, words in ((file, "SQLITE_NOTADB"), (tmp_path / "folder", "cannot be opened")):
        store = open_store(f"sqlite:///{path}")
        with pytest.raises(StoreUnavailable, match=words) as caught:
            store.all()
        assert "canary" not in str(caught.value)
        store.close()
    assert file.read_text().startswith("canary")


@pytest.mark.parametrize(
    "url",
    [
        "", "nix://u:canary@h/d", "sqlite://", "sqlite:///", "sqlite://u:canary@h/d",
        "mysql+pymysql://u:canary@h", "mysql+pymysql://u:canary@h:x/d", "mongodb://u:canary@",
        "mongodb://u:canary@h:x/d", "//[canary",
    ],
)  # fmt: skip
def test_an_address_that_is_none_is_refused_without_being_quoted(url: str) -> None:
    """It may hold a password."""
    with pytest.raises(StoreUnavailable, match="expected") as caught:
        open_store(url)
    assert "canary" not in f"{caught.value}{caught.value.__cause__}"


def test_in_mongodb_who_comes_between_reading_and_writing_wins(mongo: FakeMongo) -> None:
    """The document is replaced only where it still is what was read."""
    store = open_store(f"{mongo.url}_race")
    made = store.create(DRAFT, by="ann")

    mongo.overtaking = lambda all_: all_.update_one({"_id": "SIM1"}, {"$inc": {"revision": 1}})
    with pytest.raises(RevisionConflict):
        store.replace(replace(DRAFT, priority=1), revision=made.revision, by="ann")
    assert store.get("SIM1").priority == made.priority

    gone = {"$set": {"is_deleted": True}, "$inc": {"revision": 1}}
    mongo.overtaking = lambda all_: all_.update_one({"_id": "SIM1"}, gone)
    with pytest.raises(UnknownAccount):
        store.replace(DRAFT, revision=made.revision + 1, by="ann")
    store.close()
