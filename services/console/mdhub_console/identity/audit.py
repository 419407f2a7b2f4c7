"""The audit log: a chain of records, each sealed with the digest of the one before. Pure.

What an altered, added or missing record does to the chain `first_break` finds. The newest digest
also goes to the hub's `events`, where whoever can write to the database cannot follow.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final, Literal

import msgspec

__all__ = ["NO_DIGEST", "Deed", "Record", "Result", "first_break", "sealed"]

NO_DIGEST: Final = "0" * 64
"""In the place of a digest before the first record."""
LONGEST: Final = 200

Result = Literal["ok", "refused", "failed"]


class Deed(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody did or tried."""

    who: str
    action: str
    """Such as `sources.restart`; docs/console-security.md lists them."""
    target: str = ""
    address: str = ""
    """Where the request came from."""
    result: Result = "ok"
    detail: str = ""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A deed in the chain."""

    n: int
    """Counts from 1 without a gap."""
    ts_ns: int
    who: str
    action: str
    target: str
    address: str
    result: Result
    detail: str
    previous: str
    digest: str


def sealed(deed: Deed, *, n: int, ts_ns: int, previous: str) -> Record:
    """Put a deed at the end of the chain whose newest digest is `previous`."""
    texts = {
        name: plain(getattr(deed, name))
        for name in ("who", "action", "target", "address", "detail")
    }
    record = Record(n=n, ts_ns=ts_ns, result=deed.result, previous=previous, digest="", **texts)
    return msgspec.structs.replace(record, digest=_digest(record))


def first_break(records: Iterable[Record], *, newest: tuple[int, str]) -> int | None:
    """Return the number of the first record that does not fit; None = the chain is whole.

    `records` are all of them, oldest first; `newest` is number and digest of the last one.
    """
    n, previous = 0, NO_DIGEST
    for record in records:
        n += 1
        if (record.n, record.previous, record.digest) != (n, previous, _digest(record)):
            return n
        previous = record.digest
    return None if (n, previous) == newest else n + 1


def plain(text: str) -> str:
    """Take out of a text what could pretend to be another line, and what is too long."""
    shown = "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)
    return shown[:LONGEST]


def _digest(record: Record) -> str:
    fields = msgspec.structs.asdict(record)
    del fields["digest"]
    return hashlib.sha256(msgspec.json.encode(fields, order="sorted")).hexdigest()
