"""Brings a database to the layout of this program. Two consoles may both do it at once."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Engine, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from mdhub_console.identity.audit import NO_DIGEST
from mdhub_console.identity.errors import StoreAway
from mdhub_console.identity.store.tables import LAYOUT, METADATA, STATE

__all__ = ["bring_up"]

_TO_2: Final = (
    "ALTER TABLE console_users MODIFY totp_secret VARCHAR(512) NOT NULL",
    *(
        f"ALTER TABLE {table} CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
        for table in METADATA.tables
    ),
)
"""For MariaDB: room for a sealed secret, and names that differ by case. SQLite has both anyway."""

_EXISTS: Final = "already exists"
"""What both databases say of a table that the other console made between our look and our step."""


def bring_up(engine: Engine) -> None:
    """Make what is missing; do again what was cut off. Raises StoreAway for another layout."""
    _make_tables(engine)
    first = {"id": 1, "layout": LAYOUT, "audit_n": 0, "audit_digest": NO_DIGEST}
    try:
        with engine.begin() as connection:
            if connection.execute(select(STATE.c.id)).first() is None:
                connection.execute(insert(STATE).values(**first))
    except IntegrityError:
        pass  # the other console was faster
    found = _layout(engine)
    if found == 1:
        _to_2(engine)
        found = _layout(engine)
    if found != LAYOUT:
        raise StoreAway(
            f"the console's database has layout {found}, expected {LAYOUT}: "
            "use the mdhub that made it, or another database"
        )


def _make_tables(engine: Engine) -> None:
    for _ in METADATA.tables:
        try:
            METADATA.create_all(engine, checkfirst=True)
        except DBAPIError as error:
            if _EXISTS not in str(error.orig):
                raise
        else:
            return
    METADATA.create_all(engine, checkfirst=True)


def _layout(engine: Engine) -> int:
    with engine.connect() as connection:
        found: int = connection.execute(select(STATE.c.layout)).scalar_one()
    return found


def _to_2(engine: Engine) -> None:
    with engine.begin() as connection:
        if engine.dialect.name != "sqlite":
            for statement in _TO_2:
                connection.execute(text(statement))
        connection.execute(update(STATE).where(STATE.c.layout == 1).values(layout=2))
