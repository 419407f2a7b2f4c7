"""Tells the monitor how accounts want to be watched, by the note of `mdhub.health.watched`.

Every supervisor writes it, of all accounts: they read one store, so they say the same. Said when
it changes, and once a minute, for a log that came back without it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Final

from mdhub.accounts.model import Account
from mdhub.health.watched import NOTE, Watched, encode_watched
from mdhub.runtime.logging import Logger
from mdhub.streams.port import Log
from mdhub_ingest.accounts.errand import Errand

__all__ = ["WatchedNote", "watched_of"]

AGAIN_S: Final = 60.0


def watched_of(accounts: Iterable[Account]) -> tuple[Watched, ...]:
    """Return what enabled accounts ask for, by id."""
    return tuple(
        Watched(each.id, each.health.canaries, each.health.silence_ms)
        for each in sorted(accounts, key=lambda each: each.id)
        if each.is_enabled and (each.health.canaries or each.health.silence_ms)
    )


class WatchedNote:
    """`accounts` is set by the main thread, which also calls `turn`."""

    def __init__(self, connect: Callable[[], Log], logger: Logger) -> None:
        self.accounts: tuple[Watched, ...] | None = None
        """None = the store has not been read yet."""
        self._errand = Errand(connect, "watched", logger)
        self._said: tuple[Watched, ...] | None = None
        self._again_s = 0.0

    def turn(self) -> None:
        """Say what is to be said."""
        due = self._said != self.accounts or time.monotonic() >= self._again_s
        if self.accounts is not None and due:
            self._errand.begin(partial(self._say, accounts=self.accounts))

    def _say(self, log: Log, *, accounts: tuple[Watched, ...]) -> None:
        log.save_note(NOTE, encode_watched(accounts))
        self._said, self._again_s = accounts, time.monotonic() + AGAIN_S
