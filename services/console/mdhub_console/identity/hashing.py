"""Passwords to argon2id hashes and back to yes or no, a few at a time.

19 MiB, two passes, one lane: the least that OWASP allows, about 21 ms of one core. The console
shares its machine with the tick path, and the lockout, not the cost, keeps guessers out.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import BoundedSemaphore, Semaphore
from typing import Final

from argon2 import PasswordHasher, Type, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError

from mdhub_console.identity.errors import TooBusy

__all__ = ["Cost", "Hasher"]

AT_ONCE: Final = 1
WAITING: Final = 8
_NOBODY: Final = "a password that nobody has"


@dataclass(frozen=True, slots=True)
class Cost:
    """What one hash costs."""

    memory_kib: int = 19_456
    passes: int = 2
    lanes: int = 1


class Hasher:
    """Blocks: call it in a thread. Raises TooBusy when `WAITING` others wait already."""

    def __init__(self, cost: Cost = Cost()) -> None:
        self._cost = cost
        self._argon = PasswordHasher(cost.passes, cost.memory_kib, cost.lanes, type=Type.ID)
        self._queue = BoundedSemaphore(AT_ONCE + WAITING)
        self._turn = Semaphore(AT_ONCE)
        self._nobody = self._argon.hash(_NOBODY)
        self.hashes = 0
        """How many were made since the start: what an attack costs us."""
        self.turned_away = 0

    def hash(self, password: str) -> str:
        """Return what is kept of a password."""
        with self._in_turn():
            return self._argon.hash(password)

    def matches(self, kept: str | None, password: str) -> bool:
        """Whether a password is the one kept; None (an unknown user) takes as long, and is not."""
        with self._in_turn():
            try:
                self._argon.verify(kept or self._nobody, password)
            except (VerificationError, InvalidHashError):
                return False
        return kept is not None

    def is_outdated(self, kept: str) -> bool:
        """Whether a hash was made at another cost."""
        return self._argon.check_needs_rehash(kept)

    def is_fit(self, kept: str) -> bool:
        """Whether a hash that somebody else made is argon2id, and costs at least as much."""
        try:
            found = extract_parameters(kept)
        except InvalidHashError:
            return False
        enough = found.memory_cost >= self._cost.memory_kib and found.time_cost >= self._cost.passes
        return found.type is Type.ID and enough

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        if not self._queue.acquire(blocking=False):
            self.turned_away += 1
            raise TooBusy("many are logging in at this moment; try again")
        try:
            with self._turn:
                self.hashes += 1
                yield
        finally:
            self._queue.release()
