"""What callbacks said, on its way from the gateway's threads to the main one."""

from __future__ import annotations

import time
from collections.abc import Iterable
from threading import Lock
from typing import Final

from mdhub.runtime.secret import Hidden
from mdhub_ingest.gateways.port import Note, NoteKind, Side

__all__ = ["NOTES_MAX", "Notes"]

NOTES_MAX: Final = 10_000
"""A front that accepts and hangs up makes about 1,500 a second; the main thread comes every 0.2 s.
"""
_TEXT_MAX: Final = 500


class Notes:
    """A bounded list; when it is full, what comes is counted and left out."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        """`secrets`: texts that no note may show."""
        self._hide = Hidden(secrets)
        self._notes: list[Note] = []
        self._lock = Lock()
        self.dropped = 0

    def add(self, kind: NoteKind, side: Side, *, code: int = 0, text: str = "") -> None:
        """Take one, from any thread."""
        note = Note(time.time_ns(), kind, side, code, self.clean(text))
        with self._lock:
            if len(self._notes) < NOTES_MAX:
                self._notes.append(note)
            else:
                self.dropped += 1

    def drain(self) -> list[Note]:
        """Return all, in order of arrival."""
        with self._lock:
            notes, self._notes = self._notes, []
        return notes

    def clean(self, text: str) -> str:
        """Cut secrets out of a text, and the text to a sensible length."""
        return self._hide(text)[:_TEXT_MAX]
