"""Failed logins as rows: a restart does not forget them, two consoles count together.

Kept are digests of names and addresses (somebody may have typed a password in the wrong field), at
most `FULL` of each kind.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final, Literal

from sqlalchemy import case, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from mdhub_console.identity.lockout import FORGET_S, FULL, Failures, wait_s
from mdhub_console.identity.store.database import Database
from mdhub_console.identity.store.tables import FAILURES

__all__ = ["Attempts", "Kind"]

Kind = Literal["name", "address"]
_S_NS: Final = 1_000_000_000


class Attempts:
    """Every method is one transaction and may raise StoreAway. An empty key is nobody's."""

    def __init__(self, database: Database, *, full: int = FULL) -> None:
        self._database = database
        self._full = full

    def wait_s(self, kind: Kind, key: str, now_ns: int) -> float:
        """Seconds until this one may try again; 0 = now."""
        if not key:
            return 0.0
        asked = select(FAILURES.c.number, FAILURES.c.last_ns).where(
            FAILURES.c.key == _of(kind, key)
        )
        with self._database.reading() as rows:
            found = rows.execute(asked).first()
        if found is None:
            return 0.0
        return wait_s(Failures(found.number, found.last_ns / _S_NS), now_ns / _S_NS)

    def failed(self, kind: Kind, key: str, now_ns: int) -> None:
        """Count a failure."""
        if not key:
            return
        try:
            self._count(kind, _of(kind, key), now_ns)
        except IntegrityError:  # another thread was faster: its row is there now
            self._count(kind, _of(kind, key), now_ns)

    def succeeded(self, kind: Kind, key: str) -> None:
        """Forget the failures of one."""
        with self._database.writing() as rows:
            rows.execute(delete(FAILURES).where(FAILURES.c.key == _of(kind, key)))

    def _count(self, kind: Kind, digest: str, now_ns: int) -> None:
        forgotten = FAILURES.c.last_ns < now_ns - FORGET_S * _S_NS
        more = case((forgotten, 1), else_=FAILURES.c.number + 1)
        with self._database.writing() as rows:
            theirs = update(FAILURES).where(FAILURES.c.key == digest)
            if rows.execute(theirs.values(number=more, last_ns=now_ns)).rowcount:
                return
            rows.execute(insert(FAILURES).values(key=digest, kind=kind, number=1, last_ns=now_ns))
            rows.execute(delete(FAILURES).where(FAILURES.c.kind == kind, forgotten))
            self._make_room(rows, kind)

    def _make_room(self, rows: Any, kind: Kind) -> None:
        newest = select(FAILURES.c.last_ns).where(FAILURES.c.kind == kind)
        first_too_many = newest.order_by(FAILURES.c.last_ns.desc()).offset(self._full).limit(1)
        last_ns = rows.execute(first_too_many).scalar()
        if last_ns is not None:
            old = (FAILURES.c.kind == kind) & (FAILURES.c.last_ns <= last_ns)
            rows.execute(delete(FAILURES).where(old))


def _of(kind: Kind, key: str) -> str:
    return hashlib.sha256(f"{kind}:{key}".encode()).hexdigest()
