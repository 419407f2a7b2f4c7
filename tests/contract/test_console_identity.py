"""What the console's database promises: SQLite and MariaDB, by one suite."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from mdhub_console.identity.audit import Deed
from mdhub_console.identity.errors import (
    LastAdmin,
    SetupRefused,
    StoreAway,
    UnknownUser,
    UserExists,
)
from mdhub_console.identity.lockout import FORGET_S
from mdhub_console.identity.model import Role, Session, Token
from mdhub_console.identity.store.attempts import Attempts
from mdhub_console.identity.store.database import Database, file_url
from mdhub_console.identity.store.people import People
from mdhub_console.identity.store.records import Records
from mdhub_console.identity.store.tables import LAYOUT
from tests.support.mariadb import MariaDB
from tests.support.wait import until

Opener = Callable[[], Database]
SECOND_NS = 10**9
NOW_NS = 1_800_000_000 * SECOND_NS


@pytest.fixture(params=["sqlite", "mariadb"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opener]:
    """Opens one database, as several consoles would."""
    databases: list[Database] = []
    url = file_url(tmp_path / "console.db")
    if request.param == "mariadb":
        server: MariaDB = request.getfixturevalue("mariadb")
        server.empty()
        url = server.url

    def open_one() -> Database:
        databases.append(Database(url))
        return databases[-1]

    yield open_one
    for each in databases:
        each.close()


def add(people: People, name: str, role: Role = Role.ADMIN, *, first: bool = False) -> int:
    return people.add(
        name=name, role=role, password_hash="$argon2id$x", now_ns=NOW_NS, first=first
    ).id


def at_once(calls: Sequence[Callable[[], object]]) -> list[Exception]:
    """Call all of them in threads that begin together; return what they raised."""
    raised: list[Exception] = []
    start = threading.Barrier(len(calls))

    def run(call: Callable[[], object]) -> None:
        start.wait()
        try:
            call()
        except Exception as error:  # noqa: BLE001 - whatever it is, a test names it
            raised.append(error)

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def test_names_differ_by_case_and_are_taken_once(opened: Opener) -> None:
    """Who logs in as Ann is not ann; a name with a blank behind it is another one."""
    people = People(opened())
    first, second = add(people, "ann"), add(people, "Ann")
    with pytest.raises(UserExists, match="ann"):
        add(People(opened()), "ann")
    found = [people.named(name) for name in ("ann", "Ann", "ANN", "ann ")]
    assert [each and each.id for each in found] == [first, second, None, None]


def test_a_change_is_whole_and_the_last_admin_stays(opened: Opener) -> None:
    """A refused change leaves nothing behind, sessions neither ended nor kept by half."""
    people = People(opened())
    ann, bob = add(people, "ann"), add(people, "bob", Role.VIEWER)
    people.open_session(session("a" * 64, ann), forget_before_ns=0)
    with pytest.raises(LastAdmin):
        people.change(ann, ends_sessions=True, role=Role.VIEWER)
    with pytest.raises(LastAdmin):
        people.remove(ann)
    with pytest.raises(UnknownUser):
        people.change(99, is_enabled=False)
    assert people.get(ann).role is Role.ADMIN
    assert people.session("a" * 64) is not None
    people.change(bob, role=Role.ADMIN)
    people.remove(ann)
    assert people.session("a" * 64) is None
    same = people.change(bob, role=Role.ADMIN)
    assert same.id == bob, "a change that changes nothing is no unknown user"


def test_of_many_first_users_one_is_made(opened: Opener) -> None:
    """Two consoles, eight threads."""
    stores = [People(opened()), People(opened())]
    stores[0].count()
    raised = at_once(
        [lambda i=i: add(stores[i % 2], f"user{i}", first=True) for i in range(8)]  # type: ignore[misc]
    )
    assert [type(error) for error in raised] == [SetupRefused] * 7
    assert stores[0].count() == 1


def test_a_code_is_taken_by_one_of_many(opened: Opener) -> None:
    """The step of a second factor's code moves on once."""
    stores = [People(opened()), People(opened())]
    ann = add(stores[0], "ann")
    taken: list[bool] = []
    raised = at_once([lambda i=i: taken.append(stores[i % 2].take_step(ann, 7)) for i in range(6)])  # type: ignore[misc]
    assert raised == []
    assert sorted(taken) == [False] * 5 + [True]
    assert not stores[0].take_step(ann, 6)


def test_sessions_and_tokens_are_found_while_their_user_may_log_in(opened: Opener) -> None:
    """By digest, by user, and many at once."""
    people = People(opened())
    ann, bob = add(people, "ann"), add(people, "bob", Role.VIEWER)
    for name, user in (("a", ann), ("b", bob), ("c", bob)):
        people.open_session(session(name * 64, user), forget_before_ns=0)
        people.add_token(token(name, user), name * 64)
    asked = [name * 64 for name in "abx"]
    assert {each.digest[0] for each in people.sessions_in(asked)} == {"a", "b"}
    assert {each.id for each in people.tokens_in(["a", "c", "x"])} == {"a", "c"}
    people.change(bob, is_enabled=False)
    assert {each.digest[0] for each in people.sessions_in(asked)} == {"a"}
    assert {each.id for each in people.tokens_in(["a", "c", "x"])} == {"a"}
    people.close_sessions(bob, but="c" * 64)
    assert [each.digest[0] for each in people.sessions(bob)] == ["c"]
    people.open_session(session("d" * 64, ann), forget_before_ns=NOW_NS + 1)
    assert people.session("a" * 64) is None


