"""Documents of which the newest alone counts: the health report, what the alerting remembers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mdhub.streams.client import Link
    from mdhub.streams.topology import Keys

__all__ = ["HEALTH", "MemoryNotes", "RedisNotes"]

HEALTH = "health"


class RedisNotes:
    """The part of a log on a real server that keeps them, each under a key of its own."""

    _keys: Keys

    def _of(self, key: str) -> Link:
        raise NotImplementedError

    def save_note(self, name: str, payload: bytes) -> None:
        key = self._keys.note(name)
        self._of(key).call("SET", key, payload)

    def note(self, name: str) -> bytes | None:
        key = self._keys.note(name)
        payload: bytes | None = self._of(key).call("GET", key)
        return payload

    def save_health(self, payload: bytes) -> None:
        self.save_note(HEALTH, payload)

    def health(self) -> bytes | None:
        return self.note(HEALTH)


class MemoryNotes:
    """The same in memory."""

    def __init__(self, notes: dict[str, bytes]) -> None:
        self._notes = notes

    def save_note(self, name: str, payload: bytes) -> None:
        self._notes[name] = payload

    def note(self, name: str) -> bytes | None:
        return self._notes.get(name)

    def save_health(self, payload: bytes) -> None:
        self.save_note(HEALTH, payload)

    def health(self) -> bytes | None:
        return self.note(HEALTH)
