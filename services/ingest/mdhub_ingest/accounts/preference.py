"""Priorities of accounts become the hub's order of preference, by the command operators use.

Sent when the order changes, and when an account of it has come that the arbiters did not know yet:
what an operator prefers by hand meanwhile stays. The log keeps what was sent, so a restart of the
supervisor sends nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from threading import Thread
from typing import Final

import msgspec

from mdhub.runtime.logging import Logger
from mdhub.streams.asking import Request, arbiter_of, ask
from mdhub.streams.errors import StreamsError
from mdhub.streams.port import Log

__all__ = ["Preference", "due"]

EVERY_S: Final = 2.0
ANSWER_S: Final = 5.0
NOTE: Final = "preference"
_INGEST: Final = "ingest:"


class Preference:
    """`order` is set by the main thread, which also calls `turn`; a thread does the asking."""

    def __init__(self, connect: Callable[[], Log], shards: int, logger: Logger) -> None:
        self.order: tuple[str, ...] = ()
        """Ids, the preferred one first; empty = nobody has said."""
        self._connect = connect
        self._shards = shards
        self._logger = logger
        self._sent: tuple[str, ...] = ()
        self._due_s = 0.0
        self._thread: Thread | None = None

    def turn(self) -> None:
        """Send what is to be sent, at most one attempt at a time."""
        now_s = time.monotonic()
        idle = self._thread is None or not self._thread.is_alive()
        if self.order and self._sent != self.order and idle and now_s >= self._due_s:
            self._due_s = now_s + EVERY_S
            self._thread = Thread(
                target=self._attempt, args=(self.order,), name="preference", daemon=True
            )
            self._thread.start()

    def _attempt(self, order: tuple[str, ...]) -> None:
        try:
            log = self._connect()
            try:
                self._sent = self._send(log, order)
            finally:
                log.close()
        except StreamsError as error:
            self._logger.warning("preference_not_sent", reason=str(error))

    def _send(self, log: Log, order: Sequence[str]) -> tuple[str, ...]:
        """Return what the arbiters have of the order now."""
        was = _read(log.note(NOTE))
        known = {name.removeprefix(_INGEST) for name in log.beats() if name.startswith(_INGEST)}
        wanted = due(order, known, was)
        if wanted == was:
            return was
        requests = [
            Request(arbiter_of(shard), "prefer", {"source": name, "reason": "account priority"})
            for name in reversed(wanted)
            for shard in range(self._shards)
        ]
        answers = ask(log, requests, issuer="ingest:accounts", timeout_s=ANSWER_S)
        if not all(each is not None and each.ok for each in answers):
            self._logger.warning("preference_not_taken", order=list(wanted))
            return ()
        log.save_note(NOTE, msgspec.json.encode(wanted))
        self._logger.info("preference_sent", order=list(wanted))
        return wanted


def due(order: Sequence[str], known: Collection[str], was: Sequence[str]) -> tuple[str, ...]:
    """Those of the order that the arbiters know; `was`: what they were told the last time."""
    return tuple(name for name in order if name in known or name in was)


def _read(note: bytes | None) -> tuple[str, ...]:
    try:
        return msgspec.json.decode(note or b"[]", type=tuple[str, ...])
    except msgspec.DecodeError:
        return ()  # of another version: it is said anew