def test_several_consoles_write_one_audit_chain(opened: Opener) -> None:
    """Every record once, none lost, the chain whole; letters of any script come back."""
    chains = [Records(opened()), Records(opened())]
    chains[0].head()
    deed = Deed(who="安", action="sources.restart", target="行情源 A", detail="“x”")
    raised = at_once([lambda i=i: chains[i % 2].append(deed, NOW_NS) for i in range(6)])  # type: ignore[misc]
    assert raised == []
    records = chains[1].page()
    assert [each.n for each in records] == [6, 5, 4, 3, 2, 1]
    assert {(each.who, each.target, each.detail) for each in records} == {("安", "行情源 A", "“x”")}
    assert chains[0].verify() is None


def test_failures_outlive_the_console_and_two_count_together(opened: Opener) -> None:
    """Five over two consoles: the name waits a minute, also at a third that starts now."""
    counting = [Attempts(opened()), Attempts(opened())]
    for i in range(5):
        assert counting[0].wait_s("name", "ann", NOW_NS) == 0
        counting[i % 2].failed("name", "ann", NOW_NS)
    third = Attempts(opened())
    assert third.wait_s("name", "ann", NOW_NS) == 60
    assert third.wait_s("name", "ann", NOW_NS + 61 * SECOND_NS) == 0
    assert third.wait_s("address", "ann", NOW_NS) == third.wait_s("name", "Ann", NOW_NS) == 0
    third.succeeded("name", "ann")
    assert counting[0].wait_s("name", "ann", NOW_NS) == 0


def test_many_failures_at_once_are_all_counted(opened: Opener) -> None:
    """Whoever inserts the row first: eight failures wait as eight."""
    counting = [Attempts(opened()), Attempts(opened())]
    counting[0].wait_s("name", "ann", NOW_NS)
    raised = at_once(
        [lambda i=i: counting[i % 2].failed("name", "ann", NOW_NS) for i in range(8)]  # type: ignore[misc]
    )
    assert raised == []
    assert counting[0].wait_s("name", "ann", NOW_NS) == 480


def test_who_was_quiet_for_an_hour_begins_anew(opened: Opener) -> None:
    """Six failures, an hour, one more: no wait."""
    attempts = Attempts(opened())
    for _ in range(6):
        attempts.failed("name", "ann", NOW_NS)
    later_ns = NOW_NS + (FORGET_S + 1) * SECOND_NS
    attempts.failed("name", "ann", later_ns)
    assert attempts.wait_s("name", "ann", later_ns) == 0


def test_the_table_of_failures_is_bounded(opened: Opener) -> None:
    """Beyond the bound those who failed longest ago go; names leave room to addresses."""
    database = opened()
    attempts = Attempts(database, full=10)
    attempts.failed("address", "10.0.0.1", NOW_NS)
    for i in range(25):
        attempts.failed("name", f"user{i}", NOW_NS + i)
    assert rows_in(database, "console_failures") == 11
    for i in range(4):
        attempts.failed("name", "user24", NOW_NS + 30 + i)
    assert attempts.wait_s("name", "user24", NOW_NS + 33) == 60


def test_a_database_of_the_first_layout_is_brought_up(opened: Opener) -> None:
    """Users stay; there is room for sealed secrets and a table of failures; two may do it."""
    made = opened()
    ann = add(People(made), "ann")
    with made.writing() as rows:
        rows.execute(text("DROP TABLE console_failures"))
        rows.execute(text("UPDATE console_state SET layout = 1"))
        if rows.dialect.name != "sqlite":
            old = "VARCHAR(64) CHARACTER SET latin1 NOT NULL"
            rows.execute(text(f"ALTER TABLE console_users MODIFY totp_secret {old}"))
            rows.execute(text("ALTER TABLE console_users CONVERT TO CHARACTER SET utf8mb4"))
    stores = [People(opened()), People(opened())]
    assert at_once([stores[0].count, stores[1].count]) == []
    stores[0].change(ann, totp_secret="sealed:" + "x" * 400)
    add(stores[1], "ANN")
    with closing(opened()) as again, again.reading() as rows:
        assert rows.execute(text("SELECT layout FROM console_state")).scalar_one() == LAYOUT
    Attempts(opened()).failed("name", "ann", NOW_NS)


def test_another_layout_is_refused(opened: Opener) -> None:
    """A newer mdhub has been here: nothing is touched."""
    made = opened()
    People(made).count()
    with made.writing() as rows:
        rows.execute(text("UPDATE console_state SET layout = 99"))
    with pytest.raises(StoreAway, match="layout 99"):
        People(opened()).count()


def test_a_server_that_was_away_is_found_again(mariadb: MariaDB) -> None:
    """The error shows no address; nothing has to be started anew."""
    mariadb.empty()
    with closing(Database(mariadb.url)) as database:
        people = People(database)
        add(people, "ann")
        mariadb.stop()
        try:
            with pytest.raises(StoreAway) as raised:
                people.count()
        finally:
            mariadb.start()
        assert "s3cret" not in str(raised.value) and "mysql" not in str(raised.value)
        until(lambda: people.count() == 1, "the users")


def rows_in(database: Database, table: str) -> int:
    with database.reading() as rows:
        found: int = rows.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()  # noqa: S608
    return found


def session(digest: str, user_id: int) -> Session:
    return Session(
        digest=digest, user_id=user_id, created_ns=NOW_NS, used_ns=NOW_NS, proved_ns=NOW_NS
    )


def token(token_id: str, user_id: int) -> Token:
    return Token(
        id=token_id, name="t", user_id=user_id, scope="read", created_at=NOW_NS,
        expires_at=NOW_NS + 1,
    )  # fmt: skip
