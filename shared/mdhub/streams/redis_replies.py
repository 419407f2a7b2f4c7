"""Reads what the server holds for `mdhub.streams.redis_log`: hashes, leaders, positions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from mdhub.streams.ids import id_parts
from mdhub.streams.port import FIRST_ID, Leadership, Manifest, Positions, ReaderCursor

__all__ = ["as_pairs", "read_cursors", "read_leadership", "read_manifest", "read_positions"]

_CURSOR: Final = re.compile(rb"(\d{1,20}-\d{1,20}) (\d{1,15})")
_MAX_CHUNKS: Final = 100_000

_decode_manifest: Final = msgspec.msgpack.Decoder(tuple[bytes, int, str, int, int, int]).decode


def as_pairs(flat: list[Any]) -> dict[bytes, Any]:
    """A hash from its flat list of field, value."""
    return dict(zip(flat[::2], flat[1::2], strict=True))


def read_leadership(flat: list[bytes]) -> Leadership:
    """Who leads, from the hash of a shard's leader."""
    fields = as_pairs(flat)
    return Leadership(
        token=int(fields.get(b"token", 0)),
        incarnation=fields.get(b"incarnation", b"").decode(),
        lead_id=fields.get(b"lead_id", FIRST_ID),
        epoch=int(fields.get(b"epoch", 0)),
        beat=int(fields.get(b"beat", 0)),
        resigned=fields.get(b"resigned", b"") == fields.get(b"token", b"0"),
    )


def read_positions(flat: list[bytes]) -> Positions:
    """What is committed, from the hash of a shard's positions."""
    fields = as_pairs(flat)
    return Positions(
        raw=fields.get(b"raw", FIRST_ID),
        clean=fields.get(b"clean", FIRST_ID),
        n=int(fields.get(b"n", 0)),
        log_ns=int(fields.get(b"log_ns", 0)),
        market_ns=int(fields.get(b"market_ns", 0)),
        digest=fields.get(b"digest", b"").decode(),
    )


def read_cursors(
    fields: Mapping[bytes, bytes], stream: str, *, now_ms: int
) -> dict[str, ReaderCursor]:
    """Readers of a stream, from the hash of a shard's cursors; what is damaged is left out."""
    found = {}
    for name, value in fields.items():
        of_stream, _, reader = name.decode(errors="replace").partition(":")
        registered = _CURSOR.fullmatch(value)
        if of_stream == stream and registered:
            found[reader] = ReaderCursor(registered[1], now_ms - int(registered[2]))
    return found


def read_manifest(stored: bytes) -> Manifest | None:
    """Read a manifest; None if it is damaged: a snapshot that nobody can use."""
    try:
        manifest = Manifest(*_decode_manifest(stored))
        id_parts(manifest.raw)
    except ValueError:  # msgspec's errors are ValueErrors
        return None
    return manifest if 0 < manifest.state_chunks < _MAX_CHUNKS else None
