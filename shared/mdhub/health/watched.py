"""How accounts want to be watched: a note that supervisors write and the monitor reads.

It holds names of accounts and contracts and limits of silence; of settings and secrets nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Final

import msgspec

from mdhub.wire.codec import decoder, encode

__all__ = ["NOTE", "Watched", "decode_watched", "encode_watched"]

NOTE: Final = "watched"
"""Name of the note."""
ACCOUNTS_MAX: Final = 1_000


class Watched(msgspec.Struct, array_like=True, frozen=True):
    """One enabled account that asks for something."""

    name: str
    """Of the account and of its source."""
    canaries: tuple[str, ...] = ()
    """Contracts, `symbol.EXCHANGE`, that it must deliver."""
    silence_ms: dict[str, int] = {}
    """Limits of silence by contract, in place of the learned ones."""


_Note = Annotated[tuple[Watched, ...], msgspec.Meta(max_length=ACCOUNTS_MAX)]
_decode: Final = decoder(_Note)


def encode_watched(accounts: Iterable[Watched]) -> bytes:
    """Return the note."""
    return encode(tuple(accounts)[:ACCOUNTS_MAX])


def decode_watched(note: bytes) -> tuple[Watched, ...]:
    """Read the note. Raises DecodeError."""
    return _decode(note)
