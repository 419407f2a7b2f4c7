"""What a supervisor says of its schedule: windows, whose they are, what operators overrode.

It stands under a key of the server for each supervisor (`Log.save_note`, `Log.note`), written when
something in it changes and again to each server that the supervisor reaches. Readers find the names
of supervisors among the heartbeats.
"""

from __future__ import annotations

from typing import Final

import msgspec

from mdhub.calendar.windows import Group
from mdhub.wire.codec import decoder, encode

__all__ = [
    "SUPERVISOR", "OverrideNote", "ScheduleNote", "decode_schedule", "encode_schedule",
    "note_of", "supervisor_of",
]  # fmt: skip

SUPERVISOR: Final = "supervisor:"
"""Begin of the name of its heartbeat."""


class OverrideNote(msgspec.Struct, array_like=True, frozen=True, kw_only=True):
    """One source runs, or does not, whatever its group does."""

    source: str
    kind: str
    """`hold` or `start`."""
    until_ns: int
    """Market time at which it ends."""
    reason: str = ""
    command: str = ""
    """Id of the command that said so."""


class ScheduleNote(msgspec.Struct, array_like=True, frozen=True, kw_only=True):
    """All of one supervisor."""

    v: int = 1
    groups: dict[str, Group] = {}
    """Every group there is, also one without a source here."""
    sources: dict[str, str] = {}
    """Source -> its group, or `always`."""
    overrides: list[OverrideNote] = []
    holidays: dict[str, str] = {}
    """Day (YYYYMMDD) that shall not trade -> reason."""
    calendar: str = ""
    """Digest of the calendar it goes by, without these holidays."""


decode_schedule: Final = decoder(ScheduleNote)
"""Raises DecodeError."""


def encode_schedule(note: ScheduleNote) -> bytes:
    """Encode for the server."""
    return encode(note)


def note_of(supervisor: str) -> str:
    """Name of the note of a supervisor."""
    return f"schedule:{supervisor}"


def supervisor_of(instance: str) -> str:
    """Name of the supervisor that a heartbeat is of; empty if it is another service's."""
    return instance.removeprefix(SUPERVISOR) if instance.startswith(SUPERVISOR) else ""
