"""Priorities of accounts become the hub's order of preference, by the command operators use.

Sent when the order changes, and when an account of it has come that the arbiters did not know yet:
what an operator prefers by hand meanwhile stays. The log keeps what was sent, so a restart of the
supervisor sends nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Final

import msgspec

from mdhub.runtime.logging import Logger
from mdhub.streams.asking import Request, arbiter_of, ask
from mdhub.streams.port import Log
from mdhub_ingest.accounts.errand import Errand

__all__ = ["Preference", "due"]

ANSWER_S: Final = 5.0
NOTE: Final = "preference"
_INGEST: Final = "ingest:"


class Preference:
    """`order` is set by the main thread, which also calls `turn`; a thread does the asking."""

    def __init__(self, connect: Callable[[], Log], shards: int, logger: Logger) -> None:
        self.order: tuple[str, ...] = ()
        """Ids, the preferred one first; empty = nobody has said."""
        self._errand = Errand(connect, "preference", logger)
        self._shards = shards
        self._logger = logger
        self._sent: tuple[str, ...] = ()

    def turn(self) -> None:
        """Send what is to be sent, at most one attempt at a time."""
        if self.order and self._sent != self.order:
            self._errand.begin(partial(self._attempt, order=self.order))

    def _attempt(self, log: Log, *, order: tuple[str, ...]) -> None:
        self._sent = self._send(log, order)

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
