"""Tables of a MariaDB or MySQL database as JSON for backups, and back in one transaction."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from mdhub.runtime.errors import ServiceError

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["RowsError", "dump_rows", "put_rows", "rows_problem"]

_NEXT_ID: Final = re.compile(r" AUTO_INCREMENT=\d+")
"""A server says it of a table, but it is none of its rows."""
Value = int | float | str | None


class RowsError(ServiceError):
    """A database cannot be read or written; the message shows no address and no value."""


class _Table(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    create: str
    """The statement that makes it, as the server says it."""
    columns: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]


class _Rows(msgspec.Struct, frozen=True, kw_only=True):
    format: Literal["mdhub-rows"]
    version: Literal[1]
    tables: tuple[_Table, ...]


_decoder: Final = msgspec.json.Decoder(_Rows)


def dump_rows(url: str, *, prefix: str, without: Sequence[str] = ()) -> bytes:
    """Return the tables of a name's prefix with their rows, all of one moment.

    Those of `without` come without rows. Raises RowsError.
    """
    with _transaction(url) as database:
        listed = "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()"
        names = sorted(str(row[0]) for row in database.exec_driver_sql(listed))
        tables = tuple(
            _table(database, name, empty=name in without)
            for name in names
            if name.startswith(prefix)
        )
    found = _Rows(format="mdhub-rows", version=1, tables=tables)
    return msgspec.json.encode(found) + b"\n"


def rows_problem(content: bytes) -> str:
    """Read what `dump_rows` wrote; empty = it is whole."""
    try:
        found = _decoder.decode(content)
    except msgspec.MsgspecError as error:
        return f"it is no list of rows ({error})"
    odd = [
        each.name for each in found.tables if any(len(r) != len(each.columns) for r in each.rows)
    ]
    return f"rows of {', '.join(odd)} do not fit its columns" if odd else ""


def put_rows(url: str, content: bytes) -> None:
    """Make tables that are missing, and give each the rows of the dump. Raises RowsError."""
    found = _decoder.decode(content)
    with _transaction(url) as database:
        for table in found.tables:  # MariaDB ends a transaction at each of these
            made = table.create.replace("CREATE TABLE ", "CREATE TABLE IF NOT EXISTS ", 1)
            database.exec_driver_sql(made.replace("%", "%%"))
    with _transaction(url) as database:
        for table in found.tables:
            database.exec_driver_sql(f"DELETE FROM {_quoted(table.name)}")  # noqa: S608 - quoted
            if table.rows:
                database.exec_driver_sql(_insertion(table), [tuple(row) for row in table.rows])


def _table(database: Connection, name: str, *, empty: bool) -> _Table:
    (row,) = database.exec_driver_sql(f"SHOW CREATE TABLE {_quoted(name)}")
    found = database.exec_driver_sql(f"SELECT * FROM {_quoted(name)} ORDER BY 1")  # noqa: S608 - quoted
    columns = tuple(found.keys())
    rows = () if empty else tuple(tuple(each) for each in found)
    odd = {type(v).__name__ for each in rows for v in each if not isinstance(v, Value)}
    if odd:
        raise RowsError(f"table {name} has values of type {', '.join(sorted(odd))}: not backed up")
    return _Table(name=name, create=_NEXT_ID.sub("", str(row[1])), columns=columns, rows=rows)


def _insertion(table: _Table) -> str:
    columns = ", ".join(_quoted(each) for each in table.columns)
    places = ", ".join(["%s"] * len(table.columns))
    return f"INSERT INTO {_quoted(table.name)} ({columns}) VALUES ({places})"  # noqa: S608 - quoted


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``").replace("%", "%%") + "`"


@contextmanager
def _transaction(url: str) -> Iterator[Connection]:
    """A transaction that sees one moment of the whole database."""
    try:
        from sqlalchemy.engine import make_url  # noqa: PLC0415 - drivers as needed
        from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415

        from mdhub.accounts.engine import mysql_engine  # noqa: PLC0415
    except ImportError as error:
        raise RowsError(
            f'{error.name} is not installed: pip install "mdhub[accounts]" brings the drivers'
        ) from error
    engine = None
    try:
        engine = mysql_engine(make_url(url)).execution_options(isolation_level="REPEATABLE READ")
        with engine.begin() as database:
            yield database
    except (SQLAlchemyError, ValueError) as error:
        kind = type(getattr(error, "orig", None) or error).__name__
        # Not chained: its text may quote address and values.
        raise RowsError(
            f"the console's database is not to be used now ({kind}): see that it runs, and that "
            "its address is right"
        ) from None
    finally:
        if engine is not None:
            engine.dispose()
