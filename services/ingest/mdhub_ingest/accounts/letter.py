"""What the process of an account is told in a pipe: its description, and what opens its secrets.

A command line and an environment can be read by others on the machine; a pipe cannot, and what was
read from it is gone.
"""

from __future__ import annotations

import sys
from typing import BinaryIO, Final

import msgspec

from mdhub_ingest.sources.port import SourceError
from mdhub_ingest.spec import SourceSpec, parse_spec

__all__ = ["BY_PIPE", "Letter", "received", "write_letter"]

BY_PIPE: Final = "-"
"""In the place of a description on the command line."""
LETTER_MAX: Final = 1 << 20


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """One source. Printing it shows its name only."""

    spec: SourceSpec
    keys: str = ""
    """Text of the file of master keys; empty for who has nothing sealed."""
    problem: str = ""
    """Why there are no keys, where there should be."""

    def __repr__(self) -> str:
        return f"Letter({self.spec.name})"


def write_letter(letter: Letter) -> bytes:
    """Return what goes into the pipe."""
    return msgspec.json.encode(letter)


def received(described: str, pipe: BinaryIO | None = None) -> Letter:
    """Return what a child is told: on its command line, or by `-` in its pipe (its stdin).

    Raises SourceError; it quotes nothing of what came.
    """
    if described != BY_PIPE:
        return Letter(spec=parse_spec(described))
    text = (sys.stdin.buffer if pipe is None else pipe).read(LETTER_MAX + 1)
    try:
        return msgspec.json.decode(text, type=Letter)
    except msgspec.DecodeError:
        raise SourceError(
            f"the description in the pipe was not understood ({len(text)} bytes): an account's "
            "process is started by its supervisor, `mdhub run ingest`"
        ) from None
