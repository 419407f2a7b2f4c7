"""A short name for the shape of the contract, so that two sides can tell whether they agree."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache

import msgspec

from mdhub.wire.schema import PAYLOADS, Field, fields_of
from mdhub.wire.ticks import SCHEMA_VERSION

__all__ = ["digest_of", "schema_digest"]


@cache
def schema_digest() -> str:
    """Name the contract this program was made for."""
    return digest_of(PAYLOADS)


def digest_of(payloads: Iterable[type[msgspec.Struct]]) -> str:
    """16 hex digits of SHA-256 over the version and the fields of payloads; words do not count."""
    lines = [f"v{SCHEMA_VERSION}"]
    for payload in payloads:
        lines.append(payload.__name__)
        lines += [f"  {_line(field)}" for field in fields_of(payload)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def _line(field: Field) -> str:
    nil = " or nil" if field.nil else ""
    default = "" if field.default is None else f" = {field.default}"
    return f"{field.name}: {field.type}{nil}{default}"
