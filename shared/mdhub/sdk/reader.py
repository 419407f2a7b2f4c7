# HOT: `Reader.read` runs once per message.
"""Makes messages of frames, of the instruments that are followed."""

from __future__ import annotations

from typing import Final

from mdhub.sdk.events import Message, Statistics
from mdhub.wire.codec import DecodeError, decode_live_header
from mdhub.wire.topics import Selection

__all__ = ["Reader"]

_TOPICS_REMEMBERED: Final = 400_000


class Reader:
    """Counts what cannot be read as malformed."""

    def __init__(self, patterns: tuple[str, ...], statistics: Statistics) -> None:
        self._selection = Selection(patterns)
        self._statistics = statistics
        self._names: dict[bytes, str | None] = {}

    def read(self, frames: list[bytes]) -> Message | None:
        """Make a message of three frames; None if it is not for us or not one."""
        try:
            topic, header, payload = frames
            name = self._names[topic] if topic in self._names else self._name(topic)
            if name is None:
                return None
            return Message(topic, decode_live_header(header), payload, name)
        except (ValueError, DecodeError):
            self._statistics.malformed += 1
            return None

    def _name(self, topic: bytes) -> str | None:
        """Read the instrument from a topic; None = not ours, empty = of the whole shard."""
        kind, _, rest = topic.decode().partition(".")
        name: str | None = ""
        if kind in ("tick", "quality"):
            exchange, _, symbol = rest[:-1].partition(".")
            name = f"{symbol}.{exchange}"
            if not self._selection.matches(name):
                name = None
        if len(self._names) >= _TOPICS_REMEMBERED:
            self._names.clear()
        self._names[topic] = name
        return name
