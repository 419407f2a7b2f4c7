"""Opens the account store that an address names. Loads only the driver it needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from mdhub.accounts.errors import StoreUnavailable
from mdhub.accounts.port import AccountStore

__all__ = ["ADDRESSES", "SCHEMES", "open_store", "shown_place"]

ADDRESSES: Final = (
    "sqlite:///file (four slashes: from the root), mysql+pymysql://user:password@host:3306/database"
    " or mongodb://user:password@host:27017/database"
)
SCHEMES: Final = ("sqlite", "mysql+pymysql", "mariadb+pymysql", "mongodb", "mongodb+srv")
DATABASE: Final = "mdhub"
"""Of MongoDB, if the address names none."""
_LIMITS: Final = {
    "serverSelectionTimeoutMS": 3_000,
    "connectTimeoutMS": 3_000,
    "socketTimeoutMS": 10_000,
    "w": "majority",
}
"""Of MongoDB, where the address does not say otherwise."""


def open_store(url: str) -> AccountStore:
    """Return the store; it connects when it is first used, and again after an outage.

    Raises StoreUnavailable for an address that is not understood. No error and no repr shows the
    address's password.
    """
    scheme = _parts(url)[0]
    try:
        if scheme == "sqlite":
            return _sqlite(url)
        if scheme in {"mysql+pymysql", "mariadb+pymysql"}:
            return _mysql(url)
        if scheme in {"mongodb", "mongodb+srv"}:
            return _mongo(url)
    except ImportError as error:
        raise StoreUnavailable(
            f'{error.name} is not installed: pip install "mdhub[accounts]" brings the drivers'
        ) from error
    raise StoreUnavailable(f"the accounts' address is of kind {scheme!a}, expected {ADDRESSES}")


def shown_place(url: str) -> str:
    """Return an address as it may be shown: scheme, host and database only."""
    scheme, _, path = _parts(url)
    return f"{scheme}://{_parts(url)[1]}{path}"


def _parts(url: str) -> tuple[str, str, str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        raise StoreUnavailable(f"the accounts' address is none, expected {ADDRESSES}") from None
    return parts.scheme, parts.netloc.rpartition("@")[2], parts.path


def _sqlite(url: str) -> AccountStore:
    from mdhub.accounts.engine import sqlite_engine  # noqa: PLC0415 - drivers as needed
    from mdhub.accounts.sql import SqlAccounts  # noqa: PLC0415

    _, host, path = _parts(url)
    if host or len(path) < len("/x") or "?" in url:
        raise StoreUnavailable("the accounts' address names no file, expected sqlite:///file")
    file = Path(path[1:]).expanduser()
    return SqlAccounts(sqlite_engine(file), place=str(file))


def _mysql(url: str) -> AccountStore:
    from sqlalchemy.engine import make_url  # noqa: PLC0415
    from sqlalchemy.exc import ArgumentError  # noqa: PLC0415

    from mdhub.accounts.engine import mysql_engine  # noqa: PLC0415
    from mdhub.accounts.sql import SqlAccounts  # noqa: PLC0415

    try:
        address = make_url(url)
    except (ArgumentError, ValueError):
        address = None
    if address is None or not address.database:
        raise StoreUnavailable(f"the accounts' address names no database, expected {ADDRESSES}")
    return SqlAccounts(mysql_engine(address), place=shown_place(url))


def _mongo(url: str) -> AccountStore:
    from pymongo import MongoClient  # noqa: PLC0415
    from pymongo.errors import PyMongoError  # noqa: PLC0415

    from mdhub.accounts.mongo import MongoAccounts  # noqa: PLC0415

    said = urlsplit(url).query.lower()
    limits: dict[str, Any] = {k: v for k, v in _LIMITS.items() if f"{k.lower()}=" not in said}
    try:
        client: MongoClient[dict[str, Any]] = MongoClient(
            url, connect=False, appname="mdhub", **limits
        )
    except (PyMongoError, ValueError, TypeError):
        # Not chained: its text may quote the address.
        raise StoreUnavailable(f"the accounts' address is none, expected {ADDRESSES}") from None
    database = _parts(url)[2].strip("/") or DATABASE
    return MongoAccounts(client, database, place=shown_place(url))
