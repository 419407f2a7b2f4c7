"""Copies of SQLite files for backups: taken and put back while others have the file open."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from mdhub.runtime.errors import ServiceError

__all__ = ["CopyError", "copy_of", "fingerprint", "put_back", "what_is_wrong"]

BUSY_S: Final = 10.0
"""How long a copy waits for somebody who writes."""


class CopyError(ServiceError):
    """A database cannot be read or written; the message says how SQLite calls it."""


def copy_of(file: Path, *, without: Sequence[str] = ()) -> bytes:
    """Return a file's content by the online backup, with some tables emptied.

    Raises CopyError, OSError.
    """
    with _told(), tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        with _opened(file, "rw") as source, _opened(copy, "rwc") as target:
            source.backup(target)
            # Of a file with a write-ahead log the copy alone shall be whole.
            target.execute("PRAGMA journal_mode=DELETE")
            held = {row[0] for row in target.execute("SELECT name FROM sqlite_master")}
            for table in without:
                if table in held:
                    target.execute(f'DELETE FROM "{table}"')  # noqa: S608 - names of this program
            target.commit()
            target.execute("VACUUM")
        return copy.read_bytes()


def what_is_wrong(content: bytes) -> str:
    """Open a copy and check it; empty = it is whole."""
    try:
        with _as_file(content) as database:
            (found,) = database.execute("PRAGMA integrity_check(1)").fetchone()
    except sqlite3.Error as error:
        return f"it is no SQLite database ({type(error).__name__})"
    return "" if found == "ok" else f"SQLite finds it damaged: {found}"


def fingerprint(held: Path | bytes, *, without: Sequence[str] = ()) -> str:
    """Return a digest of what a database says: tables and rows, not how they lie in the file."""
    content = copy_of(held, without=without) if isinstance(held, Path) else held
    digest = hashlib.sha256()
    with _told(), _as_file(content) as database:
        for line in database.iterdump():
            digest.update(line.encode(errors="surrogateescape") + b"\n")
    return digest.hexdigest()


def put_back(content: bytes, file: Path) -> None:
    """Bring a database to a copy's content, in one transaction where somebody has it open.

    What it held stays beside as `NAME.before-restore`. Raises CopyError, OSError.
    """
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if file.exists():
        _write_private(file.with_name(f"{file.name}.before-restore"), copy_of(file))
    else:
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    with _told(), _as_file(content) as source, _opened(file, "rw") as target:
        source.backup(target)


def _write_private(file: Path, content: bytes) -> None:
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
        opened.write(content)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise CopyError(
            f"it cannot be used now ({getattr(error, 'sqlite_errorname', type(error).__name__)}): "
            "see that it is whole, writable for this user, the disk not full, and that nobody "
            "writes for long"
        ) from error


@contextmanager
def _as_file(content: bytes) -> Iterator[sqlite3.Connection]:
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        copy.write_bytes(content)
        with _opened(copy, "rw") as database:
            yield database


@contextmanager
def _opened(file: Path, mode: str) -> Iterator[sqlite3.Connection]:
    address = f"{file.resolve().as_uri()}?mode={mode}"
    with closing(sqlite3.connect(address, uri=True, timeout=BUSY_S)) as database:
        yield database
