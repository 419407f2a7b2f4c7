"""Migrations of the SQL store: numbered functions, each run once, under a lock.

MariaDB commits before and after each change of a table, so a migration may be cut off in its
middle: each must be able to run again on what it left behind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Connection, Engine, insert, inspect, select, text, update

from mdhub.accounts.errors import StoreUnavailable
from mdhub.accounts.tables import LAYOUT, METADATA

__all__ = ["MIGRATIONS", "Migration", "bring_up", "refuse_newer"]

Migration = Callable[[Connection], None]

LOCK: Final = "mdhub_accounts_layout"
LOCK_WAIT_S: Final = 20
ONE: Final = 1


def first_tables(connection: Connection) -> None:
    """Make all tables (1)."""
    METADATA.create_all(connection, checkfirst=True)
    if connection.execute(select(LAYOUT.c.one)).first() is None:
        connection.execute(insert(LAYOUT).values(one=ONE, layout=0, version=0))


MIGRATIONS: Final[Sequence[Migration]] = (first_tables,)
"""The layout's number is how many of them have run; never change or remove one."""


def bring_up(engine: Engine, migrations: Sequence[Migration] = MIGRATIONS) -> None:
    """Run the migrations that are missing.

    Raises StoreUnavailable if the layout is newer than this program, or the lock is not got.
    """
    with engine.connect() as connection:
        done = _layout(connection)
    refuse_newer(done, len(migrations))
    if done == len(migrations):
        return
    with engine.connect() as connection, _alone(connection):
        for number in range(_layout(connection) + 1, len(migrations) + 1):
            migrations[number - 1](connection)
            connection.execute(update(LAYOUT).values(layout=number))
            if connection.dialect.name != "sqlite":
                connection.commit()


def refuse_newer(found: int, known: int) -> None:
    """Raise StoreUnavailable if a newer mdhub has been at work."""
    if found > known:
        raise StoreUnavailable(
            f"the accounts' database has layout {found}, this mdhub knows layouts up to {known}: "
            "update mdhub on this machine, or restore the backup made before the update"
        )


def _layout(connection: Connection) -> int:
    if not inspect(connection).has_table(LAYOUT.name):
        return 0
    return connection.execute(select(LAYOUT.c.layout)).scalar() or 0


@contextmanager
def _alone(connection: Connection) -> Iterator[None]:
    """Hold off every other program that wants to migrate."""
    if connection.dialect.name == "sqlite":
        connection.execution_options(mdhub_write=True)  # BEGIN IMMEDIATE: the file's own lock
        with connection.begin():
            yield
        return
    asked = text("SELECT GET_LOCK(:name, :wait_s)")
    got = connection.execute(asked, {"name": LOCK, "wait_s": LOCK_WAIT_S}).scalar()
    if got != 1:
        raise StoreUnavailable(
            f"another program has been changing the accounts' tables for {LOCK_WAIT_S} s: see "
            "that it ends, then try again"
        )
    try:
        yield
    finally:
        connection.execute(text("SELECT RELEASE_LOCK(:name)"), {"name": LOCK})
        connection.commit()
