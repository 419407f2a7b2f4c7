"""One database: opened, its layout checked, its errors told in our words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.exc import ArgumentError, IntegrityError, SQLAlchemyError
from sqlalchemy.pool import StaticPool

from mdhub_console.identity.errors import StoreAway
from mdhub_console.identity.store.layout import bring_up

__all__ = ["Database", "file_url"]

BUSY_S: Final = 3.0
"""How long a write waits for another one; then the database counts as away."""
IN_MEMORY: Final = "sqlite://"


def file_url(file: Path) -> str:
    """Return the address of a database in a file."""
    return f"sqlite:///{file.resolve()}"


class Database:
    """Connections are pooled; `reading` and `writing` may be used from any thread.

    Raises StoreAway, which never shows the address (it may hold a password) or what the database
    said.
    """

    def __init__(self, url: str) -> None:
        self._engine = _engine(url)
        self._ready = False

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a transaction: all of it counts, or nothing. IntegrityError passes through."""
        try:
            self._prepare()
            with self._engine.begin() as connection:
                yield connection
        except IntegrityError:
            raise
        except SQLAlchemyError as error:
            raise _away(error) from None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a connection for queries."""
        try:
            self._prepare()
            with self._engine.connect() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise _away(error) from None

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    def _prepare(self) -> None:
        if not self._ready:
            bring_up(self._engine)
            self._ready = True


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() != "sqlite":
            return create_engine(
                parsed, pool_size=4, max_overflow=0, pool_timeout=BUSY_S, pool_pre_ping=True,
                hide_parameters=True, isolation_level="READ COMMITTED",
                connect_args={"connect_timeout": 2, "read_timeout": 5, "write_timeout": 5},
            )  # fmt: skip
        options: dict[str, Any] = {"timeout": BUSY_S, "check_same_thread": False}
        if parsed.database is None:
            return create_engine(parsed, poolclass=StaticPool, connect_args=options)
        engine = create_engine(
            parsed, pool_size=4, max_overflow=0, pool_timeout=BUSY_S, connect_args=options,
            hide_parameters=True,
        )  # fmt: skip
    except (ArgumentError, ImportError):
        raise StoreAway(
            "the address of the console's database was not understood, or its driver is not "
            "installed: expected sqlite:////path/of/file or mysql+pymysql://user:password@host/name"
        ) from None
    event.listen(engine, "connect", _set_up_sqlite)
    return engine


def _set_up_sqlite(connection: Any, _record: object) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _away(error: SQLAlchemyError) -> StoreAway:
    kind = type(getattr(error, "orig", None) or error).__name__
    return StoreAway(f"the console's database does not answer ({kind}); try again")
