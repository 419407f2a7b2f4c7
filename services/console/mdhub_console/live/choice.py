"""What one tab wants to see: topics, filters, and where it was. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from mdhub.wire.errors import MdhubError
from mdhub_console.live.rows import Row

__all__ = [
    "CONTRACT_TOPIC",
    "ROW_TOPICS",
    "TOPICS",
    "BadChoice",
    "LineFilter",
    "cursor_text",
    "read_cursors",
]

ROW_TOPICS: Final = ("events", "logs", "rejected", "history")
"""Topics of which every row counts; they are taken up where they were left."""
STATE_TOPICS: Final = ("connection", "status", "health", "alerts", "commands")
"""Topics of which the newest state alone counts."""
TOPICS: Final = (*STATE_TOPICS, *ROW_TOPICS)
CONTRACT_TOPIC: Final = "instrument"
"""`instrument:rb2701.SHFE`: something of this contract is new. One of it for each tab."""
MAX_CURSORS: Final = 64


class BadChoice(MdhubError):
    """A parameter that names nothing."""


@dataclass(frozen=True, slots=True)
class LineFilter:
    """Which log lines are sent."""

    level: int = 0
    services: frozenset[str] = field(default_factory=frozenset)
    """Empty = all."""
    text: str = ""
    """In lower case; empty = all."""
    since_ns: int = 0

    def predicate(self) -> Callable[[Row], bool] | None:
        """Return the test; None = every line passes."""
        if self == LineFilter():
            return None
        return self.passes

    def passes(self, row: Row) -> bool:
        return (
            row.level >= self.level
            and (not self.services or row.name in self.services)
            and row.ts_ns >= self.since_ns
            and (not self.text or self.text in row.text)
        )


def cursor_text(cursors: Mapping[str, bytes]) -> str:
    """Where a tab is, as the id of an SSE event: `events=1763600000000-0;logs=...`."""
    return ";".join(f"{name}={at.decode()}" for name, at in cursors.items())


def read_cursors(text: str) -> dict[str, bytes]:
    """Read what `cursor_text` wrote. Raises BadChoice."""
    found: dict[str, bytes] = {}
    for part in filter(None, text.split(";")[:MAX_CURSORS]):
        name, _, at = part.partition("=")
        ms, _, seq = at.partition("-")
        topic = name.partition(":")[0]
        if topic not in ROW_TOPICS or not (_is_count(ms) and _is_count(seq)):
            raise BadChoice(
                f"Last-Event-ID was {text[:80]!r}, expected what the stream sent, such as "
                "events=1763600000000-0;logs=1763600000000-5"
            )
        found[name] = at.encode()
    return found


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 20  # noqa: PLR2004 - digits of 2**64
