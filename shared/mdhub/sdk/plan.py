"""What to follow and from where, checked before anything is asked for. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from mdhub.sdk.errors import PatternError
from mdhub.sdk.events import Position
from mdhub.wire.errors import WireError
from mdhub.wire.topics import HEARTBEAT_TOPIC, subscription_prefixes

__all__ = ["Begin", "Plan", "Start", "plan"]

MAX_PATTERN_CHARS: Final = 64
_SHARD_TOPICS: Final = (b"epoch.", b"phase.", b"marker.")
_UNIX: Final = datetime(1970, 1, 1, tzinfo=UTC)

Start = str | datetime | Position | tuple[int, int] | Sequence[Position]
"""From where, as a strategy says it."""

Begin = str | int | Mapping[int, tuple[int, int]]
"""The same, checked: `live`, `snapshot`, `session`, a time in ns, or `(epoch, n)` by shard."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to follow, checked."""

    patterns: tuple[str, ...]
    prefixes: tuple[bytes, ...]
    everything: bool
    begin: Begin

    def begin_of(self, shard: int) -> str | int | tuple[int, int]:
        """From where a shard is followed."""
        return self.begin if isinstance(self.begin, (str, int)) else self.begin[shard]

    def check_shards(self, shards: Sequence[int]) -> None:
        """Raise ValueError if positions were given, but not one for each shard."""
        if not isinstance(self.begin, (str, int)) and set(self.begin) != set(shards):
            raise ValueError(
                f"start names positions of shards {sorted(self.begin)}, expected one for each of "
                f"{sorted(shards)}"
            )


def plan(patterns: tuple[str, ...], start: Start) -> Plan:
    """Check patterns and start. Raises PatternError or ValueError."""
    begin = _begin(start)
    patterns = tuple(dict.fromkeys(patterns)) or ("*",)
    everything = "*" in patterns
    for pattern in patterns:
        if len(pattern) > MAX_PATTERN_CHARS:
            raise PatternError(
                f"pattern {pattern[:20]!r}... has {len(pattern)} characters, "
                f"expected at most {MAX_PATTERN_CHARS}"
            )
    try:
        covered = [p for pattern in patterns for p in subscription_prefixes(pattern)]
    except WireError as error:
        raise PatternError(str(error)) from None
    if everything:
        covered = [b"tick.", b"quality.", *_SHARD_TOPICS]
    else:
        covered.append(b"epoch.")
    # Heartbeats last: the first one to arrive shows that the filters before it are in force.
    prefixes = (*dict.fromkeys(covered), HEARTBEAT_TOPIC)
    return Plan(patterns, prefixes, everything, begin)


def _begin(start: Start) -> Begin:
    if isinstance(start, datetime):
        return _ns(start)
    if isinstance(start, Position):
        return _positions([start])
    match start:
        case "live" | "snapshot" | "session":
            return str(start)
        case (int(epoch), int(n)):
            return _positions([Position(0, epoch, n=n)])
        case [Position(), *_]:
            return _positions(start)
        case _:
            raise ValueError(
                f"start was {start!r}, expected 'live', 'snapshot', 'session', a datetime with a "
                "time zone, an (epoch, n), or a Position of each shard"
            )


def _ns(start: datetime) -> int:
    if start.tzinfo is None:
        raise ValueError(
            f"start was {start}, without a time zone; expected one, such as "
            "datetime(2026, 11, 23, 9, 0, tzinfo=ZoneInfo('Asia/Shanghai'))"
        )
    return (start - _UNIX) // timedelta(microseconds=1) * 1_000


def _positions(positions: Sequence[object]) -> dict[int, tuple[int, int]]:
    found: dict[int, tuple[int, int]] = {}
    for position in positions:
        if not isinstance(position, Position) or position.n is None or position.n < 0:
            raise ValueError(f"start had {position!r}, expected a Position with an n")
        if position.shard in found:
            raise ValueError(
                f"start had two positions of shard {position.shard}, expected one of each shard"
            )
        found[position.shard] = (position.epoch, position.n)
    return found
