"""Engines of the SQL store: one for a SQLite file, one for MariaDB or MySQL over PyMySQL."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from mdhub.accounts.errors import StoreUnavailable

__all__ = ["mysql_engine", "sqlite_engine", "unavailable"]

CONNECT_S: Final = 3
ANSWER_S: Final = 10
BUSY_S: Final = 5
"""How long a writer to SQLite waits for another one."""
RECYCLE_S: Final = 1_800
_MEANINGS: Final = {
    1044: "this login may not use this database: grant it",
    1045: "it refuses the login: mend user and password of the address",
    1049: "it has no database of this name: create it",
    1142: "this login lacks rights on a table: grant it all rights on the database",
    1146: "a table is missing: restore the backup, or begin with an empty database",
    1205: "another program holds its lock for too long",
    1213: "two programs held each other up: try again",
    2003: "nothing answers there: start it, or mend the address",
    2006: "the connection was lost: try again",
    2013: "the connection was lost: try again",
}
"""What MariaDB's and PyMySQL's numbers mean."""


def sqlite_engine(file: Path) -> Engine:
    """Return an engine on a file that only its owner may read; made when it is first used."""

    def connect() -> sqlite3.Connection:
        try:
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
        except OSError as error:
            raise StoreUnavailable(
                f"the accounts' file {file} cannot be opened: {error.strerror}"
            ) from error
        # The pool hands a connection to one thread at a time.
        return sqlite3.connect(file, timeout=BUSY_S, check_same_thread=False)

    engine = create_engine(URL.create("sqlite", database=str(file)), creator=connect)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def mysql_engine(url: URL) -> Engine:
    """Return an engine that gives up within seconds and finds a restarted server again."""
    timeouts = {
        "connect_timeout": CONNECT_S, "read_timeout": ANSWER_S, "write_timeout": ANSWER_S,
        "charset": "utf8mb4",
    }  # fmt: skip
    return create_engine(
        url, hide_parameters=True, pool_pre_ping=True, pool_recycle=RECYCLE_S, pool_size=2,
        pool_timeout=ANSWER_S, isolation_level="READ COMMITTED", connect_args=timeouts,
    )  # fmt: skip


def unavailable(place: str, error: SQLAlchemyError) -> StoreUnavailable:
    """Say that a database does not do as it should; quotes no statement and no value."""
    cause = error.orig if isinstance(error, DBAPIError) else None
    number = cause.args[0] if cause is not None and cause.args else None
    if isinstance(number, int):
        words = _MEANINGS.get(number, f"it says error {number}: see the server's log")
    elif isinstance(cause, sqlite3.Error):
        words = f"{cause.sqlite_errorname}: see that the file is whole, writable, the disk not full"
    else:
        words = f"{type(cause or error).__name__}: see that it runs"
    return StoreUnavailable(f"the accounts' database {place} is not to be used now: {words}")


def _prepare(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # transactions are begun below, not by the driver
    connection.execute("PRAGMA journal_mode=WAL")  # readers never wait for a writer
    connection.execute("PRAGMA synchronous=FULL")


def _begin(connection: Connection) -> None:
    immediate = connection.get_execution_options().get("mdhub_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")
