"""Backups of real databases: taken while in use, checked, lost, and brought back by command."""

from __future__ import annotations

import json
import os
import tarfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import pytest

from mdhub.accounts.keyring import new_keyring
from mdhub.accounts.model import Draft
from mdhub.accounts.open import open_store
from mdhub.accounts.vault import Vault
from mdhub.cli.backup import run_create, run_list, run_restore
from mdhub.host.backup import BackupError, create, list_backups
from mdhub.host.backup_databases import DatabaseError, Dump, Kind
from mdhub_console.identity.audit import Deed
from mdhub_console.identity.model import Role, Session
from mdhub_console.identity.store.database import Database
from mdhub_console.identity.store.people import People
from mdhub_console.identity.store.records import Records
from tests.contract.test_account_store import with_database
from tests.support.mariadb import MariaDB
from tests.support.mongo import FakeMongo

VAULT = Vault(new_keyring())
ACCOUNT = VAULT.seal(
    Draft(
        id="CTP1",
        gateway_type="ctp",
        settings={
            "user_id": "1", "password": "canary-word", "broker_id": "9999", "备注": "一号 100%",
            "td_address": "tcp://h:1", "md_address": "tcp://h:2", "auth_code": "env:CODE",
        },
    )
)  # fmt: skip


class Hub(NamedTuple):
    """Its configuration, its backups, and where its databases are."""

    config: Path
    backups: Path
    accounts: str
    console: str

    def create(self) -> Path:
        code = run_create(self.config, self.backups, [], 30, "", as_json=True)
        assert code == 0
        return list_backups(self.backups)[0]

    def restore(self, file: Path, **options: Any) -> int:
        given = {"force": False, "dry_run": False} | options
        return run_restore(file, given.pop("into", None), as_json=True, **given)


