"""Notes of callbacks: order, bound, no secrets."""

from __future__ import annotations

from mdhub_ingest.gateways.port import NoteKind, Side
from mdhub_ingest.gateways.profiles.notes import NOTES_MAX, Notes


def test_notes_come_once_and_in_order() -> None:
    """With their time, side and code."""
    notes = Notes()
    notes.add(NoteKind.CONNECTED, Side.TD)
    notes.add(NoteKind.LOGIN, Side.MD, code=3, text="no")
    first, second = notes.drain()
    assert (first.kind, first.side, first.code) == (NoteKind.CONNECTED, Side.TD, 0)
    assert (second.side, second.code, second.text) == (Side.MD, 3, "no")
    assert 0 < first.at_ns <= second.at_ns
    assert notes.drain() == []


def test_too_many_notes_are_counted_and_left_out() -> None:
    """A flapping front makes thousands."""
    notes = Notes()
    for number in range(NOTES_MAX + 7):
        notes.add(NoteKind.DISCONNECTED, Side.MD, code=number)
    assert (len(notes.drain()), notes.dropped) == (NOTES_MAX, 7)
    notes.add(NoteKind.CONNECTED, Side.MD)
    assert len(notes.drain()) == 1


def test_no_note_shows_a_secret() -> None:
    """Not even one that contains another; texts have a bound."""
    notes = Notes(["abcd", "abcdef", ""])
    notes.add(NoteKind.FAULT, Side.MD, text="invoked with abcdef and abcd" + "x" * 1000)
    (note,) = notes.drain()
    assert note.text.startswith("invoked with *** and ***x")
    assert len(note.text) == 500
