"""The audit log as rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from mdhub_console.identity.audit import Deed, Record, first_break, sealed
from mdhub_console.identity.errors import StoreAway
from mdhub_console.identity.store.database import Database
from mdhub_console.identity.store.tables import AUDIT, STATE

__all__ = ["Records"]

ATTEMPTS: Final = 20
"""Several consoles may write to one chain; who comes second takes the next number."""


class Records:
    """Append-only: nothing here changes or removes a record."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def head(self) -> tuple[int, str]:
        """Return number and digest of the newest record."""
        with self._database.reading() as rows:
            found = rows.execute(select(STATE.c.audit_n, STATE.c.audit_digest)).one()
        return found.audit_n, found.audit_digest

    def check_writable(self) -> None:
        """Write, and leave all as it is. Raises StoreAway: locked, full, read-only, away."""
        with self._database.writing() as rows:
            rows.execute(update(STATE).values(layout=STATE.c.layout))

    def append(self, deed: Deed, ts_ns: int) -> Record:
        """Put a deed at the end of the chain. Raises StoreAway."""
        for _ in range(ATTEMPTS):
            n, previous = self.head()
            record = sealed(deed, n=n + 1, ts_ns=ts_ns, previous=previous)
            if self._added(record):
                return record
        raise StoreAway(f"the audit log did not take a record in {ATTEMPTS} attempts; try again")

    def page(self, *, before: int | None = None, count: int = 100) -> Sequence[Record]:
        """Return records before a number, the newest first."""
        query = select(AUDIT).order_by(AUDIT.c.n.desc()).limit(count)
        if before is not None:
            query = query.where(AUDIT.c.n < before)
        with self._database.reading() as rows:
            return [Record(**row) for row in rows.execute(query).mappings()]

    def verify(self) -> int | None:
        """Return the number of the first record that does not fit; None = whole."""
        with self._database.reading() as rows:
            state = rows.execute(select(STATE.c.audit_n, STATE.c.audit_digest)).one()
            records = rows.execute(
                select(AUDIT).where(AUDIT.c.n <= state.audit_n).order_by(AUDIT.c.n)
            ).mappings()
            newest = (state.audit_n, state.audit_digest)
            return first_break((Record(**row) for row in records), newest=newest)

    def _added(self, record: Record) -> bool:
        at_end = (STATE.c.id == 1) & (STATE.c.audit_n == record.n - 1)
        moved = update(STATE).where(at_end).values(audit_n=record.n, audit_digest=record.digest)
        try:
            with self._database.writing() as rows:
                if not rows.execute(moved).rowcount:
                    return False
                rows.execute(insert(AUDIT).values(**msgspec.structs.asdict(record)))
        except IntegrityError:
            return False
        return True
