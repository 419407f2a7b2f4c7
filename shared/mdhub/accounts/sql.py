"""Accounts in SQLite or MariaDB (MySQL), by SQLAlchemy Core.

Every write first counts up the version in the one row of the layout table: that row's lock lets
writers in one after the other, so no two of them can hold each other up.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from mdhub.accounts.engine import unavailable
from mdhub.accounts.errors import AccountExists, UnknownAccount
from mdhub.accounts.layout import bring_up
from mdhub.accounts.memory import conflict
from mdhub.accounts.model import Account, Draft
from mdhub.accounts.port import AccountStore, Change
from mdhub.accounts.rows import account_of, change_of, change_row, row_of
from mdhub.accounts.shape import DELETED, changed_fields, checked, first_of, next_of, said_by
from mdhub.accounts.tables import ACCOUNTS, CHANGES, LAYOUT

__all__ = ["SqlAccounts"]


class SqlAccounts(AccountStore):
    """An account store on an engine of `mdhub.accounts.engine`.

    It connects, and makes or migrates its tables, when it is first used.
    """

    def __init__(
        self, engine: Engine, *, place: str, now_ns: Callable[[], int] = time.time_ns
    ) -> None:
        """`place`: how errors name the database; no password in it."""
        self._engine = engine
        self._place = place
        self._now_ns = now_ns
        self._ready = False
        self._bringing_up = threading.Lock()

    def all(self) -> Sequence[Account]:
        asked = select(ACCOUNTS)
        with self._reading() as connection:
            accounts = [account_of(dict(row)) for row in connection.execute(asked).mappings()]
        return sorted(accounts, key=lambda account: (account.priority, account.id))

    def get(self, account_id: str) -> Account:
        with self._reading() as connection:
            return _found(connection, account_id)

    def create(self, draft: Draft, *, by: str) -> Account:
        draft, by = checked(draft), said_by(by)
        with self._writing() as connection:
            asked = select(func.max(CHANGES.c.revision)).where(CHANGES.c.id == draft.id)
            last = connection.execute(asked).scalar() or 0
            account = first_of(draft, last_revision=last, now_ns=self._now_ns())
            try:
                connection.execute(insert(ACCOUNTS).values(row_of(account)))
            except IntegrityError:
                raise AccountExists(f"there is an account {draft.id} already") from None
            _note(connection, self._change(account, by, "created", None, draft))
        return account

    def replace(self, draft: Draft, *, revision: int, by: str) -> Account:
        return self._replaced(draft, revision, by, "changed")

    def reseal(self, account: Account, *, by: str) -> Account:
        return self._replaced(account, account.revision, by, "resealed")

    def delete(self, account_id: str, *, revision: int, by: str) -> None:
        by = said_by(by)
        with self._writing() as connection:
            before = _found(connection, account_id, revision)
            connection.execute(delete(ACCOUNTS).where(ACCOUNTS.c.id == account_id))
            fields = changed_fields(before, None)
            change = Change(account_id, revision + 1, self._now_ns(), by, DELETED, fields)
            _note(connection, change)

    def version(self) -> int:
        with self._reading() as connection:
            return int(connection.execute(select(LAYOUT.c.version)).scalar_one())

    def history(self, account_id: str, *, count: int = 50) -> Sequence[Change]:
        asked = select(CHANGES).where(CHANGES.c.id == account_id)
        newest = asked.order_by(CHANGES.c.number.desc()).limit(count)
        with self._reading() as connection:
            return [change_of(dict(row)) for row in connection.execute(newest).mappings()]

    def close(self) -> None:
        self._engine.dispose()

    def _replaced(self, draft: Draft, revision: int, by: str, action: str) -> Account:
        draft, by = checked(draft), said_by(by)
        with self._writing() as connection:
            before = _found(connection, draft.id, revision)
            account = next_of(draft, before, now_ns=self._now_ns())
            here = update(ACCOUNTS).where(ACCOUNTS.c.id == draft.id)
            connection.execute(here.values(row_of(account)))
            _note(connection, self._change(account, by, action, before, draft))
        return account

    def _change(
        self, account: Account, by: str, action: str, before: Draft | None, after: Draft
    ) -> Change:
        fields = changed_fields(before, after)
        return Change(account.id, account.revision, account.updated_at, by, action, fields)

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._translated(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self._translated(), self._engine.connect() as connection:
            writing = connection.execution_options(mdhub_write=True)
            with writing.begin():
                writing.execute(update(LAYOUT).values(version=LAYOUT.c.version + 1))
                yield writing

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            self._bring_up_once()
            yield
        except SQLAlchemyError as error:
            # Not chained: its text quotes statements and what the driver said.
            raise unavailable(self._place, error) from None

    def _bring_up_once(self) -> None:
        if self._ready:
            return
        with self._bringing_up:
            if not self._ready:
                bring_up(self._engine)
                self._ready = True


def _found(connection: Connection, account_id: str, revision: int | None = None) -> Account:
    asked = select(ACCOUNTS).where(ACCOUNTS.c.id == account_id)
    row = connection.execute(asked).mappings().first()
    if row is None:
        raise UnknownAccount(f"there is no account {account_id}")
    account = account_of(dict(row))
    if revision is not None and account.revision != revision:
        raise conflict(account_id, revision, account.revision)
    return account


def _note(connection: Connection, change: Change) -> None:
    connection.execute(insert(CHANGES).values(change_row(change)))
