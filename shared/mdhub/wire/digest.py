"""A short name for the shape of the contract, so that two sides can tell whether they agree."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Final

import msgspec

from mdhub.wire import entries, live, requests, ticks

__all__ = ["schema_digest"]

_PUBLIC: Final = (
    ticks.CleanTick,
    entries.CleanHeader,
    entries.Marker,
    entries.EpochMark,
    entries.QualityMark,
    entries.PhaseMark,
    live.LiveHeader,
    live.Heartbeat,
    requests.EndReply,
    requests.ErrorReply,
    requests.HelloReply,
    requests.ShardInfo,
    requests.TailsReply,
)


@cache
def schema_digest() -> str:
    """16 hex digits over version, names, fields and types of what a client reads."""
    text = [f"v{ticks.SCHEMA_VERSION}"]
    for kind in _PUBLIC:
        fields = msgspec.structs.fields(kind)
        text.append(f"{kind.__name__}({', '.join(f'{f.name}: {f.type}' for f in fields)})")
    return hashlib.sha256("\n".join(text).encode()).hexdigest()[:16]
