"""The hub's events and log lines, live: `status.<kind>.` and `log.<level>.<service>.`.

Ticks go first. A turn sends at most 50 messages of each stream, and after a full batch 20 ms pass
before more are asked for; who still falls behind, by 2,000 messages in a row, skips to the newest.
Nothing is repeated or numbered: who needs all of it reads the streams. Bound: one batch of each in
memory. Counters: `status_sent`, `logs_sent`, `operations_skips`, `operations_unreadable`.

A fault here never reaches the ticks: the two readers are closed, and opened anew a second later.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Container
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import msgspec

from mdhub.streams.errors import StreamsError
from mdhub.streams.port import FIRST_ID, Entry, Log, Tail
from mdhub.streams.topology import EVENTS, LOGS, Stream
from mdhub.wire.codec import DecodeError, decoder, encode
from mdhub.wire.live import LiveHeader
from mdhub.wire.ticks import SCHEMA_VERSION
from mdhub.wire.topics import log_topic, status_topic

__all__ = ["BATCH", "FULL_IN_A_ROW", "Operations", "operations_frames"]

BATCH: Final = 50
PACE_NS: Final = 20_000_000
FULL_IN_A_ROW: Final = 40
AGAIN_NS: Final = 1_000_000_000
BLOCK_MS: Final = 1_000
_PART: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
"""What may stand in a topic: others than the hub's services could write anything."""


class _EventHead(msgspec.Struct, array_like=True, frozen=True):
    v: int
    id: str
    ts_ns: int
    service: str
    kind: str


class _LineHead(msgspec.Struct, array_like=True, frozen=True):
    v: int
    ts_ns: int
    level: str
    service: str


_decode_event: Final = decoder(_EventHead)
_decode_line: Final = decoder(_LineHead)


@dataclass(slots=True)
class _Reader:
    stream: Stream
    tail: Tail
    fileno: int
    asked: bool = False
    ask_ns: int = 0
    full: int = 0
    """Full batches in a row."""


class Operations:
    """Belongs to the publisher's thread."""

    def __init__(
        self,
        send: Callable[[list[bytes]], None],
        *,
        watch: Callable[[int], None],
        unwatch: Callable[[int], None],
        wall_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self.sent = {EVENTS: 0, LOGS: 0}
        self.skips = 0
        self.unreadable = 0
        self._send = send
        self._watch = watch
        self._unwatch = unwatch
        self._wall_ns = wall_ns
        self._log: Log | None = None
        self._readers: list[_Reader] = []
        self._open_ns = 0

    def turn(self, log: Log | None, ready: Container[int], now_ns: int) -> None:
        """Send what arrived. `log` is the connection in use, None while there is none."""
        if log is not self._log:
            self.close()
            self._log = log
        if log is None:
            return
        try:
            if not self._readers and now_ns >= self._open_ns:
                self._open(log)
            for reader in self._readers:
                self._read(log, reader, ready, now_ns)
        except StreamsError:
            # The publisher's own connection finds out by itself what is wrong with the server.
            self.close()
            self._open_ns = now_ns + AGAIN_NS

    def close(self) -> None:
        """Close both readers."""
        for reader in self._readers:
            self._unwatch(reader.fileno)
            with suppress(StreamsError, OSError):
                reader.tail.close()
        self._readers.clear()

    def counters(self) -> dict[str, int]:
        """Counters for the service heartbeat."""
        return {
            "status_sent": self.sent[EVENTS],
            "logs_sent": self.sent[LOGS],
            "operations_skips": self.skips,
            "operations_unreadable": self.unreadable,
        }

    def _open(self, log: Log) -> None:
        for stream in (EVENTS, LOGS):
            self._readers.append(self._reader(log, stream))

    def _reader(self, log: Log, stream: Stream) -> _Reader:
        newest = log.entries(stream, count=1, newest_first=True)
        tail = log.tail(stream, after=newest[0][0] if newest else FIRST_ID)
        reader = _Reader(stream, tail, tail.fileno())
        self._watch(reader.fileno)
        return reader

    def _read(self, log: Log, reader: _Reader, ready: Container[int], now_ns: int) -> None:
        if reader.asked and reader.fileno in ready:
            reader.asked = False
            entries = reader.tail.take()
            for entry in entries:
                self._pass_on(reader.stream, entry)
            full = len(entries) >= BATCH
            reader.full = reader.full + 1 if full else 0
            reader.ask_ns = now_ns + PACE_NS if full else now_ns
            if reader.full >= FULL_IN_A_ROW:
                self._skip(log, reader)
        if not reader.asked and now_ns >= reader.ask_ns:
            reader.tail.ask(block_ms=BLOCK_MS, count=BATCH)
            reader.asked = True

    def _skip(self, log: Log, reader: _Reader) -> None:
        self.skips += 1
        self._unwatch(reader.fileno)
        reader.tail.close()
        fresh = self._reader(log, reader.stream)
        reader.tail, reader.fileno, reader.full = fresh.tail, fresh.fileno, 0

    def _pass_on(self, stream: Stream, entry: Entry) -> None:
        frames = operations_frames(stream, entry, self._wall_ns())
        if frames is None:
            self.unreadable += 1
            return
        self._send(frames)
        self.sent[stream] += 1


def operations_frames(stream: Stream, entry: Entry, pub_ns: int) -> list[bytes] | None:
    """Make the three frames of an event or a log line; None if it is not one. Pure.

    The header has the entry's id and no number: there is no gap to be seen.
    """
    entry_id, fields = entry
    try:
        payload = fields[1]
        topic = _topic(stream, payload)
    except (DecodeError, IndexError, ValueError):
        return None
    if topic is None:
        return None
    header = LiveHeader(SCHEMA_VERSION, 0, 0, None, None, entry_id.decode(), None, pub_ns, 0)
    return [topic, encode(header), payload]


def _topic(stream: Stream, payload: bytes) -> bytes | None:
    if stream is EVENTS:
        kind = _decode_event(payload).kind
        return status_topic(kind) if _PART.fullmatch(kind) else None
    line = _decode_line(payload)
    if not (_PART.fullmatch(line.level) and _PART.fullmatch(line.service)):
        return None
    return log_topic(line.level, line.service)
