"""Fills a view with the newest entries of the log, the newest first read. No threads."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from mdhub.calendar.note import ScheduleNote, decode_schedule, note_of, supervisor_of
from mdhub.health.alerts import AlertBook, decode_book
from mdhub.streams.port import FIRST_ID, Entry, Log
from mdhub.streams.topology import COMMANDS, EVENTS, LOGS, REJECTED, Stream
from mdhub.wire.codec import DecodeError, decode_command
from mdhub.wire.ops import Command
from mdhub_console.live.rows import event_of, log_row, rejected_row
from mdhub_console.live.view import Bounds, View

__all__ = ["ALERTS", "Followed", "fill", "followed", "look", "take"]

ALERTS: Final = "alerts"
SUPERVISORS: Final = 32
"""So many are asked for their schedule."""
CHUNK: Final = 1_000
"""Entries of one answer: about a millisecond of the server."""

Followed = tuple[Stream, int]
"""A stream and a shard."""


def followed(shards: int) -> list[Followed]:
    """Every stream that is tailed."""
    return [(EVENTS, 0), (COMMANDS, 0), *((REJECTED, s) for s in range(shards)), (LOGS, 0)]


def fill(view: View, log: Log, bounds: Bounds) -> dict[Followed, bytes]:
    """Read the newest entries of every stream; return the cursor behind each."""
    cursors: dict[Followed, bytes] = {}
    most = {EVENTS: bounds.events, COMMANDS: bounds.commands, LOGS: bounds.logs}
    for stream, shard in followed(view.shards):
        count = most.get(stream, max(100, bounds.rejected // view.shards))
        entries, whole = _newest(log, stream, shard, count)
        if entries and not whole:
            view.begins(stream, shard, entries[0][0])
            del entries[0]
        take(view, stream, shard, entries)
        cursors[stream, shard] = entries[-1][0] if entries else FIRST_ID
    return cursors


def take(view: View, stream: Stream, shard: int, entries: list[Entry]) -> None:
    """Hand entries of a stream to the view."""
    if not entries:
        return
    if stream == EVENTS:
        view.take_events([(entry[0], event_of(entry)) for entry in entries])
    elif stream == LOGS:
        view.take_logs([log_row(entry) for entry in entries])
    elif stream == REJECTED:
        view.take_rejected(shard, [rejected_row(shard, entry) for entry in entries])
    else:
        view.take_commands([_command(entry) for entry in entries])


def look(view: View, log: Log, now_ns: int) -> None:
    """Read what stands beside the streams. Raises StreamsError."""
    alerts, beats = _book(log.note(ALERTS)), log.beats()
    schedules = _schedules(log, beats)
    view.take_look(
        health=log.health(), beats=beats, alerts=alerts, schedules=schedules, now_ns=now_ns
    )


def _newest(log: Log, stream: Stream, shard: int, count: int) -> tuple[list[Entry], bool]:
    """Newest entries, oldest first, one more than wanted; whether these are all there are."""
    found: list[Entry] = []
    last = b"+"
    while len(found) <= count:
        size = min(CHUNK, count + 1 - len(found))
        part = log.entries(stream, shard=shard, last=last, count=size, newest_first=True)
        found += part
        if len(part) < size:
            return found[::-1], True
        last = b"(" + part[-1][0]
    return found[::-1], False


def _command(entry: Entry) -> Command | None:
    try:
        return decode_command(entry[1][1])
    except (DecodeError, IndexError):
        return None


def _schedules(log: Log, beats: Iterable[str]) -> dict[str, ScheduleNote]:
    found: dict[str, ScheduleNote] = {}
    for name in sorted(filter(None, map(supervisor_of, beats)))[:SUPERVISORS]:
        payload = log.note(note_of(name))
        with suppress(DecodeError):  # another release of the supervisor: nothing is known of it
            if payload is not None:
                found[name] = decode_schedule(payload)
    return found


def _book(payload: bytes | None) -> AlertBook | None:
    try:
        return None if payload is None else decode_book(payload)
    except DecodeError:
        return None  # another release of the monitor: `mdhub alerts` says so too
