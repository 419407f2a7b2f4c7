"""The schedule's way to the log: a thread, so that a server that hangs never holds up the keeper.

It reads positions (the market's time) and commands, and writes events, results and the supervisor's
heartbeat. What the main thread hands over waits in a bounded queue; results and events that are
said once are tried until the log has them, others are written at most once. A server that refuses
to write (full, read-only) is read on, over the same connection.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Event, Thread
from typing import Final, NamedTuple

from mdhub.runtime.backoff import Backoff
from mdhub.runtime.heartbeat import BEAT_EVERY_S, Beat, decode_beat
from mdhub.runtime.logging import Logger
from mdhub.runtime.outage import Outage
from mdhub.runtime.threads import name_thread
from mdhub.streams.errors import NotReady, ServerError, StreamsError, TopologyError
from mdhub.streams.port import Log, Tail
from mdhub.streams.topology import COMMANDS, EVENTS
from mdhub.wire.codec import DecodeError, decode_command, decode_event
from mdhub.wire.ops import Command, EventKind
from mdhub_ingest.schedule.orders import ACCOUNT, SCHEDULE, SOURCE

__all__ = ["Claimed", "Link", "Looked", "Once", "Reading", "Told"]

WAITING_MAX: Final = 1_000
HEARD_MAX: Final = 1_000
FORGOTTEN_NS: Final = 23 * 3_600 * 1_000_000_000
"""The log remembers for 24 h that a command was answered: older ones are left alone."""
_OURS: Final = frozenset({SOURCE, SCHEDULE, ACCOUNT})
_MAX_ID: Final = 128
_BLOCK_MS: Final = 100
_CLOCKS_MS: Final = 1_000
"""Streams of a cluster may have the clocks of different servers."""
_RESULTS_WITHIN: Final = 2_000
"""Events looked through for the result of a command that was answered before."""
_LEAVE_S: Final = 1.0


class Reading(NamedTuple):
    """A committed position, and when it was read."""

    log_ns: int
    market_ns: int
    wall_ns: int


class Told(NamedTuple):
    """A command to a source or to the schedule."""

    entry: str
    """Its id in the stream."""
    command: Command
    answered: bool
    """It has its result, and that is no refusal: of an earlier start of this supervisor, or of
    another one."""


class Claimed(NamedTuple):
    """Whether who asked for something that happens once was the first to."""

    key: str
    first: bool


class Looked(NamedTuple):
    """What heartbeats and server say, for the checklist."""

    beats: Mapping[str, Beat]
    clock_offset_ms: float
    at_ns: int


@dataclass(frozen=True, slots=True)
class Once:
    """An event that the log takes only under a key that it does not have yet."""

    key: str
    event: bytes
    after: str = ""
    """Only if the log has this key."""
    unless: str = ""
    """Not if the log has this key."""
    claim: bool = False
    """Whether the main thread is told if it was the first."""


class Link:
    """Started once; `close` writes what waits, for a second at most."""

    def __init__(
        self,
        connect: Callable[[], Log],
        *,
        after: bytes,
        logger: Logger,
        beat: Callable[[bool], tuple[str, bytes] | None],
    ) -> None:
        """`beat` renders the heartbeat (True: the last one): instance and payload, or None."""
        self.reading: Reading | None = None
        self.looked: Looked | None = None
        self.look = False
        """Whether the checklist needs facts."""
        self.note: tuple[str, bytes] | None = None
        """Name and payload of a document to keep on the server; the newest counts."""
        self.heard: deque[Told | Claimed] = deque()
        self.dropped = 0
        self._connect = connect
        self._cursor = after
        self._outage = Outage(logger)
        self._refused = False
        """Whether the server took no heartbeat: then it takes nothing else either."""
        self._beat = beat
        self._waiting: deque[bytes | Once] = deque()
        self._noted: tuple[str, bytes] | None = None
        self._beat_due_s = 0.0
        self._look_due_s = 0.0
        self._stop = Event()
        self._thread = Thread(target=self._run, name="schedule-link", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def say(self, said: bytes | Once) -> None:
        """Hand over an event. The oldest that waits makes room."""
        if len(self._waiting) >= WAITING_MAX:
            self._waiting.popleft()
            self.dropped += 1
        self._waiting.append(said)

    def close(self) -> None:
        self._stop.set()
        self._thread.join(_LEAVE_S + _BLOCK_MS / 1e3)

    def _run(self) -> None:
        name_thread("schedule-link")
        backoff = Backoff(first_s=0.05, ceiling_s=1.0)
        while not self._stop.is_set():
            try:
                self._follow(backoff)
            except TopologyError:
                raise
            except StreamsError as error:
                self._outage.away(error)
                self._stop.wait(backoff.next_s())

    def _follow(self, backoff: Backoff) -> None:
        log = self._connect()
        tail = log.tail(COMMANDS, after=self._cursor)
        self._noted = None  # it may be another server, which does not have it
        try:
            while not self._stop.is_set():
                self._turn(log, tail)
                backoff.reset()
                if not self._refused:
                    self._outage.back()
            self._write(log, time.monotonic() + _LEAVE_S)
            self._beat_due_s = 0.0
            self._send_beat(log, last=True)
        finally:
            tail.close()
            log.close()

    def _turn(self, log: Log, tail: Tail) -> None:
        at = log.positions(0)
        self.reading = Reading(at.log_ns, at.market_ns, time.time_ns())
        self._send_beat(log, last=False)  # first: who has no heartbeat is not waited for
        if len(self.heard) < HEARD_MAX:
            self._hear(log, tail)
        if not self._refused:
            self._write(log, time.monotonic() + _LEAVE_S)
            self._save_note(log)
        if self.look and time.monotonic() >= self._look_due_s:
            self._look_due_s = time.monotonic() + 1.0
            self.looked = _look(log)

    def _save_note(self, log: Log) -> None:
        if self.note is not None and self.note is not self._noted:
            self._noted = note = self.note
            log.save_note(*note)

    def _hear(self, log: Log, tail: Tail) -> None:
        for entry, fields in tail.read(block_ms=_BLOCK_MS, count=100):
            command = _command(fields)
            if command is None or command.target.partition(":")[0] not in _OURS:
                self._cursor = entry
                continue
            if time.time_ns() - command.ts_ns < FORGOTTEN_NS:
                answered = log.command_is_done(command.id)
                if not answered or _was_obeyed(log, entry, command.id):
                    self.heard.append(Told(entry.decode(), command, answered))
            self._cursor = entry

    def _write(self, log: Log, until_s: float) -> None:
        while self._waiting and time.monotonic() < until_s:
            said = self._waiting[0]
            if isinstance(said, bytes):
                self._waiting.popleft()  # before it is written: twice would be worse than never
                try:
                    log.append(EVENTS, said)
                except ServerError:
                    self._waiting.appendleft(said)  # it was refused: nothing was written
                    raise
                continue
            self._write_once(log, said)
            if self._waiting and self._waiting[0] is said:
                self._waiting.popleft()

    def _write_once(self, log: Log, said: Once) -> None:
        first = False
        due = not said.after or log.command_is_done(said.after)
        if due and not (said.unless and log.command_is_done(said.unless)):
            first = log.command_done(said.key, said.event)
        if said.claim:
            self.heard.append(Claimed(said.key, first))

    def _send_beat(self, log: Log, *, last: bool) -> None:
        now_s = time.monotonic()
        if now_s < self._beat_due_s:
            return
        self._beat_due_s = now_s + BEAT_EVERY_S
        told = self._beat(last)
        if told is None:
            return
        try:
            log.beat(*told)
            self._refused = False
        except NotReady as error:
            self._refused = True
            self._outage.away(error)


def _command(fields: list[bytes]) -> Command | None:
    try:
        command = decode_command(fields[1])
    except (DecodeError, IndexError):
        return None  # without a readable id nobody can be answered; arbiters count it
    return command if 0 < len(command.id) <= _MAX_ID else None


def _was_obeyed(log: Log, entry: bytes, command_id: str) -> bool:
    """Whether the result of a command, which is written soon after it, says so."""
    since_ms = max(0, int(entry.partition(b"-")[0]) - _CLOCKS_MS)
    for _, fields in log.entries(EVENTS, first=b"%d-0" % since_ms, count=_RESULTS_WITHIN):
        try:
            event = decode_event(fields[1])
        except (DecodeError, IndexError):
            continue
        if event.kind == EventKind.COMMAND_DONE and event.correlation_id == command_id:
            return event.body.get("ok") is True
    return False


def _look(log: Log) -> Looked:
    beats: dict[str, Beat] = {}
    for name, payload in log.beats().items():
        try:
            beats[name] = decode_beat(payload)
        except DecodeError:
            continue  # of a newer version: as if it had none
    asked_ns = time.time_ns()
    server_ms = log.server_facts().now_ms
    now_ns = time.time_ns()
    # The server's clock is cut to ms; the answer took some time: its middle counts.
    offset_ms = server_ms + 0.5 - (asked_ns + now_ns) / 2e6
    return Looked(beats, offset_ms, now_ns)