@pytest.fixture(params=["sqlite", "mariadb", "mongo"])
def hub(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    """A hub whose databases are files, or on servers (MongoDB: accounts only)."""
    for name in [name for name in os.environ if name.startswith("MDHUB_")]:
        monkeypatch.delenv(name)
    accounts = f"sqlite:///{tmp_path / 'data/accounts.db'}"
    console = f"sqlite:///{tmp_path / 'data/console.db'}"
    if request.param == "mariadb":
        server: MariaDB = request.getfixturevalue("mariadb")
        server.empty()
        accounts = console = server.url
    if request.param == "mongo":
        mongo: FakeMongo = request.getfixturevalue("mongo")
        accounts = with_database(mongo.url, f"mdhub_test_{uuid4().hex}")
    (tmp_path / "accounts_url").write_text(accounts)
    monkeypatch.setenv("MDHUB_ACCOUNTS__URL", f"file:{tmp_path / 'accounts_url'}")
    if request.param == "mariadb":
        monkeypatch.setenv("MDHUB_CONSOLE__URL", console)
    (tmp_path / "data").mkdir()
    config = tmp_path / "hub.toml"
    config.write_text('[hub]\ndata = "data"\n')
    return Hub(config, tmp_path / "backups", accounts, console)


@contextmanager
def console_of(hub: Hub) -> Iterator[tuple[People, Records]]:
    database = Database(hub.console)
    try:
        yield People(database), Records(database)
    finally:
        database.close()


def filled(hub: Hub) -> None:
    with closing(open_store(hub.accounts)) as store:
        store.create(ACCOUNT, by="ann")
    with console_of(hub) as (people, records):
        ann = people.add(name="ann", role=Role.ADMIN, password_hash="$argon2id$x%s", now_ns=1)
        session = Session(
            digest="d", user_id=ann.id, created_ns=1, used_ns=1, proved_ns=1, address="::1"
        )
        people.open_session(session, forget_before_ns=0)
        records.append(Deed(who="ann", action="user.create", target="bob"), 5)


def ruined(hub: Hub) -> None:
    """What an accident, or an hour of wrong work, does."""
    with closing(open_store(hub.accounts)) as store:
        store.delete("CTP1", revision=store.get("CTP1").revision, by="eve")
    with console_of(hub) as (people, records):
        people.add(name="eve", role=Role.ADMIN, password_hash="$argon2id$y", now_ns=2)
        people.remove(people.all()[0].id)
        records.append(Deed(who="eve", action="user.delete", target="ann"), 6)


def check_whole(hub: Hub) -> None:
    with closing(open_store(hub.accounts)) as store:
        account = store.get("CTP1")
    assert VAULT.open("CTP1", account.settings)["password"] == "canary-word"
    assert account.settings["备注"] == "一号 100%"
    with console_of(hub) as (people, records):
        (ann,) = people.all()
        assert (ann.name, ann.role, ann.password_hash) == ("ann", Role.ADMIN, "$argon2id$x%s")
        assert people.sessions(ann.id) == []
        assert (records.head()[0], records.verify()) == (1, None)


def test_what_was_lost_comes_back_while_others_have_it_open(
    hub: Hub, capsys: pytest.CaptureFixture[str]
) -> None:
    """Accounts open with their keys, the chain of the audit log is whole, nobody is logged in."""
    filled(hub)
    with console_of(hub) as (people, _), closing(open_store(hub.accounts)) as store:
        assert (len(people.all()), len(store.all())) == (1, 1)
        backup = hub.create()
        ruined(hub)
        assert hub.restore(backup, only=["databases"], force=True) == 0
        assert [each.name for each in people.all()] == ["ann"]
        assert [each.id for each in store.all()] == ["CTP1"]
    check_whole(hub)
    capsys.readouterr()
    assert hub.restore(backup) == 0
    assert {each["change"] for each in json.loads(capsys.readouterr().out)["files"]} == {"same"}


def test_without_force_a_database_that_differs_is_left_alone(hub: Hub) -> None:
    """Nothing at all is written then; a dry run never writes."""
    filled(hub)
    backup = hub.create()
    ruined(hub)
    hub.config.unlink()
    assert hub.restore(backup, config=None, dry_run=True) == 0
    assert not hub.config.exists()
    hub.config.write_text('[hub]\ndata = "data"\n')
    assert hub.restore(backup) == 1
    with console_of(hub) as (people, _):
        assert [each.name for each in people.all()] == ["eve"]


def test_what_a_restore_replaces_is_kept(hub: Hub, tmp_path: Path) -> None:
    """Beside the file, or beside the backup; for the owner only."""
    filled(hub)
    backup = hub.create()
    ruined(hub)
    assert hub.restore(backup, force=True) == 0
    kept = [file for file in tmp_path.rglob("*.before-restore") if file.name != "hub.toml"]
    assert len(kept) == 2
    assert {file.stat().st_mode & 0o777 for file in kept} == {0o600}
    assert b"eve" in b"".join(file.read_bytes() for file in kept)


def test_an_empty_machine_gets_all_of_it_in_one_go(
    hub: Hub, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Configuration first: it says where the databases are."""
    filled(hub)
    backup = hub.create()
    hub.config.unlink()
    for file in (tmp_path / "data").iterdir():
        file.unlink()
    if "mariadb" in request.node.name:
        request.getfixturevalue("mariadb").empty()
    code = hub.restore(backup)
    if "mongo" not in request.node.name:  # the others were emptied
        assert code == 0
    check_whole(hub)
    for file in (tmp_path / "data").glob("*.db"):
        assert file.stat().st_mode & 0o777 == 0o600


def test_no_plain_secret_and_no_login_is_in_it(hub: Hub) -> None:
    """Sealed values and hashes only; a trial shows what is in it, below a folder."""
    filled(hub)
    backup = hub.create()
    with tarfile.open(backup) as archive:
        texts = [archive.extractfile(entry).read() for entry in archive]  # type: ignore[union-attr]
    whole = b"".join(texts)
    assert b"canary-word" not in whole and b"s3cret-word" not in whole and b"sealed:v1:" in whole
    assert hub.restore(backup, into=backup.parent / "trial") == 0
    assert sum(file.is_file() for file in (backup.parent / "trial").rglob("*")) == 3


@pytest.mark.parametrize("kind", [Kind.SQLITE, Kind.ACCOUNTS, Kind.ROWS])
def test_a_backup_that_does_not_open_is_none(kind: Kind, tmp_path: Path) -> None:
    """It is taken away again, and the error names the database."""
    dump = Dump(kind, "/somewhere", b"SQLite format 3\0 but no more")
    with pytest.raises(BackupError, match="/somewhere"):
        create(tmp_path, [], release="1", databases=[dump])
    assert list_backups(tmp_path) == []


def test_a_server_that_is_away_is_said_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No backup that only looks whole is written; the files alone can be had."""
    for name in [name for name in os.environ if name.startswith("MDHUB_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("MDHUB_ACCOUNTS__URL", "mysql+pymysql://u:hunter2@127.0.0.1:1/mdhub")
    config = tmp_path / "hub.toml"
    config.write_text('[hub]\ndata = "data"\n')
    with pytest.raises(DatabaseError, match=r"127\.0\.0\.1") as refused:
        run_create(config, tmp_path / "bk", [], 30, "", as_json=True)
    assert "hunter2" not in str(refused.value) and not (tmp_path / "bk").exists()
    assert run_create(config, tmp_path / "bk", [], 30, "", only=["files"], as_json=True) == 0
    assert run_list(tmp_path / "bk", as_json=False) == 0
