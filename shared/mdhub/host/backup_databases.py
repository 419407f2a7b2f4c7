"""The databases of a hub in its backups: accounts, and users and audit log of the console.

A SQLite file is copied by its online backup. Accounts in MariaDB or MongoDB are the sealed export,
the console's tables in MariaDB their rows. Sessions of the console are left out: after a restore
everybody logs in again.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from mdhub.accounts.errors import AccountsError
from mdhub.accounts.open import open_store, shown_place
from mdhub.accounts.port import AccountStore
from mdhub.accounts.transfer import export_sealed, exported_ids, import_accounts
from mdhub.host.backup_rows import RowsError, dump_rows, put_rows, rows_problem
from mdhub.host.backup_sqlite import CopyError, copy_of, fingerprint, put_back, what_is_wrong
from mdhub.runtime.errors import ServiceError

__all__ = ["Addresses", "DatabaseError", "Dump", "Kind", "database_problem"]

CONSOLE_TABLES: Final = "console_"
SESSIONS: Final = ("console_sessions",)
ISSUER: Final = "backup restore"


class DatabaseError(ServiceError):
    """A database cannot be backed up or restored; the message says which and why."""


class Kind(StrEnum):
    """What a part of a backup is."""

    FILE = "file"
    SQLITE = "sqlite"
    """Copy of a SQLite file."""
    ACCOUNTS = "accounts"
    """Sealed export of the accounts."""
    ROWS = "rows"
    """The console's tables."""


@dataclass(frozen=True, slots=True)
class Dump:
    """A database as it goes into a backup."""

    kind: Kind
    place: str
    """File, or address without login."""
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the databases of a hub are; None or empty = it has none. Printing it shows no login."""

    accounts: str | None = field(default=None, repr=False)
    console: str | None = field(default=None, repr=False)

    def dumps(self) -> list[Dump]:
        """Copy what is there; a file that does not exist yet is none. Raises DatabaseError."""
        found: list[Dump] = []
        for url, kind in ((self.accounts, Kind.ACCOUNTS), (self.console, Kind.ROWS)):
            file = _file_of(url)
            if file is not None and file.exists():
                with _told(file):
                    found.append(Dump(Kind.SQLITE, str(file), copy_of(file, without=SESSIONS)))
            elif url and file is None:
                found.append(Dump(kind, shown_place(url), self._exported(kind)))
        return found

    def change(self, dump: Dump) -> str:
        """What a restore would do: `written`, `same`, or `differs`. Raises DatabaseError."""
        if dump.kind is Kind.SQLITE:
            file = Path(dump.place)
            with _told(file):
                if not file.exists():
                    return "written"
                here = fingerprint(file, without=SESSIONS)
                return "same" if here == fingerprint(dump.content) else "differs"
        held = self._exported(dump.kind)
        if held == dump.content:
            return "same"
        empty = not (exported_ids(held) if dump.kind is Kind.ACCOUNTS else b'"rows":[[' in held)
        return "written" if empty else "differs"

    def put(self, dump: Dump, aside: Path) -> None:
        """Bring a database to what a backup holds; what it held is kept (`aside`, or beside).

        Accounts that the backup does not have stay. Raises DatabaseError.
        """
        if dump.kind is Kind.SQLITE:
            with _told(Path(dump.place)):
                put_back(dump.content, Path(dump.place))
            return
        with _told(aside):
            aside.write_bytes(b"")
            aside.chmod(0o600)
            aside.write_bytes(self._exported(dump.kind))
        with _told(dump.place):
            if dump.kind is Kind.ROWS:
                put_rows(self._url(dump.kind), dump.content)
                return
            with self._store() as store:
                import_accounts(store, dump.content, by=ISSUER, as_they_were=True)

    def _exported(self, kind: Kind) -> bytes:
        url = self._url(kind)
        with _told(shown_place(url)):
            if kind is Kind.ROWS:
                return dump_rows(url, prefix=CONSOLE_TABLES, without=SESSIONS)
            with self._store() as store:
                return export_sealed(store.all())

    @contextmanager
    def _store(self) -> Iterator[AccountStore]:
        store = open_store(self._url(Kind.ACCOUNTS))
        try:
            yield store
        finally:
            store.close()

    def _url(self, kind: Kind) -> str:
        url = self.accounts if kind is Kind.ACCOUNTS else self.console
        if not url or _file_of(url) is not None:
            whose, name = ("accounts", "[accounts]") if kind is Kind.ACCOUNTS else (
                "console", "[console]",
            )  # fmt: skip
            raise DatabaseError(
                f"the backup holds the {whose}' database as it was on a server, but url of {name} "
                "names none: give --config of a hub that has one"
            )
        return url


def database_problem(kind: Kind, content: bytes) -> str:
    """Whether a part of a backup can be opened; empty = yes."""
    if kind is Kind.SQLITE:
        return what_is_wrong(content)
    if kind is Kind.ROWS:
        return rows_problem(content)
    if kind is Kind.ACCOUNTS:
        try:
            exported_ids(content)
        except AccountsError as error:
            return str(error)
    return ""


def _file_of(url: str | None) -> Path | None:
    """The file of a SQLite address."""
    if not url or urlsplit(url).scheme != "sqlite":
        return None
    return Path(urlsplit(url).path[1:]).expanduser().resolve()


@contextmanager
def _told(place: Path | str) -> Iterator[None]:
    """Say which database it was."""
    try:
        yield
    except OSError as error:
        raise DatabaseError(
            f"{place}: {error.strerror or os.strerror(error.errno or 0)}"
        ) from error
    except (AccountsError, CopyError, RowsError) as error:
        raise DatabaseError(f"{place}: {error}") from error
