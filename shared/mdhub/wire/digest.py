"""A short name for the shape of the contract, so that two sides can tell whether they agree."""

from __future__ import annotations

import hashlib
from functools import cache

from mdhub.wire.schema import PAYLOADS, Field, fields_of
from mdhub.wire.ticks import SCHEMA_VERSION

__all__ = ["schema_digest"]


@cache
def schema_digest() -> str:
    """16 hex digits of SHA-256 over the version and the field list of every payload."""
    lines = [f"v{SCHEMA_VERSION}"]
    for payload in PAYLOADS:
        lines.append(payload.__name__)
        lines += [f"  {_line(field)}" for field in fields_of(payload)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def _line(field: Field) -> str:
    nil = " or nil" if field.nil else ""
    default = "" if field.default is None else f" = {field.default}"
    return f"{field.name}: {field.type}{nil}{default}"
